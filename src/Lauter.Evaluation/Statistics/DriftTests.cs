namespace Lauter.Evaluation.Statistics;

/// <summary>
/// Tests of "both samples come from one distribution" that hold their false-alarm rate at any size: exact or by permutation where
/// samples are small, by limit laws where they are large. A fixed threshold on a distance cannot: PSI above 0.1 is noise for hundreds of rows.
/// </summary>
public static class DriftTests
{
    private const long ExactCells = 1_000_000;
    private const int PermutationRows = 1_000;
    private const int Permutations = 999;
    private const int EnoughExtremes = 20;

    /// <summary>
    /// p of the Kolmogorov–Smirnov test: exact given the ties while |reference|·|current| ≤ 1 million, then Kolmogorov's limit
    /// law (on the safe side with ties).
    /// </summary>
    public static double KolmogorovSmirnov(ReadOnlySpan<double> reference, ReadOnlySpan<double> current)
    {
        var d = Distances.KolmogorovSmirnov(reference, current);
        return (long)reference.Length * current.Length <= ExactCells
            ? KolmogorovSmirnovExact(d, reference, current)
            : KolmogorovTail(d * Math.Sqrt(reference.Length * (double)current.Length / (reference.Length + (double)current.Length)));
    }

    /// <summary>
    /// P(D ≥ d) over all ways to deal the pooled values to the two samples: a walk over the grid that asks, at each place where the
    /// pooled value changes, whether the boundary was reached.
    /// </summary>
    /// <param name="d">The observed distance.</param>
    /// <param name="reference">First sample.</param>
    /// <param name="current">Second sample.</param>
    /// <param name="ignoreTies">Treats all values as different, as scipy does.</param>
    public static double KolmogorovSmirnovExact(double d, ReadOnlySpan<double> reference, ReadOnlySpan<double> current, bool ignoreTies = false)
    {
        int n = reference.Length, m = current.Length;
        var pooled = Distances.Sorted([.. reference, .. current]);
        var limit = (Math.Floor((d * n * m) - 1e-7) + 0.5) / ((double)n * m);
        var reached = new double[m + 1];
        for (var i = 0; i <= n; i++)
        {
            for (var j = 0; j <= m; j++)
            {
                var k = i + j;
                if (k == 0)
                {
                    continue;
                }

                var checkedHere = ignoreTies || k == n + m || pooled[k] != pooled[k - 1];
                if (checkedHere && Math.Abs((i / (double)n) - (j / (double)m)) > limit)
                {
                    reached[j] = 1;
                }
                else
                {
                    reached[j] = ((i > 0 ? i * reached[j] : 0) + (j > 0 ? j * reached[j - 1] : 0)) / k;
                }
            }
        }

        return reached[m];
    }

    /// <summary>Upper tail of Kolmogorov's distribution: 2 Σ (-1)^(k-1) exp(-2k²x²).</summary>
    public static double KolmogorovTail(double x)
    {
        if (x < 0.2)
        {
            return 1;
        }

        double sum = 0;
        for (var k = 1; k < 100; k++)
        {
            var term = Math.Exp(-2 * k * k * x * x);
            sum += k % 2 == 1 ? term : -term;
            if (term < 1e-18)
            {
                break;
            }
        }

        return Math.Clamp(2 * sum, 0, 1);
    }

    /// <summary>χ² of a 2 × B table, its degrees of freedom and p; cells empty on both sides are left out. Limit law: expected counts of 5 and more.</summary>
    public static (double Statistic, double P, int Degrees) ChiSquared(ReadOnlySpan<long> reference, ReadOnlySpan<long> current)
    {
        double n = 0, m = 0;
        for (var i = 0; i < reference.Length; i++)
        {
            n += reference[i];
            m += current[i];
        }

        double statistic = 0;
        var cells = 0;
        for (var i = 0; i < reference.Length; i++)
        {
            double both = reference[i] + current[i];
            if (both == 0)
            {
                continue;
            }

            cells++;
            double r = both * n / (n + m), c = both * m / (n + m);
            statistic += ((reference[i] - r) * (reference[i] - r) / r) + ((current[i] - c) * (current[i] - c) / c);
        }

        return (statistic, cells < 2 ? 1 : GammaFunction.ChiSquaredUpperTail(statistic, cells - 1), Math.Max(0, cells - 1));
    }

    /// <summary>PSI that chance alone exceeds with probability <paramref name="alpha"/>: χ²(1-alpha, bins - 1) · (1/n + 1/m). The mean of that noise is (bins - 1)(1/n + 1/m).</summary>
    public static double PsiThreshold(int bins, double n, double m, double alpha) => GammaFunction.ChiSquaredQuantile(1 - alpha, bins - 1) * ((1 / n) + (1 / m));

    /// <summary>p of the observed PSI.</summary>
    /// <param name="reference">Counts by bin.</param>
    /// <param name="current">Counts of the same bins.</param>
    /// <param name="seed">Seed of the permutations.</param>
    /// <param name="permutations">Permutations where the limit law does not hold: p is never below 1/(permutations + 1), so who divides a rate among many tests needs more.</param>
    public static double Psi(ReadOnlySpan<long> reference, ReadOnlySpan<long> current, ulong seed = 1, int permutations = Permutations) =>
        OfCounts(reference, current, seed, permutations, Distances.Psi, (psi, n, m) => psi / ((1 / n) + (1 / m)));

    /// <summary>p of the observed Jensen–Shannon divergence: 8·JS/(1/n + 1/m) is χ² in the limit.</summary>
    public static double JensenShannon(ReadOnlySpan<long> reference, ReadOnlySpan<long> current, ulong seed = 1) =>
        OfCounts(reference, current, seed, Permutations, Distances.JensenShannon, (js, n, m) => 8 * js / ((1 / n) + (1 / m)));

    /// <summary>p of the observed unbiased MMD² by permutation of the rows, 199 of them: exact at any size. Kernel sums take time n².</summary>
    public static double Mmd(IReadOnlyList<double[]> reference, IReadOnlyList<double[]> current, ulong seed = 1, int permutations = 199)
    {
        var all = reference.Concat(current).ToArray();
        var sigma = Distances.MedianDistance(all);
        if (!(sigma > 0))
        {
            return 1;
        }

        var n = all.Length;
        var kernel = new float[n * n];
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j < i; j++)
            {
                kernel[(i * n) + j] = kernel[(j * n) + i] = (float)Math.Exp(-Distances.SquaredDistance(all[i], all[j]) / (2 * sigma * sigma));
            }
        }

        // Row sums are the same for every deal, so MMD² follows from the sum inside the first group and the row sums of that group.
        var rows = new double[n];
        for (var i = 0; i < n; i++)
        {
            double sum = 0;
            foreach (var value in kernel.AsSpan(i * n, n))
            {
                sum += value;
            }

            rows[i] = sum;
        }

        var total = rows.Sum();
        var order = Enumerable.Range(0, n).ToArray();
        var observed = Statistic(order);
        var random = new SeededRandom(seed);
        var extreme = 0;
        for (var p = 0; p < permutations; p++)
        {
            Shuffle(order, random);
            extreme += Statistic(order) >= observed - 1e-12 ? 1 : 0;
        }

        return (extreme + 1.0) / (permutations + 1);

        double Statistic(int[] deal)
        {
            double inside = 0, rowSum = 0;
            for (var i = 0; i < reference.Count; i++)
            {
                rowSum += rows[deal[i]];
                var row = kernel.AsSpan(deal[i] * n, n);
                for (var j = 0; j < reference.Count; j++)
                {
                    inside += row[deal[j]];
                }
            }

            double a = reference.Count, b = current.Count, cross = rowSum - inside, outside = total - inside - (2 * cross);
            return (inside / (a * (a - 1))) + (outside / (b * (b - 1))) - (2 * cross / (a * b));
        }
    }

    /// <summary>Counts of both samples in bins whose edges are the deciles of the two together: no bin is rare, and dealing the rows anew leaves the edges.</summary>
    public static (long[] Reference, long[] Current) PooledDeciles(ReadOnlySpan<double> reference, ReadOnlySpan<double> current, int bins = 10)
    {
        var pooled = Distances.Sorted([.. reference, .. current]);
        var edges = Enumerable.Range(1, bins - 1).Select(k => Bootstrap.Quantile(pooled, k / (double)bins)).Distinct().ToArray();
        return (InBins(reference, edges), InBins(current, edges));
    }

    /// <summary>Counts in bins; a value on an edge goes to the bin above it.</summary>
    public static long[] InBins(ReadOnlySpan<double> values, double[] edges)
    {
        var counts = new long[edges.Length + 1];
        foreach (var value in values)
        {
            var place = Array.BinarySearch(edges, value);
            if (place >= 0)
            {
                while (place + 1 < edges.Length && edges[place + 1] == value)
                {
                    place++;
                }

                place++;
            }

            counts[place < 0 ? ~place : place]++;
        }

        return counts;
    }

    private delegate double CountDistance(ReadOnlySpan<long> reference, ReadOnlySpan<long> current);

    private static double OfCounts(ReadOnlySpan<long> reference, ReadOnlySpan<long> current, ulong seed, int permutations, CountDistance distance, Func<double, double, double, double> limit)
    {
        var kept = new List<(long Reference, long Current)>();
        for (var i = 0; i < reference.Length; i++)
        {
            if (reference[i] + current[i] > 0)
            {
                kept.Add((reference[i], current[i]));
            }
        }

        if (kept.Count < 2)
        {
            return 1;
        }

        long[] r = [.. kept.Select(k => k.Reference)], c = [.. kept.Select(k => k.Current)];
        double n = r.Sum(), m = c.Sum();
        var observed = distance(r, c);
        var rare = kept.Min(k => (k.Reference + k.Current) * Math.Min(n, m) / (n + m)) < 25;
        if (n + m > PermutationRows && !rare)
        {
            return GammaFunction.ChiSquaredUpperTail(limit(observed, n, m), kept.Count - 1);
        }

        var labels = kept.SelectMany((k, bin) => Enumerable.Repeat(bin, (int)(k.Reference + k.Current))).ToArray();
        var random = new SeededRandom(seed);
        var extreme = 0;
        long[] dealt = new long[r.Length], rest = new long[r.Length];
        if (permutations == Permutations && n + m > 100_000)
        {
            permutations = 199;
        }

        for (var p = 0; p < permutations; p++)
        {
            Array.Clear(dealt);
            for (var i = 0; i < (int)n; i++)
            {
                var j = i + random.NextInt(labels.Length - i);
                (labels[i], labels[j]) = (labels[j], labels[i]);
                dealt[labels[i]]++;
            }

            for (var b = 0; b < rest.Length; b++)
            {
                rest[b] = r[b] + c[b] - dealt[b];
            }

            extreme += distance(dealt, rest) >= observed - 1e-12 ? 1 : 0;
            if (extreme == EnoughExtremes && permutations > Permutations)
            {
                // Besag and Clifford, "Sequential Monte Carlo p-values" (1991): where nothing drifts, few permutations tell.
                return extreme / (p + 1.0);
            }
        }

        return (extreme + 1.0) / (permutations + 1);
    }

    private static void Shuffle(int[] values, SeededRandom random)
    {
        for (var i = values.Length - 1; i > 0; i--)
        {
            var j = random.NextInt(i + 1);
            (values[i], values[j]) = (values[j], values[i]);
        }
    }
}
