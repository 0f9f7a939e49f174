using System.Text.Json;

namespace Lauter.Inference.Grammars;

/// <summary>
/// Whether alternatives can be told apart: by type, by constants, or by a required property whose schemas can be told apart. Says "may
/// overlap" when in doubt.
/// </summary>
internal static class SchemaOverlap
{
    private const int Depth = 8;

    /// <summary>Indices of two alternatives that may allow the same value, or null when none do.</summary>
    public static (int First, int Second)? Find(JsonElement root, JsonElement alternatives)
    {
        var items = alternatives.EnumerateArray().ToArray();
        for (var second = 1; second < items.Length; second++)
        {
            for (var first = 0; first < second; first++)
            {
                if (!AreApart(root, items[first], items[second], 0))
                {
                    return (first, second);
                }
            }
        }

        return null;
    }

    public static bool IsOfType(JsonElement value, string type) => type switch
    {
        "any" => true,
        "object" => value.ValueKind == JsonValueKind.Object,
        "array" => value.ValueKind == JsonValueKind.Array,
        "string" => value.ValueKind == JsonValueKind.String,
        "number" => value.ValueKind == JsonValueKind.Number,
        "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out var number) && decimal.Truncate(number) == number,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        _ => value.ValueKind == JsonValueKind.Null,
    };

    private static bool AreApart(JsonElement root, JsonElement left, JsonElement right, int depth)
    {
        left = Follow(root, left);
        right = Follow(root, right);
        if (depth > Depth || left.ValueKind != JsonValueKind.Object || right.ValueKind != JsonValueKind.Object)
        {
            return false;
        }

        if (Values(left) is { } leftValues && Values(right) is { } rightValues)
        {
            return !leftValues.Exists(value => rightValues.Exists(other => JsonElement.DeepEquals(value, other)));
        }

        var leftTypes = Types(left);
        var rightTypes = Types(right);
        if (leftTypes is not null && rightTypes is not null && !leftTypes.Overlaps(rightTypes))
        {
            return true;
        }

        return OnlyObjects(leftTypes) && OnlyObjects(rightTypes)
            && (Discriminated(root, left, right, depth) || LacksRequired(left, right) || LacksRequired(right, left));
    }

    private static bool OnlyObjects(HashSet<string>? types) => types is { Count: 1 } && types.Contains("object");

    /// <summary>A property that both require and whose values can be told apart.</summary>
    private static bool Discriminated(JsonElement root, JsonElement left, JsonElement right, int depth) =>
        Required(left).Intersect(Required(right), StringComparer.Ordinal).Any(name =>
            Property(left, name) is { } a && Property(right, name) is { } b && AreApart(root, a, b, depth + 1));

    /// <summary>One requires a property that the other, closed, does not know.</summary>
    private static bool LacksRequired(JsonElement one, JsonElement other) =>
        other.TryGetProperty("additionalProperties", out var additional) && additional.ValueKind == JsonValueKind.False
        && Required(one).Any(name => Property(other, name) is null);

    private static JsonElement Follow(JsonElement root, JsonElement schema)
    {
        for (var hops = 0; hops < Depth && schema.ValueKind == JsonValueKind.Object && schema.TryGetProperty("$ref", out var target); hops++)
        {
            schema = target.ValueKind == JsonValueKind.String && SchemaPointer.Resolve(root, target.GetString()!) is { } found ? found : default;
        }

        return schema;
    }

    private static List<JsonElement>? Values(JsonElement schema) =>
        schema.TryGetProperty("const", out var constant) ? [constant]
        : schema.TryGetProperty("enum", out var values) && values.ValueKind == JsonValueKind.Array ? [.. values.EnumerateArray()]
        : null;

    /// <summary>Types that a value can have, integers counted as numbers; null when it can have any.</summary>
    private static HashSet<string>? Types(JsonElement schema)
    {
        if (Values(schema) is { } values)
        {
            return [.. values.Select(value => value.ValueKind switch
            {
                JsonValueKind.True or JsonValueKind.False => "boolean",
                var kind => kind.ToString().ToLowerInvariant(),
            })];
        }

        if (!schema.TryGetProperty("type", out var type))
        {
            return null;
        }

        var names = type.ValueKind == JsonValueKind.Array ? type.EnumerateArray().ToArray() : [type];
        return [.. names.Select(name => name.ValueKind == JsonValueKind.String && name.GetString() is { } text && text != "integer" ? text : "number")];
    }

    private static IEnumerable<string> Required(JsonElement schema) =>
        schema.TryGetProperty("required", out var list) && list.ValueKind == JsonValueKind.Array
            ? list.EnumerateArray().Where(name => name.ValueKind == JsonValueKind.String).Select(name => name.GetString()!)
            : [];

    private static JsonElement? Property(JsonElement schema, string name) =>
        schema.TryGetProperty("properties", out var properties) && properties.ValueKind == JsonValueKind.Object && properties.TryGetProperty(name, out var value)
            ? value
            : null;
}
