using System.Text.Json.Nodes;

namespace Lauter.Data.Export.Interchange;

/// <summary>
/// How conversations stand in a line of each format. <c>openai</c>: <c>messages</c> of role and content. <c>sharegpt</c>: <c>conversations</c> of from and
/// value. <c>alpaca</c>: instruction, input, output, with <c>system</c> and <c>history</c> as LLaMA-Factory reads them. <c>qianfan</c>: a list of turns
/// with <c>prompt</c> and <c>response</c>, the latter a list of ranked lists, the best first.
/// </summary>
internal static class ChatFormats
{
    public static readonly string[] Names = ["openai", "sharegpt", "alpaca", "qianfan"];

    /// <summary>The format that a row looks like; null when it is no conversation.</summary>
    public static string? Detect(JsonNode row) => row switch
    {
        JsonArray and [JsonObject first, ..] when first.ContainsKey("prompt") => "qianfan",
        JsonObject o when o["messages"] is JsonArray => "openai",
        JsonObject o when o["conversations"] is JsonArray => "sharegpt",
        JsonObject o when o.ContainsKey("instruction") && o.ContainsKey("output") => "alpaca",
        _ => null,
    };

    /// <exception cref="InterchangeFault">The row is not of this format.</exception>
    public static Conversation Read(string format, JsonNode row) => format switch
    {
        "openai" => new Conversation(Array(row, "messages"), Others(row, "messages")),
        "sharegpt" => ReadShareGpt(row),
        "alpaca" => ReadAlpaca(row),
        _ => ReadQianfan(row),
    };

    /// <exception cref="InterchangeFault">The format has no place for the conversation.</exception>
    public static JsonNode Write(string format, Conversation conversation) => format switch
    {
        "openai" => With(conversation.Others, ("messages", conversation.Messages.DeepClone())),
        "sharegpt" => With(conversation.Others, ("conversations", new JsonArray([.. conversation.Plain().Select(m => (JsonNode)new JsonObject { ["from"] = FromRole(m.Role), ["value"] = m.Content })]))),
        "alpaca" => WriteAlpaca(conversation),
        _ => WriteQianfan(conversation),
    };

    private static Conversation ReadShareGpt(JsonNode row)
    {
        var messages = new JsonArray();
        if ((string?)(row as JsonObject)?["system"] is { Length: > 0 } system)
        {
            messages.Add((JsonNode)Conversation.Message("system", system));
        }

        foreach (var turn in Array(row, "conversations"))
        {
            messages.Add((JsonNode)Conversation.Message(ToRole(Text(turn, "from")), Text(turn, "value")));
        }

        return new Conversation(messages, Others(row, "conversations", "system"));
    }

    private static Conversation ReadAlpaca(JsonNode row)
    {
        var (instruction, input) = (Text(row, "instruction"), (string?)row["input"]);
        var turns = new List<(string, string)>();
        foreach (var turn in row["history"] as JsonArray ?? [])
        {
            turns.Add(turn is JsonArray and [{ } question, { } answer] ? ((string)question!, (string)answer!) : throw new InterchangeFault("an entry of 'history' is not a question and an answer."));
        }

        turns.Add((string.IsNullOrEmpty(input) ? instruction : $"{instruction}\n{input}", Text(row, "output")));
        return Conversation.Of((string?)row["system"], turns, Others(row, "instruction", "input", "output", "system", "history"));
    }

    private static JsonObject WriteAlpaca(Conversation conversation)
    {
        var (system, turns) = conversation.Turns();
        var row = With(conversation.Others, ("instruction", turns[^1].Prompt), ("input", ""), ("output", turns[^1].Response));
        if (system is not null)
        {
            row["system"] = system;
        }

        if (turns.Count > 1)
        {
            row["history"] = new JsonArray([.. turns.SkipLast(1).Select(t => (JsonNode)new JsonArray(t.Prompt, t.Response))]);
        }

        return row;
    }

    private static Conversation ReadQianfan(JsonNode row)
    {
        if (row is not JsonArray { Count: > 0 } list)
        {
            throw new InterchangeFault("a Qianfan line is a list of turns.");
        }

        var turns = new List<(string, string)>();
        string? system = null;
        foreach (var turn in list)
        {
            system ??= (string?)turn!["system"];
            var response = turn!["response"] switch
            {
                JsonArray and [JsonArray and [{ } best, ..], ..] => (string)best!,
                JsonArray and [JsonValue best, ..] => (string)best!,
                JsonValue value => (string)value!,
                _ => throw new InterchangeFault("a turn has no 'response'."),
            };
            turns.Add((Text(turn, "prompt"), response));
        }

        return Conversation.Of(system, turns, []);
    }

    private static JsonArray WriteQianfan(Conversation conversation)
    {
        var (system, turns) = conversation.Turns();
        var list = new JsonArray();
        foreach (var (prompt, response) in turns)
        {
            // The platform's own check refuses the whole file for one empty answer.
            if (prompt.Length == 0 || response.Length == 0)
            {
                throw new InterchangeFault("a question or an answer is empty, which Qianfan refuses.");
            }

            list.Add((JsonNode)new JsonObject { ["prompt"] = prompt, ["response"] = new JsonArray(new JsonArray(response)) });
        }

        if (system is not null)
        {
            list[0]!["system"] = system;
        }

        return list;
    }

    private static string FromRole(string role) => role switch { "user" => "human", "assistant" => "gpt", _ => role };

    private static string ToRole(string from) => from switch { "human" => "user", "gpt" or "bot" or "chatgpt" => "assistant", _ => from };

    private static JsonArray Array(JsonNode row, string name) => (row as JsonObject)?[name] as JsonArray ?? throw new InterchangeFault($"the row has no list '{name}'.");

    private static string Text(JsonNode? row, string name) =>
        (row as JsonObject)?[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : throw new InterchangeFault($"the row has no text '{name}'.");

    private static JsonObject Others(JsonNode row, params string[] known) =>
        row is JsonObject o ? new JsonObject(o.Where(m => !known.Contains(m.Key)).Select(m => KeyValuePair.Create(m.Key, m.Value?.DeepClone()))) : [];

    private static JsonObject With(JsonObject others, params (string Name, JsonNode? Value)[] members)
    {
        var row = new JsonObject();
        foreach (var (name, value) in members)
        {
            row[name] = value;
        }

        foreach (var (name, value) in others)
        {
            row[name] = value?.DeepClone();
        }

        return row;
    }
}
