using System.Text.Json;

namespace Lauter.Inference.Grammars;

/// <summary>
/// Whether some finite value satisfies a schema. A required property or item that leads back to its own schema on every way never ends,
/// and a model held to it would write until its tokens run out. Least fixed point over the places that references name.
/// </summary>
internal sealed class SchemaEnds
{
    private readonly JsonElement _root;
    private readonly HashSet<string> _ending = new(StringComparer.Ordinal);
    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);
    private int _visits;

    private SchemaEnds(JsonElement root) => _root = root;

    public static bool CanEnd(JsonElement root)
    {
        var search = new SchemaEnds(root);
        // Each round can only prove more references to end; when one proves nothing new, the rest never do.
        while (true)
        {
            var before = search._ending.Count + search._asked.Count;
            if (search.Ends(root, 0))
            {
                return true;
            }

            foreach (var target in search._asked.ToArray())
            {
                if (SchemaPointer.Resolve(root, target) is not { } schema || search.Ends(schema, 0))
                {
                    search._ending.Add(target);
                }
            }

            if (search._ending.Count + search._asked.Count == before)
            {
                return false;
            }
        }
    }

    private bool Ends(JsonElement schema, int depth)
    {
        // Beyond the budget the compiler refuses the schema with a better reason.
        if (schema.ValueKind != JsonValueKind.Object || depth > GrammarBudget.Depth || ++_visits > 20 * GrammarBudget.Nodes)
        {
            return true;
        }

        if (schema.TryGetProperty("$ref", out var reference) && reference.ValueKind == JsonValueKind.String)
        {
            _asked.Add(reference.GetString()!);
            return _ending.Contains(reference.GetString()!);
        }

        foreach (var keyword in new[] { "anyOf", "oneOf" })
        {
            if (schema.TryGetProperty(keyword, out var alternatives) && alternatives.ValueKind == JsonValueKind.Array)
            {
                // No short cut: every reference must be asked for, or a later round would not look at it.
                return alternatives.EnumerateArray().Select(item => Ends(item, depth + 1)).ToArray().Contains(true);
            }
        }

        if (schema.TryGetProperty("allOf", out var parts) && parts.ValueKind == JsonValueKind.Array)
        {
            return !parts.EnumerateArray().Select(item => Ends(item, depth + 1)).ToArray().Contains(false);
        }

        return !OfRequired(schema).Select(item => Ends(item, depth + 1)).ToArray().Contains(false);
    }

    /// <summary>The subschemas of which every value has at least one.</summary>
    private static IEnumerable<JsonElement> OfRequired(JsonElement schema)
    {
        if (schema.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.Array && type.GetArrayLength() > 1)
        {
            // A plain type beside the nested one ends by itself.
            return [];
        }

        if (schema.TryGetProperty("required", out var required) && required.ValueKind == JsonValueKind.Array
            && schema.TryGetProperty("properties", out var properties) && properties.ValueKind == JsonValueKind.Object)
        {
            return required.EnumerateArray()
                .Where(name => name.ValueKind == JsonValueKind.String && properties.TryGetProperty(name.GetString()!, out _))
                .Select(name => properties.GetProperty(name.GetString()!));
        }

        return schema.TryGetProperty("items", out var items) && schema.TryGetProperty("minItems", out var least)
            && least.ValueKind == JsonValueKind.Number && least.GetDouble() >= 1 ? [items] : [];
    }
}
