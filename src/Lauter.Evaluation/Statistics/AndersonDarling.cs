namespace Lauter.Evaluation.Statistics;

/// <summary>Whether several samples come from one distribution, with more weight on the tails than Kolmogorov and Smirnov give.</summary>
/// <remarks>Scholz and Stephens (1987), K-sample Anderson–Darling tests.</remarks>
public static class AndersonDarling
{
    private static readonly double[] Levels = [0.25, 0.1, 0.05, 0.025, 0.01, 0.005, 0.001];
    private static readonly double[] B0 = [0.675, 1.281, 1.645, 1.96, 2.326, 2.573, 3.085];
    private static readonly double[] B1 = [-0.245, 0.25, 0.678, 1.149, 1.822, 2.364, 3.615];
    private static readonly double[] B2 = [-0.105, -0.305, -0.362, -0.391, -0.396, -0.345, -0.154];

    /// <summary>The statistic, centred and divided by its standard deviation, and its p, which the published table holds only from 0.001 to 0.25.</summary>
    /// <param name="samples">At least two samples, together at least four values that are not all equal.</param>
    /// <param name="middleRanks">How ties count: with middle ranks (default), or by the right-continuous distribution.</param>
    /// <exception cref="ArgumentException">Too few samples or values, or all are equal.</exception>
    public static (double Statistic, double P) KSamples(IReadOnlyList<IReadOnlyList<double>> samples, bool middleRanks = true)
    {
        double[] all = [.. samples.SelectMany(s => s).Order()];
        double[] distinct = [.. all.Distinct()];
        if (samples.Count < 2 || samples.Any(s => s.Count == 0) || all.Length < 4 || distinct.Length < 2)
        {
            throw new ArgumentException("Anderson–Darling needs two samples with four values, not all of them equal.", nameof(samples));
        }

        double n = all.Length, k = samples.Count, raw = 0;
        foreach (var sample in samples)
        {
            double[] sorted = [.. sample.Order()];
            double sum = 0;
            foreach (var value in middleRanks ? distinct : distinct[..^1])
            {
                double below = Below(all, value), equal = Below(all, value, orEqual: true) - below, mine = Below(sorted, value, orEqual: true);
                if (middleRanks)
                {
                    double middle = below + (equal / 2), own = mine - ((mine - Below(sorted, value)) / 2), gap = (n * own) - (middle * sorted.Length);
                    sum += equal / n * gap * gap / ((middle * (n - middle)) - (n * equal / 4));
                }
                else
                {
                    double upTo = below + equal, gap = (n * mine) - (upTo * sorted.Length);
                    sum += equal / n * gap * gap / (upTo * (n - upTo));
                }
            }

            raw += sum / sorted.Length;
        }

        raw *= middleRanks ? (n - 1) / n : 1;
        var statistic = (raw - (k - 1)) / Math.Sqrt(Variance(samples, n, k));
        return (statistic, P(statistic, k - 1));
    }

    private static double Variance(IReadOnlyList<IReadOnlyList<double>> samples, double n, double k)
    {
        double inverse = samples.Sum(s => 1.0 / s.Count), h = 0, g = 0;
        for (var i = 1; i < n - 1; i++)
        {
            h += 1 / (n - i);
            g += h / (i + 1);
        }

        h += 1;
        double a = (((4 * g) - 6) * (k - 1)) + ((10 - (6 * g)) * inverse);
        double b = (((2 * g) - 4) * k * k) + (8 * h * k) + (((2 * g) - (14 * h) - 4) * inverse) - (8 * h) + (4 * g) - 6;
        double c = (((6 * h) + (2 * g) - 2) * k * k) + (((4 * h) - (4 * g) + 6) * k) + (((2 * h) - 6) * inverse) + (4 * h);
        double d = (((2 * h) + 6) * k * k) - (4 * h * k);
        return ((a * n * n * n) + (b * n * n) + (c * n) + d) / ((n - 1) * (n - 2) * (n - 3));
    }

    /// <summary>A parabola through the logarithms of the table's levels, by least squares; held at the table's ends.</summary>
    private static double P(double statistic, double m)
    {
        double[] critical = [.. B0.Select((b, i) => b + (B1[i] / Math.Sqrt(m)) + (B2[i] / m))];
        if (statistic < critical[0])
        {
            return Levels[0];
        }

        if (statistic > critical[^1])
        {
            return Levels[^1];
        }

        // Centred, so that the normal equations are well conditioned.
        var centre = critical.Average();
        var s = new double[5];
        var t = new double[3];
        for (var i = 0; i < critical.Length; i++)
        {
            double x = critical[i] - centre, y = Math.Log(Levels[i]), power = 1;
            for (var e = 0; e < 5; e++, power *= x)
            {
                s[e] += power;
                t[e % 3] += e < 3 ? power * y : 0;
            }
        }

        double[,] rows = { { s[0], s[1], s[2], t[0] }, { s[1], s[2], s[3], t[1] }, { s[2], s[3], s[4], t[2] } };
        for (var column = 0; column < 3; column++)
        {
            for (var row = column + 1; row < 3; row++)
            {
                var factor = rows[row, column] / rows[column, column];
                for (var e = column; e < 4; e++)
                {
                    rows[row, e] -= factor * rows[column, e];
                }
            }
        }

        var c2 = rows[2, 3] / rows[2, 2];
        var c1 = (rows[1, 3] - (rows[1, 2] * c2)) / rows[1, 1];
        var c0 = (rows[0, 3] - (rows[0, 1] * c1) - (rows[0, 2] * c2)) / rows[0, 0];
        var at = statistic - centre;
        return Math.Exp(c0 + (c1 * at) + (c2 * at * at));
    }

    private static int Below(double[] sorted, double value, bool orEqual = false)
    {
        int low = 0, high = sorted.Length;
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = sorted[middle] < value || (orEqual && sorted[middle] == value) ? (middle + 1, high) : (low, middle);
        }

        return low;
    }
}
