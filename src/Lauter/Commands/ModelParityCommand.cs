using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Models.Comparison;
using Lauter.Models.Conversion;
using Lauter.Models.Gguf;
using Lauter.Models.Tokens;

namespace Lauter.Commands;

/// <summary><c>lauter model parity</c>: whether two forms of a model answer alike, by limits for the candidate's storage.</summary>
internal static class ModelParityCommand
{
    private const int MostTokens = 512;

    public static Command Create()
    {
        Argument<string> reference = new("reference") { Description = "The GGUF file to agree with." }, candidate = new("candidate") { Description = "The GGUF file that will be served." };
        var adapter = new Option<string>("--adapter") { Description = "A GGUF adapter onto the reference: base and adapter against the merge." };
        Option<string> referenceEngine = ModelEngine.Option("--reference-engine"), candidateEngine = ModelEngine.Option("--candidate-engine");
        var texts = new Option<string>("--texts") { Description = "Lines of text, or JSON lines with text, prompt and completion, or messages. Default: built-in texts." };
        var tokens = new Option<string>("--tokens-file") { Description = "Instead of texts: JSON lists of token ids." };
        var most = new Option<int>("--most") { Description = "Most texts to compare.", DefaultValueFactory = _ => 200 };
        var threads = new Option<int>("--threads") { Description = "Threads; 0 = one per core." };
        var format = Arguments.Format();
        var command = new Command("parity", "Compare two forms of a model: divergence, most probable token, perplexity; fails beyond the limits.") { reference, candidate, adapter, referenceEngine, candidateEngine, texts, tokens, most, threads, format };
        command.SetAction((result, cancellationToken) =>
        {
            string left = ModelCommand.Existing(result.GetValue(reference)!), right = ModelCommand.Existing(result.GetValue(candidate)!);
            var probes = result.GetValue(tokens) is { } file
                ? [.. ModelCommand.TokenIds(file).Select((ids, index) => ($"list {index}", ids))]
                : Probes(left, right, result.GetValue(texts), result.GetValue(most));
            probes.RemoveAll(probe => probe.Ids.Length < 2);
            if (probes.Count == 0)
            {
                throw new CommandException(ExitCodes.Usage, "no text has two tokens or more, so there is nothing to compare.");
            }

            var context = Math.Max(64, probes.Max(probe => probe.Ids.Length));
            using var one = ModelEngine.Open(left, result.GetValue(referenceEngine)!, result.GetValue(adapter) is { } name ? ModelCommand.Existing(name) : null, 1, result.GetValue(threads), context);
            using var other = ModelEngine.Open(right, result.GetValue(candidateEngine)!, null, 1, result.GetValue(threads), context);
            using var header = GgufFile.Open(right);
            var storage = Quantisation.Of(header);
            var agreement = ModelAgreement.Of(one.LogProbabilities, other.LogProbabilities, probes, cancellationToken);
            var limits = AgreementLimits.Of(storage);
            var broken = limits.Broken(agreement).ToArray();
            Write(agreement, limits, storage, broken, result.GetValue(format) == "json");
            return Task.FromResult(broken.Length == 0 ? ExitCodes.Success : ExitCodes.GateFailed);
        });
        return command;
    }

    /// <summary>Ids of the texts; both vocabularies must give the same, or the models are not two forms of one.</summary>
    public static List<(string Name, int[] Ids)> Probes(string left, string right, string? file, int most)
    {
        using ModelTokenizer? one = ModelLogitsCommand.Vocabulary(left), other = ModelLogitsCommand.Vocabulary(right);
        if (one is null || other is null)
        {
            throw new CommandException(ExitCodes.Usage, "a model without vocabulary is compared on --tokens-file.");
        }

        var probes = new List<(string, int[])>();
        foreach (var (name, text, special) in (file is null ? ParityTexts.Default.Select(entry => (entry.Name, entry.Text, false)) : ParityRows.Read(ModelCommand.Existing(file), other)).Take(most))
        {
            var ids = other.Encode(text, special);
            if (!ids.SequenceEqual(one.Encode(text, special)))
            {
                throw new CommandException(ExitCodes.GateFailed, $"the two vocabularies split '{name}' differently, so the models are not two forms of one.");
            }

            if (other.AddsBegin && other.Begin is { } begin && (ids.Length == 0 || ids[0] != begin))
            {
                ids = [begin, .. ids];
            }

            probes.Add((name, ids.Length > MostTokens ? ids[..MostTokens] : ids));
        }

        return probes;
    }

    private static void Write(ModelAgreement agreement, AgreementLimits limits, Quantisation? storage, string[] broken, bool json)
    {
        if (json)
        {
            Arguments.WriteJson(new JsonObject
            {
                ["passed"] = broken.Length == 0,
                ["broken"] = new JsonArray([.. broken.Select(line => (JsonNode)line)]),
                ["texts"] = agreement.Texts,
                ["tokens"] = agreement.Tokens,
                ["mean_divergence"] = agreement.MeanDivergence,
                ["mean_difference"] = agreement.MeanDifference,
                ["maximum_difference"] = agreement.MaximumDifference,
                ["top_agreement"] = agreement.TopAgreement,
                ["reference_perplexity"] = agreement.ReferencePerplexity,
                ["candidate_perplexity"] = agreement.CandidatePerplexity,
                ["worst_text"] = agreement.WorstText,
                ["limits"] = new JsonObject { ["storage"] = storage?.Name, ["mean_divergence"] = limits.MeanDivergence, ["top_agreement"] = limits.TopAgreement, ["perplexity_ratio"] = limits.PerplexityRatio },
            });
            return;
        }

        System.Console.WriteLine($"{agreement.Tokens:N0} tokens of {agreement.Texts} texts, candidate {storage?.Name ?? "of unnamed storage"}");
        System.Console.WriteLine($"divergence {agreement.MeanDivergence:0.00000} nats (limit {limits.MeanDivergence}), most probable token {agreement.TopAgreement:0.0000} (limit {limits.TopAgreement})");
        System.Console.WriteLine($"perplexity {agreement.ReferencePerplexity:0.0000} → {agreement.CandidatePerplexity:0.0000} (limit × {limits.PerplexityRatio})");
        System.Console.WriteLine($"log-probability of the next token: mean difference {agreement.MeanDifference:0.00000}, largest {agreement.MaximumDifference:0.0000} (in '{agreement.WorstText}')");
        System.Console.WriteLine(broken.Length == 0 ? "pass" : $"FAIL: {string.Join("; ", broken)}");
    }
}
