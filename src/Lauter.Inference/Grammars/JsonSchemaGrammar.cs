using System.Text.Json;

namespace Lauter.Inference.Grammars;

/// <summary>
/// Compiles JSON Schema to a grammar whose every text parses and satisfies the schema. The grammar allows compact JSON only, with the
/// properties in the schema's order, and may allow fewer texts than the schema, never more: what cannot be enforced is a fault.
/// Subset: type (also several), enum, const, properties, required, additionalProperties (absent beside properties = false), items,
/// prefixItems, minItems, maxItems, minLength, maxLength, pattern (see <see cref="RegexGrammar"/>), minimum, maximum, exclusiveMinimum, exclusiveMaximum, format (date, time,
/// date-time, uuid; others say nothing), anyOf, oneOf (of alternatives that exclude each other), allOf of one, $ref inside the document.
/// </summary>
public static class JsonSchemaGrammar
{
    /// <summary>The schema of "any JSON object".</summary>
    public static JsonElement AnyObject { get; } = JsonDocument.Parse("""{"type":"object","additionalProperties":true}""").RootElement.Clone();

    /// <summary>Compiles a schema. Time and size are bounded by <see cref="GrammarBudget"/>. Thread-safe.</summary>
    public static GrammarResult Compile(JsonElement schema)
    {
        var rules = new GrammarRules();
        var compiler = new SchemaCompiler(schema, rules);
        try
        {
            var root = compiler.Compile();
            return compiler.Faults.Count > 0 ? new GrammarResult(null, compiler.Faults) : new GrammarResult(rules.ToText(root), []);
        }
        catch (GrammarBudgetException error)
        {
            return new GrammarResult(null, [.. compiler.Faults, new GrammarFault(error.Pointer, error.Message)]);
        }
    }
}

/// <summary>Bounds of one schema; beyond them compiling or matching would take time from other requests.</summary>
public static class GrammarBudget
{
    /// <summary>Subschemas visited.</summary>
    public const int Nodes = 5_000;

    /// <summary>Subschemas inside one another.</summary>
    public const int Depth = 64;

    /// <summary>Characters of the grammar.</summary>
    public const int Characters = 400_000;

    /// <summary>Copies that all bounded repetitions make together; llama.cpp writes each of them out.</summary>
    public const int Repetitions = 20_000;

    /// <summary>Largest bound of one repetition that llama.cpp accepts.</summary>
    public const int OneRepetition = 2_000;
}

/// <summary>A bound of <see cref="GrammarBudget"/> was passed.</summary>
internal sealed class GrammarBudgetException(string pointer, string message) : Exception(message)
{
    public string Pointer => pointer;
}
