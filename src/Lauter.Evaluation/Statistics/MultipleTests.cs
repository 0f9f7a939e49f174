namespace Lauter.Evaluation.Statistics;

/// <summary>Adjusted p values of several tests, in the order of the input: reject where the adjusted p is at most alpha.</summary>
public static class MultipleTests
{
    /// <summary>Holm's step-down: holds the chance of any false rejection at alpha, whatever the dependence.</summary>
    public static double[] Holm(IReadOnlyList<double> p) => StepDown(p, (rank, n) => n - rank);

    /// <summary>Hochberg's step-up: needs independent or positively dependent tests.</summary>
    public static double[] Hochberg(IReadOnlyList<double> p) => StepUp(p, (rank, n) => n - rank);

    /// <summary>Benjamini–Hochberg: holds the expected share of false rejections.</summary>
    public static double[] BenjaminiHochberg(IReadOnlyList<double> p) => StepUp(p, (rank, n) => (double)n / (rank + 1));

    /// <summary>Bonferroni: n·p, at most 1.</summary>
    public static double[] Bonferroni(IReadOnlyList<double> p) => [.. p.Select(v => Math.Min(1, v * p.Count))];

    /// <summary>Benjamini–Yekutieli: as above whatever the dependence.</summary>
    public static double[] BenjaminiYekutieli(IReadOnlyList<double> p)
    {
        var harmonic = Enumerable.Range(1, p.Count).Sum(i => 1.0 / i);
        return StepUp(p, (rank, n) => harmonic * n / (rank + 1));
    }

    /// <summary>Šidák: 1 - (1 - p)ⁿ, for independent tests.</summary>
    public static double[] Sidak(IReadOnlyList<double> p) => [.. p.Select(v => -double.ExpM1(p.Count * double.LogP1(-v)))];

    /// <summary>Hommel's (1988): the closed test on Simes' inequality; at least as strong as Hochberg's under the same assumption.</summary>
    public static double[] Hommel(IReadOnlyList<double> p)
    {
        var n = p.Count;
        int[] order = [.. Order(p)];
        double[] sorted = [.. order.Select(i => p[i])], best = new double[n];
        Array.Fill(best, n == 0 ? 1 : sorted.Select((v, i) => n * v / (i + 1)).Min());
        for (var m = n - 1; m >= 2; m--)
        {
            // Of the m largest p, Simes' bound without its smallest; the smaller p may only be better than that.
            var simes = double.PositiveInfinity;
            for (var j = 2; j <= m; j++)
            {
                simes = Math.Min(simes, m * sorted[n - m + j - 1] / j);
            }

            for (var i = 0; i < n; i++)
            {
                best[i] = Math.Max(best[i], Math.Min(i <= n - m ? m * sorted[i] : m * sorted[n - m], simes));
            }
        }

        var adjusted = new double[n];
        for (var i = 0; i < n; i++)
        {
            adjusted[order[i]] = Math.Min(1, Math.Max(best[i], sorted[i]));
        }

        return adjusted;
    }

    private static double[] StepDown(IReadOnlyList<double> p, Func<int, int, double> factor)
    {
        var adjusted = new double[p.Count];
        double running = 0;
        var rank = 0;
        foreach (var index in Order(p))
        {
            running = Math.Max(running, Math.Min(1, factor(rank++, p.Count) * p[index]));
            adjusted[index] = running;
        }

        return adjusted;
    }

    private static double[] StepUp(IReadOnlyList<double> p, Func<int, int, double> factor)
    {
        var adjusted = new double[p.Count];
        double running = 1;
        var order = Order(p).ToArray();
        for (var rank = order.Length - 1; rank >= 0; rank--)
        {
            running = Math.Min(running, Math.Min(1, factor(rank, p.Count) * p[order[rank]]));
            adjusted[order[rank]] = running;
        }

        return adjusted;
    }

    private static IEnumerable<int> Order(IReadOnlyList<double> p) => Enumerable.Range(0, p.Count).OrderBy(i => p[i]);
}
