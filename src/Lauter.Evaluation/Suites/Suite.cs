using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Lauter.Catalog.Objects;
using Lauter.Data.Export;
using Lauter.Evaluation.Metrics;

namespace Lauter.Evaluation.Suites;

/// <summary>
/// A frozen evaluation set: items and metrics, named by the SHA-256 of its canonical bytes. Two scorecards compare only when they
/// carry the same name and the same metric signatures. Immutable; safe for concurrent reading.
/// </summary>
public sealed class Suite
{
    private static readonly IReadOnlyDictionary<string, string> NoStrata = new Dictionary<string, string>(StringComparer.Ordinal);
    private byte[]? _bytes;

    private Suite(string name, IReadOnlyList<SuiteItem> items, IReadOnlyList<MetricSpec> metrics)
    {
        Name = name;
        Items = items;
        Metrics = metrics;
    }

    /// <summary>For example <c>tickets/test</c>.</summary>
    public string Name { get; }

    /// <summary>In ordinal order of their ids.</summary>
    public IReadOnlyList<SuiteItem> Items { get; }

    /// <summary>In the order in which reports show them.</summary>
    public IReadOnlyList<MetricSpec> Metrics { get; }

    /// <summary>Lower-case hexadecimal SHA-256 of <see cref="ToBytes"/>.</summary>
    public string Hash => field ??= Convert.ToHexStringLower(SHA256.HashData(ToBytes()));

    /// <summary>A suite of <paramref name="items"/>, sorted by id.</summary>
    /// <exception cref="ArgumentException">Two items share an id, or two metrics share a name.</exception>
    public static Suite Create(string name, IEnumerable<SuiteItem> items, IEnumerable<MetricSpec> metrics)
    {
        var sorted = items.OrderBy(i => i.Id, StringComparer.Ordinal).ToArray();
        for (var i = 1; i < sorted.Length; i++)
        {
            if (sorted[i].Id == sorted[i - 1].Id)
            {
                throw new ArgumentException($"The suite '{name}' has two items with the id '{sorted[i].Id}'; ids must be unique.", nameof(items));
            }
        }

        var specs = metrics.ToArray();
        if (specs.GroupBy(m => m.Name, StringComparer.Ordinal).FirstOrDefault(g => g.Skip(1).Any()) is { } twice)
        {
            throw new ArgumentException($"The suite '{name}' names the metric '{twice.Key}' twice.", nameof(metrics));
        }

        return new Suite(name, sorted, specs);
    }

    /// <summary>
    /// The rows of <paramref name="split"/> as a suite with the default metrics: exact match of each output field and of the whole
    /// object, macro-F1 of each output field, parse rate.
    /// </summary>
    /// <param name="name">For example <c>tickets/test</c>.</param>
    /// <param name="rows">Rows of a dataset of kind <c>examples</c>; rows of other splits are passed over.</param>
    /// <param name="outputFields">The output fields in the order of the project file.</param>
    /// <param name="split">One of <see cref="SplitNames"/>.</param>
    public static Suite FromExamples(string name, IEnumerable<ExampleRow> rows, IReadOnlyList<string> outputFields, string split = SplitNames.Test) =>
        Create(name, rows.Where(r => r.Split == split).Select(FromRow), MetricSpec.DefaultsFor(outputFields));

    private static SuiteItem FromRow(ExampleRow row) =>
        new(row.Id, Object(row.Input, row.Id, "input"), Object(row.Output, row.Id, "output"), row.Language, row.Cluster) { Text = row.Text };

    private static JsonObject Object(string json, string id, string member) => JsonNode.Parse(json) as JsonObject
        ?? throw new InvalidDataException($"The {member} of row '{id}' is not a JSON object.");

    /// <summary>Canonical JSON of the suite: equal suites give equal bytes.</summary>
    public byte[] ToBytes() => _bytes ??= CanonicalJson.Serialize(
        JsonSerializer.SerializeToElement(new SuiteDocument(Name, Metrics, Items), SuiteJson.Default.SuiteDocument));

    /// <summary>Reads a suite from <see cref="ToBytes"/>.</summary>
    /// <exception cref="InvalidDataException">The bytes are not a suite.</exception>
    public static Suite FromBytes(ReadOnlySpan<byte> bytes)
    {
        try
        {
            var document = JsonSerializer.Deserialize(bytes, SuiteJson.Default.SuiteDocument)
                ?? throw new InvalidDataException("The suite file holds null.");

            // A file made elsewhere may leave these two out; the serializer then sets null.
            return Create(document.Name, document.Items.Select(i => i with { Text = i.Text ?? "", Strata = i.Strata ?? NoStrata }), document.Metrics);
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw new InvalidDataException($"The file is not a suite: {e.Message}", e);
        }
    }
}

internal sealed record SuiteDocument(string Name, IReadOnlyList<MetricSpec> Metrics, IReadOnlyList<SuiteItem> Items);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(SuiteDocument))]
internal sealed partial class SuiteJson : JsonSerializerContext;
