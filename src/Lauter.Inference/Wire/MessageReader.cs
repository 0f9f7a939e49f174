using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Models.Templates;

namespace Lauter.Inference.Wire;

/// <summary>Reads <c>messages</c> of a chat.</summary>
internal static class MessageReader
{
    public const int MostMessages = 2_048;
    public const int MostCalls = 128;

    public static List<ChatMessage> Read(WireReader body)
    {
        if (body.Member("messages") is not { ValueKind: JsonValueKind.Array } list || list.GetArrayLength() == 0)
        {
            throw WireException.Invalid("messages", "'messages' must be an array of at least one message.", "missing_required_parameter");
        }

        if (list.GetArrayLength() > MostMessages)
        {
            throw WireException.Invalid("messages", $"'messages' holds {list.GetArrayLength()} messages; at most {MostMessages} are allowed.", "array_above_max_length");
        }

        return [.. list.EnumerateArray().Select((item, index) => ReadMessage(new WireReader(item, $"messages[{index}]."), $"messages[{index}]."))];
    }

    private static ChatMessage ReadMessage(WireReader message, string name)
    {
        var role = message.Text("role", 64) ?? throw WireException.Invalid($"{name}role", $"'{name}role' is missing.", "missing_required_parameter");
        switch (role)
        {
            case "system" or "user":
                return new ChatMessage(role, ReadContent(message, name));
            case "developer":
                // Templates know the older name of the same role.
                return new ChatMessage("system", ReadContent(message, name));
            case "tool":
                var call = message.Text("tool_call_id", 256)
                    ?? throw WireException.Invalid($"{name}tool_call_id", $"'{name}tool_call_id' is missing.", "missing_required_parameter");
                return new ChatMessage(role, ReadContent(message, name)) { Members = new JsonObject { ["tool_call_id"] = call } };
            case "assistant" when message.Member("tool_calls") is { } calls:
                var text = message.Member("content") is null ? "" : ReadContent(message, name);
                return new ChatMessage(role, text) { Members = new JsonObject { ["tool_calls"] = ReadCalls(calls, $"{name}tool_calls") } };
            case "assistant":
                return new ChatMessage(role, ReadContent(message, name));
            default:
                throw WireException.Invalid($"{name}role", $"'{name}role' is '{role}'; this engine knows system, developer, user, assistant and tool.");
        }
    }

    /// <summary>A string, or an array of text parts, which are joined.</summary>
    private static string ReadContent(WireReader message, string name)
    {
        if (message.Member("content") is not { } content)
        {
            throw WireException.Invalid($"{name}content", $"'{name}content' is missing.", "missing_required_parameter");
        }

        if (content.ValueKind != JsonValueKind.Array)
        {
            return message.Text("content", GenerationReader.LongestText)!;
        }

        var parts = content.EnumerateArray().Select((part, index) =>
        {
            var reader = new WireReader(part, $"{name}content[{index}].");
            return string.Equals(reader.Text("type", 64), "text", StringComparison.Ordinal)
                ? reader.Text("text", GenerationReader.LongestText) ?? ""
                : throw WireException.Invalid($"{name}content[{index}].type", "Only parts of type 'text' are supported.", "unsupported_value");
        });
        return string.Concat(parts);
    }

    /// <summary>Earlier calls. Templates expect the arguments as an object, the wire carries them as text.</summary>
    private static JsonArray ReadCalls(JsonElement calls, string name)
    {
        if (calls.ValueKind != JsonValueKind.Array || calls.GetArrayLength() > MostCalls)
        {
            throw WireException.Invalid(name, $"'{name}' must be an array of at most {MostCalls} calls.");
        }

        return new JsonArray([.. calls.EnumerateArray().Select((item, index) =>
        {
            var call = new WireReader(item, $"{name}[{index}].");
            var function = call.Object("function") ?? throw WireException.Invalid($"{name}[{index}].function", $"'{name}[{index}].function' is missing.", "missing_required_parameter");
            var arguments = function.Text("arguments", GenerationReader.LongestText) ?? "{}";
            JsonNode? parsed;
            try
            {
                parsed = JsonNode.Parse(arguments, null, new JsonDocumentOptions { MaxDepth = 64 });
            }
            catch (JsonException)
            {
                parsed = arguments;
            }

            return (JsonNode)new JsonObject
            {
                ["id"] = call.Text("id", 256) ?? "",
                ["type"] = "function",
                ["function"] = new JsonObject { ["name"] = function.Text("name", 64) ?? "", ["arguments"] = parsed },
            };
        })]);
    }
}
