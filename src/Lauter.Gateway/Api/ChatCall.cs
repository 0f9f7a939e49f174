using System.Text.Json;
using Lauter.Gateway.Applications;

namespace Lauter.Gateway.Api;

/// <summary>What the gateway needs of a request that names a model: chat first of all, and the other surfaces in the same way.</summary>
internal sealed record ChatCall
{
    /// <summary>Members that an application on this machine understands, or may ignore without changing the answer.</summary>
    private static readonly HashSet<string> LocalMembers = new(StringComparer.Ordinal)
    {
        "model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "temperature", "top_p", "seed", "n", "user", "metadata", "store",
        "safety_identifier", "prompt_cache_key", "service_tier", "response_format", "parallel_tool_calls", "tool_choice", "tools", "logprobs", "presence_penalty", "frequency_penalty",
    };

    public required JsonMembers Members { get; init; }

    public required Surface Surface { get; init; }

    public required string Model { get; init; }

    /// <summary>The caller's tag for its own user, at most 128 characters; null = none.</summary>
    public string? User { get; init; }

    /// <summary>It brings tools along.</summary>
    public bool Tools { get; init; }

    public bool Stream { get; init; }

    public bool IncludeUsage { get; init; }

    /// <summary>As the caller asked; null = not said.</summary>
    public int? MaximumOutputTokens { get; init; }

    public int Choices { get; init; } = 1;

    public int MessageCount { get; init; }

    /// <summary>Reads a body; the values of known members are checked, unknown members are left alone.</summary>
    public static (ChatCall? Call, OpenAiError? Error) Read(ReadOnlyMemory<byte> body, GatewayOptions options, Surface? surface = null)
    {
        surface ??= Surface.Chat;
        if (JsonMembers.Scan(body, options.MaximumDepth, out var fault) is not { } members)
        {
            return (null, OpenAiError.BadRequest("invalid_json", fault!));
        }

        if (members.Text("model") is not { Length: > 0 } model)
        {
            return (null, OpenAiError.BadRequest("missing_required_parameter", "'model' must be the name of an application.", "model"));
        }

        var (count, questionFault) = Question(members, surface, options);
        if (questionFault is not null)
        {
            return (null, questionFault);
        }

        foreach (var name in (string[])["max_tokens", "max_completion_tokens", "n", "seed"])
        {
            if (members.IsSet(name) && (members.Integer(name) is not { } value || (name != "seed" && value is < 1 or > int.MaxValue)))
            {
                return (null, OpenAiError.BadRequest("invalid_value", $"'{name}' must be a whole number{(name == "seed" ? "" : " of at least 1")}.", name));
            }
        }

        foreach (var (name, most) in ((string, double)[])[("temperature", 2), ("top_p", 1)])
        {
            if (members.IsSet(name) && members.Number(name) is not { } value || members.Number(name) is { } number && !(number >= 0 && number <= most))
            {
                return (null, OpenAiError.BadRequest("invalid_value", $"'{name}' must be a number from 0 to {most}.", name));
            }
        }

        if (members.IsSet("stream") && members.Flag("stream") is null)
        {
            return (null, OpenAiError.BadRequest("invalid_value", "'stream' must be true or false.", "stream"));
        }

        var choices = (int)(members.IsSet("n") ? members.Integer("n")!.Value : 1);
        if (choices > options.MaximumChoices)
        {
            return (null, OpenAiError.BadRequest("invalid_value", $"'n' is {choices}; at most {options.MaximumChoices} answers are given to one request.", "n"));
        }

        return (new ChatCall
        {
            Members = members,
            Surface = surface,
            Model = model,
            User = Tag(members.Text("safety_identifier") ?? members.Text("user")),
            Tools = members.IsSet("tools") && members.Raw("tools").Span.IndexOf((byte)'{') >= 0,
            Stream = surface.Generates && members.Flag("stream") == true,
            IncludeUsage = members.Element("stream_options") is { ValueKind: JsonValueKind.Object } stream
                && stream.TryGetProperty("include_usage", out var include) && include.ValueKind == JsonValueKind.True,
            MaximumOutputTokens = (int?)(members.Integer("max_completion_tokens") ?? members.Integer("max_tokens")),
            Choices = choices,
            MessageCount = count,
        }, null);
    }

    private static string? Tag(string? text) => string.IsNullOrEmpty(text) ? null : text.Length > 128 ? text[..128] : text;

    private static (int Count, OpenAiError? Fault) Question(JsonMembers members, Surface surface, GatewayOptions options)
    {
        if (surface != Surface.Chat)
        {
            return members.IsSet(surface.Question)
                ? (1, null)
                : (0, OpenAiError.BadRequest("missing_required_parameter", $"'{surface.Question}' is missing.", surface.Question));
        }

        var (count, fault) = CountMessages(members.Raw("messages").Span, options.MaximumMessages);
        return (count, fault is null ? null : OpenAiError.BadRequest(count > options.MaximumMessages ? "too_many_messages" : "invalid_messages", fault, "messages"));
    }

    /// <summary>Why an application on this machine cannot serve the request, or null.</summary>
    public OpenAiError? LocalFault()
    {
        if (Members.Names.FirstOrDefault(n => !LocalMembers.Contains(n) && Members.IsSet(n)) is { } unknown)
        {
            var name = unknown.Length > 64 ? unknown[..64] : unknown;
            return OpenAiError.BadRequest("unsupported_parameter", $"'{name}' is not supported by this application.", name);
        }

        if (Choices != 1)
        {
            return OpenAiError.BadRequest("unsupported_parameter", "'n' must be 1 for this application.", "n");
        }

        if (Members.Flag("logprobs") == true)
        {
            return OpenAiError.BadRequest("unsupported_parameter", "'logprobs' is not supported by this application.", "logprobs");
        }

        return Members.Element("tools") is { ValueKind: JsonValueKind.Array } tools && tools.GetArrayLength() > 0
            ? OpenAiError.BadRequest("unsupported_parameter", "'tools' are not supported by this application.", "tools")
            : null;
    }

    /// <summary>The messages as text; content parts of type <c>text</c> are joined.</summary>
    public (IReadOnlyList<ChatTurn> Turns, OpenAiError? Error) Turns()
    {
        try
        {
            return ReadTurns();
        }
        catch (InvalidOperationException)
        {
            return ([], OpenAiError.BadRequest("invalid_messages", "'messages' holds text that is not valid Unicode.", "messages"));
        }
    }

    private (IReadOnlyList<ChatTurn> Turns, OpenAiError? Error) ReadTurns()
    {
        List<ChatTurn> turns = [];
        foreach (var message in Members.Element("messages")!.Value.EnumerateArray())
        {
            if (message.ValueKind != JsonValueKind.Object || !message.TryGetProperty("role", out var role) || role.ValueKind != JsonValueKind.String)
            {
                return ([], Fault(turns.Count, "must be an object with a role"));
            }

            if (role.GetString() is not ("system" or "developer" or "user" or "assistant"))
            {
                return ([], Fault(turns.Count, "has a role that this application does not know"));
            }

            if (!message.TryGetProperty("content", out var content) || TextOf(content) is not { } text)
            {
                return ([], Fault(turns.Count, "must have content that is text; images, audio and files are not supported"));
            }

            turns.Add(new ChatTurn(role.GetString() == "developer" ? "system" : role.GetString()!, text));
        }

        return turns.Count > 0 && turns[^1].Role == "user" ? (turns, null) : ([], Fault(Math.Max(0, turns.Count - 1), "must be the user's: the last message is what is answered"));
    }

    private static OpenAiError Fault(int index, string reason) => OpenAiError.BadRequest("invalid_messages", $"messages[{index}] {reason}.", $"messages[{index}]");

    private static string? TextOf(JsonElement content)
    {
        return content.ValueKind switch
        {
            JsonValueKind.String => content.GetString(),
            JsonValueKind.Array when content.EnumerateArray().All(p =>
                p.ValueKind == JsonValueKind.Object && p.TryGetProperty("type", out var type) && type.ValueEquals("text")
                && p.TryGetProperty("text", out var t) && t.ValueKind == JsonValueKind.String) =>
                string.Concat(content.EnumerateArray().Select(p => p.GetProperty("text").GetString())),
            _ => null,
        };
    }

    private static (int Count, string? Fault) CountMessages(ReadOnlySpan<byte> messages, int most)
    {
        if (messages.IsEmpty || messages[0] != '[')
        {
            return (0, "'messages' must be an array.");
        }

        var reader = new Utf8JsonReader(messages, new JsonReaderOptions { MaxDepth = 1_000 });
        reader.Read();
        var count = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            reader.Skip();
            count++;
        }

        return (count, count == 0 ? "'messages' is empty." : count > most ? $"'messages' has {count} messages, more than {most}." : null);
    }
}
