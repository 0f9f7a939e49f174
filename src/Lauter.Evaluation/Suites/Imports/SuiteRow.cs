using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Lauter.Catalog.Objects;
using Lauter.Data.Text;

namespace Lauter.Evaluation.Suites.Imports;

/// <summary>One item of a suite as a plain file: what <c>lauter eval run</c> reads.</summary>
/// <param name="Id">Unique in the suite.</param>
/// <param name="Input">Text, a list of messages, or an object.</param>
/// <param name="References">Right answers, any of which counts; empty where there is none.</param>
public sealed record SuiteRow(string Id, JsonNode Input, IReadOnlyList<JsonNode?> References)
{
    /// <summary>Items of one cluster are no independent evidence; null for the id.</summary>
    public string? Cluster { get; init; }

    /// <summary><c>en</c>, <c>zh</c> or <c>und</c>; null to have it detected.</summary>
    public string? Language { get; init; }

    /// <summary>Further strata by name.</summary>
    public IReadOnlyDictionary<string, string> Strata { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>All texts of the input.</summary>
    public IEnumerable<string> Texts => TextLeaves.Of(Input);

    /// <summary>The item as one line of canonical JSON.</summary>
    public string ToLine()
    {
        var line = new JsonObject { ["id"] = Id, ["input"] = Input.DeepClone(), ["language"] = Language ?? LanguageDetector.Detect(string.Join('\n', Texts)) };
        if (References.Count == 1)
        {
            line["reference"] = References[0]?.DeepClone();
        }
        else if (References.Count > 1)
        {
            line["references"] = new JsonArray([.. References.Select(r => r?.DeepClone())]);
        }

        if (Cluster is { } cluster && cluster != Id)
        {
            line["cluster"] = cluster;
        }

        if (Strata.Count > 0)
        {
            line["strata"] = new JsonObject(Strata.Select(s => KeyValuePair.Create(s.Key, (JsonNode?)s.Value)));
        }

        return Encoding.UTF8.GetString(CanonicalJson.Serialize(line));
    }

    /// <summary>An id made of what an item says, for files that have none: equal items get equal ids.</summary>
    public static string IdOf(JsonNode input, IEnumerable<JsonNode?> references) => Convert.ToHexStringLower(SHA256.HashData(
        CanonicalJson.Serialize(new JsonArray(input.DeepClone(), new JsonArray([.. references.Select(r => r?.DeepClone())])))))[..16];
}

/// <summary>The strings of a JSON value, whatever its form.</summary>
public static class TextLeaves
{
    /// <summary>Every string value (member names and numbers are none), in order.</summary>
    public static IEnumerable<string> Of(JsonNode? node) => node switch
    {
        JsonValue v => v.TryGetValue<string>(out var text) ? [text] : [],
        JsonArray a => a.SelectMany(Of),
        JsonObject o => o.SelectMany(m => Of(m.Value)),
        _ => [],
    };

    /// <summary>The same value with every string replaced; roles of messages stay.</summary>
    public static JsonNode? Map(JsonNode? node, Func<string, string> map) => node switch
    {
        JsonValue v when v.TryGetValue<string>(out var text) => JsonValue.Create(map(text)),
        JsonArray a => new JsonArray([.. a.Select(i => Map(i, map))]),
        JsonObject o => new JsonObject(o.Select(m => KeyValuePair.Create(m.Key, m.Key == "role" ? m.Value?.DeepClone() : Map(m.Value, map)))),
        _ => node?.DeepClone(),
    };
}
