using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Models.Templates;

namespace Lauter.Inference.Tools;

/// <summary>Tools for models whose template knows none: described in the system message, calls and results as the Hermes family writes them.</summary>
internal static class ToolPrompt
{
    private static readonly JsonSerializerOptions Plain = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static List<ChatMessage> Write(IReadOnlyList<ChatMessage> messages, ToolSet? tools)
    {
        var written = messages.Select(Plainly).ToList();
        if (tools is null)
        {
            return written;
        }

        var lines = string.Join('\n', tools.Described.Select(tool => tool!["function"]!.ToJsonString(Plain)));
        var text = $"You can call these functions, one JSON object a line:\n{lines}\nTo call one, answer with its name and arguments in this form:\n"
            + "<tool_call>\n{\"name\": \"NAME\", \"arguments\": {}}\n</tool_call>";
        if (written.Count > 0 && written[0].Role == "system")
        {
            written[0] = written[0] with { Content = $"{written[0].Content}\n\n{text}" };
        }
        else
        {
            written.Insert(0, new ChatMessage("system", text));
        }

        return written;
    }

    private static ChatMessage Plainly(ChatMessage message)
    {
        if (message.Role == "tool")
        {
            return new ChatMessage("user", $"<tool_response>\n{message.Content}\n</tool_response>");
        }

        if (message.Members?["tool_calls"] is not JsonArray calls)
        {
            return message with { Members = null };
        }

        var text = calls.Select(call => $"<tool_call>\n{new JsonObject
        {
            ["name"] = call!["function"]!["name"]!.DeepClone(),
            ["arguments"] = call["function"]!["arguments"]!.DeepClone(),
        }.ToJsonString(Plain)}\n</tool_call>");
        return new ChatMessage(message.Role, string.Join('\n', text.Prepend(message.Content).Where(part => part.Length > 0)));
    }
}
