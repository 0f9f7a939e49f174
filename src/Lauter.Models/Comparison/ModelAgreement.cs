namespace Lauter.Models.Comparison;

/// <summary>How far two forms of one model are from each other on the same token ids: adapter beside base, merged, quantised, or another implementation.</summary>
public sealed record ModelAgreement
{
    /// <summary>Texts compared.</summary>
    public required int Texts { get; init; }

    /// <summary>Predicted tokens compared.</summary>
    public required int Tokens { get; init; }

    /// <summary>Mean of |Δ log-probability| of the tokens that really follow, in nats.</summary>
    public required double MeanDifference { get; init; }

    /// <summary>Largest of these.</summary>
    public required double MaximumDifference { get; init; }

    /// <summary>Mean Kullback–Leibler divergence of the candidate's next-token distributions from the reference's, in nats.</summary>
    public required double MeanDivergence { get; init; }

    /// <summary>Part of the positions, 0–1, where both find the same token most probable.</summary>
    public required double TopAgreement { get; init; }

    /// <summary>exp of the mean negative log-probability by the reference.</summary>
    public required double ReferencePerplexity { get; init; }

    /// <summary>The same by the candidate.</summary>
    public required double CandidatePerplexity { get; init; }

    /// <summary>Name of the text with the largest difference.</summary>
    public required string WorstText { get; init; }

    /// <summary>Compares; the distributions of one text at a time are in memory.</summary>
    /// <param name="reference">Log-probabilities of the next token after each prefix of the ids.</param>
    /// <param name="candidate">The same from the other model.</param>
    /// <param name="texts">Names and ids, at least two each.</param>
    /// <param name="cancellationToken">Ends the comparison between texts.</param>
    public static ModelAgreement Of(Func<int[], float[][]> reference, Func<int[], float[][]> candidate, IEnumerable<(string Name, int[] Ids)> texts, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(reference);
        ArgumentNullException.ThrowIfNull(candidate);
        ArgumentNullException.ThrowIfNull(texts);
        int count = 0, tokens = 0, same = 0;
        double sum = 0, largest = -1, divergence = 0, left = 0, right = 0;
        var worst = "";
        foreach (var (name, ids) in texts)
        {
            cancellationToken.ThrowIfCancellationRequested();
            float[][] theirs = reference(ids), ours = candidate(ids);
            count++;
            for (var i = 0; i + 1 < ids.Length; i++, tokens++)
            {
                var difference = Finite(Math.Abs((double)theirs[i][ids[i + 1]] - ours[i][ids[i + 1]]));
                (sum, left, right) = (sum + difference, left - theirs[i][ids[i + 1]], right - ours[i][ids[i + 1]]);
                if (difference > largest)
                {
                    (largest, worst) = (difference, name);
                }

                divergence += Finite(Divergence(theirs[i], ours[i]));
                same += Top(theirs[i]) == Top(ours[i]) ? 1 : 0;
            }
        }

        return tokens > 0
            ? new ModelAgreement
            {
                Texts = count, Tokens = tokens, MeanDifference = sum / tokens, MaximumDifference = largest, MeanDivergence = Math.Max(0, divergence / tokens), TopAgreement = (double)same / tokens,
                ReferencePerplexity = Math.Exp(left / tokens), CandidatePerplexity = Math.Exp(right / tokens), WorstText = worst,
            }
            : throw new ArgumentException("There is nothing to compare: every text has fewer than two tokens.", nameof(texts));
    }

    /// <summary>A NaN compares with nothing, so it must count as the worst of all.</summary>
    private static double Finite(double value) => double.IsFinite(value) ? value : double.MaxValue / 1e6;

    private static double Divergence(float[] reference, float[] candidate)
    {
        var sum = 0.0;
        for (var i = 0; i < reference.Length; i++)
        {
            sum += Math.Exp(reference[i]) * ((double)reference[i] - candidate[i]);
        }

        return sum;
    }

    private static int Top(float[] logs) => Array.IndexOf(logs, logs.Max());
}
