using System.Text.Json.Nodes;
using Lauter.Evaluation.Suites;

namespace Lauter.Evaluation.Metrics;

/// <summary>Scores of a single answer against its reference.</summary>
internal static class FieldScores
{
    /// <summary>1 or 0 for a per-item metric, null for a metric of the whole set.</summary>
    /// <remarks>JSON values compare by content: <c>1</c> equals <c>1.0</c>, member order is nothing, text compares exactly.</remarks>
    public static double? Score(MetricSpec metric, SuiteItem item, JsonObject? prediction) => metric.Kind switch
    {
        MetricKind.ParseRate => prediction is null ? 0 : 1,
        MetricKind.ExactMatch when metric.Field is { } field => Equal(item.Reference, prediction, field) ? 1 : 0,
        MetricKind.ExactMatch => prediction is not null && item.Reference.All(m => Equal(item.Reference, prediction, m.Key)) ? 1 : 0,
        _ => null,
    };

    private static bool Equal(JsonObject reference, JsonObject? prediction, string field) =>
        prediction is not null
        && reference.TryGetPropertyValue(field, out var expected)
        && prediction.TryGetPropertyValue(field, out var actual)
        && JsonNode.DeepEquals(expected, actual);
}
