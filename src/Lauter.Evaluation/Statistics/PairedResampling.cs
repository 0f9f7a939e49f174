namespace Lauter.Evaluation.Statistics;

/// <summary>Resampling tests of a paired difference. Seeded; clusters are drawn or flipped as a whole.</summary>
public static class PairedResampling
{
    /// <summary>
    /// Interval of the mean of <paramref name="differences"/> from resamples of clusters, and the two-sided p of "no difference": twice
    /// the smaller share of resamples on either side of 0, counted with one more than was drawn.
    /// </summary>
    public static (Interval Interval, double P) Bootstrap(
        double[] differences, ClusterIndex clusters, int resamples, double confidence, ulong seed)
    {
        var sorted = Statistics.Bootstrap.Distribution(clusters, resamples, seed, members =>
        {
            double sum = 0;
            foreach (var member in members)
            {
                sum += differences[member];
            }

            return sum / members.Length;
        });
        var tail = (1 - confidence) / 2;
        var atMost = sorted.Count(v => v <= 0);
        var atLeast = sorted.Count(v => v >= 0);
        var p = Math.Min(1, 2.0 * (Math.Min(atMost, atLeast) + 1) / (sorted.Length + 1));
        return (new Interval(Statistics.Bootstrap.Quantile(sorted, tail), Statistics.Bootstrap.Quantile(sorted, 1 - tail)), p);
    }

    /// <summary>
    /// Approximate randomisation: in each trial every cluster's two answers change sides with probability one half; p is the share of
    /// trials with a difference at least as large, counted with one more than was drawn. Holds its level whatever the distribution.
    /// </summary>
    public static double Randomisation(double[] differences, ClusterIndex clusters, int trials, ulong seed)
    {
        var sums = new double[clusters.Count];
        for (var cluster = 0; cluster < sums.Length; cluster++)
        {
            foreach (var member in clusters.Members(cluster))
            {
                sums[cluster] += differences[member];
            }
        }

        // A hair below the observed sum: trials that flip it back to itself must count although they add in another order.
        var random = new SeededRandom(seed);
        var observed = Math.Abs(sums.Sum());
        var threshold = observed - (1e-9 * Math.Max(1, observed));
        var extreme = 0;
        for (var trial = 0; trial < trials; trial++)
        {
            double sum = 0;
            ulong bits = 0;
            for (var cluster = 0; cluster < sums.Length; cluster++)
            {
                bits = cluster % 64 == 0 ? random.Next() : bits >> 1;
                sum += (bits & 1) == 0 ? sums[cluster] : -sums[cluster];
            }

            extreme += Math.Abs(sum) >= threshold ? 1 : 0;
        }

        return (extreme + 1.0) / (trials + 1);
    }

    /// <summary>
    /// sacrebleu's paired bootstrap p: (#{|d_i| - mean|d| > |d|} + 1) / (N + 1). For comparison with its reports only: centring by the
    /// mean of the absolute differences calls small differences significant too often, so no gate rests on it.
    /// </summary>
    public static double SacrebleuBootstrapP(double observed, ReadOnlySpan<double> resampledDifferences)
    {
        double mean = 0;
        foreach (var difference in resampledDifferences)
        {
            mean += Math.Abs(difference) / resampledDifferences.Length;
        }

        return MoreExtreme(observed, resampledDifferences, mean);
    }

    /// <summary>sacrebleu's approximate randomisation p: (#{|d_i| > |d|} + 1) / (N + 1).</summary>
    public static double SacrebleuRandomisationP(double observed, ReadOnlySpan<double> randomisedDifferences) =>
        MoreExtreme(observed, randomisedDifferences, centre: 0);

    private static double MoreExtreme(double observed, ReadOnlySpan<double> differences, double centre)
    {
        var count = 0;
        foreach (var difference in differences)
        {
            count += Math.Abs(difference) - centre > Math.Abs(observed) ? 1 : 0;
        }

        return (count + 1.0) / (differences.Length + 1);
    }
}
