using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Scenarios.Support;

namespace Lauter.Scenarios;

/// <summary>Every verb of <c>lauter model</c> as a person or a script calls it, on a real model, and what it says to damaged ones.</summary>
public sealed class ModelVerbsScenario : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-model-verbs-").FullName;

    private static string Stories { get; } = Path.Combine(LauterProgram.RepositoryRoot, "..", "shared", "models", "stories260k", "stories260k-f32.gguf");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Verbs_OnARealModel_AgreeWithEachOther()
    {
        Assert.SkipUnless(File.Exists(Stories), "needs ../shared/models/stories260k, which this checkout has not.");
        string quantised = In("q8.gguf"), widened = In("f16.gguf"), ids = In("ids.json");
        await File.WriteAllTextAsync(ids, "[1, 403, 407, 261, 378]", TestContext.Current.CancellationToken);

        Assert.Equal(("gguf", "llama"), await AskAsync(n => (n["form"]!.ToString(), n["architecture"]!.ToString()), "inspect", Stories));
        var split = await AskAsync(n => string.Join(' ', n["ids"]!.AsArray()), "tokens", Stories, "--text", "Once upon");
        Assert.Equal("403 407", split);
        Assert.Equal("Q8_0", await AskAsync(n => n["quantisation"]!.ToString(), "quantise", Stories, "--type", "Q8_0", "--out", quantised));
        Assert.Equal("F16", await AskAsync(n => n["quantisation"]!.ToString(), "convert", Stories, "--type", "F16", "--out", widened));
        var choice = await AskAsync(n => n, "choose", Stories, "--threads", "1", "--type", "F16", "--type", "Q8_0", "--prompt-tokens", "100", "--answer-tokens", "10", "--out", In("forms"));
        Assert.Equal(["F32", "F16", "Q8_0"], choice["forms"]!.AsArray().Select(form => form!["storage"]!.ToString()));
        Assert.All(choice["forms"]!.AsArray(), form => Assert.True(form!["seconds"]!.GetValue<double>() > 0 && form["broken"]!.AsArray().Count == 0));
        // The fastest that agrees is named, whichever that is here.
        Assert.Equal(choice["forms"]!.AsArray().MinBy(form => form!["seconds"]!.GetValue<double>())!["path"]!.ToString(), choice["chosen"]!.ToString());
        Assert.True(await AskAsync(n => n["same_weights"]!.GetValue<bool>(), "diff", Stories, Stories));
        Assert.False(await AskAsync(n => n["same_weights"]!.GetValue<bool>(), "diff", Stories, quantised));

        // llama.cpp and our own pass find the same token, with the same log-probability.
        var served = await AskAsync(Top, "logits", Stories, "--tokens-file", ids, "--last", "--top", "1");
        var own = await AskAsync(Top, "logits", Stories, "--tokens-file", ids, "--last", "--top", "1", "--engine", "own");
        Assert.Equal(served.Id, own.Id);
        Assert.Equal(served.LogProbability, own.LogProbability, 1e-3);
        Assert.InRange(await AskAsync(n => n["maximum_difference"]!.GetValue<double>(), "parity", Stories, Stories, "--candidate-engine", "own"), 0, 1e-3);
        Assert.True(await AskAsync(n => n["passed"]!.GetValue<bool>(), "parity", Stories, quantised));

        static (int Id, double LogProbability) Top(JsonNode n)
        {
            var top = n["positions"]!.AsArray()[^1]!["top"]![0]!;
            return (top["id"]!.GetValue<int>(), top["log_probability"]!.GetValue<double>());
        }
    }

    [Fact]
    public async Task Verbs_OnATrainedAdapter_ServeMergeAndRecordTheSameModel()
    {
        Assert.SkipUnless(File.Exists(Stories), "needs ../shared/models/stories260k, which this checkout has not.");
        await File.WriteAllLinesAsync(In("rows.jsonl"), Enumerable.Range(0, 16).Select(i => $$"""{"text": "Lily has {{i}} red balls.", "split": "{{(i % 4 == 0 ? "validation" : "train")}}"}"""), TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(In("t.yaml"), $"base: {Path.GetFullPath(Stories)}\ndata: rows.jsonl\nout: out\nlora: {{ rank: 4 }}\nepochs: 4\nbatch: 4\nlearning_rate: 0.02\n", TestContext.Current.CancellationToken);
        var trained = await LauterProgram.RunAsync(Limit, "train", In("t.yaml"), "--quiet");
        Assert.True(trained.ExitCode == 0, trained.ToString());

        await AskAsync(n => n, "merge", Stories, In("out", "adapter"), "--type", "F32", "--out", In("merged.gguf"));
        Assert.InRange(
            await AskAsync(n => n["maximum_difference"]!.GetValue<double>(), "parity", Stories, In("merged.gguf"), "--adapter", In("out", "adapter.gguf"), "--candidate-engine", "own", "--texts", In("rows.jsonl")), 0, 5e-3);
        Assert.InRange(await AskAsync(n => n["maximum_difference"]!.GetValue<double>(), "parity", In("out", "model.gguf"), In("merged.gguf"), "--texts", In("rows.jsonl")), 0, 5e-3);

        // The base alone is another model than base and adapter, and the gate says so.
        var other = await LauterProgram.RunAsync(Limit, "model", "parity", In("merged.gguf"), Stories, "--texts", In("rows.jsonl"));
        Assert.Equal(6, other.ExitCode);
        Assert.Contains("FAIL: ", other.Output, StringComparison.Ordinal);

        // PEFT → GGUF adapter → PEFT keeps every value.
        await AskAsync(n => n, "convert", In("out", "adapter"), "--base", Stories, "--out", In("a.gguf"));
        await AskAsync(n => n, "convert", In("a.gguf"), "--base", Stories, "--out", In("peft"));
        Assert.Equal(
            await File.ReadAllBytesAsync(In("out", "adapter", "adapter_model.safetensors"), TestContext.Current.CancellationToken),
            await File.ReadAllBytesAsync(In("peft", "adapter_model.safetensors"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Verbs_OnWhatIsDamaged_SayWhatAndWhere()
    {
        Assert.SkipUnless(File.Exists(Stories), "needs ../shared/models/stories260k, which this checkout has not.");
        await File.WriteAllBytesAsync(In("cut.gguf"), (await File.ReadAllBytesAsync(Stories, TestContext.Current.CancellationToken))[..5000], TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(In("loop.jinja"), "{% for i in range(1000000000) %}x{% endfor %}", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(In("good.jinja"), "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(In("m.json"), """[{"role": "user", "content": "hi"}]""", TestContext.Current.CancellationToken);

        Assert.Equal("<user>hi", await AskAsync(n => n["text"]!.ToString(), "render", In("good.jinja"), "--messages", In("m.json")));
        await RefusedAsync("line 1, column 18: a range of 1000000000 numbers is too big", "render", In("loop.jinja"), "--messages", In("m.json"));
        await RefusedAsync("cut.gguf: length of 'tokenizer.ggml.tokens'[", "inspect", In("cut.gguf"));
        await RefusedAsync("was not found", "inspect", In("nothing.gguf"));
        await RefusedAsync("is the source itself; give the result another name", "quantise", Stories, "--type", "Q8_0", "--out", Stories);
        await RefusedAsync("there is no storage 'Q9'", "quantise", Stories, "--type", "Q9", "--out", In("x.gguf"));
        Assert.False(File.Exists(In("x.gguf")));
    }

    private string In(params string[] parts) => Path.Combine([_directory, .. parts]);

    private static async Task<T> AskAsync<T>(Func<JsonNode, T> read, params string[] arguments)
    {
        var result = await LauterProgram.RunAsync(Limit, ["model", .. arguments, "--format", "json"]);
        Assert.True(result.ExitCode == 0, result.ToString());
        try
        {
            return read(JsonNode.Parse(result.Output)!);
        }
        catch (JsonException)
        {
            Assert.Fail($"standard output is not pure JSON:\n{result}");
            throw;
        }
    }

    private static async Task RefusedAsync(string message, params string[] arguments)
    {
        var result = await LauterProgram.RunAsync(Limit, ["model", .. arguments]);
        Assert.NotEqual(0, result.ExitCode);
        Assert.True(result.Error.Contains(message, StringComparison.Ordinal), result.ToString());
    }
}
