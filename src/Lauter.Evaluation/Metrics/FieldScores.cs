using System.Text.Json.Nodes;
using Lauter.Evaluation.Suites;

namespace Lauter.Evaluation.Metrics;

/// <summary>Scores of a single answer against its reference.</summary>
internal static class FieldScores
{
    /// <summary>The score of a per-item metric, 0 to 1; null for a metric of the whole set.</summary>
    /// <remarks>JSON values compare by content: <c>1</c> equals <c>1.0</c>, member order is nothing, text compares exactly.</remarks>
    public static double? Score(MetricSpec metric, SuiteItem item, JsonObject? prediction) => metric.Kind switch
    {
        MetricKind.ParseRate => prediction is null ? 0 : 1,
        MetricKind.ExactMatch when metric.Field is { } field => Equal(item.Reference, prediction, field) ? 1 : 0,
        MetricKind.ExactMatch => prediction is not null && item.Reference.All(m => Equal(item.Reference, prediction, m.Key)) ? 1 : 0,
        MetricKind.AnswerExact => Answer(metric, item, prediction, (said, right, chinese) => AnswerScores.Exact(said, [right], chinese)),
        MetricKind.AnswerF1 => Answer(metric, item, prediction, (said, right, chinese) => AnswerScores.F1(said, [right], chinese)),
        _ => null,
    };

    private static double Answer(MetricSpec metric, SuiteItem item, JsonObject? prediction, Func<string, string, bool, double> score) =>
        Text(prediction, metric.Field!) is { } said && Text(item.Reference, metric.Field!) is { } right ? score(said, right, item.Language == "zh") : 0;

    private static string? Text(JsonObject? answer, string field) =>
        answer?[field] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    private static bool Equal(JsonObject reference, JsonObject? prediction, string field) =>
        prediction is not null
        && reference.TryGetPropertyValue(field, out var expected)
        && prediction.TryGetPropertyValue(field, out var actual)
        && JsonNode.DeepEquals(expected, actual);
}
