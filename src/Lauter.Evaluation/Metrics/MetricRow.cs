using System.Text.Json.Nodes;

namespace Lauter.Evaluation.Metrics;

/// <summary>One answer beside what it is measured by, in any of the forms that a metric takes (see <see cref="MetricCatalogue"/>).</summary>
public sealed record MetricRow
{
    /// <summary>Unique in the file.</summary>
    public required string Id { get; init; }

    /// <summary>What was said: text, an object, a list, a number; null when there is no answer.</summary>
    public JsonNode? Prediction { get; init; }

    /// <summary>What would have been right; several where any of them is.</summary>
    public IReadOnlyList<JsonNode?> References { get; init; } = [];

    /// <summary>Why there is no usable answer, or null.</summary>
    public string? Failure { get; init; }

    /// <summary>Rows of one cluster are not independent. Default: the id.</summary>
    public string Cluster { get => field ?? Id; init; }

    /// <summary><c>en</c>, <c>zh</c> or <c>und</c>.</summary>
    public string Language { get; init; } = "und";

    /// <summary>The prediction as text: a string as it is, anything else as JSON; empty when there is none.</summary>
    public string Said => Failure is null ? Text(Prediction) : "";

    /// <summary>The references as text.</summary>
    public IEnumerable<string> Expected => References.Select(Text);

    internal static string Text(JsonNode? node) => node switch
    {
        null => "",
        JsonValue value when value.TryGetValue<string>(out var text) => text,
        _ => node.ToJsonString(),
    };
}

/// <summary>A way to measure rows. Stateless and thread-safe.</summary>
public interface IMetric
{
    /// <summary>The name with its options, for example <c>bleu:tok=zh</c>.</summary>
    string Name { get; }

    /// <summary>Measures all rows.</summary>
    MetricTable Measure(IReadOnlyList<MetricRow> rows);
}
