using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Lauter.Data.Operators.WholeRows;

/// <summary>
/// The part of JSON Schema (draft 2020-12) that rows need, compiled once. What it does not know it refuses to open: a keyword that is silently ignored
/// would let every row through.
/// </summary>
internal static class SchemaCheck
{
    private const int Deepest = 32;

    private static readonly string[] Remarks = ["$schema", "$id", "$comment", "title", "description", "examples", "default", "deprecated", "format"];

    /// <summary>Null: the value fits; else what is wrong, and where.</summary>
    internal delegate string? Rule(JsonNode? value, string path);

    public static Func<ReadOnlyMemory<byte>, RowChange> Open(OperatorCall call, RowFields names)
    {
        var rule = Compile(File.ReadAllText(call.File("schema")!));
        return line => rule(RowOperator.Parse(line), "row") is { } fault ? RowChange.Drop("check_schema", "schema_violation", fault) : default;
    }

    /// <exception cref="InvalidDataException">The text is no schema, or uses what is not known here.</exception>
    internal static Rule Compile(string schema)
    {
        try
        {
            return Compile(RowOperator.ReadAll(System.Text.Encoding.UTF8.GetBytes(schema)), "schema", 0);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new InvalidDataException($"The schema can't be read: {e.Message}", e);
        }
    }

    internal static bool IsType(JsonNode? value, string type) => (value?.GetValueKind() ?? JsonValueKind.Null) switch
    {
        JsonValueKind.String => type == "string",
        JsonValueKind.Number => type == "number" || (type == "integer" && double.IsInteger(Number(value!))),
        JsonValueKind.True or JsonValueKind.False => type == "boolean",
        JsonValueKind.Array => type == "array",
        JsonValueKind.Object => type == "object",
        _ => type == "null",
    };

    internal static string Shown(JsonNode? value)
    {
        var text = value?.ToJsonString(RowOperator.Relaxed) ?? "null";
        return text.Length <= 60 ? text : text[..60] + "\u2026";
    }

    private static Rule Compile(JsonNode? schema, string at, int depth)
    {
        if (depth > Deepest)
        {
            throw new InvalidDataException($"{at}: more than {Deepest} schemas inside each other.");
        }

        switch (schema?.GetValueKind())
        {
            case JsonValueKind.True:
                return (_, _) => null;
            case JsonValueKind.False:
                return (_, path) => $"{path} must not be there.";
            case JsonValueKind.Object:
                break;
            default:
                throw new InvalidDataException($"{at} is no schema.");
        }

        var keywords = schema.AsObject();
        var rules = keywords.Where(k => !Remarks.Contains(k.Key) && k.Key != "additionalProperties").Select(k => Keyword(keywords, k.Key, k.Value, $"{at}.{k.Key}", depth)).ToList();
        if (keywords.ContainsKey("additionalProperties"))
        {
            rules.Add(Additional(keywords, Compile(keywords["additionalProperties"], $"{at}.additionalProperties", depth + 1)));
        }

        return (value, path) =>
        {
            foreach (var rule in rules)
            {
                if (rule(value, path) is { } fault)
                {
                    return fault;
                }
            }

            return null;
        };
    }

    private static Rule Keyword(JsonObject all, string name, JsonNode? argument, string at, int depth) => name switch
    {
        not "const" when argument is null => throw new InvalidDataException($"{at} is null."),
        "type" => Type(argument is JsonArray ? Names(argument, at) : [argument!.GetValue<string>()]),
        "enum" => Enum([.. argument!.AsArray()]),
        "const" => Enum([argument]),
        "required" => Required(Names(argument!, at)),
        "properties" => Properties(argument!.AsObject().ToDictionary(p => p.Key, p => Compile(p.Value, $"{at}.{p.Key}", depth + 1), StringComparer.Ordinal)),
        "items" => Items(Compile(argument, at, depth + 1)),
        "minLength" => OfText((t, n) => new StringInfo(t).LengthInTextElements >= n, Number(argument!), "shorter than"),
        "maxLength" => OfText((t, n) => new StringInfo(t).LengthInTextElements <= n, Number(argument!), "longer than"),
        "minimum" => OfNumber((v, n) => v >= n, Number(argument!), "less than"),
        "maximum" => OfNumber((v, n) => v <= n, Number(argument!), "greater than"),
        "exclusiveMinimum" => OfNumber((v, n) => v > n, Number(argument!), "not greater than"),
        "exclusiveMaximum" => OfNumber((v, n) => v < n, Number(argument!), "not less than"),
        "minItems" => OfList((c, n) => c >= n, Number(argument!), "fewer items than"),
        "maxItems" => OfList((c, n) => c <= n, Number(argument!), "more items than"),
        "uniqueItems" => (value, path) => argument!.GetValue<bool>() && value is JsonArray list && list.Select(i => i?.ToJsonString() ?? "null").Distinct(StringComparer.Ordinal).Count() < list.Count ? $"{path} holds an item twice." : null,
        "pattern" => Pattern(argument!.GetValue<string>(), at),
        "anyOf" => Some(argument!.AsArray(), at, depth, n => n > 0, "none"),
        "oneOf" => Some(argument!.AsArray(), at, depth, n => n == 1, "not exactly one"),
        "allOf" => Some(argument!.AsArray(), at, depth, n => n == argument!.AsArray().Count, "not all"),
        "not" => Not(Compile(argument, at, depth + 1)),
        _ => throw new InvalidDataException($"{at} is not known here. Known are type, enum, const, required, properties, additionalProperties, items, minLength, maxLength, minimum, maximum, exclusiveMinimum, exclusiveMaximum, minItems, maxItems, uniqueItems, pattern, anyOf, oneOf, allOf, not."),
    };

    private static string[] Names(JsonNode argument, string at) => [.. argument.AsArray().Select(t => t?.GetValue<string>() ?? throw new InvalidDataException($"{at} holds null, not a text."))];

    private static Rule Type(string[] types) => (value, path) => types.Any(t => IsType(value, t)) ? null : $"{path} is {Shown(value)}, not of the type {string.Join(" or ", types)}.";

    private static Rule Enum(JsonNode?[] values) => (value, path) =>
        values.Any(v => JsonNode.DeepEquals(v, value)) ? null : $"{path} is {Shown(value)}; it must be {string.Join(", ", values.Select(Shown))}.";

    private static Rule Required(string[] names) => (value, path) => value is JsonObject map && names.FirstOrDefault(n => !map.ContainsKey(n)) is { } missing ? $"{path} has no '{missing}'." : null;

    private static Rule Properties(Dictionary<string, Rule> rules) => (value, path) =>
    {
        if (value is JsonObject map)
        {
            foreach (var (name, rule) in rules)
            {
                if (map.TryGetPropertyValue(name, out var member) && rule(member, $"{path}.{name}") is { } fault)
                {
                    return fault;
                }
            }
        }

        return null;
    };

    private static Rule Additional(JsonObject keywords, Rule rule)
    {
        var known = (keywords["properties"] as JsonObject)?.Select(p => p.Key).ToHashSet(StringComparer.Ordinal) ?? [];
        return (value, path) => value is JsonObject map ? map.Where(m => !known.Contains(m.Key)).Select(m => rule(m.Value, $"{path}.{m.Key}")).FirstOrDefault(f => f is not null) : null;
    }

    private static Rule Items(Rule rule) => (value, path) => value is JsonArray list ? list.Select((item, i) => rule(item, $"{path}[{i}]")).FirstOrDefault(f => f is not null) : null;

    private static Rule OfText(Func<string, double, bool> fits, double limit, string what) => (value, path) =>
        value?.GetValueKind() == JsonValueKind.String && !fits(value.GetValue<string>(), limit) ? $"{path} is {what} {limit} characters." : null;

    private static Rule OfNumber(Func<double, double, bool> fits, double limit, string what) => (value, path) =>
        value?.GetValueKind() == JsonValueKind.Number && !fits(Number(value), limit) ? string.Create(CultureInfo.InvariantCulture, $"{path} is {Shown(value)}, {what} {limit}.") : null;

    private static Rule OfList(Func<int, double, bool> fits, double limit, string what) => (value, path) => value is JsonArray list && !fits(list.Count, limit) ? $"{path} has {what} {limit}." : null;

    private static Rule Pattern(string pattern, string at)
    {
        Regex regex;
        try
        {
            regex = new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw new InvalidDataException($"{at}: '{pattern}' can't be matched in linear time (no look-around, no back-references): {e.Message}", e);
        }

        return (value, path) => value?.GetValueKind() == JsonValueKind.String && !regex.IsMatch(value.GetValue<string>()) ? $"{path} is {Shown(value)}, which does not match {pattern}." : null;
    }

    private static Rule Some(JsonArray schemas, string at, int depth, Func<int, bool> fits, string what)
    {
        var rules = schemas.Select((s, i) => Compile(s, $"{at}[{i}]", depth + 1)).ToList();
        return (value, path) => fits(rules.Count(r => r(value, path) is null)) ? null : $"{path} fits {what} of {rules.Count} schemas.";
    }

    private static Rule Not(Rule rule) => (value, path) => rule(value, path) is null ? $"{path} fits a schema that it must not fit." : null;

    private static double Number(JsonNode value) => value is JsonValue v && v.TryGetValue<double>(out var number) ? number : double.Parse(value.ToJsonString(), CultureInfo.InvariantCulture);
}
