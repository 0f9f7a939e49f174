using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lauter.Catalog.Objects;

/// <summary>
/// Reads numbers from facts. A number that was just put there still has its CLR type, and one that was read back is JSON text;
/// <see cref="JsonNode.GetValue{T}"/> accepts only an exact match of the former, so numbers are read through their text.
/// </summary>
public static class ManifestFacts
{
    /// <summary>A whole number, or null when the member is absent or not a number.</summary>
    public static long? Count(JsonNode? value) => Number(value) is { } number ? (long)number : null;

    /// <summary>A number, or null when the member is absent or not a number.</summary>
    public static double? Number(JsonNode? value) => value?.GetValueKind() == JsonValueKind.Number
        ? double.Parse(value.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture)
        : null;
}
