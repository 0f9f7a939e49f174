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
    /// Wilcoxon's signed ranks, zeros dropped: the smaller rank sum and its two-sided p by the normal approximation, corrected for ties.
    /// (NaN, 1) without a difference.
    /// </summary>
    public static (double Statistic, double P) Wilcoxon(ReadOnlySpan<double> differences, bool continuity = false)
    {
        var kept = new List<double>();
        foreach (var d in differences)
        {
            if (d != 0)
            {
                kept.Add(d);
            }
        }

        if (kept.Count == 0)
        {
            return (double.NaN, 1);
        }

        double[] sizes = [.. kept.Select(Math.Abs)];
        var ranks = Ranks.Middle(sizes);
        double up = 0, down = 0, n = kept.Count;
        for (var i = 0; i < ranks.Length; i++)
        {
            (up, down) = kept[i] > 0 ? (up + ranks[i], down) : (up, down + ranks[i]);
        }

        var sd = Math.Sqrt((n * (n + 1) * ((2 * n) + 1) / 24) - (Ranks.TieTerm(sizes) / 48));
        var gap = Math.Abs(Math.Min(up, down) - (n * (n + 1) / 4)) - (continuity ? 0.5 : 0);
        return (Math.Min(up, down), Math.Min(1, 2 * Normal.UpperTail(gap / sd)));
    }

    /// <summary>Exact two-sided p of Wilcoxon's test given the ties, zeros dropped: every sign pattern of the ranks counted.</summary>
    public static double WilcoxonExact(ReadOnlySpan<double> differences)
    {
        double[] kept = [.. differences.ToArray().Where(d => d != 0)];
        var doubled = Array.ConvertAll(Ranks.Middle(Array.ConvertAll(kept, Math.Abs)), r => (int)Math.Round(2 * r));
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

        double extreme = 0, all = 0;
        for (var s = 0; s <= total; s++)
        {
            all += ways[s];
            extreme += Math.Abs(s - (total / 2.0)) >= Math.Abs(up - (total / 2.0)) - 1e-9 ? ways[s] : 0;
        }

        return Math.Min(1, extreme / all);
    }

    private static double Median(double[] values)
    {
        Array.Sort(values);
        return Bootstrap.Quantile(values, 0.5);
    }
}
