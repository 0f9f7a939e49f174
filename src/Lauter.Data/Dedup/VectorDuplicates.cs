using System.Numerics;
using System.Runtime.InteropServices;

namespace Lauter.Data.Dedup;

/// <summary>
/// Pairs of texts whose vectors point the same way. Up to <see cref="ExactLimit"/> vectors every pair is compared; beyond, k-means cells (seeded, so equal input
/// gives equal pairs) are compared, each vector standing in its <see cref="Probes"/> nearest cells: a pair that shares none is missed.
/// </summary>
public static class VectorDuplicates
{
    /// <summary>Most vectors that are compared all with all.</summary>
    public const int ExactLimit = 4_096;

    /// <summary>Cells in which a vector stands.</summary>
    public const int Probes = 3;

    private const int CellSize = 256;
    private const int Iterations = 8;

    /// <summary>Pairs with a cosine of at least <paramref name="threshold"/>, ordered by position.</summary>
    /// <param name="vectors">All of one length; vectors of length 0 are similar to nothing.</param>
    /// <param name="threshold">-1 to 1; near-copies in meaning lie above 0.9 for most encoders.</param>
    /// <param name="exact">Compare all pairs whatever their number.</param>
    /// <param name="cancellation">Stops between cells.</param>
    /// <exception cref="ArgumentException">Vectors of different lengths.</exception>
    public static IReadOnlyList<SimilarPair> Pairs(IReadOnlyList<float[]> vectors, double threshold, bool exact = false, CancellationToken cancellation = default)
    {
        var units = new float[vectors.Count][];
        for (var i = 0; i < units.Length; i++)
        {
            if (vectors[i].Length != vectors[0].Length)
            {
                throw new ArgumentException($"Vector {i} has {vectors[i].Length} numbers, the first one {vectors[0].Length}.");
            }

            units[i] = Normalised(vectors[i]);
        }

        var cells = exact || units.Length <= ExactLimit ? [Enumerable.Range(0, units.Length).ToArray()] : Cells(units, cancellation);
        var found = new Dictionary<(int, int), double>();
        foreach (var pairs in cells.AsParallel().AsOrdered().WithCancellation(cancellation).Select(c => Compare(units, c, threshold)))
        {
            foreach (var pair in pairs)
            {
                found[(pair.First, pair.Second)] = pair.Similarity;
            }
        }

        return [.. found.Select(p => new SimilarPair(p.Key.Item1, p.Key.Item2, p.Value)).OrderBy(p => p.First).ThenBy(p => p.Second)];
    }

    private static List<SimilarPair> Compare(float[][] units, int[] cell, double threshold)
    {
        var pairs = new List<SimilarPair>();
        for (var a = 0; a < cell.Length; a++)
        {
            for (var b = a + 1; b < cell.Length; b++)
            {
                var cosine = Dot(units[cell[a]], units[cell[b]]);
                if (cosine >= threshold)
                {
                    pairs.Add(new SimilarPair(Math.Min(cell[a], cell[b]), Math.Max(cell[a], cell[b]), Math.Min(1, cosine)));
                }
            }
        }

        return pairs;
    }

    private static int[][] Cells(float[][] units, CancellationToken cancellation)
    {
        var count = (units.Length + CellSize - 1) / CellSize;
        var centres = Enumerable.Range(0, count).Select(c => (float[])units[(int)(ShingleSet.Mix((ulong)c) % (ulong)units.Length)].Clone()).ToArray();
        var nearest = new int[units.Length];
        for (var round = 0; round < Iterations; round++)
        {
            cancellation.ThrowIfCancellationRequested();
            Parallel.For(0, units.Length, i => nearest[i] = Nearest(units[i], centres)[0]);
            var sums = centres.Select(c => new float[c.Length]).ToArray();
            for (var i = 0; i < units.Length; i++)
            {
                var sum = sums[nearest[i]];
                for (var d = 0; d < sum.Length; d++)
                {
                    sum[d] += units[i][d];
                }
            }

            for (var c = 0; c < count; c++)
            {
                centres[c] = sums[c].Any(v => v != 0) ? Normalised(sums[c]) : centres[c];
            }
        }

        var places = new int[units.Length][];
        Parallel.For(0, units.Length, i => places[i] = Nearest(units[i], centres));
        var cells = Enumerable.Range(0, count).Select(_ => new List<int>()).ToArray();
        for (var i = 0; i < units.Length; i++)
        {
            foreach (var place in places[i].Take(Probes))
            {
                cells[place].Add(i);
            }
        }

        return [.. cells.Select(c => c.ToArray())];
    }

    /// <summary>The nearest centres, nearest first.</summary>
    private static int[] Nearest(float[] vector, float[][] centres)
    {
        Span<float> best = stackalloc float[Probes];
        best.Fill(float.NegativeInfinity);
        var places = new int[Math.Min(Probes, centres.Length)];
        for (var c = 0; c < centres.Length; c++)
        {
            var cosine = Dot(vector, centres[c]);
            var at = places.Length;
            while (at > 0 && cosine > best[at - 1])
            {
                at--;
            }

            for (var k = places.Length - 1; k > at; k--)
            {
                (best[k], places[k]) = (best[k - 1], places[k - 1]);
            }

            if (at < places.Length)
            {
                (best[at], places[at]) = (cosine, c);
            }
        }

        return places;
    }

    private static float[] Normalised(float[] vector)
    {
        var norm = MathF.Sqrt(Dot(vector, vector));
        return norm > 0 ? [.. vector.Select(v => v / norm)] : vector;
    }

    private static float Dot(float[] a, float[] b)
    {
        var (sum, i) = (0f, 0);
        var lanes = Vector<float>.Zero;
        var x = MemoryMarshal.Cast<float, Vector<float>>(a);
        var y = MemoryMarshal.Cast<float, Vector<float>>(b);
        for (; i < x.Length; i++)
        {
            lanes += x[i] * y[i];
        }

        sum = Vector.Sum(lanes);
        for (i *= Vector<float>.Count; i < a.Length; i++)
        {
            sum += a[i] * b[i];
        }

        return sum;
    }
}
