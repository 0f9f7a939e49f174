using System.Globalization;
using System.Text.Json.Nodes;
using Lauter.Data.Dedup;
using Lauter.Data.Export;

namespace Lauter.Data.Splits;

/// <summary>How much of the held-out rows training has seen.</summary>
/// <param name="HeldOut">Rows of the part that was looked at.</param>
/// <param name="WithNeighbour">For each similarity: held-out rows with a training row at least that similar. From found pairs, so below about 0.7 a lower bound; <paramref name="Recall"/> says how low.</param>
/// <param name="Recall">Chance that a pair of that similarity is found at all.</param>
/// <param name="SharedKeys">Group values that stand in both parts.</param>
public sealed record SplitLeakage(int HeldOut, IReadOnlyDictionary<string, int> WithNeighbour, IReadOnlyDictionary<string, double> Recall, int SharedKeys)
{
    private static readonly double[] Steps = [0.5, 0.6, 0.7, 0.8, 0.9, 1.0];

    /// <summary>Measures one part against another.</summary>
    /// <param name="parts">Part of each row.</param>
    /// <param name="pairs">Similar rows, from 0.5 on, by position; exact copies with 1.</param>
    /// <param name="bands">The bands that found them; null: every pair was compared.</param>
    /// <param name="rows">Rows with their keys, for the groups; null: none.</param>
    /// <param name="heldOut">The part that should be unseen.</param>
    /// <param name="seen">The part that is learned from.</param>
    public static SplitLeakage Measure(IReadOnlyList<string> parts, IEnumerable<SimilarPair> pairs, LshBands? bands, IReadOnlyList<SplitRow>? rows = null, string heldOut = SplitNames.Test, string seen = SplitNames.Train)
    {
        var nearest = new Dictionary<int, double>();
        foreach (var pair in pairs)
        {
            var (row, other) = parts[pair.First] == heldOut ? (pair.First, pair.Second) : (pair.Second, pair.First);
            if (parts[row] == heldOut && parts[other] == seen)
            {
                nearest[row] = Math.Max(nearest.GetValueOrDefault(row), pair.Similarity);
            }
        }

        var keys = new HashSet<string>(Enumerable.Range(0, rows?.Count ?? 0).Where(i => parts[i] == heldOut).SelectMany(i => rows![i].Keys), StringComparer.Ordinal);
        keys.IntersectWith(Enumerable.Range(0, rows?.Count ?? 0).Where(i => parts[i] == seen).SelectMany(i => rows![i].Keys));
        return new SplitLeakage(
            parts.Count(p => p == heldOut),
            Steps.ToDictionary(Name, s => nearest.Values.Count(v => v >= s - 1e-9)),
            Steps.ToDictionary(Name, s => bands?.Probability(s) ?? 1),
            keys.Count);
    }

    /// <summary>Share of the held-out rows with a training row of at least this similarity, 0 to 1.</summary>
    public double Share(double similarity) => HeldOut == 0 ? 0 : (double)WithNeighbour[Name(similarity)] / HeldOut;

    /// <summary>As JSON for reports.</summary>
    public JsonObject ToJson() => new()
    {
        ["held_out"] = HeldOut, ["shared_keys"] = SharedKeys,
        ["with_neighbour"] = new JsonObject(WithNeighbour.Select(p => KeyValuePair.Create(p.Key, (JsonNode?)p.Value))),
        ["recall"] = new JsonObject(Recall.Select(p => KeyValuePair.Create(p.Key, (JsonNode?)Math.Round(p.Value, 4)))),
    };

    private static string Name(double similarity) => similarity.ToString("0.0", CultureInfo.InvariantCulture);
}
