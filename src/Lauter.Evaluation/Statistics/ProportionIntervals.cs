namespace Lauter.Evaluation.Statistics;

/// <summary>
/// Two-sided intervals of a proportion. <c>successes</c> of <c>n</c> items, <c>confidence</c> in (0, 1). Counts may be fractional
/// where an effective number of items is used.
/// </summary>
public static class ProportionIntervals
{
    /// <summary>Wilson's score interval; never a single point, inside [0, 1].</summary>
    public static Interval Wilson(double successes, double n, double confidence)
    {
        Check(successes, n, confidence);
        var z = Z(confidence);
        var p = successes / n;
        var centre = p + (z * z / (2 * n));
        var half = z * Math.Sqrt((p * (1 - p) / n) + (z * z / (4 * n * n)));
        var scale = 1 + (z * z / n);
        return new Interval(successes <= 0 ? 0 : Math.Max(0, (centre - half) / scale), successes >= n ? 1 : Math.Min(1, (centre + half) / scale));
    }

    /// <summary>Clopper–Pearson's exact interval: covers at least with the stated confidence.</summary>
    public static Interval ClopperPearson(double successes, double n, double confidence)
    {
        Check(successes, n, confidence);
        var tail = (1 - confidence) / 2;
        return new Interval(
            successes <= 0 ? 0 : BetaFunction.Quantile(tail, successes, n - successes + 1),
            successes >= n ? 1 : 1 - BetaFunction.Quantile(tail, n - successes, successes + 1));
    }

    /// <summary>Equal tails of the posterior with Jeffreys' prior; at 0 of n its lower end lies above 0.</summary>
    public static Interval Jeffreys(double successes, double n, double confidence)
    {
        Check(successes, n, confidence);
        var tail = (1 - confidence) / 2;
        return new Interval(
            BetaFunction.Quantile(tail, successes + 0.5, n - successes + 0.5),
            1 - BetaFunction.Quantile(tail, n - successes + 0.5, successes + 0.5));
    }

    /// <summary>Agresti–Coull: the normal interval around Wilson's centre, clipped to [0, 1].</summary>
    public static Interval AgrestiCoull(double successes, double n, double confidence)
    {
        Check(successes, n, confidence);
        var z = Z(confidence);
        var n2 = n + (z * z);
        var p = (successes + (z * z / 2)) / n2;
        var half = z * Math.Sqrt(p * (1 - p) / n2);
        return new Interval(Math.Max(0, p - half), Math.Min(1, p + half));
    }

    /// <summary>Normal approximation, clipped to [0, 1]. Collapses to a point at 0 and n: for comparison only, never for a decision.</summary>
    public static Interval Wald(double successes, double n, double confidence)
    {
        Check(successes, n, confidence);
        var p = successes / n;
        var half = Z(confidence) * Math.Sqrt(p * (1 - p) / n);
        return new Interval(Math.Max(0, p - half), Math.Min(1, p + half));
    }

    internal static double Z(double confidence) => Normal.Quantile(0.5 + (confidence / 2));

    private static void Check(double successes, double n, double confidence)
    {
        if (!(n > 0 && successes >= 0 && successes <= n && confidence is > 0 and < 1))
        {
            throw new ArgumentOutOfRangeException(
                nameof(n), $"{successes} of {n} at confidence {confidence}: expected 0 ≤ successes ≤ n, n > 0, 0 < confidence < 1.");
        }
    }
}
