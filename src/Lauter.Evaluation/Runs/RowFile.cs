using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Evaluation.Metrics;

namespace Lauter.Evaluation.Runs;

/// <summary>
/// Rows for metrics from plain files, one JSON object a line. Predictions: <c>id</c> and one of <c>prediction</c>, <c>output</c>,
/// <c>answer</c>, <c>text</c>; optional <c>failure</c>. References: <c>id</c> and <c>reference</c> or <c>references</c> (a list of which
/// any counts); optional <c>cluster</c>, <c>language</c>. A reference without a prediction is an unanswered row, never left out.
/// </summary>
public static class RowFile
{
    private static readonly string[] PredictionMembers = ["prediction", "output", "answer", "text"];

    /// <summary>Joins both files by id, in the order of the references (of the predictions without references).</summary>
    /// <param name="predictions">Lines of the predictions.</param>
    /// <param name="references">Lines of the references; null when the predictions hold their own, or none are needed.</param>
    /// <exception cref="InvalidDataException">Lines are wrong, an id occurs twice, or a prediction has no reference; up to ten are named.</exception>
    public static IReadOnlyList<MetricRow> Read(IEnumerable<string> predictions, IEnumerable<string>? references)
    {
        var faults = new List<string>();
        var said = Objects("predictions", predictions, faults);
        var right = references is null ? said : Objects("references", references, faults);
        if (references is not null)
        {
            faults.AddRange(said.Keys.Where(id => !right.ContainsKey(id)).Select(id => $"predictions: '{id}' has no reference"));
        }

        if (faults.Count > 0)
        {
            throw new InvalidDataException(
                $"{faults.Count} fault(s):\n  {string.Join("\n  ", faults.Take(10))}{(faults.Count > 10 ? $"\n  and {faults.Count - 10} more" : "")}");
        }

        return [.. right.Select(r => Row(r.Key, said.GetValueOrDefault(r.Key), r.Value))];
    }

    private static MetricRow Row(string id, JsonObject? said, JsonObject right)
    {
        var member = said is null ? null : Array.Find(PredictionMembers, said.ContainsKey);
        return new MetricRow
        {
            Id = id,
            Prediction = member is null ? null : said![member],
            References = right["references"] is JsonArray several ? [.. several] : right.TryGetPropertyValue("reference", out var one) ? [one] : [],
            Failure = Text(said, "failure") ?? (said is null ? "missing" : null),
            Cluster = Text(right, "cluster") ?? Text(said, "cluster") ?? id,
            Language = Text(right, "language") ?? Text(said, "language") ?? "und",
        };
    }

    private static Dictionary<string, JsonObject> Objects(string file, IEnumerable<string> lines, List<string> faults)
    {
        // A dictionary that only grows keeps the order of insertion.
        var rows = new Dictionary<string, JsonObject>(StringComparer.Ordinal);
        var number = 0;
        foreach (var line in lines)
        {
            number++;
            if (string.IsNullOrWhiteSpace(line))
            {
                continue;
            }

            try
            {
                if (JsonNode.Parse(line) is not JsonObject row)
                {
                    faults.Add($"{file} line {number}: not a JSON object");
                }
                else if (Id(row) is not { Length: > 0 } id)
                {
                    faults.Add($"{file} line {number}: has no id");
                }
                else if (!rows.TryAdd(id, row))
                {
                    faults.Add($"{file} line {number}: the id '{id}' occurs twice");
                }
            }
            catch (Exception e) when (e is JsonException or ArgumentException)
            {
                faults.Add($"{file} line {number}: {e.Message}");
            }
        }

        return rows;
    }

    private static string? Id(JsonObject row) => row["id"] is JsonValue v
        ? v.TryGetValue<string>(out var text) ? text : v.TryGetValue<long>(out var whole) ? whole.ToString() : null
        : null;

    private static string? Text(JsonObject? row, string member) => row?[member] is JsonValue v && v.TryGetValue<string>(out var text) ? text : null;
}
