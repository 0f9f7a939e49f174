using System.Numerics;
using System.Text.Json;

namespace Lauter.Inference.Grammars;

/// <summary>Walks one schema and turns each subschema into a grammar body. Faults are collected, not thrown, so that all are seen at once.</summary>
internal sealed class SchemaCompiler(JsonElement root, GrammarRules rules)
{
    private static readonly string[] AllTypes = ["object", "array", "string", "number", "boolean", "null"];

    /// <summary>Keywords that restrict and that no rule here can enforce.</summary>
    private static readonly string[] Unsupported =
    [
        "multipleOf", "uniqueItems", "contains", "minContains", "maxContains", "patternProperties", "propertyNames", "dependentRequired",
        "dependentSchemas", "dependencies", "if", "then", "else", "not", "unevaluatedItems", "unevaluatedProperties", "additionalItems", "$dynamicRef",
        "$recursiveRef",
    ];

    /// <summary>Keywords that restrict and are not read beside a reference or alternatives.</summary>
    private static readonly string[] Restricting =
    [
        "type", "enum", "const", "properties", "required", "additionalProperties", "items", "prefixItems", "minItems", "maxItems", "minLength",
        "maxLength", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minProperties", "maxProperties", "anyOf", "oneOf", "allOf", "$ref",
    ];

    private readonly Dictionary<string, string> _references = new(StringComparer.Ordinal);
    private readonly HashSet<string> _open = new(StringComparer.Ordinal);
    private readonly List<GrammarFault> _faults = [];
    private string? _anyValue;
    private int _nodes;

    public IReadOnlyList<GrammarFault> Faults => _faults;

    public string Compile()
    {
        if (!SchemaEnds.CanEnd(root))
        {
            Fault("", "no finite text satisfies it: a required part contains itself without an alternative");
            return "";
        }

        return Visit(root, "", 0);
    }

    private string Visit(JsonElement schema, string pointer, int depth)
    {
        if (++_nodes > GrammarBudget.Nodes || depth > GrammarBudget.Depth)
        {
            throw new GrammarBudgetException(pointer, $"the schema is too large: at most {GrammarBudget.Nodes} subschemas, {GrammarBudget.Depth} inside one another");
        }

        switch (schema.ValueKind)
        {
            case JsonValueKind.True:
                return AnyValue();
            case JsonValueKind.False:
                return Fault(pointer, "false allows nothing");
            case JsonValueKind.Object:
                break;
            default:
                return Fault(pointer, $"a schema must be an object or a boolean, not {schema.ValueKind}");
        }

        foreach (var keyword in Unsupported.Where(keyword => Restricts(schema, keyword)))
        {
            Fault($"{pointer}/{keyword}", $"'{keyword}' is not supported");
        }

        foreach (var keyword in new[] { "$ref", "anyOf", "oneOf", "allOf" })
        {
            if (schema.TryGetProperty(keyword, out var value))
            {
                foreach (var other in Restricting.Where(other => other != keyword && schema.TryGetProperty(other, out _)))
                {
                    // "type" beside alternatives only repeats what each of them says in most schemas, but it could also narrow them.
                    Fault($"{pointer}/{other}", $"'{other}' beside '{keyword}' is not supported; move it into the alternatives or definitions");
                }

                return keyword switch
                {
                    "$ref" => Reference(value, pointer, depth),
                    "allOf" => One(value, pointer, depth),
                    _ => Alternatives(value, keyword, pointer, depth),
                };
            }
        }

        if (schema.TryGetProperty("const", out var constant))
        {
            return Json(constant, $"{pointer}/const");
        }

        if (schema.TryGetProperty("enum", out var values))
        {
            return Enumeration(schema, values, pointer);
        }

        var types = Types(schema, pointer);
        return types.Count == 0
            ? Fault($"{pointer}/type", $"'type' must be one or several of {string.Join(", ", AllTypes)}, integer")
            : Choice(types.Select(type => OfType(schema, type, pointer, depth)));
    }

    private string OfType(JsonElement schema, string type, string pointer, int depth) => type switch
    {
        "object" => new ObjectCompiler(this, rules).Compile(schema, pointer, depth),
        "array" => new ArrayCompiler(this, rules).Compile(schema, pointer, depth),
        "string" => Text(schema, pointer),
        "boolean" => "(\"true\" | \"false\")",
        "null" => "\"null\"",
        "any" => AnyValue(),
        _ => Number(schema, type == "integer", pointer),
    };

    public string Fault(string pointer, string message)
    {
        _faults.Add(new GrammarFault(pointer, message));
        return "\"\"";
    }

    /// <summary>A subschema that stands behind a character of its own (a brace, a bracket, a key), so references in it may come back here.</summary>
    public string Inside(JsonElement schema, string pointer, int depth)
    {
        var open = _open.ToArray();
        _open.Clear();
        var body = Visit(schema, pointer, depth + 1);
        _open.UnionWith(open);
        return body;
    }

    public string AnyValue()
    {
        if (_anyValue is null)
        {
            _anyValue = rules.NewName();
            var text = TextRule();
            var number = rules.Rule(NumberGrammar.Number(-NumberGrammar.Largest, NumberGrammar.Largest));
            var member = rules.Rule($"{text} \":\" {_anyValue}");
            var body = $"\"{{\" ({member} (\",\" {member})*)? \"}}\" | \"[\" ({_anyValue} (\",\" {_anyValue})*)? \"]\" | {text} | {number} | \"true\" | \"false\" | \"null\"";
            rules.Define(_anyValue, body);
        }

        return _anyValue;
    }

    /// <summary>A bound that must be an integer of at least 0, or null when the schema has none.</summary>
    public int? Bound(JsonElement schema, string keyword, string pointer)
    {
        if (!schema.TryGetProperty(keyword, out var value))
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt32(out var bound) || bound < 0 || bound > GrammarBudget.OneRepetition)
        {
            Fault($"{pointer}/{keyword}", $"'{keyword}' is {value.GetRawText()}; it must be an integer from 0 to {GrammarBudget.OneRepetition}");
            return null;
        }

        return bound;
    }

    private static bool Restricts(JsonElement schema, string keyword) => schema.TryGetProperty(keyword, out var value) && keyword switch
    {
        "uniqueItems" => value.ValueKind != JsonValueKind.False,
        // Both hold by themselves where nothing additional is allowed.
        "unevaluatedProperties" or "unevaluatedItems" => value.ValueKind != JsonValueKind.True && value.ValueKind != JsonValueKind.False,
        _ => true,
    };

    private static List<string> Types(JsonElement schema, string pointer)
    {
        _ = pointer;
        if (!schema.TryGetProperty("type", out var type))
        {
            // The keyword that only one type has says which is meant; any other value would satisfy the schema without meaning it.
            return schema.TryGetProperty("properties", out _) || schema.TryGetProperty("additionalProperties", out _) || schema.TryGetProperty("required", out _) ? ["object"]
                : schema.TryGetProperty("items", out _) || schema.TryGetProperty("prefixItems", out _) ? ["array"]
                : schema.TryGetProperty("minLength", out _) || schema.TryGetProperty("maxLength", out _) || schema.TryGetProperty("pattern", out _) ? ["string"]
                : schema.TryGetProperty("minimum", out _) || schema.TryGetProperty("maximum", out _) ? ["number"]
                : ["any"];
        }

        var names = type.ValueKind == JsonValueKind.Array ? type.EnumerateArray().ToArray() : [type];
        var types = names.Select(name => name.ValueKind == JsonValueKind.String ? name.GetString()! : "").Distinct(StringComparer.Ordinal).ToList();
        if (types.Contains("number"))
        {
            types.Remove("integer");
        }

        return types.TrueForAll(name => name == "integer" || AllTypes.Contains(name)) ? types : [];
    }

    private string Choice(IEnumerable<string> bodies)
    {
        var all = bodies.Distinct(StringComparer.Ordinal).ToArray();
        return all.Length == 1 ? all[0] : rules.Rule(string.Join(" | ", all));
    }

    private string Reference(JsonElement value, string pointer, int depth)
    {
        var target = value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
        if (SchemaPointer.Resolve(root, target) is not { } schema)
        {
            return Fault($"{pointer}/$ref", $"'{target}' is no place in this schema; only references like '#/$defs/NAME' are supported");
        }

        if (_open.Contains(target))
        {
            return Fault($"{pointer}/$ref", $"'{target}' refers to itself without anything before it");
        }

        if (_references.TryGetValue(target, out var name))
        {
            return name;
        }

        name = rules.NewName();
        _references.Add(target, name);
        _open.Add(target);
        rules.Define(name, Visit(schema, target.TrimStart('#'), depth + 1));
        _open.Remove(target);
        return name;
    }

    private string One(JsonElement value, string pointer, int depth) => value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 1
        ? Visit(value[0], $"{pointer}/allOf/0", depth + 1)
        : Fault($"{pointer}/allOf", "'allOf' of several schemas is not supported; write them as one");

    private string Alternatives(JsonElement value, string keyword, string pointer, int depth)
    {
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() == 0)
        {
            return Fault($"{pointer}/{keyword}", $"'{keyword}' must be an array of at least one schema");
        }

        if (keyword == "oneOf" && SchemaOverlap.Find(root, value) is var (first, second))
        {
            Fault($"{pointer}/oneOf/{second}", $"may allow the same value as alternative {first}, which 'oneOf' forbids; use 'anyOf' or tell them apart by type or a constant property");
        }

        return Choice(value.EnumerateArray().Select((item, index) => Visit(item, $"{pointer}/{keyword}/{index}", depth + 1)).ToArray());
    }

    private string Enumeration(JsonElement schema, JsonElement values, string pointer)
    {
        if (values.ValueKind != JsonValueKind.Array || values.GetArrayLength() == 0)
        {
            return Fault($"{pointer}/enum", "'enum' must be an array of at least one value");
        }

        var types = schema.TryGetProperty("type", out _) ? Types(schema, pointer) : ["any"];
        var allowed = values.EnumerateArray().Where(value => types.Exists(type => SchemaOverlap.IsOfType(value, type))).ToArray();
        return allowed.Length == 0
            ? Fault($"{pointer}/enum", "no value of 'enum' has the type that 'type' asks for")
            : Choice(allowed.Select(value => Json(value, $"{pointer}/enum")));
    }

    /// <summary>One JSON value, compact and as it is.</summary>
    private string Json(JsonElement value, string pointer)
    {
        if (++_nodes > GrammarBudget.Nodes)
        {
            throw new GrammarBudgetException(pointer, $"the schema is too large: more than {GrammarBudget.Nodes} subschemas and values");
        }

        return GrammarRules.Literal(JsonSerializer.Serialize(value, GrammarRules.Minimal));
    }

    private string TextRule() => rules.Rule($"\"\\\"\" {rules.Rule(StringGrammar.Character)}* \"\\\"\"");

    private string Text(JsonElement schema, string pointer)
    {
        var least = Bound(schema, "minLength", pointer);
        var most = Bound(schema, "maxLength", pointer);
        if (schema.TryGetProperty("pattern", out var pattern))
        {
            return Pattern(schema, pattern, least, most, pointer);
        }

        if (schema.TryGetProperty("format", out var format) && format.ValueKind == JsonValueKind.String && StringGrammar.Format(format.GetString()!) is { } body)
        {
            return least is null && most is null
                ? rules.Rule($"\"\\\"\" {body} \"\\\"\"")
                : Fault($"{pointer}/format", $"'format' {format.GetString()} beside a length is not supported; remove the length");
        }

        if (least is null && most is null)
        {
            return TextRule();
        }

        return most < least
            ? Fault($"{pointer}/maxLength", $"'maxLength' {most} is below 'minLength' {least}")
            : rules.Rule($"\"\\\"\" {rules.Repeat(pointer, rules.Rule(StringGrammar.Character), least ?? 0, most)} \"\\\"\"");
    }

    private string Pattern(JsonElement schema, JsonElement pattern, int? least, int? most, string pointer)
    {
        if (pattern.ValueKind != JsonValueKind.String)
        {
            return Fault($"{pointer}/pattern", "'pattern' must be a string");
        }

        if (schema.TryGetProperty("format", out var format) && format.ValueKind == JsonValueKind.String && StringGrammar.Format(format.GetString()!) is not null)
        {
            return Fault($"{pointer}/pattern", "'pattern' beside 'format' is not supported; keep the stricter one");
        }

        try
        {
            var (body, shortest, longest) = RegexGrammar.Compile(pattern.GetString()!, rules, $"{pointer}/pattern");
            if (shortest < least || (most is not null && (longest is null || longest > most)))
            {
                return Fault($"{pointer}/pattern", $"texts of the pattern have {shortest} to {longest?.ToString() ?? "any number of"} characters, so a length of {least ?? 0} to {most?.ToString() ?? "any"} beside it is not supported; say the length in the pattern");
            }

            return rules.Rule($"\"\\\"\" {body} \"\\\"\"");
        }
        catch (RegexGrammarException error)
        {
            return Fault($"{pointer}/pattern", error.Message);
        }
    }

    private string Number(JsonElement schema, bool integer, string pointer)
    {
        var least = Limit(schema, "minimum", "exclusiveMinimum", integer, 1, pointer) ?? -NumberGrammar.Largest;
        var most = Limit(schema, "maximum", "exclusiveMaximum", integer, -1, pointer) ?? NumberGrammar.Largest;
        if (least > most)
        {
            return Fault(pointer, $"no {(integer ? "integer" : "number")} lies between the bounds {least} and {most}");
        }

        return rules.Rule(integer ? NumberGrammar.Integer(least, most) : NumberGrammar.Number(least, most));
    }

    private BigInteger? Limit(JsonElement schema, string keyword, string exclusive, bool integer, int step, string pointer)
    {
        var bounds = new List<BigInteger>();
        foreach (var name in new[] { keyword, exclusive })
        {
            if (!schema.TryGetProperty(name, out var value))
            {
                continue;
            }

            if (value.ValueKind != JsonValueKind.Number || !value.TryGetDecimal(out var bound) || Math.Abs(bound) > (decimal)NumberGrammar.Largest)
            {
                Fault($"{pointer}/{name}", $"'{name}' is {value.GetRawText()}; it must be a number of at most {NumberGrammar.Digits} digits");
                continue;
            }

            var whole = step > 0 ? decimal.Ceiling(bound) : decimal.Floor(bound);
            if (!integer && (whole != bound || name == exclusive))
            {
                Fault($"{pointer}/{name}", $"'{name}' {value.GetRawText()} of a number is not supported; only whole, inclusive bounds are");
                continue;
            }

            bounds.Add((BigInteger)whole + (name == exclusive && whole == bound ? step : 0));
        }

        return bounds.Count == 0 ? null : step > 0 ? bounds.Max() : bounds.Min();
    }
}
