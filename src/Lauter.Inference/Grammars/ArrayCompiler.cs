using System.Text.Json;

namespace Lauter.Inference.Grammars;

/// <summary>Arrays: leading items by place, then any number of one kind within bounds.</summary>
internal sealed class ArrayCompiler(SchemaCompiler compiler, GrammarRules rules)
{
    public string Compile(JsonElement schema, string pointer, int depth)
    {
        var least = compiler.Bound(schema, "minItems", pointer) ?? 0;
        var most = compiler.Bound(schema, "maxItems", pointer);
        if (most < least)
        {
            return compiler.Fault($"{pointer}/maxItems", $"'maxItems' {most} is below 'minItems' {least}");
        }

        var leading = new List<string>();
        if (schema.TryGetProperty("prefixItems", out var prefix))
        {
            if (prefix.ValueKind != JsonValueKind.Array)
            {
                return compiler.Fault($"{pointer}/prefixItems", "'prefixItems' must be an array of schemas");
            }

            leading.AddRange(prefix.EnumerateArray().Select((item, index) => rules.Rule(compiler.Inside(item, $"{pointer}/prefixItems/{index}", depth))));
        }

        var rest = (string?)null;
        if (!schema.TryGetProperty("items", out var items))
        {
            // Beside leading items nothing more is meant, as beside properties.
            rest = leading.Count > 0 ? null : compiler.AnyValue();
        }
        else if (items.ValueKind != JsonValueKind.False)
        {
            rest = rules.Rule(compiler.Inside(items, $"{pointer}/items", depth));
        }

        return Build(pointer, leading, rest, least, most);
    }

    private string Build(string pointer, List<string> leading, string? rest, int least, int? most)
    {
        if (rest is null && least > leading.Count)
        {
            return compiler.Fault($"{pointer}/minItems", $"'minItems' is {least}, but only {leading.Count} items are described");
        }

        if (leading.Count == 0)
        {
            if (rest is null || most == 0)
            {
                return "\"[]\"";
            }

            var more = rules.Rule($"\",\" {rest}");
            var filled = $"{rest} {rules.Repeat(pointer, more, Math.Max(0, least - 1), most - 1)}";
            return rules.Rule(least == 0 ? $"\"[\" ({filled})? \"]\"" : $"\"[\" {filled} \"]\"");
        }

        // From the end: after item i either the array may close (least reached) or the next item follows.
        var count = most is { } cap ? Math.Min(cap, leading.Count) : leading.Count;
        var tail = "\"]\"";
        if (rest is not null && (most is null || most > leading.Count))
        {
            tail = $"{rules.Repeat(pointer, rules.Rule($"\",\" {rest}"), Math.Max(0, least - leading.Count), most - leading.Count)} \"]\"";
        }

        for (var index = count - 1; index >= 0; index--)
        {
            var next = $"{(index == 0 ? "" : "\",\" ")}{leading[index]} {tail}";
            tail = rules.Rule(index >= least ? $"{next} | \"]\"" : next);
        }

        return rules.Rule($"\"[\" {tail}");
    }
}
