namespace Lauter.Evaluation.Statistics;

/// <summary>Tests of two candidates on the same items from the discordant counts: b only the first right, c only the second.</summary>
public static class McNemar
{
    /// <summary>Exact two-sided p: min(1, 2·P(X ≤ min(b, c))) for X ~ Binomial(b + c, ½). 1 without discordant pairs.</summary>
    public static double Exact(long b, long c) => Math.Min(1, 2 * LowerTail(b + c, Math.Min(b, c)));

    /// <summary>Mid-p: the exact two-sided p less the probability of what was observed. 1 when b = c.</summary>
    public static double MidP(long b, long c) =>
        b == c ? 1 : (2 * LowerTail(b + c, Math.Min(b, c))) - Probability(b + c, Math.Min(b, c));

    /// <summary>One-sided exact p of "the first is not better": P(X ≥ b). Small when b is large.</summary>
    public static double ExactFirstBetter(long b, long c) => LowerTail(b + c, c);

    /// <summary>χ² = (b-c)²/(b+c) with one degree of freedom and its p; (0, 1) without discordant pairs.</summary>
    public static (double Statistic, double P) ChiSquared(long b, long c, bool corrected = false)
    {
        if (b + c == 0)
        {
            return (0, 1);
        }

        double gap = Math.Abs(b - c) - (corrected ? 1 : 0);
        var statistic = gap * gap / (b + c);
        return (statistic, Normal.ChiSquaredOneUpperTail(statistic));
    }

    /// <summary>P(X ≤ k) for X ~ Binomial(n, ½).</summary>
    internal static double LowerTail(long n, long k)
    {
        if (k < 0)
        {
            return 0;
        }

        // From the largest term downwards with the ratio of neighbours; stops when a term no longer counts.
        if (k >= n)
        {
            return 1;
        }

        if (2 * k >= n)
        {
            return 1 - LowerTail(n, n - k - 1);
        }

        double term = 1, sum = 1;
        for (var i = k; i > 0 && term > sum * 1e-18; i--)
        {
            term *= (double)i / (n - i + 1);
            sum += term;
        }

        return Probability(n, k) * sum;
    }

    private static double Probability(long n, long k) => Math.Exp(BetaFunction.LogChoose(n, k) - (n * Math.Log(2)));
}
