using System.Text.Json;

namespace Lauter.Inference.Wire;

/// <summary>Reads the members of a request body, each with its type and range; the first fault names the member and the value seen.</summary>
internal readonly struct WireReader
{
    private readonly JsonElement _body;
    private readonly string _prefix;

    public WireReader(JsonElement body, string prefix = "")
    {
        if (body.ValueKind != JsonValueKind.Object)
        {
            throw WireException.Invalid(prefix.TrimEnd('.'), $"A JSON object is expected here, not {Kind(body)}.", "invalid_type");
        }

        _body = body;
        _prefix = prefix;
    }

    /// <summary>The member, or null when it is absent or JSON null.</summary>
    public JsonElement? Member(string name) =>
        _body.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    public bool Flag(string name) => Member(name) is { } value && (value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw WireException.Invalid(_prefix + name, $"'{_prefix}{name}' must be true or false, not {Kind(value)}.", "invalid_type"),
    });

    public string? Text(string name, int longest)
    {
        if (Member(name) is not { } value)
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.String)
        {
            throw WireException.Invalid(_prefix + name, $"'{_prefix}{name}' must be a string, not {Kind(value)}.", "invalid_type");
        }

        return Checked(value, _prefix + name, longest);
    }

    public int? Integer(string name, int least, int most)
    {
        if (Member(name) is not { } value)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number >= least && number <= most
            ? number
            : throw WireException.Invalid(_prefix + name, $"'{_prefix}{name}' must be an integer from {least} to {most}, not {Seen(value)}.");
    }

    public float? Number(string name, double least, double most)
    {
        if (Member(name) is not { } value)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number >= least && number <= most
            ? (float)number
            : throw WireException.Invalid(_prefix + name, $"'{_prefix}{name}' must be a number from {least} to {most}, not {Seen(value)}.");
    }

    public WireReader? Object(string name) => Member(name) is { } value ? new WireReader(value, $"{_prefix}{name}.") : null;

    /// <summary>Refuses a member that this engine does not do, unless it has the value that asks for nothing.</summary>
    public void Refuse(string name, Func<JsonElement, bool> harmless, string way)
    {
        if (Member(name) is { } value && !harmless(value))
        {
            throw WireException.Invalid(_prefix + name, $"'{_prefix}{name}' is not supported by this engine. {way}", "unsupported_value");
        }
    }

    /// <summary>A string value; text that is not well-formed Unicode is refused here, before anything native sees it.</summary>
    public static string Checked(JsonElement value, string name, int longest)
    {
        string text;
        try
        {
            text = value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw WireException.Invalid(name, $"'{name}' holds an incomplete Unicode escape.");
        }

        return text.Length <= longest
            ? text
            : throw WireException.Invalid(name, $"'{name}' has {text.Length} characters; at most {longest} are allowed.", "string_above_max_length");
    }

    public static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "a boolean",
        _ => "null",
    };

    private static string Seen(JsonElement value) => value.ValueKind == JsonValueKind.Number ? value.GetRawText() : Kind(value);
}
