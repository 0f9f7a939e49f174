using System.Numerics;

namespace Lauter.Evaluation.Statistics;

/// <summary>Whether two samples come from one distribution, by the squared distance of their distribution functions over the whole range.</summary>
/// <remarks>
/// Anderson (1962), On the distribution of the two-sample Cramér–von Mises criterion; Xiao, Gordon and Yakovlev (2006) for the exact counts;
/// Anderson and Darling (1952) for the limit.
/// </remarks>
public static class CramerVonMises
{
    /// <summary>Largest sample for which <see cref="TwoSamples"/> counts every order instead of taking the limit.</summary>
    public const int LargestExact = 20;

    /// <summary>The statistic T and its p: by counting every order, or by the limit, moved and scaled to T's own mean and variance.</summary>
    /// <param name="first">At least two values.</param>
    /// <param name="second">At least two values.</param>
    /// <param name="exact">Whether to count; null counts when neither sample has more than <see cref="LargestExact"/> values. With ties the count is an approximation too.</param>
    /// <exception cref="ArgumentException">A sample has fewer than two values.</exception>
    public static (double Statistic, double P) TwoSamples(IReadOnlyList<double> first, IReadOnlyList<double> second, bool? exact = null)
    {
        double m = first.Count, n = second.Count, all = m + n, product = m * n;
        if (m < 2 || n < 2)
        {
            throw new ArgumentException($"Cramér–von Mises needs two values in each sample; there are {m} and {n}.", nameof(first));
        }

        var ranks = Ranks.Middle([.. first.Order(), .. second.Order()]);
        var u = (m * Gaps(ranks.AsSpan(0, first.Count))) + (n * Gaps(ranks.AsSpan(first.Count)));
        var statistic = (u / (product * all)) - (((4 * product) - 1) / (6 * all));
        if (exact ?? Math.Max(m, n) <= LargestExact)
        {
            return (statistic, Exact(u, first.Count, second.Count));
        }

        var mean = (1 + (1 / all)) / 6;
        var variance = (all + 1) * ((4 * product * all) - (3 * ((m * m) + (n * n))) - (2 * product)) / (45 * all * all * 4 * product);
        var limit = (1.0 / 6) + ((statistic - mean) / Math.Sqrt(45 * variance));
        return (statistic, limit < 0.003 ? 1 : Math.Clamp(1 - Limit(limit), 0, 1));
    }

    private static double Gaps(ReadOnlySpan<double> ranks)
    {
        double sum = 0;
        for (var index = 0; index < ranks.Length; index++)
        {
            sum += (ranks[index] - index - 1) * (ranks[index] - index - 1);
        }

        return sum;
    }

    /// <summary>Share of all orders of m and n values in which the sum of squared distances along the way is at least the one seen.</summary>
    private static double Exact(double u, int m, int n)
    {
        var lcm = (long)(m / BigInteger.GreatestCommonDivisor(m, n)) * n;
        long a = lcm / m, b = lcm / n;
        var product = (double)m * n;
        // Whole without ties; with ties the next lower sum is meant.
        var exact = (double)lcm * lcm * (m + n) * ((6 * u) - (product * ((4 * product) - 1))) / (6 * product * product);
        var seen = Math.Floor(exact + 1e-6);
        var column = Enumerable.Range(0, m + 1).Select(v => v == 0 ? new Dictionary<long, double> { [0] = 1 } : []).ToArray();
        for (var step = 0; step <= n; step++)
        {
            var before = new Dictionary<long, double>();
            for (var v = 0; v <= m; v++)
            {
                var shift = ((a * v) - (b * step)) * ((a * v) - (b * step));
                var here = new Dictionary<long, double>();
                foreach (var (sum, ways) in before.Concat(column[v]))
                {
                    here[sum + shift] = here.GetValueOrDefault(sum + shift) + ways;
                }

                column[v] = before = here;
            }
        }

        return column[m].Where(item => item.Key >= seen).Sum(item => item.Value) / column[m].Values.Sum();
    }

    /// <summary>Distribution function of the limit: Σ Γ(k+½)/Γ(k+1) √(4k+1) e^-q K¼(q) / (π^1.5 √x) with q = (4k+1)²/(16x).</summary>
    private static double Limit(double x)
    {
        double sum = 0, weight = Math.Sqrt(Math.PI);
        for (var k = 0; k < 1_000; k++)
        {
            double y = (4 * k) + 1, q = y * y / (16 * x), term = weight * Math.Sqrt(y) * ScaledBessel(q);
            sum += term;
            if (term < 1e-17 * sum)
            {
                break;
            }

            weight *= (k + 0.5) / (k + 1);
        }

        return sum / (Math.Pow(Math.PI, 1.5) * Math.Sqrt(x));
    }

    /// <summary>e^-q K¼(q), K from its integral ∫ e^(-q cosh t) cosh(t/4) dt over t ≥ 0: the sum of equal steps converges with every digit.</summary>
    private static double ScaledBessel(double q)
    {
        const double Step = 1.0 / 64;
        var sum = Math.Exp(-2 * q) / 2;
        for (var index = 1; ; index++)
        {
            var t = index * Step;
            var exponent = -q * (1 + Math.Cosh(t));
            if (exponent < -745)
            {
                return sum * Step;
            }

            sum += Math.Exp(exponent) * Math.Cosh(t / 4);
        }
    }
}
