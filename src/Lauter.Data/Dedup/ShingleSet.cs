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
        var units = unit == ShingleUnit.Words ? WordUnits(text) : CharacterUnits(text);
        return FromUnits(units, size);
    }

    /// <summary>|A ∩ B| / |A ∪ B|; two empty texts are equal.</summary>
    public static double Jaccard(ShingleSet a, ShingleSet b)
    {
        var (x, y) = (a.Hashes, b.Hashes);
        int i = 0, j = 0, common = 0;
        while (i < x.Length && j < y.Length)
        {
            if (x[i] == y[j])
            {
                (common, i, j) = (common + 1, i + 1, j + 1);
            }
            else if (x[i] < y[j])
            {
                i++;
            }
            else
            {
                j++;
            }
        }

        var union = x.Length + y.Length - common;
        return union == 0 ? 1 : (double)common / union;
    }

    internal static ShingleSet FromUnits(List<ulong> units, int size)
    {
        if (units.Count == 0)
        {
            return new ShingleSet([]);
        }

        var width = Math.Min(size, units.Count);
        var hashes = new ulong[units.Count - width + 1];
        for (var i = 0; i < hashes.Length; i++)
        {
            var hash = 0xCBF29CE484222325UL;
            for (var k = 0; k < width; k++)
            {
                hash = Mix(hash ^ units[i + k]);
            }

            hashes[i] = hash;
        }

        Array.Sort(hashes);
        var distinct = 1;
        for (var i = 1; i < hashes.Length; i++)
        {
            if (hashes[i] != hashes[distinct - 1])
            {
                hashes[distinct++] = hashes[i];
            }
        }

        return new ShingleSet(hashes[..distinct]);
    }

    private static List<ulong> WordUnits(string text)
    {
        var words = Segmenter.Words(text);
        var units = new List<ulong>(words.Count);
        foreach (var word in words)
        {
            units.Add(HashOf(word));
        }

        return units;
    }

    private static List<ulong> CharacterUnits(string text)
    {
        var units = new List<ulong>(text.Length);
        foreach (var rune in TextFolding.Fold(text).EnumerateRunes())
        {
            if (System.Text.Rune.IsLetterOrDigit(rune) || rune.Value > 0xFFFF)
            {
                units.Add((ulong)rune.Value);
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
