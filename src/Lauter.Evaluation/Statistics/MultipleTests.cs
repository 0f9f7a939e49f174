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
