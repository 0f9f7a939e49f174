namespace Lauter.Evaluation.Statistics;

/// <summary>Distances between two samples or two sets of counts. They measure; <see cref="DriftTests"/> says what chance alone would do.</summary>
public static class Distances
{
    /// <summary>What replaces a share of zero in <see cref="Psi"/>, as Evidently does; not renormalised.</summary>
    public const double EmptyShare = 0.0001;

    /// <summary>Population stability index Σ (r - c) ln(r/c) of two rows of counts.</summary>
    public static double Psi(ReadOnlySpan<long> reference, ReadOnlySpan<long> current)
    {
        double n = Sum(reference), m = Sum(current), psi = 0;
        for (var i = 0; i < reference.Length; i++)
        {
            double r = reference[i] == 0 ? EmptyShare : reference[i] / n, c = current[i] == 0 ? EmptyShare : current[i] / m;
            psi += (r - c) * Math.Log(r / c);
        }

        return psi;
    }

    /// <summary>Kullback–Leibler divergence in nats, infinite where the second has an empty cell that the first fills.</summary>
    public static double KullbackLeibler(ReadOnlySpan<long> first, ReadOnlySpan<long> second)
    {
        double n = Sum(first), m = Sum(second), sum = 0;
        for (var i = 0; i < first.Length; i++)
        {
            sum += first[i] == 0 ? 0 : first[i] / n * Math.Log(first[i] / n / (second[i] / m));
        }

        return sum;
    }

    /// <summary>Jensen–Shannon divergence in nats: 0 to ln 2. Its root is the distance that scipy prints; ÷ ln 2 for base 2.</summary>
    public static double JensenShannon(ReadOnlySpan<long> first, ReadOnlySpan<long> second)
    {
        double n = Sum(first), m = Sum(second), sum = 0;
        for (var i = 0; i < first.Length; i++)
        {
            double p = first[i] / n, q = second[i] / m, middle = (p + q) / 2;
            sum += (p > 0 ? p * Math.Log(p / middle) : 0) + (q > 0 ? q * Math.Log(q / middle) : 0);
        }

        return Math.Max(0, sum / 2);
    }

    /// <summary>Hellinger's distance, 0 to 1.</summary>
    public static double Hellinger(ReadOnlySpan<long> first, ReadOnlySpan<long> second)
    {
        double n = Sum(first), m = Sum(second), sum = 0;
        for (var i = 0; i < first.Length; i++)
        {
            var gap = Math.Sqrt(first[i] / n) - Math.Sqrt(second[i] / m);
            sum += gap * gap;
        }

        return Math.Sqrt(sum / 2);
    }

    /// <summary>Total variation: half the sum of absolute differences of shares, 0 to 1.</summary>
    public static double TotalVariation(ReadOnlySpan<long> first, ReadOnlySpan<long> second)
    {
        double n = Sum(first), m = Sum(second), sum = 0;
        for (var i = 0; i < first.Length; i++)
        {
            sum += Math.Abs((first[i] / n) - (second[i] / m));
        }

        return sum / 2;
    }

    /// <summary>Largest gap between the two empirical distribution functions.</summary>
    public static double KolmogorovSmirnov(ReadOnlySpan<double> reference, ReadOnlySpan<double> current)
    {
        double[] x = Sorted(reference), y = Sorted(current);
        int i = 0, j = 0;
        double largest = 0;
        while (i < x.Length && j < y.Length)
        {
            var at = Math.Min(x[i], y[j]);
            while (i < x.Length && x[i] == at)
            {
                i++;
            }

            while (j < y.Length && y[j] == at)
            {
                j++;
            }

            largest = Math.Max(largest, Math.Abs((i / (double)x.Length) - (j / (double)y.Length)));
        }

        return largest;
    }

    /// <summary>Mean distance that mass has to travel from one sample to the other.</summary>
    public static double Wasserstein(ReadOnlySpan<double> reference, ReadOnlySpan<double> current)
    {
        double[] x = Sorted(reference), y = Sorted(current), all = Sorted([.. x, .. y]);
        double sum = 0;
        int i = 0, j = 0;
        for (var k = 0; k + 1 < all.Length; k++)
        {
            while (i < x.Length && x[i] <= all[k])
            {
                i++;
            }

            while (j < y.Length && y[j] <= all[k])
            {
                j++;
            }

            sum += Math.Abs((i / (double)x.Length) - (j / (double)y.Length)) * (all[k + 1] - all[k]);
        }

        return sum;
    }

    /// <summary>2E|X-Y| - E|X-X'| - E|Y-Y'| over all pairs; scipy's energy_distance is its root.</summary>
    public static double EnergySquared(ReadOnlySpan<double> reference, ReadOnlySpan<double> current) =>
        (2 * MeanGap(reference, current)) - MeanGap(reference, reference) - MeanGap(current, current);

    /// <summary>
    /// Unbiased squared maximum mean discrepancy with the kernel exp(-|x-y|²/(2σ²)); may be below 0. <paramref name="sigma"/>: the median
    /// of all pairwise distances of both samples together when null.
    /// </summary>
    public static double MmdSquared(IReadOnlyList<double[]> reference, IReadOnlyList<double[]> current, double? sigma = null)
    {
        var all = reference.Concat(current).ToArray();
        var width = sigma ?? MedianDistance(all);
        double same = 0, other = 0, cross = 0;
        for (var i = 0; i < all.Length; i++)
        {
            for (var j = 0; j < i; j++)
            {
                var k = Math.Exp(-SquaredDistance(all[i], all[j]) / (2 * width * width));
                (same, other, cross) = (i < reference.Count, j < reference.Count) switch
                {
                    (true, true) => (same + k, other, cross),
                    (false, false) => (same, other + k, cross),
                    _ => (same, other, cross + k),
                };
            }
        }

        double n = reference.Count, m = current.Count;
        return (2 * same / (n * (n - 1))) + (2 * other / (m * (m - 1))) - (2 * cross / (n * m));
    }

    /// <summary>Median of the distances of all pairs.</summary>
    public static double MedianDistance(IReadOnlyList<double[]> vectors)
    {
        var gaps = new double[vectors.Count * (vectors.Count - 1) / 2];
        var k = 0;
        for (var i = 0; i < vectors.Count; i++)
        {
            for (var j = 0; j < i; j++)
            {
                gaps[k++] = Math.Sqrt(SquaredDistance(vectors[i], vectors[j]));
            }
        }

        Array.Sort(gaps);
        return Bootstrap.Quantile(gaps, 0.5);
    }

    internal static double SquaredDistance(double[] a, double[] b)
    {
        double sum = 0;
        for (var i = 0; i < a.Length; i++)
        {
            sum += (a[i] - b[i]) * (a[i] - b[i]);
        }

        return sum;
    }

    internal static double[] Sorted(ReadOnlySpan<double> values)
    {
        var sorted = values.ToArray();
        Array.Sort(sorted);
        return sorted;
    }

    private static double MeanGap(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        double sum = 0;
        foreach (var a in x)
        {
            foreach (var b in y)
            {
                sum += Math.Abs(a - b);
            }
        }

        return sum / ((double)x.Length * y.Length);
    }

    private static double Sum(ReadOnlySpan<long> counts)
    {
        long sum = 0;
        foreach (var count in counts)
        {
            sum += count;
        }

        return sum;
    }
}
