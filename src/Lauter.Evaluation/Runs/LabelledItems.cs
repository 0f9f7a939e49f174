using Lauter.Catalog.Objects;
using System.Text;
using System.Text.Json.Nodes;
using Lauter.Evaluation.Metrics;

namespace Lauter.Evaluation.Runs;

/// <summary>One output field of many outcomes as small integers, so that resampling counts without comparing text.</summary>
internal sealed class LabelledItems
{
    private readonly int[] _actual;
    private readonly int[] _predicted;

    private LabelledItems(int labels, int[] actual, int[] predicted)
    {
        Labels = labels;
        _actual = actual;
        _predicted = predicted;
    }

    /// <summary>How many labels occur on either side.</summary>
    public int Labels { get; }

    /// <summary>Null when a reference lacks the field: then the metric is not defined.</summary>
    public static LabelledItems? Of(IReadOnlyList<ItemOutcome> items, string field)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        var actual = new int[items.Count];
        var predicted = new int[items.Count];
        for (var i = 0; i < items.Count; i++)
        {
            if (items[i].Reference is not { } reference || !reference.TryGetPropertyValue(field, out var right))
            {
                return null;
            }

            actual[i] = Id(ids, right);
            predicted[i] = items[i].Prediction is { } said && said.TryGetPropertyValue(field, out var label) ? Id(ids, label) : -1;
        }

        return new LabelledItems(ids.Count, actual, predicted);
    }

    /// <summary>Macro-F1 over <paramref name="members"/> (indices, repeats allowed); <paramref name="counts"/> is scratch.</summary>
    public double MacroF1(ConfusionCounts counts, ReadOnlySpan<int> members)
    {
        counts.Clear();
        foreach (var member in members)
        {
            counts.Add(_actual[member], _predicted[member]);
        }

        return counts.MacroF1();
    }

    private static int Id(Dictionary<string, int> ids, JsonNode? label)
    {
        var key = Encoding.UTF8.GetString(CanonicalJson.Serialize(label));
        if (!ids.TryGetValue(key, out var id))
        {
            ids[key] = id = ids.Count;
        }

        return id;
    }
}
