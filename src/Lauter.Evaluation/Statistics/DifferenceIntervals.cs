namespace Lauter.Evaluation.Statistics;

/// <summary>Two-sided intervals of a difference of proportions (first minus second).</summary>
public static class DifferenceIntervals
{
    /// <summary>
    /// Tango's score interval of a paired difference: the D with |T(D)| ≤ z, T(D) = (b-c-nD)/√(n(2q+D(1-D))), q the larger root of
    /// 2n·q² + (-b-c+(2n-b+c)D)·q - cD(1-D) = 0. At D = 0, T is McNemar's z.
    /// </summary>
    /// <remarks>Tango (1998), Statistics in Medicine 17:891. Holds with few discordant pairs, where Wald's does not.</remarks>
    public static Interval Tango(PairedTable table, double confidence) => TangoAt(table, ProportionIntervals.Z(confidence), correction: 0);

    /// <summary>
    /// As <see cref="Tango"/> at a critical value of the caller, with b - c moved by <paramref name="correction"/> towards the bound.
    /// </summary>
    /// <param name="table">The counts.</param>
    /// <param name="criticalValue">z, or a larger value where items are not independent; at least 0.</param>
    /// <param name="correction">
    /// 0 for Tango's own interval. With ½ a one-sided test at its bound keeps its level in every case enumerated (n 50 to 1,000,
    /// discordance 0.02 to 0.3), where the uncorrected one reaches 0.060 for a stated 0.05.
    /// </param>
    public static Interval TangoAt(PairedTable table, double criticalValue, double correction)
    {
        var estimate = table.Difference;
        return new Interval(Solve(-1, estimate, criticalValue, -correction), Solve(estimate, 1, -criticalValue, correction));

        double Solve(double low, double high, double target, double shift)
        {
            // T falls from low to high. An end that does not reach the target is itself the bound.
            if (target > 0 ? TangoStatistic(table, low, shift) <= target : TangoStatistic(table, high, shift) >= target)
            {
                return target > 0 ? low : high;
            }

            for (var i = 0; i < 100; i++)
            {
                var middle = (low + high) / 2;
                if (middle <= low || middle >= high)
                {
                    break;
                }

                if (TangoStatistic(table, middle, shift) > target)
                {
                    low = middle;
                }
                else
                {
                    high = middle;
                }
            }

            return (low + high) / 2;
        }
    }

    /// <summary>
    /// T(D) of <see cref="Tango"/>, <paramref name="shift"/> added to b - c: positive when the observed difference lies above
    /// <paramref name="difference"/>. T(0) = 0 without discordant pairs.
    /// </summary>
    public static double TangoStatistic(PairedTable table, double difference, double shift = 0)
    {
        double n = table.Items, b = table.OnlyFirst, c = table.OnlySecond, d = difference;
        var linear = -b - c + (((2 * n) - b + c) * d);
        var constant = -c * d * (1 - d);
        var root = Math.Sqrt(Math.Max(0, (linear * linear) - (8 * n * constant)));

        // The form without cancellation: for a positive linear term the textbook root subtracts two nearly equal numbers.
        var q = linear > 0 ? -2 * constant / (linear + root) : (root - linear) / (4 * n);
        var numerator = b - c - (n * d) + shift;
        var variance = n * ((2 * q) + (d * (1 - d)));
        if (variance > 0)
        {
            return numerator / Math.Sqrt(variance);
        }

        return numerator == 0 ? 0 : numerator > 0 ? double.PositiveInfinity : double.NegativeInfinity;
    }

    /// <summary>Newcombe's hybrid score interval of two independent proportions (his method 10 for unpaired data).</summary>
    public static Interval Newcombe(double successes1, double n1, double successes2, double n2, double confidence)
    {
        double p1 = successes1 / n1, p2 = successes2 / n2;
        var (l1, u1) = ProportionIntervals.Wilson(successes1, n1, confidence);
        var (l2, u2) = ProportionIntervals.Wilson(successes2, n2, confidence);
        var d = p1 - p2;
        return new Interval(d - Hypotenuse(p1 - l1, u2 - p2), d + Hypotenuse(u1 - p1, p2 - l2));
    }

    /// <summary>Newcombe's square-and-add interval of a paired difference (1998, method 10); with <paramref name="correctPhi"/> his continuity correction of φ.</summary>
    public static Interval NewcombePaired(PairedTable table, double confidence, bool correctPhi = false)
    {
        double a = table.BothRight, b = table.OnlyFirst, c = table.OnlySecond, d = table.BothWrong, n = table.Items;
        double p1 = (a + b) / n, p2 = (a + c) / n;
        var (l1, u1) = ProportionIntervals.Wilson(a + b, n, confidence);
        var (l2, u2) = ProportionIntervals.Wilson(a + c, n, confidence);
        var product = (a + b) * (c + d) * (a + c) * (b + d);
        var numerator = (a * d) - (b * c);
        if (correctPhi)
        {
            numerator = numerator > n / 2 ? numerator - (n / 2) : Math.Min(numerator, 0);
        }

        var phi = product == 0 ? 0 : numerator / Math.Sqrt(product);
        return new Interval(
            p1 - p2 - Correlated(p1 - l1, u2 - p2, phi),
            p1 - p2 + Correlated(u1 - p1, p2 - l2, phi));

        static double Correlated(double x, double y, double phi) => Math.Sqrt(Math.Max(0, (x * x) - (2 * phi * x * y) + (y * y)));
    }

    /// <summary>Wald's interval of a paired difference: for comparison only, too short with few discordant pairs.</summary>
    public static Interval WaldPaired(PairedTable table, double confidence)
    {
        double b = table.OnlyFirst, c = table.OnlySecond, n = table.Items;
        return Around((b - c) / n, Math.Sqrt(b + c - ((b - c) * (b - c) / n)) / n, confidence);
    }

    /// <summary>Bonett and Price's interval: Wald on (b + 1, c + 1, n + 2).</summary>
    public static Interval BonettPrice(PairedTable table, double confidence)
    {
        double n = table.Items + 2, p12 = (table.OnlyFirst + 1) / n, p21 = (table.OnlySecond + 1) / n;
        return Around(p12 - p21, Math.Sqrt((p12 + p21 - ((p12 - p21) * (p12 - p21))) / n), confidence);
    }

    private static Interval Around(double centre, double error, double confidence)
    {
        var half = ProportionIntervals.Z(confidence) * error;
        return new Interval(centre - half, centre + half);
    }

    private static double Hypotenuse(double x, double y) => Math.Sqrt((x * x) + (y * y));
}
