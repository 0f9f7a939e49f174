using System.Text.Json.Nodes;
using Lauter.Inference.Engine;
using Lauter.Models.Gguf;

namespace Lauter.Tests.Inference;

/// <summary>LoRA adapters at run time, held against models into which the same change was merged.</summary>
public sealed class EngineAdapterTests
{
    private static readonly int[] Probe = [40, 50, 60, 70, 80, 90, 41, 51, 61];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Adapters_TwoMixedWithTheBase_EachAnswersAsItsMergedModel()
    {
        using var files = new AdapterFiles();
        var options = EngineFixture.Options with { Adapters = new Dictionary<string, string>(StringComparer.Ordinal) { ["one"] = files.Adapter(1), ["two"] = files.Adapter(2) } };
        await using var engine = await EngineProcess.StartAsync(EngineChildEntry.Launch, options, cancellationToken: Token);
        using var http = engine.CreateClient();
        var expected = new Dictionary<string, double[]>(StringComparer.Ordinal) { ["engine"] = await MergedAsync(TinyModel.Path) };
        expected["one"] = await MergedAsync(files.Merged(1));
        expected["two"] = await MergedAsync(files.Merged(2));
        var answers = await Task.WhenAll(Enumerable.Range(0, 60).Select(async index =>
        {
            var name = new[] { "engine", "one", "two" }[index % 3];
            return (name, Scores: await ScoreAsync(http, name));
        }));
        foreach (var (name, scores) in answers)
        {
            Assert.All(expected[name].Zip(scores), pair => Assert.Equal(pair.First, pair.Second, 2e-3));
        }

        Assert.True(expected["one"].Zip(expected["two"]).Max(pair => Math.Abs(pair.First - pair.Second)) > 0.05);
    }

    [Fact]
    public async Task Adapters_LoadedAndDroppedWhileServing_ChangeOnlyTheirOwnAnswers()
    {
        using var files = new AdapterFiles();
        var options = EngineFixture.Options with { AdapterDirectory = files.Directory };
        await using var engine = await EngineProcess.StartAsync(EngineChildEntry.Launch, options, cancellationToken: Token);
        using var http = engine.CreateClient();
        var plain = await ScoreAsync(http, "engine");
        var busy = Task.WhenAll(Enumerable.Range(0, 8).Select(_ => EngineFixture.PostAsync(http, "v1/completions", EngineFixture.Endless(150))));
        for (var round = 0; round < 5; round++)
        {
            var (status, loaded) = await EngineFixture.PostAsync(http, "v1/adapters", new JsonObject { ["name"] = "style", ["file"] = Path.GetFileName(files.Adapter(1 + (round % 2))) });
            Assert.Equal(200, status);
            Assert.True(loaded["effect"]!.GetValue<float>() > 0);
            var expected = await MergedAsync(files.Merged(1 + (round % 2)));
            Assert.All(expected.Zip(await ScoreAsync(http, "style")), pair => Assert.Equal(pair.First, pair.Second, 2e-3));
            Assert.All(plain.Zip(await ScoreAsync(http, "engine")), pair => Assert.Equal(pair.First, pair.Second, 2e-3));
            using var dropped = await http.DeleteAsync("v1/adapters/style", Token);
            Assert.True(dropped.IsSuccessStatusCode);
        }

        Assert.All(await busy, answer => Assert.Equal(200, answer.Status));
    }

    [Theory]
    [InlineData("../x.gguf", 400, "file")]
    [InlineData("missing.gguf", 400, "file")]
    [InlineData("base.gguf", 400, "file")]
    [InlineData("other-shape.gguf", 400, "file")]
    [InlineData("other-layer.gguf", 400, "file")]
    public async Task Adapters_FilesThatAreNone_AreRefusedInManagedCode(string file, int status, string parameter)
    {
        using var files = new AdapterFiles();
        File.Copy(TinyModel.Path, Path.Combine(files.Directory, "base.gguf"));
        files.Strange("other-shape.gguf", "blk.0.attn_q.weight", 48);
        files.Strange("other-layer.gguf", "blk.77.attn_q.weight", 32);
        await using var engine = await EngineProcess.StartAsync(EngineChildEntry.Launch, EngineFixture.Options with { AdapterDirectory = files.Directory }, cancellationToken: Token);
        using var http = engine.CreateClient();
        var (seen, answer) = await EngineFixture.PostAsync(http, "v1/adapters", new JsonObject { ["name"] = "x", ["file"] = file });
        Assert.Equal((status, parameter), (seen, answer["error"]!["param"]!.GetValue<string>()));
        Assert.Equal(0, (await engine.Client.HealthAsync(Token)).Waiting);
    }

    [Fact]
    public async Task Adapters_UnknownNameBesideKnownOnes_Is404()
    {
        using var files = new AdapterFiles();
        var options = EngineFixture.Options with { Adapters = new Dictionary<string, string>(StringComparer.Ordinal) { ["one"] = files.Adapter(1) } };
        await using var engine = await EngineProcess.StartAsync(EngineChildEntry.Launch, options, cancellationToken: Token);
        using var http = engine.CreateClient();
        var (status, answer) = await EngineFixture.PostAsync(http, "v1/completions", new JsonObject { ["model"] = "three", ["prompt"] = "x" });
        Assert.Equal((404, "model_not_found"), (status, answer["error"]!["code"]!.GetValue<string>()));
    }

    private static async Task<double[]> MergedAsync(string path)
    {
        await using var engine = await EngineProcess.StartAsync(EngineChildEntry.Launch, EngineFixture.Options with { ModelPath = path }, cancellationToken: Token);
        using var http = engine.CreateClient();
        return await ScoreAsync(http, "engine");
    }

    private static async Task<double[]> ScoreAsync(HttpClient http, string model)
    {
        var body = new JsonObject
        {
            ["model"] = model, ["prompt"] = new JsonArray([.. Probe.Select(token => (JsonNode)token)]), ["max_tokens"] = 0, ["echo"] = true, ["logprobs"] = 0,
        };
        var (status, answer) = await EngineFixture.PostAsync(http, "v1/completions", body);
        Assert.True(status == 200, answer.ToJsonString());
        return [.. answer["choices"]![0]!["logprobs"]!["token_logprobs"]!.AsArray().Skip(1).Select(value => value!.GetValue<double>())];
    }

    /// <summary>Adapters of rank 4 on the attention and feed-forward weights of the tiny model, and the same changes merged into it.</summary>
    private sealed class AdapterFiles : IDisposable
    {
        private const int Rank = 4;
        private const float Alpha = 8;

        public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("lauter-adapters-").FullName;

        public string Adapter(int seed)
        {
            var path = Path.Combine(Directory, $"adapter-{seed}.gguf");
            if (!File.Exists(path))
            {
                using var model = GgufFile.Open(TinyModel.Path);
                var writer = Writer(path);
                foreach (var tensor in Changed(model))
                {
                    var (a, b) = Pair(tensor, seed);
                    writer.AddTensor($"{tensor.Name}.lora_a", GgufTensorType.F32, [Rank, tensor.Shape[1]], a);
                    writer.AddTensor($"{tensor.Name}.lora_b", GgufTensorType.F32, [tensor.Shape[0], Rank], b);
                }

                writer.Finish();
            }

            return path;
        }

        public string Merged(int seed)
        {
            var path = Path.Combine(Directory, $"merged-{seed}.gguf");
            if (File.Exists(path))
            {
                return path;
            }

            using var model = GgufFile.Open(TinyModel.Path);
            var writer = GgufWriter.Create(path).AddFrom(model.Metadata);
            var changed = Changed(model).Select(tensor => tensor.Name).ToHashSet(StringComparer.Ordinal);
            foreach (var tensor in model.Tensors)
            {
                var values = model.ReadFloat32(tensor.Name);
                if (changed.Contains(tensor.Name))
                {
                    // W (out × in, rows of `in` numbers) + alpha / rank · B A.
                    var (a, b) = Pair(tensor, seed);
                    var (height, width) = ((int)tensor.Shape[0], (int)tensor.Shape[1]);
                    for (var row = 0; row < height; row++)
                    {
                        for (var column = 0; column < width; column++)
                        {
                            for (var rank = 0; rank < Rank; rank++)
                            {
                                values[(row * width) + column] += Alpha / Rank * b[(row * Rank) + rank] * a[(rank * width) + column];
                            }
                        }
                    }
                }

                writer.AddTensor(tensor.Name, GgufTensorType.F32, [.. tensor.Shape], values);
            }

            writer.Finish();
            return path;
        }

        /// <summary>A pair for a tensor that is not there, or that has another shape.</summary>
        public void Strange(string name, string tensor, int width) => Writer(Path.Combine(Directory, name))
            .AddTensor($"{tensor}.lora_a", GgufTensorType.F32, [4, width], new float[4 * width])
            .AddTensor($"{tensor}.lora_b", GgufTensorType.F32, [32, 4], new float[128])
            .Finish();

        public void Dispose() => System.IO.Directory.Delete(Directory, recursive: true);

        private static GgufWriter Writer(string path) => GgufWriter.Create(path)
            .Add("general.architecture", "llama").Add("general.type", "adapter").Add("adapter.type", "lora").Add("adapter.lora.alpha", Alpha);

        private static IEnumerable<GgufTensor> Changed(GgufFile model) =>
            model.Tensors.Where(tensor => tensor.Name.Contains("attn_q.weight", StringComparison.Ordinal) || tensor.Name.Contains("ffn_down.weight", StringComparison.Ordinal));

        private static (float[] A, float[] B) Pair(GgufTensor tensor, int seed)
        {
            var random = new Random((seed * 7_919) ^ tensor.Name.Sum(letter => letter * 31));
            return (Values(Rank * tensor.Shape[1]), Values(Rank * tensor.Shape[0]));

            float[] Values(long count) => [.. Enumerable.Range(0, (int)count).Select(_ => (float)(random.NextDouble() - 0.5) * 0.5f)];
        }
    }
}
