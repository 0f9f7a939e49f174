using Lauter.Data.Text;

namespace Lauter.Data.Dedup;

/// <summary>
/// The set of 64-bit hashes of a text's shingles, sorted. Texts are folded first, so width, case and script make no difference. A text
/// shorter than one shingle is one shingle, otherwise all short texts would look alike. Immutable.
/// </summary>
public sealed class ShingleSet
{
    private ShingleSet(ulong[] sorted) => Hashes = sorted;

    /// <summary>Ascending, each once.</summary>
    internal ulong[] Hashes { get; }

    /// <summary>Distinct shingles.</summary>
    public int Count => Hashes.Length;

    /// <summary>The shingles of <paramref name="text"/>; folding is done here.</summary>
    public static ShingleSet Of(string text, ShingleUnit unit, int size)
    {
        if (unit == ShingleUnit.Characters)
        {
            return FromUnits([.. CharacterUnits(text)], size);
        }

        var units = new UnitBuffer();
        TextUnits.Append(text, units);
        return FromUnits(units.Written, size);
    }

    /// <summary>The set of the windows of <paramref name="units"/>.</summary>
    internal static ShingleSet FromUnits(ReadOnlySpan<uint> units, int size)
    {
        var hashes = new ulong[Shingles.Count(units.Length, size)];
        Shingles.Hash(units, size, hashes);
        return FromHashes(hashes);
    }

    /// <summary>|A ∩ B| / |A ∪ B|; two empty texts are equal.</summary>
    public static double Jaccard(ShingleSet a, ShingleSet b)
    {
        var x = a.Hashes.AsSpan();
        var y = b.Hashes.AsSpan();
        int i = 0, j = 0, common = 0;
        while (i < x.Length && j < y.Length)
        {
            // Hashes are random, so a branch on their order would be guessed wrong half of the time.
            var (left, right) = (x[i], y[j]);
            common += left == right ? 1 : 0;
            i += left <= right ? 1 : 0;
            j += right <= left ? 1 : 0;
        }

        var union = x.Length + y.Length - common;
        return union == 0 ? 1 : (double)common / union;
    }

    private static ShingleSet FromHashes(ulong[] hashes)
    {
        Array.Sort(hashes);
        var distinct = hashes.Length == 0 ? 0 : 1;
        for (var i = 1; i < hashes.Length; i++)
        {
            if (hashes[i] != hashes[distinct - 1])
            {
                hashes[distinct++] = hashes[i];
            }
        }

        return new ShingleSet(distinct == hashes.Length ? hashes : hashes[..distinct]);
    }

    private static List<uint> CharacterUnits(string text)
    {
        var units = new List<uint>(text.Length);
        foreach (var rune in TextFolding.Fold(text).EnumerateRunes())
        {
            if (System.Text.Rune.IsLetterOrDigit(rune) || rune.Value > 0xFFFF)
            {
                units.Add((uint)rune.Value);
            }
        }

        return units;
    }

    internal static ulong HashOf(string word)
    {
        var hash = 14695981039346656037UL;
        foreach (var c in word)
        {
            hash = (hash ^ c) * 1099511628211UL;
        }

        return hash;
    }

    /// <summary>The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every input bit reaches every output bit.</summary>
    internal static ulong Mix(ulong z)
    {
        z += 0x9E3779B97F4A7C15UL;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }
}
