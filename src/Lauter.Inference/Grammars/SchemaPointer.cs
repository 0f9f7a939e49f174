using System.Text.Json;

namespace Lauter.Inference.Grammars;

/// <summary>JSON pointers (RFC 6901) inside one schema.</summary>
internal static class SchemaPointer
{
    public static string Escape(string name) => name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);

    /// <summary>The subschema that <c>#</c> or <c>#/…</c> names, or null.</summary>
    public static JsonElement? Resolve(JsonElement root, string reference)
    {
        if (reference == "#")
        {
            return root;
        }

        if (!reference.StartsWith("#/", StringComparison.Ordinal))
        {
            return null;
        }

        var place = root;
        foreach (var part in reference[2..].Split('/'))
        {
            var name = Uri.UnescapeDataString(part).Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            if (place.ValueKind == JsonValueKind.Object && place.TryGetProperty(name, out var member))
            {
                place = member;
            }
            else if (place.ValueKind == JsonValueKind.Array && int.TryParse(name, out var index) && index >= 0 && index < place.GetArrayLength())
            {
                place = place[index];
            }
            else
            {
                return null;
            }
        }

        return place;
    }
}
