namespace Lauter.Evaluation.Statistics;

/// <summary>What an alternative hypothesis says about the first sample.</summary>
public enum Alternative
{
    /// <summary>It differs.</summary>
    TwoSided,

    /// <summary>It is larger.</summary>
    Greater,

    /// <summary>It is smaller.</summary>
    Less,
}

/// <summary>What becomes of pairs without a difference in a test of signed ranks.</summary>
public enum ZeroDifferences
{
    /// <summary>Left out before ranking (Wilcoxon).</summary>
    Dropped,

    /// <summary>Ranked with the others, then left out of both sums (Pratt 1959): many ties make a difference less certain, as they should.</summary>
    Ranked,

    /// <summary>Ranked, and half of their ranks given to either side.</summary>
    Split,
}

/// <summary>Tests of order: Mann–Whitney for two samples, Wilcoxon for pairs, with Hodges–Lehmann's shifts.</summary>
public static class RankTests
{
    /// <summary>U of the first sample: pairs in which it is larger, ties half.</summary>
    public static double MannWhitneyU(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        double[] both = [.. x, .. y];
        double sum = 0;
        foreach (var rank in Ranks.Middle(both).AsSpan(0, x.Length))
        {
            sum += rank;
        }

        return sum - (x.Length * (x.Length + 1.0) / 2);
    }

    /// <summary>Normal approximation with the variance corrected for ties; 1 when all values are equal.</summary>
    public static double MannWhitney(ReadOnlySpan<double> x, ReadOnlySpan<double> y, Alternative alternative = Alternative.TwoSided, bool continuity = true)
    {
        double n1 = x.Length, n2 = y.Length, n = n1 + n2;
        var u = MannWhitneyU(x, y);
        double[] both = [.. x, .. y];
        var sd = Math.Sqrt(n1 * n2 / 12 * (n + 1 - (Ranks.TieTerm(both) / (n * (n - 1)))));
        if (sd == 0)
        {
            return 1;
        }

        var gap = alternative switch
        {
            Alternative.Greater => u - (n1 * n2 / 2),
            Alternative.Less => (n1 * n2 / 2) - u,
            _ => Math.Abs(u - (n1 * n2 / 2)),
        };
        var p = Normal.UpperTail((gap - (continuity ? 0.5 : 0)) / sd);
        return alternative == Alternative.TwoSided ? Math.Min(1, 2 * p) : p;
    }

    /// <summary>
    /// Exact two-sided p from the permutation distribution of the middle ranks, so right with ties too. Time grows with n·n1·n2: for
    /// samples up to some hundred values.
    /// </summary>
    public static double MannWhitneyExact(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        double[] both = [.. x, .. y];
        var doubled = Array.ConvertAll(Ranks.Middle(both), r => (int)Math.Round(2 * r));
        var total = doubled.Sum();
        var first = doubled.AsSpan(0, x.Length).ToArray().Sum();

        // Two-sided: the smaller sample's sum says the same, and has fewer subsets to count.
        var (size, observed) = x.Length <= y.Length ? (x.Length, first) : (y.Length, total - first);
        Array.Sort(doubled);
        var largest = doubled.AsSpan(doubled.Length - size).ToArray().Sum();

        // ways[k][s]: subsets of k ranks with sum s, as counts (a double holds C(1000, 500)).
        var ways = new double[size + 1][];
        for (var k = 0; k <= size; k++)
        {
            ways[k] = new double[largest + 1];
        }

        ways[0][0] = 1;
        var reach = new int[size + 1];
        foreach (var rank in doubled)
        {
            for (var k = size; k >= 1; k--)
            {
                if (ways[k - 1].AsSpan(0, reach[k - 1] + 1) is var from && (k == 1 || reach[k - 1] > 0))
                {
                    var to = ways[k].AsSpan(rank, from.Length);
                    for (var s = 0; s < from.Length; s++)
                    {
                        to[s] += from[s];
                    }

                    reach[k] = Math.Max(reach[k], reach[k - 1] + rank);
                }
            }
        }

        var centre = size * (double)total / doubled.Length;
        double extreme = 0, all = 0;
        for (var s = 0; s <= largest; s++)
        {
            all += ways[size][s];
            extreme += Math.Abs(s - centre) >= Math.Abs(observed - centre) - 1e-9 ? ways[size][s] : 0;
        }

        return Math.Min(1, extreme / all);
    }

    /// <summary>Median of the differences of all pairs (first minus second): the shift between two samples.</summary>
    public static double HodgesLehmann(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        var gaps = new double[x.Length * y.Length];
        var k = 0;
        foreach (var a in x)
        {
            foreach (var b in y)
            {
                gaps[k++] = a - b;
            }
        }

        return Median(gaps);
    }

    /// <summary>Median of the means of all pairs, an item with itself included: the centre of paired differences.</summary>
    public static double HodgesLehmann(ReadOnlySpan<double> differences)
    {
        var means = new double[differences.Length * (differences.Length + 1) / 2];
        var k = 0;
        for (var i = 0; i < differences.Length; i++)
        {
            for (var j = i; j < differences.Length; j++)
            {
                means[k++] = (differences[i] + differences[j]) / 2;
            }
        }

        return Median(means);
    }

    /// <summary>
    /// Wilcoxon's signed ranks: the smaller rank sum and its two-sided p by the normal approximation, corrected for ties. (NaN, 1) without a difference.
    /// </summary>
    public static (double Statistic, double P) Wilcoxon(ReadOnlySpan<double> differences, bool continuity = false, ZeroDifferences zeros = ZeroDifferences.Dropped)
    {
        double[] kept = [.. differences.ToArray().Where(d => d != 0 || zeros != ZeroDifferences.Dropped)];
        if (kept.All(d => d == 0))
        {
            return (double.NaN, 1);
        }

        double[] sizes = [.. kept.Select(Math.Abs)];
        var ranks = Ranks.Middle(sizes);
        double up = 0, down = 0, n = kept.Length, none = kept.Count(d => d == 0);
        for (var i = 0; i < ranks.Length; i++)
        {
            var half = kept[i] == 0 && zeros == ZeroDifferences.Split ? ranks[i] / 2 : 0;
            up += kept[i] > 0 ? ranks[i] : half;
            down += kept[i] < 0 ? ranks[i] : half;
        }

        var (mean, variance) = (n * (n + 1) / 4, n * (n + 1) * ((2 * n) + 1) / 24);
        if (zeros == ZeroDifferences.Ranked)
        {
            // Cureton (1967): the ranks that the zeros took are in neither sum.
            mean -= none * (none + 1) / 4;
            variance -= none * (none + 1) * ((2 * none) + 1) / 24;
        }

        var ties = Ranks.TieTerm(zeros == ZeroDifferences.Split ? sizes : [.. sizes.Where(size => size != 0)]);
        var gap = Math.Abs(Math.Min(up, down) - mean) - (continuity ? 0.5 : 0);
        return (Math.Min(up, down), Math.Min(1, 2 * Normal.UpperTail(gap / Math.Sqrt(variance - (ties / 48)))));
    }

    /// <summary>Exact two-sided p of Wilcoxon's test given the ties and zeros: every sign pattern of the ranks of what is not zero counted.</summary>
    /// <param name="differences">One for each pair.</param>
    /// <param name="zeros">Dropped before ranking, or ranked with the others (Pratt). Splitting has no sign patterns to count.</param>
    public static double WilcoxonExact(ReadOnlySpan<double> differences, ZeroDifferences zeros = ZeroDifferences.Dropped)
    {
        ArgumentOutOfRangeException.ThrowIfEqual((int)zeros, (int)ZeroDifferences.Split, nameof(zeros));
        double[] ranked = [.. differences.ToArray().Where(d => d != 0 || zeros == ZeroDifferences.Ranked)];
        var all = Ranks.Middle(Array.ConvertAll(ranked, Math.Abs));
        double[] kept = [.. ranked.Where(d => d != 0)];
        int[] doubled = [.. all.Where((_, index) => ranked[index] != 0).Select(rank => (int)Math.Round(2 * rank))];
        var total = doubled.Sum();
        var ways = new double[total + 1];
        ways[0] = 1;
        foreach (var rank in doubled)
        {
            for (var s = total; s >= rank; s--)
            {
                ways[s] += ways[s - rank];
            }
        }

        var up = 0;
        for (var i = 0; i < kept.Length; i++)
        {
            up += kept[i] > 0 ? doubled[i] : 0;
        }

        double extreme = 0, sum = 0;
        for (var s = 0; s <= total; s++)
        {
            sum += ways[s];
            extreme += Math.Abs(s - (total / 2.0)) >= Math.Abs(up - (total / 2.0)) - 1e-9 ? ways[s] : 0;
        }

        return Math.Min(1, extreme / sum);
    }

    private static double Median(double[] values)
    {
        Array.Sort(values);
        return Bootstrap.Quantile(values, 0.5);
    }
}
