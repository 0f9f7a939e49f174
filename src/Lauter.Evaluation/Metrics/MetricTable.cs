using System.Numerics;
using System.Runtime.InteropServices;
using Lauter.Evaluation.Statistics;

namespace Lauter.Evaluation.Metrics;

/// <summary>A value from summed rows.</summary>
public delegate double ValueOfSums(ReadOnlySpan<double> sums);

/// <summary>
/// A measured set: every item is a row of numbers, and the metric is a function of their total. So a corpus metric is never a mean of
/// sentence scores, and a resample costs additions, not scoring. Immutable, thread-safe.
/// </summary>
public sealed class MetricTable
{
    private static readonly int Lane = Vector<double>.Count;

    private readonly double[] _rows;
    private readonly int _stride;
    private readonly ValueOfSums _value;

    /// <param name="name">The metric's name.</param>
    /// <param name="signature">Every choice that decides the value.</param>
    /// <param name="width">Numbers in a row.</param>
    /// <param name="rows">Item after item.</param>
    /// <param name="value">The metric from summed rows.</param>
    /// <param name="unusable">Items without a usable answer, scored as the worst.</param>
    public MetricTable(string name, string signature, int width, ReadOnlySpan<double> rows, ValueOfSums value, int unusable)
    {
        Name = name;
        Signature = signature;
        Width = width;
        Items = rows.Length / width;
        Unusable = unusable;
        _value = value;

        // Rows are padded to whole vectors: adding them is what a bootstrap spends its time on.
        _stride = (width + Lane - 1) / Lane * Lane;
        _rows = new double[Items * _stride];
        for (var i = 0; i < Items; i++)
        {
            rows.Slice(i * width, width).CopyTo(_rows.AsSpan(i * _stride));
        }
    }

    /// <summary>The metric's name.</summary>
    public string Name { get; }

    /// <summary>Two tables compare only when their signatures are equal.</summary>
    public string Signature { get; }

    /// <summary>Numbers in a row.</summary>
    public int Width { get; }

    /// <summary>Number of items.</summary>
    public int Items { get; }

    /// <summary>Items without a usable answer; they are in the value with the worst score.</summary>
    public int Unusable { get; }

    /// <summary>False for error rates (TER, perplexity, Brier, ECE).</summary>
    public bool HigherIsBetter { get; init; } = true;

    /// <summary>Score of each item where the metric has one for a single item; null for metrics of the set only.</summary>
    public IReadOnlyList<double>? ItemScores { get; init; }

    /// <summary>The value over all items; NaN without any.</summary>
    public double Value() => Items == 0 ? double.NaN : Value(Enumerable.Range(0, Items).ToArray());

    /// <summary>The value over <paramref name="members"/> (indices, repeats allowed).</summary>
    public double Value(ReadOnlySpan<int> members)
    {
        var sums = new double[_stride];
        foreach (var member in members)
        {
            Add(sums, _rows, member * _stride);
        }

        return _value(sums.AsSpan(0, Width));
    }

    /// <summary>The value of <paramref name="sums"/>, <see cref="Width"/> numbers.</summary>
    internal double OfSums(ReadOnlySpan<double> sums) => _value(sums[..Width]);

    /// <summary>Rows summed by cluster, one after the other, padded.</summary>
    internal (double[] Rows, int Stride) ByCluster(ClusterIndex clusters)
    {
        if (!clusters.IsClustered)
        {
            return (_rows, _stride);
        }

        var sums = new double[clusters.Count * _stride];
        for (var c = 0; c < clusters.Count; c++)
        {
            foreach (var member in clusters.Members(c))
            {
                Add(sums.AsSpan(c * _stride, _stride), _rows, member * _stride);
            }
        }

        return (sums, _stride);
    }

    internal static void Add(Span<double> sums, double[] rows, int from)
    {
        var left = MemoryMarshal.Cast<double, Vector<double>>(sums);
        var right = MemoryMarshal.Cast<double, Vector<double>>(rows.AsSpan(from, sums.Length));
        for (var i = 0; i < left.Length; i++)
        {
            left[i] += right[i];
        }
    }
}

/// <summary>One paired comparison of two tables by resampling.</summary>
/// <param name="Difference">Second minus first.</param>
/// <param name="Interval">Percentile interval of the difference.</param>
/// <param name="P">Two-sided p of "no difference": twice the smaller share of resamples on either side of 0.</param>
/// <param name="FirstInterval">Interval of the first value.</param>
/// <param name="SecondInterval">Interval of the second value.</param>
public sealed record PairedResult(double Difference, Interval Interval, double P, Interval FirstInterval, Interval SecondInterval);

/// <summary>Bootstrap over clusters of measured sets, on all cores. The same seed gives the same numbers on any number of cores.</summary>
public static class TableBootstrap
{
    private const int Block = 64;

    /// <summary>Values of the metric on resamples, ascending; resamples without a value are left out.</summary>
    public static double[] Distribution(MetricTable table, ClusterIndex clusters, int resamples, ulong seed)
    {
        var (rows, stride) = table.ByCluster(clusters);
        var values = new double[resamples];
        Draw(clusters.Count, resamples, seed, stride, 0, (r, drawn, sums, _) =>
        {
            foreach (var c in drawn)
            {
                MetricTable.Add(sums, rows, c * stride);
            }

            values[r] = table.OfSums(sums);
        });
        return [.. values.Where(double.IsFinite).Order()];
    }

    /// <summary>Percentile interval of one value.</summary>
    public static Interval Percentile(MetricTable table, ClusterIndex clusters, int resamples, double confidence, ulong seed) =>
        Percentile(Distribution(table, clusters, resamples, seed), confidence);

    /// <summary>Both tables on the same resamples of the same items.</summary>
    /// <exception cref="ArgumentException">The tables differ in signature or in number of items.</exception>
    public static PairedResult Paired(MetricTable first, MetricTable second, ClusterIndex clusters, int resamples, double confidence, ulong seed)
    {
        if (first.Signature != second.Signature || first.Items != second.Items)
        {
            throw new ArgumentException(
                $"Only equal measures of the same items compare: '{first.Signature}' on {first.Items} items, '{second.Signature}' on {second.Items}.", nameof(second));
        }

        var (a, stride) = first.ByCluster(clusters);
        var (b, other) = second.ByCluster(clusters);
        double[] va = new double[resamples], vb = new double[resamples];
        Draw(clusters.Count, resamples, seed, stride, other, (r, drawn, left, right) =>
        {
            foreach (var c in drawn)
            {
                MetricTable.Add(left, a, c * stride);
                MetricTable.Add(right, b, c * other);
            }

            va[r] = first.OfSums(left);
            vb[r] = second.OfSums(right);
        });

        double[] gaps = [.. va.Zip(vb, (x, y) => y - x).Where(double.IsFinite).Order()];
        int atMost = gaps.Count(g => g <= 0), atLeast = gaps.Count(g => g >= 0);
        return new PairedResult(
            second.Value() - first.Value(),
            Percentile(gaps, confidence),
            Math.Min(1, 2.0 * (Math.Min(atMost, atLeast) + 1) / (gaps.Length + 1)),
            Percentile([.. va.Where(double.IsFinite).Order()], confidence),
            Percentile([.. vb.Where(double.IsFinite).Order()], confidence));
    }

    private delegate void Resample(int index, ReadOnlySpan<int> drawn, Span<double> left, Span<double> right);

    private static void Draw(int clusters, int resamples, ulong seed, int left, int right, Resample use) =>
        Parallel.For(0, (resamples + Block - 1) / Block, block =>
        {
            // A generator for each block, so that the numbers do not depend on who computes them.
            var random = new SeededRandom(seed ^ ((ulong)(block + 1) * 0x9E3779B97F4A7C15));
            var drawn = new int[clusters];
            double[] a = new double[left], b = new double[right];
            for (var r = block * Block; r < Math.Min(resamples, (block + 1) * Block); r++)
            {
                for (var i = 0; i < drawn.Length; i++)
                {
                    drawn[i] = random.NextInt(clusters);
                }

                Array.Clear(a);
                Array.Clear(b);
                use(r, drawn, a, b);
            }
        });

    private static Interval Percentile(double[] sorted, double confidence)
    {
        var tail = (1 - confidence) / 2;
        return new Interval(Bootstrap.Quantile(sorted, tail), Bootstrap.Quantile(sorted, 1 - tail));
    }
}
