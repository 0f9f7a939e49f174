using Lauter.Training.Networks;

namespace Lauter.Training.Parity;

/// <summary>A text, as token ids, on which two implementations of a model are compared.</summary>
/// <param name="Name">For the report.</param>
/// <param name="Ids">Two or more token ids.</param>
public sealed record ParityProbe(string Name, int[] Ids);

/// <summary>The engine's side of a comparison.</summary>
/// <param name="TokenLogProbabilities">For ids x₀…xₙ₋₁: the n−1 natural-log probabilities of xᵢ after x₀…xᵢ₋₁, i = 1…n−1.</param>
/// <param name="Greedy">The most probable continuation of the ids, at most so many tokens, without an end token.</param>
public sealed record ParityEngine(
    Func<int[], CancellationToken, Task<float[]>> TokenLogProbabilities,
    Func<int[], int, CancellationToken, Task<int[]>> Greedy);

/// <summary>How far the served model is from our forward pass.</summary>
public sealed record ParityReport
{
    /// <summary>Probes compared.</summary>
    public required int Probes { get; init; }

    /// <summary>Log-probabilities compared.</summary>
    public required int Tokens { get; init; }

    /// <summary>Largest absolute difference of a log-probability, in nats.</summary>
    public required double MaximumDifference { get; init; }

    /// <summary>Mean absolute difference, in nats.</summary>
    public required double MeanDifference { get; init; }

    /// <summary>Part of the probes, 0–1, whose greedy continuations are the same tokens.</summary>
    public required double GreedyAgreement { get; init; }

    /// <summary>Name of the probe with the largest difference.</summary>
    public required string WorstProbe { get; init; }

    /// <summary>The largest difference that passes.</summary>
    public required double Tolerance { get; init; }

    /// <summary>Whether both implementations are the same model for every purpose of this product.</summary>
    public bool Passed => Tokens > 0 && MaximumDifference <= Tolerance && GreedyAgreement == 1;
}

/// <summary>The gate of an export: what we trained and what the engine serves must agree.</summary>
public static class ParityCheck
{
    /// <summary>Largest difference in nats that passes for weights stored as fp32 or fp16.</summary>
    public const double DefaultTolerance = 1e-2;

    private const int GreedyTokens = 24;

    /// <summary>
    /// Two tokens whose probabilities differ by less than the tolerance may swap places under another order of additions; from there on the
    /// texts differ without anything being wrong.
    /// </summary>
    private const double TieMargin = 2 * DefaultTolerance;

    /// <summary>Compares <paramref name="network"/>, loaded from the exported file, with <paramref name="engine"/> serving the same file.</summary>
    /// <param name="network">Our fp32 forward pass.</param>
    /// <param name="engine">The served model.</param>
    /// <param name="probes">At least one; a probe's ids must leave room for 24 more in the context.</param>
    /// <param name="endTokens">Tokens at which a continuation ends.</param>
    /// <param name="tolerance">In nats.</param>
    /// <param name="cancellationToken">Ends the comparison between probes.</param>
    public static async Task<ParityReport> CompareAsync(
        LanguageNetwork network,
        ParityEngine engine,
        IReadOnlyList<ParityProbe> probes,
        IReadOnlySet<int> endTokens,
        double tolerance = DefaultTolerance,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(engine);
        ArgumentNullException.ThrowIfNull(probes);
        double largest = 0, sum = 0;
        int tokens = 0, agreed = 0;
        var worst = "";
        foreach (var probe in probes)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var theirs = await engine.TokenLogProbabilities(probe.Ids, cancellationToken);
            if (theirs.Length != probe.Ids.Length - 1)
            {
                throw new InvalidDataException($"Probe {probe.Name}: the engine gave {theirs.Length} log-probabilities for {probe.Ids.Length} tokens; {probe.Ids.Length - 1} were expected.");
            }

            var ours = network.LogProbabilities(probe.Ids);
            for (var i = 0; i < theirs.Length; i++)
            {
                // A NaN compares with nothing, so it must count as the worst difference of all.
                var difference = Math.Abs((double)theirs[i] - ours[i, probe.Ids[i + 1]]);
                difference = double.IsFinite(difference) ? difference : double.MaxValue;
                sum += difference;
                tokens++;
                if (difference > largest || worst.Length == 0)
                {
                    (largest, worst) = (Math.Max(largest, difference), probe.Name);
                }
            }

            var continuation = await engine.Greedy(probe.Ids, GreedyTokens, cancellationToken);
            agreed += IsGreedy(network, probe.Ids, continuation, endTokens) ? 1 : 0;
        }

        return new ParityReport
        {
            Probes = probes.Count,
            Tokens = tokens,
            MaximumDifference = largest,
            MeanDifference = tokens == 0 ? 0 : sum / tokens,
            GreedyAgreement = probes.Count == 0 ? 0 : (double)agreed / probes.Count,
            WorstProbe = worst,
            Tolerance = tolerance,
        };
    }

    /// <summary>The network's own most probable continuation.</summary>
    public static int[] Greedy(LanguageNetwork network, int[] prompt, int count, IReadOnlySet<int> endTokens)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(prompt);
        ArgumentNullException.ThrowIfNull(endTokens);
        List<int> ids = [.. prompt];
        while (ids.Count < prompt.Length + count)
        {
            var next = MostProbable(network.LogProbabilities([.. ids]), ids.Count - 1);
            if (endTokens.Contains(next))
            {
                break;
            }

            ids.Add(next);
        }

        return [.. ids.Skip(prompt.Length)];
    }

    /// <summary>One forward pass over prompt and continuation shows at once whether each token was the best, or tied with it.</summary>
    private static bool IsGreedy(LanguageNetwork network, int[] prompt, int[] continuation, IReadOnlySet<int> endTokens)
    {
        var logs = network.LogProbabilities([.. prompt, .. continuation]);
        for (var i = 0; i < continuation.Length; i++)
        {
            var at = prompt.Length - 1 + i;
            if (logs[at, MostProbable(logs, at)] - logs[at, continuation[i]] > TieMargin)
            {
                return false;
            }
        }

        return continuation.Length >= GreedyTokens || endTokens.Contains(MostProbable(logs, logs.GetLength(0) - 1));
    }

    private static int MostProbable(float[,] logs, int row)
    {
        var best = 0;
        for (var id = 1; id < logs.GetLength(1); id++)
        {
            best = logs[row, id] > logs[row, best] ? id : best;
        }

        return best;
    }
}
