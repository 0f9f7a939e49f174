namespace Lauter.Evaluation.Statistics;

/// <summary>Standard errors of a mean. For a paired comparison pass the differences.</summary>
public static class ClusteredErrors
{
    /// <summary>√(Σ(s-m)² / (n(n-1))): items independent. NaN below two items.</summary>
    public static double Independent(ReadOnlySpan<double> scores)
    {
        var n = scores.Length;
        return n < 2 ? double.NaN : Math.Sqrt(SquaredDeviations(scores, Mean(scores)) / ((double)n * (n - 1)));
    }

    /// <summary>SE² = independent SE² + n⁻² Σ over clusters Σ i≠j (s_i-m)(s_j-m) (Miller 2024, arXiv:2411.00640).</summary>
    public static double Clustered(ReadOnlySpan<double> scores, ClusterIndex clusters)
    {
        var independent = Independent(scores);
        var n = (double)scores.Length;
        var (squaredSums, squares) = ClusterSums(scores, clusters);
        return Math.Sqrt(Math.Max(0, (independent * independent) + ((squaredSums - squares) / (n * n))));
    }

    /// <summary>
    /// Sandwich error √(Σ over clusters (Σ(s-m))²)/n; with <paramref name="correct"/> times √(G/(G-1)) for G clusters (CR1), so that
    /// with single-item clusters it is <see cref="Independent"/>. NaN below two clusters when corrected.
    /// </summary>
    public static double Sandwich(ReadOnlySpan<double> scores, ClusterIndex clusters, bool correct = true)
    {
        double g = clusters.Count;
        var error = Math.Sqrt(ClusterSums(scores, clusters).SquaredSums) / scores.Length;
        return correct ? g < 2 ? double.NaN : error * Math.Sqrt(g / (g - 1)) : error;
    }

    /// <summary>How much larger the variance is than with independent items: at least 1 for planning; 1 when it cannot be estimated.</summary>
    public static double DesignEffect(ReadOnlySpan<double> scores, ClusterIndex clusters)
    {
        if (!clusters.IsClustered)
        {
            return 1;
        }

        double independent = Independent(scores), clustered = Sandwich(scores, clusters);
        var effect = clustered / independent * (clustered / independent);
        return double.IsFinite(effect) ? Math.Max(1, effect) : 1;
    }

    /// <summary>Items ÷ design effect; the number of clusters when all scores are equal and nothing can be estimated.</summary>
    public static double EffectiveItems(ReadOnlySpan<double> scores, ClusterIndex clusters)
    {
        if (!clusters.IsClustered)
        {
            return scores.Length;
        }

        return Independent(scores) > 0 && clusters.Count > 1
            ? scores.Length / DesignEffect(scores, clusters)
            : clusters.Count;
    }

    internal static double Mean(ReadOnlySpan<double> scores)
    {
        double sum = 0;
        foreach (var score in scores)
        {
            sum += score;
        }

        return sum / scores.Length;
    }

    private static double SquaredDeviations(ReadOnlySpan<double> scores, double mean)
    {
        double sum = 0;
        foreach (var score in scores)
        {
            sum += (score - mean) * (score - mean);
        }

        return sum;
    }

    private static (double SquaredSums, double Squares) ClusterSums(ReadOnlySpan<double> scores, ClusterIndex clusters)
    {
        var mean = Mean(scores);
        double squaredSums = 0;
        for (var cluster = 0; cluster < clusters.Count; cluster++)
        {
            double sum = 0;
            foreach (var member in clusters.Members(cluster))
            {
                sum += scores[member] - mean;
            }

            squaredSums += sum * sum;
        }

        return (squaredSums, SquaredDeviations(scores, mean));
    }
}
