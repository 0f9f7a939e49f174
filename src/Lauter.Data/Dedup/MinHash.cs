using System.Numerics;

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
        var signature = new uint[Length];
        Array.Fill(signature, uint.MaxValue);
        var width = Vector<uint>.Count;
        foreach (var hash in set.Hashes)
        {
            var h = new Vector<uint>((uint)(hash ^ (hash >> 32)));
            for (var i = 0; i < Length; i += width)
            {
                var value = (h * new Vector<uint>(Multipliers, i)) + new Vector<uint>(Offsets, i);
                Vector.Min(value, new Vector<uint>(signature, i)).CopyTo(signature, i);
            }
        }

        return signature;
    }

    /// <summary>The slow, clear form of <see cref="Signature"/>; tests hold the two together.</summary>
    internal static uint[] Reference(ShingleSet set)
    {
        var signature = new uint[Length];
        for (var i = 0; i < Length; i++)
        {
            signature[i] = set.Hashes.Length == 0 ? uint.MaxValue : set.Hashes.Min(h => unchecked(((uint)(h ^ (h >> 32)) * Multipliers[i]) + Offsets[i]));
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
