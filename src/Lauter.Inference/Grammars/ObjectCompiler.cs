using System.Text.Json;

namespace Lauter.Inference.Grammars;

/// <summary>
/// Objects: the named properties in the schema's order, optional ones may be left out, then additional ones where allowed. A chain of
/// rules, one per property and per "is there something before it", keeps the commas right without writing out every combination.
/// </summary>
internal sealed class ObjectCompiler(SchemaCompiler compiler, GrammarRules rules)
{
    public string Compile(JsonElement schema, string pointer, int depth)
    {
        var members = new List<(string Pair, bool Required)>();
        var names = new List<string>();
        var required = Required(schema, pointer);
        if (schema.TryGetProperty("properties", out var properties))
        {
            if (properties.ValueKind != JsonValueKind.Object)
            {
                return compiler.Fault($"{pointer}/properties", "'properties' must be an object of schemas");
            }

            foreach (var property in properties.EnumerateObject())
            {
                var place = $"{pointer}/properties/{SchemaPointer.Escape(property.Name)}";
                if (property.Value.ValueKind == JsonValueKind.False && !required.Contains(property.Name))
                {
                    // Forbidden, so it is taken as a name and never written.
                    names.Add(property.Name);
                    continue;
                }

                var value = compiler.Inside(property.Value, place, depth);
                members.Add((rules.Rule($"{GrammarRules.JsonString(property.Name)} \":\" {value}"), required.Contains(property.Name)));
                names.Add(property.Name);
            }
        }

        var additional = Additional(schema, names, pointer, depth, hasProperties: schema.TryGetProperty("properties", out _));
        foreach (var name in required.Where(name => !names.Contains(name)))
        {
            compiler.Fault($"{pointer}/required", $"'{name}' is required but not among the properties; describe it there");
        }

        CheckCounts(schema, members, additional is not null, pointer);
        var end = additional is null ? "\"\"" : $"({additional} (\",\" {additional})*)?";
        var endAfter = additional is null ? "\"\"" : $"(\",\" {additional})*";
        return rules.Rule($"\"{{\" {Chain(members, end, endAfter)} \"}}\"");
    }

    private string Chain(List<(string Pair, bool Required)> members, string end, string endAfter)
    {
        // From the last property to the first: the rule when nothing stands before it, and the rule when something does.
        var (alone, after) = (end, endAfter);
        for (var index = members.Count - 1; index >= 0; index--)
        {
            var (pair, isRequired) = members[index];
            var withComma = $"\",\" {pair} {after}";
            var first = $"{pair} {after}";
            alone = rules.Rule(isRequired ? first : $"{first} | {alone}");
            after = rules.Rule(isRequired ? withComma : $"{withComma} | {after}");
        }

        return alone;
    }

    private string? Additional(JsonElement schema, List<string> names, string pointer, int depth, bool hasProperties)
    {
        var described = schema.TryGetProperty("additionalProperties", out var additional);
        if (described ? additional.ValueKind == JsonValueKind.False : hasProperties)
        {
            return null;
        }

        var value = described ? compiler.Inside(additional, $"{pointer}/additionalProperties", depth) : compiler.AnyValue();
        return rules.Rule($"\"\\\"\" {StringGrammar.Except(rules, names)} \":\" {value}");
    }

    private HashSet<string> Required(JsonElement schema, string pointer)
    {
        var required = new HashSet<string>(StringComparer.Ordinal);
        if (schema.TryGetProperty("required", out var list))
        {
            if (list.ValueKind != JsonValueKind.Array || list.EnumerateArray().Any(name => name.ValueKind != JsonValueKind.String))
            {
                compiler.Fault($"{pointer}/required", "'required' must be an array of names");
                return required;
            }

            required.UnionWith(list.EnumerateArray().Select(name => name.GetString()!));
        }

        return required;
    }

    private void CheckCounts(JsonElement schema, List<(string Pair, bool Required)> members, bool open, string pointer)
    {
        if (compiler.Bound(schema, "minProperties", pointer) is { } least && least > members.Count(member => member.Required))
        {
            compiler.Fault($"{pointer}/minProperties", $"'minProperties' {least} is not supported above the number of required properties; make more of them required");
        }

        if (compiler.Bound(schema, "maxProperties", pointer) is { } most && (open || most < members.Count))
        {
            compiler.Fault($"{pointer}/maxProperties", $"'maxProperties' {most} is not supported below the number of properties or beside additional ones");
        }
    }
}
