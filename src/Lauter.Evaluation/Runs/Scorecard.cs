using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Lauter.Catalog.Objects;
using Lauter.Evaluation.Metrics;

namespace Lauter.Evaluation.Runs;

/// <summary>
/// The result of one candidate on one suite. Holds nothing that changes from run to run: the same answers give the same bytes. What
/// does change (times) lies apart in <see cref="Measurements"/>.
/// </summary>
public sealed record Scorecard
{
    /// <summary>The suite's name, for people.</summary>
    public required string SuiteName { get; init; }

    /// <summary>The suite's hash: scorecards of different suites never compare.</summary>
    public required string SuiteHash { get; init; }

    /// <summary>The candidate's name.</summary>
    public required string CandidateName { get; init; }

    /// <summary>The candidate's kind.</summary>
    public required string CandidateKind { get; init; }

    /// <summary>The metrics, with signatures.</summary>
    public required IReadOnlyList<MetricSpec> Metrics { get; init; }

    /// <summary>Overall values first, then by language.</summary>
    public required IReadOnlyList<MetricValue> Values { get; init; }

    /// <summary>One outcome for each item of the suite, in the suite's order.</summary>
    public required IReadOnlyList<ItemOutcome> Items { get; init; }

    /// <summary>Times and tokens; not part of the bytes. Null after <see cref="FromBytes"/>.</summary>
    [JsonIgnore]
    public SideMeasurements? Measurements { get; init; }

    /// <summary>The value of <paramref name="metric"/> over all items, or null when the scorecard has none.</summary>
    public MetricValue? Overall(string metric) => Value(metric, MetricValue.AllItems);

    /// <summary>The value of <paramref name="metric"/> in <paramref name="stratum"/> (<c>all</c>, <c>language=zh</c>), or null.</summary>
    public MetricValue? Value(string metric, string stratum) => Values.FirstOrDefault(v => v.Metric == metric && v.Stratum == stratum);

    /// <summary>Canonical JSON.</summary>
    public byte[] ToBytes() => CanonicalJson.Serialize(JsonSerializer.SerializeToElement(this, ScorecardJson.Default.Scorecard));

    /// <summary>Reads a scorecard from <see cref="ToBytes"/>.</summary>
    /// <exception cref="InvalidDataException">The bytes are not a scorecard.</exception>
    public static Scorecard FromBytes(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return JsonSerializer.Deserialize(bytes, ScorecardJson.Default.Scorecard)
                ?? throw new InvalidDataException("The scorecard file holds null.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"The file is not a scorecard: {e.Message}", e);
        }
    }
}

/// <summary>How one item went.</summary>
public sealed record ItemOutcome
{
    /// <summary>The item's id.</summary>
    public required string Id { get; init; }

    /// <summary>The item's cluster.</summary>
    public required string Cluster { get; init; }

    /// <summary>The item's language.</summary>
    public required string Language { get; init; }

    /// <summary>Further strata of the item.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, string>? Strata { get; init; }

    /// <summary>What the candidate said, or null.</summary>
    public JsonObject? Prediction { get; init; }

    /// <summary>The right answer, kept so that a scorecard explains itself.</summary>
    public JsonObject? Reference { get; init; }

    /// <summary>Null, or why there is no usable answer: <c>unparsed</c>, <c>refused</c>, <c>timeout</c>, <c>error</c>.</summary>
    public string? Failure { get; init; }

    /// <summary>The failure in words.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? FailureDetail { get; init; }

    /// <summary>Up to 1,000 characters of an answer that did not parse.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? UnparsedText { get; init; }

    /// <summary>Score by metric name, for the metrics that have one for each item. A failed item scores 0 and says so in <see cref="Failure"/>.</summary>
    public required IReadOnlyDictionary<string, double> Scores { get; init; }

    /// <summary>The item's value in <paramref name="dimension"/>, or null.</summary>
    public string? Stratum(string dimension) =>
        dimension == "language" ? Language : Strata is not null && Strata.TryGetValue(dimension, out var value) ? value : null;
}

/// <summary>One metric over all items or over a stratum.</summary>
public sealed record MetricValue
{
    /// <summary>The stratum that holds every item.</summary>
    public const string AllItems = "all";

    /// <summary>The metric's name.</summary>
    public required string Metric { get; init; }

    /// <summary>Its signature.</summary>
    public required string Signature { get; init; }

    /// <summary><c>all</c>, or <c>language=zh</c>.</summary>
    public required string Stratum { get; init; }

    /// <summary>Items in the stratum, failed ones included.</summary>
    public required int Items { get; init; }

    /// <summary>Clusters in the stratum: the number of independent pieces of evidence.</summary>
    public required int Clusters { get; init; }

    /// <summary>Items whose answer did not parse.</summary>
    public required int Unparsed { get; init; }

    /// <summary>Items without an answer for another reason.</summary>
    public required int Failed { get; init; }

    /// <summary>The value, 0 to 1; null when it is not defined (no items).</summary>
    public double? Value { get; init; }

    /// <summary>Lower end of the interval.</summary>
    public double? Low { get; init; }

    /// <summary>Upper end of the interval.</summary>
    public double? High { get; init; }

    /// <summary>How the interval was made, for example <c>wilson|conf:0.95</c>.</summary>
    public string? Interval { get; init; }
}

/// <summary>Times and tokens of a run: true of this machine at that time, so not part of the scorecard's bytes.</summary>
public sealed record SideMeasurements
{
    /// <summary>Sum of prompt tokens.</summary>
    public required long PromptTokens { get; init; }

    /// <summary>Sum of completion tokens.</summary>
    public required long CompletionTokens { get; init; }

    /// <summary>Median milliseconds of one answer; null without items.</summary>
    public required double? LatencyP50Milliseconds { get; init; }

    /// <summary>95th percentile of the milliseconds of one answer.</summary>
    public required double? LatencyP95Milliseconds { get; init; }

    /// <summary>Slowest answer in milliseconds.</summary>
    public required double? LatencyMaxMilliseconds { get; init; }

    /// <summary>Milliseconds of each answer, in the suite's order.</summary>
    public required IReadOnlyList<double> LatencyMilliseconds { get; init; }

    /// <summary>Cost of each answer in the suite's order, in units of one currency; null when it is not known of every answer.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<double>? CostOfItems { get; init; }

    /// <summary>The measurements as JSON.</summary>
    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, ScorecardJson.Default.SideMeasurements);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(Scorecard))]
[JsonSerializable(typeof(SideMeasurements))]
internal sealed partial class ScorecardJson : JsonSerializerContext;
