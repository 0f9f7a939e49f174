using System.Numerics;
using System.Runtime.InteropServices;

namespace Lauter.Data.Dedup;

/// <summary>
/// MinHash signatures (Broder 1997): slot i is the minimum of a·h + b (mod 2³²) over the shingle hashes, a odd. The share of equal
/// slots of two signatures estimates their Jaccard similarity with standard error √(J(1−J)/128). Thread-safe.
/// </summary>
public static class MinHash
{
    /// <summary>Slots in a signature.</summary>
    public const int Length = 128;

    private static readonly uint[] Multipliers = Constants(seed: 1, odd: true);
    private static readonly uint[] Offsets = Constants(seed: 2, odd: false);

    /// <summary>The signature of <paramref name="set"/>; of an empty set all slots are <see cref="uint.MaxValue"/>.</summary>
    public static uint[] Signature(ShingleSet set)
    {
        var hashes = new uint[set.Hashes.Length];
        for (var i = 0; i < hashes.Length; i++)
        {
            hashes[i] = (uint)(set.Hashes[i] >> 32);
        }

        var signature = new uint[Length];
        Signature(hashes, signature);
        return signature;
    }

    /// <summary>Four vectors of slots stay in registers while all hashes go by; repeated hashes do no harm.</summary>
    internal static void Signature(ReadOnlySpan<uint> hashes, Span<uint> signature)
    {
        var width = Vector<uint>.Count;
        for (var slot = 0; slot < Length; slot += 4 * width)
        {
            var (a0, a1, a2, a3) = (new Vector<uint>(Multipliers, slot), new Vector<uint>(Multipliers, slot + width), new Vector<uint>(Multipliers, slot + (2 * width)), new Vector<uint>(Multipliers, slot + (3 * width)));
            var (b0, b1, b2, b3) = (new Vector<uint>(Offsets, slot), new Vector<uint>(Offsets, slot + width), new Vector<uint>(Offsets, slot + (2 * width)), new Vector<uint>(Offsets, slot + (3 * width)));
            var least = new Vector<uint>(uint.MaxValue);
            var (m0, m1, m2, m3) = (least, least, least, least);
            foreach (var hash in hashes)
            {
                var h = new Vector<uint>(hash);
                m0 = Vector.Min(m0, (h * a0) + b0);
                m1 = Vector.Min(m1, (h * a1) + b1);
                m2 = Vector.Min(m2, (h * a2) + b2);
                m3 = Vector.Min(m3, (h * a3) + b3);
            }

            var slots = MemoryMarshal.Cast<uint, Vector<uint>>(signature.Slice(slot, 4 * width));
            (slots[0], slots[1], slots[2], slots[3]) = (m0, m1, m2, m3);
        }
    }

    /// <summary>The slow, clear form of <see cref="Signature(ShingleSet)"/>; tests hold the two together.</summary>
    internal static uint[] Reference(ShingleSet set)
    {
        var signature = new uint[Length];
        for (var i = 0; i < Length; i++)
        {
            signature[i] = set.Hashes.Length == 0 ? uint.MaxValue : set.Hashes.Min(h => unchecked(((uint)(h >> 32) * Multipliers[i]) + Offsets[i]));
        }

        return signature;
    }

    /// <summary>Share of equal slots: an estimate of the Jaccard similarity.</summary>
    public static double Similarity(ReadOnlySpan<uint> a, ReadOnlySpan<uint> b)
    {
        var equal = 0;
        for (var i = 0; i < Length; i++)
        {
            equal += a[i] == b[i] ? 1 : 0;
        }

        return (double)equal / Length;
    }

    private static uint[] Constants(ulong seed, bool odd)
    {
        var values = new uint[Length];
        var state = seed;
        for (var i = 0; i < Length; i++)
        {
            state = ShingleSet.Mix(state + (ulong)i);
            values[i] = odd ? (uint)state | 1 : (uint)state;
        }

        return values;
    }
}
