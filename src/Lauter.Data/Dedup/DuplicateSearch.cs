using Lauter.Data.Operators;
using Lauter.Data.Text;

namespace Lauter.Data.Dedup;

/// <summary>Exact and near copies together, as a recipe asks for them.</summary>
internal static class DuplicateSearch
{
    /// <summary>How near-copies are measured when a recipe does not say: clusters are needed for the split even when nothing is dropped.</summary>
    private static readonly NearDuplicateOptions Fallback = new(ShingleUnit.Characters, 4, 0.8);

    public static NearDuplicateOptions Options(Recipe? recipe) =>
        recipe?.Find(OperatorCatalog.DropNearDuplicates) is { } call
            ? new NearDuplicateOptions(call.Choice("unit") == "words" ? ShingleUnit.Words : ShingleUnit.Characters, (int)call.Number("size"), call.Number("threshold"))
            : Fallback;

    public static bool DropsExact(Recipe? recipe) => recipe?.Find(OperatorCatalog.DropExactDuplicates) is not null;

    public static bool DropsNear(Recipe? recipe) => recipe?.Find(OperatorCatalog.DropNearDuplicates) is not null;

    /// <summary>Pairs from <paramref name="options"/>'s threshold on; texts that are equal after folding have similarity 1.</summary>
    public static List<SimilarPair> Pairs(IReadOnlyList<string> texts, NearDuplicateOptions options, CancellationToken cancellation)
    {
        var pairs = new Dictionary<(int, int), double>();
        foreach (var pair in NearDuplicates.Pairs(texts, options, cancellation))
        {
            pairs[(pair.First, pair.Second)] = pair.Similarity;
        }

        var first = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < texts.Count; i++)
        {
            var folded = TextFolding.Fold(texts[i]);
            if (!first.TryAdd(folded, i))
            {
                // Above 1: equal after folding, which a shingle similarity of 1 need not be.
                pairs[(first[folded], i)] = Exact;
            }
        }

        return [.. pairs.Select(p => new SimilarPair(p.Key.Item1, p.Key.Item2, p.Value)).OrderBy(p => p.First).ThenBy(p => p.Second)];
    }

    /// <summary>The similarity that marks a pair as equal after folding; shown to people as 1.</summary>
    public const double Exact = 2;
}
