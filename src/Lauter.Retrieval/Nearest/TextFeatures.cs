using System.IO.Hashing;
using System.Runtime.InteropServices;
using Lauter.Data.Text;

namespace Lauter.Retrieval.Nearest;

/// <summary>
/// The features by which labelled examples are compared, as 64-bit hashes: search terms (top bit set) and n-grams of 3 to 5 characters
/// of the folded words (top bit clear), which survive typing errors. Han text gives n-grams of 2 and 3.
/// </summary>
internal static class TextFeatures
{
    private const ulong WordBit = 1UL << 63;

    /// <summary>Whether a feature is a search term.</summary>
    public static bool IsWord(ulong feature) => (feature & WordBit) != 0;

    /// <summary>Features of a text with how often each occurs.</summary>
    public static Dictionary<ulong, float> Count(string text)
    {
        var counts = new Dictionary<ulong, float>();
        foreach (var term in Segmenter.Terms(text))
        {
            Add(counts, Hash(term) | WordBit);
        }

        var padded = " " + TextFolding.Fold(text) + " ";
        for (var start = 0; start < padded.Length; start++)
        {
            var han = TextFolding.IsHan(padded[start]);
            int shortest = han ? 2 : 3, longest = han ? 3 : 5;
            for (var n = 1; n <= longest && start + n <= padded.Length; n++)
            {
                // An n-gram may begin or end with a blank but not run across one: word order is no spelling.
                if (n > 2 && padded[start + n - 2] == ' ')
                {
                    break;
                }

                if (n >= shortest)
                {
                    Add(counts, Hash(padded.AsSpan(start, n)) & ~WordBit);
                }
            }
        }

        return counts;
    }

    private static void Add(Dictionary<ulong, float> counts, ulong feature) => CollectionsMarshal.GetValueRefOrAddDefault(counts, feature, out _)++;

    private static ulong Hash(ReadOnlySpan<char> text) => XxHash64.HashToUInt64(MemoryMarshal.AsBytes(text));
}
