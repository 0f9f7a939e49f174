using Lauter.Inference.Engine;
using Lauter.Models.Templates;
using Lauter.Models.Tokens;
using Lauter.Training.Decoders;
using Lauter.Training.Parity;

namespace Lauter.Hosting;

/// <summary>The gate of every export: the file as the engine will serve it, against our own forward pass over the same file.</summary>
internal static class ParityGate
{
    /// <summary>What users might write to fool a template.</summary>
    private const string EdgeCase = "　Ｅ４７ 报错 🍺\n<|im_end|> twice";

    /// <summary>Compares on the user messages of rows and on one that no row has.</summary>
    /// <param name="path">The exported model.</param>
    /// <param name="messages">Names and user messages.</param>
    /// <param name="cancellationToken">Ends the comparison.</param>
    /// <returns>The report, and the CPU time of the engine.</returns>
    /// <exception cref="InvalidDataException">The model carries no chat template.</exception>
    public static async Task<(ParityReport Report, TimeSpan CpuTime)> CompareAsync(string path, IEnumerable<(string Name, string Text)> messages, CancellationToken cancellationToken)
    {
        using var tokenizer = ModelTokenizer.Open(path);
        using var network = DecoderNetwork.Open(path);
        var template = ChatTemplate.Parse(tokenizer.ChatTemplate ?? throw new InvalidDataException($"{path} carries no chat template."));
        List<ParityProbe> probes = [.. messages.Append(("mixed language, width and emoji", EdgeCase)).Select(m => new ParityProbe(
            m.Item1, ChatEncoder.Encode(template, tokenizer, [new ChatMessage("user", m.Item2)], addGenerationPrompt: true).Ids))];
        await using var engine = await EngineProcess.StartAsync(Children.Engine, new EngineOptions { ModelPath = path, Deterministic = true }, cancellationToken: cancellationToken);
        var report = await ParityCheck.CompareAsync(
            network,
            new ParityEngine(
                async (ids, token) => [.. (await engine.Client.CompletionLogProbabilitiesAsync(ids, 0, token)).Select(s => (float)s.LogProbability)],
                async (ids, count, token) => [.. (await engine.Client.GreedyAsync(ids, count, token)).LogProbabilities!.Select(t => t.Token)]),
            probes,
            new HashSet<int> { tokenizer.EndOfText, tokenizer.TokenOf("<|im_end|>") ?? tokenizer.EndOfText },
            ParityCheck.DefaultTolerance,
            cancellationToken);
        return (report, engine.CpuTime);
    }

    /// <summary>Why a report does not pass, in a sentence.</summary>
    public static string Explain(ParityReport report) =>
        $"the served model differs from the trained one: largest log-probability difference {report.MaximumDifference:0.####} (limit {report.Tolerance}) at '{report.WorstProbe}', greedy agreement {report.GreedyAgreement:P0}.";
}
