using System.Text.Json.Nodes;
using Lauter.Evaluation.Metrics.Texts;

namespace Lauter.Evaluation.Metrics.Structures;

/// <summary>Scores of answers that are JSON: fields of an object, calls of tools.</summary>
public static class StructureScores
{
    /// <summary>
    /// Leaves of both values by path (<c>a.b</c>, <c>list[0]</c>) that are equal by content; 1 equals 1.0, member order is nothing.
    /// Precision over the prediction's leaves, recall over the reference's; two values without a leaf are equal when both are.
    /// </summary>
    public static PrecisionRecall Fields(JsonNode? prediction, JsonNode? reference)
    {
        var said = Leaves(prediction);
        var right = Leaves(reference);
        if (said.Count == 0 && right.Count == 0)
        {
            return JsonNode.DeepEquals(prediction, reference) ? new PrecisionRecall(1, 1, 1) : default;
        }

        return PrecisionRecall.Of(right.Count(r => said.TryGetValue(r.Key, out var value) && JsonNode.DeepEquals(value, r.Value)), said.Count, right.Count);
    }

    /// <summary>
    /// Calls <c>{"name":…,"arguments":{…}}</c> matched one to one, whatever their order, by name and equal arguments. Arguments may be
    /// JSON text, as APIs send them. No call on either side is right.
    /// </summary>
    public static PrecisionRecall ToolCalls(JsonArray prediction, JsonArray reference)
    {
        if (prediction.Count == 0 && reference.Count == 0)
        {
            return new PrecisionRecall(1, 1, 1);
        }

        var left = reference.Select(Call).ToList();
        var hits = 0;
        foreach (var (name, arguments) in prediction.Select(Call))
        {
            var found = left.FindIndex(c => c.Name is not null && c.Name == name && JsonNode.DeepEquals(c.Arguments, arguments));
            if (found >= 0)
            {
                hits++;
                left.RemoveAt(found);
            }
        }

        return PrecisionRecall.Of(hits, prediction.Count, reference.Count);
    }

    /// <summary>As <see cref="ToolCalls"/>, by name alone: the right tool with wrong arguments counts.</summary>
    public static PrecisionRecall ToolNames(JsonArray prediction, JsonArray reference)
    {
        if (prediction.Count == 0 && reference.Count == 0)
        {
            return new PrecisionRecall(1, 1, 1);
        }

        var left = reference.Select(c => Call(c).Name).ToList();
        return PrecisionRecall.Of(prediction.Count(c => Call(c).Name is { } name && left.Remove(name)), prediction.Count, reference.Count);
    }

    private static Dictionary<string, JsonNode?> Leaves(JsonNode? node)
    {
        var leaves = new Dictionary<string, JsonNode?>(StringComparer.Ordinal);
        Walk(node, "", 0);
        return leaves;

        void Walk(JsonNode? value, string path, int depth)
        {
            switch (value)
            {
                case JsonObject { Count: > 0 } o when depth < 64:
                    foreach (var (name, member) in o)
                    {
                        Walk(member, path.Length == 0 ? name : $"{path}.{name}", depth + 1);
                    }

                    break;
                case JsonArray { Count: > 0 } a when depth < 64:
                    for (var i = 0; i < a.Count; i++)
                    {
                        Walk(a[i], $"{path}[{i}]", depth + 1);
                    }

                    break;
                case not null when path.Length > 0 || value is JsonValue:
                    leaves[path] = value;
                    break;
                case null when path.Length > 0:
                    leaves[path] = null;
                    break;
            }
        }
    }

    private static (string? Name, JsonNode? Arguments) Call(JsonNode? call)
    {
        // The forms {"name","arguments"} and {"function":{"name","arguments"}} are both in use.
        var body = (call as JsonObject)?["function"] as JsonObject ?? call as JsonObject;
        var name = body?["name"] is JsonValue v && v.TryGetValue<string>(out var text) ? text : null;
        var arguments = body?["arguments"];
        if (arguments is JsonValue value && value.TryGetValue<string>(out var json))
        {
            try
            {
                arguments = JsonNode.Parse(json);
            }
            catch (System.Text.Json.JsonException)
            {
                // Arguments that are no JSON equal only the same text.
            }
        }

        return (name, arguments);
    }
}
