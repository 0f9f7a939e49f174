using System.CommandLine;
using System.Text.Json.Nodes;
using Lauter.Models.Comparison;
using Lauter.Models.Conversion;
using Lauter.Models.Gguf;
using Lauter.Models.Natives;

namespace Lauter.Commands;

/// <summary><c>lauter model choose</c>: which storage of a model answers fastest on this machine and still agrees with the original. Smaller is not always faster.</summary>
internal static class ModelChooseCommand
{
    private const int Rounds = 3;
    private const int MostTokens = 512;

    public static Command Create()
    {
        var source = new Argument<string>("source") { Description = "A GGUF model of F32, F16 or BF16: what the others must agree with." };
        var target = ModelCommand.Out("Directory for the stored forms; those that are there already are measured again, not written again.");
        var types = new Option<string[]>("--type") { Description = $"Storage to try, several times: {string.Join(", ", Quantisation.All.Select(one => one.Name))}.", DefaultValueFactory = _ => ["Q8_0", "Q4_1", "Q4_0"] };
        var texts = new Option<string>("--texts") { Description = "Texts to agree on: lines, or JSON lines with text, prompt and completion, or messages. Default: built-in texts." };
        Option<int> prompt = new("--prompt-tokens") { Description = "Tokens of a typical prompt.", DefaultValueFactory = _ => 400 }, answer = new("--answer-tokens") { Description = "Tokens of a typical answer.", DefaultValueFactory = _ => 40 };
        var threads = new Option<int>("--threads") { Description = "Threads; 0 = one per core." };
        var format = Arguments.Format();
        var command = new Command("choose", "Measure how fast each storage of a model reads and writes here, hold each against the original, and name the fastest that agrees.") { source, target, types, texts, prompt, answer, threads, format };
        command.SetAction((result, cancellationToken) =>
        {
            var from = ModelCommand.Existing(result.GetValue(source)!);
            var (reading, writing) = (Positive(result.GetValue(prompt), "--prompt-tokens"), Positive(result.GetValue(answer), "--answer-tokens"));
            Directory.CreateDirectory(result.GetValue(target)!);
            var forms = new List<Form> { new(from, NameOf(from)) };
            var refused = new SortedDictionary<string, string>(StringComparer.Ordinal);
            foreach (var type in result.GetValue(types)!.Distinct(StringComparer.OrdinalIgnoreCase))
            {
                var storage = ModelConvertCommand.Storage(type);
                var path = Path.Combine(result.GetValue(target)!, $"{Path.GetFileNameWithoutExtension(from)}.{storage.Name}.gguf");
                try
                {
                    if (!File.Exists(path))
                    {
                        ModelQuantiser.Quantise(from, path, storage, Math.Clamp(result.GetValue(threads), 0, 256));
                    }

                    forms.Add(new Form(path, storage.Name));
                }
                catch (GgufFormatException error)
                {
                    // The shapes of some models do not fit some storage; the others are still worth comparing.
                    refused.Add(storage.Name, error.Message);
                }
            }

            Time(forms, reading, writing, result.GetValue(threads), cancellationToken);
            Hold(forms, result.GetValue(texts), result.GetValue(threads), cancellationToken);
            var chosen = forms.Where(form => form.Broken.Length == 0).MinBy(form => form.Prompt + form.Answer)!;
            Write(forms, refused, chosen, reading, writing, result.GetValue(format) == "json");
            return Task.FromResult(ExitCodes.Success);
        });
        return command;
    }

    /// <summary>The forms take turns, so that what else the machine does hits all of them alike; each keeps its best round.</summary>
    private static void Time(List<Form> forms, int reading, int writing, int threads, CancellationToken cancellationToken)
    {
        for (var round = 0; round < Rounds; round++)
        {
            foreach (var form in forms)
            {
                cancellationToken.ThrowIfCancellationRequested();
                using var speed = ServedSpeed.Open(form.Path, reading + writing, threads);
                // The first reading maps the file's pages in.
                speed.Measure(Math.Min(reading, 32), 1);
                var (prompt, answer) = speed.Measure(reading, writing);
                (form.Prompt, form.Answer) = (Math.Min(form.Prompt, prompt), Math.Min(form.Answer, answer));
            }
        }
    }

    private static void Hold(List<Form> forms, string? file, int threads, CancellationToken cancellationToken)
    {
        var original = forms[0];
        var probes = ModelParityCommand.Probes(original.Path, original.Path, file, 200).Where(probe => probe.Ids.Length > 1).ToList();
        if (probes.Count == 0)
        {
            throw new CommandException(ExitCodes.Usage, "no text has two tokens or more, so there is nothing to agree on.");
        }

        using var one = ServedModel.Open(original.Path, contextLength: MostTokens, threads: threads);
        foreach (var form in forms.Skip(1))
        {
            using var other = ServedModel.Open(form.Path, contextLength: MostTokens, threads: threads);
            form.Agreement = ModelAgreement.Of(ids => one.LogProbabilities(ids), ids => other.LogProbabilities(ids), probes, cancellationToken);
            using var header = GgufFile.Open(form.Path);
            form.Broken = [.. AgreementLimits.Of(Quantisation.Of(header)).Broken(form.Agreement)];
        }
    }

    private static string NameOf(string path)
    {
        using var file = GgufFile.Open(path);
        return Quantisation.Of(file) is { IsFullPrecision: true } storage
            ? storage.Name
            : throw new CommandException(ExitCodes.Usage, $"{path} is stored as {Quantisation.Of(file)?.Name ?? "something unnamed"}; the original must be F32, F16 or BF16, for nothing can be held against a file that has already lost bits.");
    }

    private static int Positive(int value, string option) => value > 0 ? value : throw new CommandException(ExitCodes.Usage, $"{option} is {value}; it must be 1 or more.");

    private static void Write(List<Form> forms, SortedDictionary<string, string> refused, Form chosen, int reading, int writing, bool json)
    {
        if (json)
        {
            Arguments.WriteJson(new JsonObject
            {
                ["chosen"] = chosen.Path,
                ["prompt_tokens"] = reading,
                ["answer_tokens"] = writing,
                ["refused"] = new JsonObject(refused.Select(item => KeyValuePair.Create(item.Key, (JsonNode?)item.Value))),
                ["forms"] = new JsonArray([.. forms.Select(form => (JsonNode)new JsonObject
                {
                    ["storage"] = form.Storage,
                    ["path"] = form.Path,
                    ["bytes"] = new FileInfo(form.Path).Length,
                    ["prompt_tokens_per_second"] = reading / form.Prompt,
                    ["answer_tokens_per_second"] = writing / form.Answer,
                    ["seconds"] = form.Prompt + form.Answer,
                    ["mean_divergence"] = form.Agreement?.MeanDivergence,
                    ["top_agreement"] = form.Agreement?.TopAgreement,
                    ["perplexity_ratio"] = form.Agreement is { } agreement ? agreement.CandidatePerplexity / agreement.ReferencePerplexity : null,
                    ["broken"] = new JsonArray([.. form.Broken.Select(line => (JsonNode)line)]),
                })]),
            });
            return;
        }

        System.Console.WriteLine($"a request of {reading} tokens in and {writing} out, best of {Rounds} rounds");
        System.Console.WriteLine($"{"storage",-8} {"size",10} {"reads/s",10} {"writes/s",10} {"request",10}  agreement");
        foreach (var form in forms)
        {
            var agreement = form.Agreement is { } seen ? $"divergence {seen.MeanDivergence:0.0000}, same token {seen.TopAgreement:0.000}{(form.Broken.Length == 0 ? "" : $"; FAILS: {string.Join("; ", form.Broken)}")}" : "the original";
            System.Console.WriteLine($"{form.Storage,-8} {ModelCommand.Size(new FileInfo(form.Path).Length),10} {reading / form.Prompt,10:N0} {writing / form.Answer,10:N1} {(form.Prompt + form.Answer) * 1_000,7:N0} ms  {agreement}");
        }

        foreach (var (storage, reason) in refused)
        {
            System.Console.WriteLine($"{storage,-8} not possible: {reason}");
        }

        System.Console.WriteLine($"choose {chosen.Path}");
    }

    private sealed class Form(string path, string storage)
    {
        public string Path => path;

        public string Storage => storage;

        /// <summary>Seconds of the best round.</summary>
        public double Prompt { get; set; } = double.PositiveInfinity;

        public double Answer { get; set; } = double.PositiveInfinity;

        public ModelAgreement? Agreement { get; set; }

        public string[] Broken { get; set; } = [];
    }
}
