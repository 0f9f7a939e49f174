namespace Lauter.Evaluation.Statistics;

/// <summary>How many paired items a comparison needs, and what a given number can show. <c>discordance</c> is the share of items on which the two differ.</summary>
public static class SampleSize
{
    /// <summary>
    /// Items for which a true difference of <paramref name="difference"/> is found with probability <paramref name="power"/> by a
    /// two-sided test at <paramref name="alpha"/>: (z₁₋α⁄₂ + z_power)² (π_d - d²)/d², not rounded.
    /// </summary>
    public static double Superiority(double discordance, double difference, double alpha, double power)
    {
        var z = Normal.Quantile(1 - (alpha / 2)) + Normal.Quantile(power);
        return z * z * (discordance - (difference * difference)) / (difference * difference);
    }

    /// <summary>
    /// Items for which non-inferiority with <paramref name="margin"/> (one-sided <paramref name="alpha"/>) is shown with probability
    /// <paramref name="power"/> when the true difference is <paramref name="difference"/> (default none):
    /// (z₁₋α + z_power)² (π_d - d²)/(m + d)², not rounded. Infinity when the true difference is at or beyond the margin.
    /// </summary>
    public static double NonInferiority(double discordance, double margin, double alpha, double power, double difference = 0)
    {
        var room = margin + difference;
        var z = Normal.Quantile(1 - alpha) + Normal.Quantile(power);
        return room <= 0 ? double.PositiveInfinity : z * z * (discordance - (difference * difference)) / (room * room);
    }

    /// <summary>Power of the non-inferiority test with <paramref name="n"/> items at true difference <paramref name="difference"/>.</summary>
    public static double NonInferiorityPower(double n, double discordance, double margin, double alpha, double difference = 0)
    {
        var variance = discordance - (difference * difference);
        return variance <= 0
            ? margin + difference > 0 ? 1 : 0
            : Normal.Cdf(((margin + difference) * Math.Sqrt(n / variance)) - Normal.Quantile(1 - alpha));
    }

    /// <summary>Power of the two-sided superiority test with <paramref name="n"/> items at true difference <paramref name="difference"/>.</summary>
    public static double SuperiorityPower(double n, double discordance, double difference, double alpha)
    {
        var variance = discordance - (difference * difference);
        return variance <= 0
            ? difference > 0 ? 1 : 0
            : Normal.Cdf((difference * Math.Sqrt(n / variance)) - Normal.Quantile(1 - (alpha / 2)));
    }

    /// <summary>
    /// Items to show, one-sided at <paramref name="alpha"/>, that a proportion which is truly <paramref name="value"/> exceeds
    /// <paramref name="minimum"/>: (z₁₋α √(m(1-m)) + z_power √(v(1-v)))² / (v-m)², not rounded.
    /// </summary>
    public static double OneProportion(double minimum, double value, double alpha, double power)
    {
        var root = (Normal.Quantile(1 - alpha) * Math.Sqrt(minimum * (1 - minimum))) + (Normal.Quantile(power) * Math.Sqrt(value * (1 - value)));
        return root * root / ((value - minimum) * (value - minimum));
    }

    /// <summary>Items per arm to tell <paramref name="p1"/> from <paramref name="p2"/> on different items, two-sided, variance not pooled.</summary>
    public static double UnpairedPerArm(double p1, double p2, double alpha, double power)
    {
        var z = Normal.Quantile(1 - (alpha / 2)) + Normal.Quantile(power);
        return z * z * ((p1 * (1 - p1)) + (p2 * (1 - p2))) / ((p1 - p2) * (p1 - p2));
    }

    /// <summary>As <see cref="UnpairedPerArm"/>, with the variance pooled under the null hypothesis (the form most tables print).</summary>
    public static double UnpairedPerArmPooled(double p1, double p2, double alpha, double power)
    {
        var pooled = (p1 + p2) / 2;
        var root = (Normal.Quantile(1 - (alpha / 2)) * Math.Sqrt(2 * pooled * (1 - pooled)))
            + (Normal.Quantile(power) * Math.Sqrt((p1 * (1 - p1)) + (p2 * (1 - p2))));
        return root * root / ((p1 - p2) * (p1 - p2));
    }

    /// <summary>
    /// Exact power of the two-sided McNemar test that rejects when <paramref name="pValue"/>(b, c) ≤ <paramref name="alpha"/>: every
    /// (b, c) of n items weighted by its probability. Time grows with n².
    /// </summary>
    public static double McNemarPower(int n, double discordance, double difference, double alpha, Func<long, long, double> pValue)
    {
        double only1 = (discordance + difference) / 2, only2 = (discordance - difference) / 2, same = 1 - discordance;
        double power = 0;
        for (var b = 0; b <= n; b++)
        {
            for (var c = 0; c <= n - b; c++)
            {
                if (pValue(b, c) <= alpha)
                {
                    power += Math.Exp(
                        BetaFunction.LogChoose(n, b) + BetaFunction.LogChoose(n - b, c) + Log(only1, b) + Log(only2, c) + Log(same, n - b - c));
                }
            }
        }

        return power;

        static double Log(double p, int times) => times == 0 ? 0 : times * Math.Log(p);
    }
}
