using System.Runtime.InteropServices;

namespace Lauter.Evaluation.Metrics.Texts;

/// <summary>
/// N-grams as small integers, without hashing text twice: an n-gram is its first n - 1 symbols' id with the last symbol. Exact, for any
/// length. One instance serves one item (a hypothesis with its references).
/// </summary>
internal sealed class NGramIds
{
    private readonly Dictionary<string, int> _tokens = new(StringComparer.Ordinal);
    private readonly Dictionary<(int Prefix, int Symbol), int> _grams = [];

    /// <summary>Ids of <paramref name="tokens"/>.</summary>
    public int[] Symbols(IReadOnlyList<string> tokens)
    {
        var symbols = new int[tokens.Count];
        for (var i = 0; i < symbols.Length; i++)
        {
            ref var id = ref CollectionsMarshal.GetValueRefOrAddDefault(_tokens, tokens[i], out var known);
            symbols[i] = id = known ? id : _tokens.Count;
        }

        return symbols;
    }

    /// <summary>Ids of the n-grams of <paramref name="symbols"/> for n = 1 … <paramref name="order"/>; shorter texts have empty lists.</summary>
    public int[][] Grams(ReadOnlySpan<int> symbols, int order)
    {
        var result = new int[order][];
        result[0] = symbols.ToArray();
        for (var n = 2; n <= order; n++)
        {
            var shorter = result[n - 2];
            var grams = new int[Math.Max(0, symbols.Length - n + 1)];
            for (var i = 0; i < grams.Length; i++)
            {
                // A negative symbol keeps the lengths apart: (2-gram, s) and (3-gram, s) never share a key, since ids are unique over all n.
                ref var id = ref CollectionsMarshal.GetValueRefOrAddDefault(_grams, (n == 2 ? -shorter[i] - 1 : shorter[i], symbols[i + n - 1]), out var known);
                grams[i] = id = known ? id : _grams.Count;
            }

            result[n - 1] = grams;
        }

        return result;
    }

    /// <summary>How often each id occurs.</summary>
    public static Dictionary<int, int> Count(ReadOnlySpan<int> grams)
    {
        var counts = new Dictionary<int, int>(grams.Length);
        foreach (var gram in grams)
        {
            CollectionsMarshal.GetValueRefOrAddDefault(counts, gram, out _)++;
        }

        return counts;
    }
}
