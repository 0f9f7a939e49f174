using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lauter.Ledger;

/// <summary>Reads typed members of a configuration section and collects every fault instead of stopping at the first.</summary>
internal sealed class SectionReader(string path, JsonObject section, List<string> faults)
{
    public string? Text(string key, bool required = true)
    {
        var node = section[key];
        if (node is null)
        {
            return Missing<string>(key, required);
        }

        return node is JsonValue value ? value.ToString() : Fault<string>(key, node, "text");
    }

    public Money? Amount(string key) =>
        section[key] is not { } node ? Missing<Money?>(key, required: true)
        : node is JsonValue value && Money.TryParse(value.ToString(), out var money) && money.NanoUnits >= 0 ? money
        : Fault<Money?>(key, node, "an amount such as '0.12 CNY'");

    public decimal? Number(string key) =>
        section[key] is not { } node ? Missing<decimal?>(key, required: true) : ToNumber(node) ?? Fault<decimal?>(key, node, "a number, 0 or more");

    public DateTimeOffset? Instant(string key) =>
        section[key] is not { } node ? null
        : DateTimeOffset.TryParse(node.ToString(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at.ToUniversalTime()
        : Fault<DateTimeOffset?>(key, node, "a date such as 2026-01-31");

    /// <summary>The number's own text as a decimal: a double in between would change it.</summary>
    public static decimal? ToNumber(JsonNode? node) =>
        node is JsonValue value && value.GetValueKind() is JsonValueKind.Number or JsonValueKind.String
        && decimal.TryParse(node.ToString(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number >= 0
            ? number
            : null;

    private T? Missing<T>(string key, bool required)
    {
        if (required)
        {
            faults.Add($"{path}.{key}: missing.");
        }

        return default;
    }

    private T? Fault<T>(string key, JsonNode node, string expected)
    {
        faults.Add($"{path}.{key}: {node.ToJsonString()} is not {expected}.");
        return default;
    }
}
