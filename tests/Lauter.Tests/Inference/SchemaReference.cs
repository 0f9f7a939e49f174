using System.Globalization;
using System.Text.Json;

namespace Lauter.Tests.Inference;

/// <summary>A slow, plain validator of the keywords that the grammar compiler accepts: the reference it is held against.</summary>
internal static class SchemaReference
{
    public static bool Holds(JsonElement root, JsonElement schema, JsonElement value)
    {
        if (schema.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            return schema.ValueKind == JsonValueKind.True;
        }

        return schema.EnumerateObject().All(keyword => Holds(root, schema, keyword.Name, keyword.Value, value));
    }

    private static bool Holds(JsonElement root, JsonElement schema, string keyword, JsonElement argument, JsonElement value) => keyword switch
    {
        "$ref" => Holds(root, Resolve(root, argument.GetString()!), value),
        "type" => argument.ValueKind == JsonValueKind.Array ? argument.EnumerateArray().Any(type => IsType(value, type.GetString()!)) : IsType(value, argument.GetString()!),
        "const" => JsonElement.DeepEquals(argument, value),
        "enum" => argument.EnumerateArray().Any(item => JsonElement.DeepEquals(item, value)),
        "anyOf" => argument.EnumerateArray().Any(item => Holds(root, item, value)),
        "oneOf" => argument.EnumerateArray().Count(item => Holds(root, item, value)) == 1,
        "allOf" => argument.EnumerateArray().All(item => Holds(root, item, value)),
        "minLength" => value.ValueKind != JsonValueKind.String || Length(value) >= argument.GetInt32(),
        "maxLength" => value.ValueKind != JsonValueKind.String || Length(value) <= argument.GetInt32(),
        "minimum" => value.ValueKind != JsonValueKind.Number || value.GetDecimal() >= argument.GetDecimal(),
        "maximum" => value.ValueKind != JsonValueKind.Number || value.GetDecimal() <= argument.GetDecimal(),
        "exclusiveMinimum" => value.ValueKind != JsonValueKind.Number || value.GetDecimal() > argument.GetDecimal(),
        "exclusiveMaximum" => value.ValueKind != JsonValueKind.Number || value.GetDecimal() < argument.GetDecimal(),
        "format" => value.ValueKind != JsonValueKind.String || IsFormat(argument.GetString()!, value.GetString()!),
        "minItems" => value.ValueKind != JsonValueKind.Array || value.GetArrayLength() >= argument.GetInt32(),
        "maxItems" => value.ValueKind != JsonValueKind.Array || value.GetArrayLength() <= argument.GetInt32(),
        "prefixItems" => value.ValueKind != JsonValueKind.Array || value.EnumerateArray().Zip(argument.EnumerateArray()).All(pair => Holds(root, pair.Second, pair.First)),
        "items" => value.ValueKind != JsonValueKind.Array || value.EnumerateArray().Skip(Prefix(schema)).All(item => Holds(root, argument, item)),
        "required" => value.ValueKind != JsonValueKind.Object || argument.EnumerateArray().All(name => value.TryGetProperty(name.GetString()!, out _)),
        "properties" => value.ValueKind != JsonValueKind.Object
            || argument.EnumerateObject().All(property => !value.TryGetProperty(property.Name, out var member) || Holds(root, property.Value, member)),
        "additionalProperties" => value.ValueKind != JsonValueKind.Object || value.EnumerateObject().All(member => Knows(schema, member.Name) || Holds(root, argument, member.Value)),
        "$defs" or "title" or "description" => true,
        _ => throw new NotSupportedException(keyword),
    };

    private static int Length(JsonElement value) => value.GetString()!.EnumerateRunes().Count();

    private static int Prefix(JsonElement schema) => schema.TryGetProperty("prefixItems", out var prefix) ? prefix.GetArrayLength() : 0;

    private static bool Knows(JsonElement schema, string name) => schema.TryGetProperty("properties", out var properties) && properties.TryGetProperty(name, out _);

    private static JsonElement Resolve(JsonElement root, string reference) =>
        reference == "#" ? root : reference[2..].Split('/').Aggregate(root, (place, part) => place.GetProperty(part));

    private static bool IsFormat(string format, string text) => format switch
    {
        "date" => DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _),
        "uuid" => Guid.TryParseExact(text, "D", out _),
        _ => true,
    };

    private static bool IsType(JsonElement value, string type) => type switch
    {
        "object" => value.ValueKind == JsonValueKind.Object,
        "array" => value.ValueKind == JsonValueKind.Array,
        "string" => value.ValueKind == JsonValueKind.String,
        "number" => value.ValueKind == JsonValueKind.Number,
        "integer" => value.ValueKind == JsonValueKind.Number && decimal.Truncate(value.GetDecimal()) == value.GetDecimal(),
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "null" => value.ValueKind == JsonValueKind.Null,
        _ => false,
    };
}
