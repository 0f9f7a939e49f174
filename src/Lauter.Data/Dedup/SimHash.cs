using System.Numerics;
using System.Runtime.Intrinsics;

namespace Lauter.Data.Dedup;

/// <summary>
/// SimHash (Charikar 2002; Manku, Jain, Das Sarma 2007): 64 bits of which texts with many common shingles share most. Coarser than MinHash,
/// but 8 bytes a text. Thread-safe.
/// </summary>
public static class SimHash
{
    /// <summary>Bits in a fingerprint.</summary>
    public const int Bits = 64;

    /// <summary>The fingerprint of a text's shingles of <paramref name="size"/> units (see <see cref="ShingleUnit.Words"/>); 0 for a text without any.</summary>
    public static ulong Of(string text, int size = 5)
    {
        var units = new UnitBuffer();
        TextUnits.Append(text, units);
        var hashes = new ulong[Shingles.Count(units.Count, size)];
        Shingles.Hash(units.Written, size, hashes);
        return Of(hashes);
    }

    /// <summary>Bit i is set when more feature hashes have it set than not; a feature that occurs twice counts twice.</summary>
    public static ulong Of(ReadOnlySpan<ulong> features)
    {
        // Eight counters to a vector; bit k of each byte of the hash goes to counter k of its vector.
        var places = Vector256.Create(0, 1, 2, 3, 4, 5, 6, 7);
        var one = Vector256<int>.One;
        Span<Vector256<int>> counts = stackalloc Vector256<int>[8];
        counts.Clear();
        foreach (var feature in features)
        {
            for (var b = 0; b < 8; b++)
            {
                var bits = Vector256.Create((int)(byte)(feature >> (8 * b)));
                counts[b] += Vector256.IsHardwareAccelerated && System.Runtime.Intrinsics.X86.Avx2.IsSupported
                    ? System.Runtime.Intrinsics.X86.Avx2.ShiftRightLogicalVariable(bits, places.AsUInt32()) & one
                    : Shifted(bits);
            }
        }

        var fingerprint = 0UL;
        for (var i = 0; i < Bits; i++)
        {
            fingerprint |= 2L * counts[i / 8][i % 8] > features.Length ? 1UL << i : 0;
        }

        return fingerprint;
    }

    /// <summary>Bits in which two fingerprints differ.</summary>
    public static int Distance(ulong a, ulong b) => BitOperations.PopCount(a ^ b);

    /// <summary>
    /// All pairs that differ in at most <paramref name="distance"/> bits, 0 to 8, their similarity being 1 − differing bits / 64. The bits are cut into
    /// distance + 2 blocks: at least two of them are equal in such a pair, and each two blocks are one table.
    /// </summary>
    public static IReadOnlyList<SimilarPair> Pairs(IReadOnlyList<ulong> fingerprints, int distance, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(distance, Math.Clamp(distance, 0, 8));

        // Equal fingerprints are compared once; each later one is paired with the first.
        var first = new Dictionary<ulong, int>();
        var pairs = new List<SimilarPair>();
        for (var i = 0; i < fingerprints.Count; i++)
        {
            if (!first.TryAdd(fingerprints[i], i))
            {
                pairs.Add(new SimilarPair(first[fingerprints[i]], i, 1));
            }
        }

        var distinct = first.Values.Order().ToArray();
        var found = new List<long>();
        foreach (var mask in Masks(distance + 2))
        {
            cancellation.ThrowIfCancellationRequested();
            var keys = distinct.Select(i => fingerprints[i] & mask).ToArray();
            var numbers = (int[])distinct.Clone();
            Array.Sort(keys, numbers);
            for (int start = 0, end; start < keys.Length; start = end)
            {
                for (end = start + 1; end < keys.Length && keys[end] == keys[start]; end++)
                {
                    for (var k = start; k < end; k++)
                    {
                        var (a, b) = (Math.Min(numbers[k], numbers[end]), Math.Max(numbers[k], numbers[end]));
                        if (Distance(fingerprints[a], fingerprints[b]) <= distance)
                        {
                            found.Add(((long)a << 32) | (uint)b);
                        }
                    }
                }
            }
        }

        BandJoin.Distinct(found);
        pairs.AddRange(found.Select(f => new SimilarPair((int)(f >> 32), (int)f, 1 - ((double)Distance(fingerprints[(int)(f >> 32)], fingerprints[(int)f]) / Bits))));
        pairs.Sort((a, b) => (a.First, a.Second).CompareTo((b.First, b.Second)));
        return pairs;
    }

    private static Vector256<int> Shifted(Vector256<int> bits)
    {
        Span<int> lanes = stackalloc int[8];
        for (var k = 0; k < 8; k++)
        {
            lanes[k] = (bits[0] >> k) & 1;
        }

        return Vector256.Create<int>(lanes);
    }

    /// <summary>The bits of each two of <paramref name="count"/> blocks.</summary>
    private static IEnumerable<ulong> Masks(int count)
    {
        var blocks = Enumerable.Range(0, count).Select(b => (From: Bits * b / count, To: Bits * (b + 1) / count))
            .Select(b => (b.To - b.From == Bits ? ulong.MaxValue : (1UL << (b.To - b.From)) - 1) << b.From).ToArray();
        return from a in Enumerable.Range(0, count) from b in Enumerable.Range(a + 1, count - a - 1) select blocks[a] | blocks[b];
    }
}
