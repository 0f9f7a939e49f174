using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lauter.Traces;

/// <summary>The texts inside JSON.</summary>
internal static class JsonTexts
{
    /// <summary>A copy in which every text was replaced by <paramref name="change"/> of it; names of members stay.</summary>
    public static JsonNode? Map(JsonNode? node, Func<string, string> change) => node switch
    {
        JsonObject members => new JsonObject(members.Select(m => KeyValuePair.Create(m.Key, Map(m.Value, change)))),
        JsonArray items => new JsonArray([.. items.Select(i => Map(i, change))]),
        JsonValue value when value.GetValueKind() == JsonValueKind.String => change(value.GetValue<string>()),
        _ => node?.DeepClone(),
    };

    /// <summary>Appends every text of <paramref name="json"/>; what is not JSON is one text.</summary>
    public static void Append(StringBuilder to, string? json)
    {
        if (string.IsNullOrEmpty(json))
        {
            return;
        }

        if (json[0] is '{' or '[' && TryParse(json) is { } node)
        {
            Append(to, node);
        }
        else
        {
            to.Append(json).Append('\n');
        }
    }

    /// <summary>Appends every text below <paramref name="node"/>.</summary>
    public static void Append(StringBuilder to, JsonNode? node)
    {
        switch (node)
        {
            case JsonObject members:
                foreach (var (_, value) in members)
                {
                    Append(to, value);
                }

                break;
            case JsonArray items:
                foreach (var item in items)
                {
                    Append(to, item);
                }

                break;
            case JsonValue value when value.GetValueKind() == JsonValueKind.String:
                try
                {
                    to.Append(value.GetValue<string>()).Append('\n');
                }
                catch (InvalidOperationException)
                {
                    // An escape of half a surrogate pair: valid JSON, but no text to search for.
                }

                break;
        }
    }

    private static JsonNode? TryParse(string json)
    {
        try
        {
            return JsonNode.Parse(json);
        }
        catch (JsonException)
        {
            return null; // cut to the journal's limit, or no JSON after all
        }
    }
}
