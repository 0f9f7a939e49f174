namespace Lauter.Evaluation.Statistics;

/// <summary>A statistic of the items with these indices (repeats allowed).</summary>
public delegate double ItemStatistic(ReadOnlySpan<int> members);

/// <summary>Resampling by cluster, seeded: the same seed gives the same interval on every machine and version.</summary>
public static class Bootstrap
{
    /// <summary>
    /// Values of <paramref name="statistic"/> on resamples that draw clusters with replacement, in ascending order; a resample on
    /// which it is not a number is left out.
    /// </summary>
    public static double[] Distribution(ClusterIndex clusters, int resamples, ulong seed, ItemStatistic statistic)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(resamples, 1);
        var random = new SeededRandom(seed);
        var values = new double[resamples];
        var members = new List<int>(clusters.Items * 2);
        for (var r = 0; r < resamples; r++)
        {
            members.Clear();
            for (var i = 0; i < clusters.Count; i++)
            {
                members.AddRange(clusters.Members(random.NextInt(clusters.Count)));
            }

            values[r] = statistic(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(members));
        }

        return [.. values.Where(double.IsFinite).Order()];
    }

    /// <summary>Percentile interval of the distribution; (NaN, NaN) when no resample has a value.</summary>
    public static Interval Percentile(ClusterIndex clusters, int resamples, double confidence, ulong seed, ItemStatistic statistic)
    {
        var sorted = Distribution(clusters, resamples, seed, statistic);
        var tail = (1 - confidence) / 2;
        return new Interval(Quantile(sorted, tail), Quantile(sorted, 1 - tail));
    }

    /// <summary>
    /// Bias-corrected and accelerated interval (Efron 1987) from a sorted bootstrap distribution, the estimate and the jackknife
    /// values (statistic without each item or cluster in turn).
    /// </summary>
    public static Interval Bca(ReadOnlySpan<double> sorted, double estimate, ReadOnlySpan<double> jackknife, double confidence)
    {
        int below = 0, atMost = 0;
        foreach (var value in sorted)
        {
            below += value < estimate ? 1 : 0;
            atMost += value <= estimate ? 1 : 0;
        }

        var z0 = Normal.Quantile((below + atMost) / (2.0 * sorted.Length));
        double mean = ClusteredErrors.Mean(jackknife), cubes = 0, squares = 0;
        foreach (var value in jackknife)
        {
            var gap = mean - value;
            cubes += gap * gap * gap;
            squares += gap * gap;
        }

        var acceleration = cubes / (6 * Math.Pow(squares, 1.5));
        var z = ProportionIntervals.Z(confidence);
        return new Interval(Quantile(sorted, Level(-z)), Quantile(sorted, Level(z)));

        double Level(double z) => Normal.Cdf(z0 + ((z0 + z) / (1 - (acceleration * (z0 + z)))));
    }

    /// <summary>Quantile of sorted values by linear interpolation between order statistics; NaN without values.</summary>
    public static double Quantile(ReadOnlySpan<double> sorted, double level)
    {
        if (sorted.IsEmpty)
        {
            return double.NaN;
        }

        var position = level * (sorted.Length - 1);
        var index = (int)Math.Floor(position);
        return index >= sorted.Length - 1 ? sorted[^1] : sorted[index] + ((position - index) * (sorted[index + 1] - sorted[index]));
    }
}
