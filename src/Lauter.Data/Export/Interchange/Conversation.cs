using System.Text.Json.Nodes;

namespace Lauter.Data.Export.Interchange;

/// <summary>A row cannot be read as, or written in, a format; the row is left out with this reason.</summary>
internal sealed class InterchangeFault(string message) : Exception(message);

/// <summary>A conversation between the forms: messages in OpenAI's shape, which is the richest, and the row's other members.</summary>
/// <param name="Messages">Objects with <c>role</c> and <c>content</c>.</param>
/// <param name="Others">Everything else in the row.</param>
internal sealed record Conversation(JsonArray Messages, JsonObject Others)
{
    /// <summary>Role and text of each message; a message of parts or of tool calls has no plain text and can't be told in the older formats.</summary>
    public List<(string Role, string Content)> Plain()
    {
        var plain = new List<(string, string)>(Messages.Count);
        foreach (var message in Messages)
        {
            if (message is not JsonObject o || (string?)o["role"] is not { } role || o["content"] is not JsonValue value || !value.TryGetValue<string>(out var content))
            {
                throw new InterchangeFault("a message has no role or no plain text; only the OpenAI format can hold tool calls and parts.");
            }

            plain.Add((role, content));
        }

        return plain;
    }

    /// <summary>System text and turns of one question and one answer.</summary>
    public (string? System, List<(string Prompt, string Response)> Turns) Turns()
    {
        string? system = null;
        var turns = new List<(string, string)>();
        string? prompt = null;
        foreach (var (role, content) in Plain())
        {
            switch (role)
            {
                case "system" when turns.Count == 0 && prompt is null && system is null:
                    system = content;
                    break;
                case "user" when prompt is null:
                    prompt = content;
                    break;
                case "assistant" when prompt is not null:
                    turns.Add((prompt, content));
                    prompt = null;
                    break;
                default:
                    throw new InterchangeFault($"a message of role '{role}' stands where this format has no place for it: it needs a question and an answer in turn.");
            }
        }

        return prompt is null && turns.Count > 0 ? (system, turns) : throw new InterchangeFault("the conversation does not end with an answer.");
    }

    public static JsonObject Message(string role, string content) => new() { ["role"] = role, ["content"] = content };

    /// <summary>From a system text and turns.</summary>
    public static Conversation Of(string? system, IEnumerable<(string Prompt, string Response)> turns, JsonObject others)
    {
        var messages = new JsonArray();
        if (!string.IsNullOrEmpty(system))
        {
            messages.Add((JsonNode)Message("system", system));
        }

        foreach (var (prompt, response) in turns)
        {
            messages.Add((JsonNode)Message("user", prompt));
            messages.Add((JsonNode)Message("assistant", response));
        }

        return new Conversation(messages, others);
    }
}
