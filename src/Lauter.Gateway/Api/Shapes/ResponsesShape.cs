using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Gateway.Providers.Wires;

namespace Lauter.Gateway.Api.Shapes;

/// <summary>
/// OpenAI's Responses without state: nothing is stored, so <c>previous_response_id</c> is refused and <c>store</c> is false. Messages, function
/// calls and text formats are carried over.
/// </summary>
internal sealed class ResponsesShape(DateTimeOffset at) : AnswerShape
{
    private readonly StringBuilder _text = new();
    private readonly List<JsonObject> _output = [];
    private readonly Dictionary<int, (JsonObject Item, StringBuilder Arguments, int At)> _calls = [];
    private JsonObject? _usage;
    private JsonNode? _model;
    private string _id = "";
    private string? _finishReason;
    private int _sequence;
    private int _textAt = -1;

    /// <summary>The chat request of a Responses request, or what is wrong with it.</summary>
    public static (byte[]? Body, string? Fault) Request(JsonMembers members)
    {
        var root = JsonNode.Parse(members.Bytes.Span, documentOptions: new JsonDocumentOptions { MaxDepth = 1_000 })!.AsObject();
        if (members.IsSet("previous_response_id") || members.IsSet("conversation"))
        {
            return (null, "'previous_response_id' and 'conversation' are not supported: nothing is stored, send the whole input.");
        }

        JsonArray messages = [];
        if (root["instructions"]?.ToString() is { Length: > 0 } instructions)
        {
            messages.Add(new JsonObject { ["role"] = "system", ["content"] = instructions });
        }

        switch (root["input"])
        {
            case JsonValue text when text.GetValueKind() == JsonValueKind.String:
                messages.Add(new JsonObject { ["role"] = "user", ["content"] = text.DeepClone() });
                break;
            case JsonArray items:
                foreach (var item in items)
                {
                    if (Add(messages, item as JsonObject) is { } fault)
                    {
                        return (null, fault);
                    }
                }

                break;
            default:
                return (null, "'input' must be a text or an array of items.");
        }

        var chat = new JsonObject { ["model"] = root["model"]?.DeepClone(), ["messages"] = messages };
        foreach (var (name, target) in ((string, string)[])
            [("max_output_tokens", "max_tokens"), ("temperature", "temperature"), ("top_p", "top_p"), ("stream", "stream"), ("parallel_tool_calls", "parallel_tool_calls"), ("user", "user"), ("metadata", "metadata")])
        {
            if (root[name] is { } value)
            {
                chat[target] = value.DeepClone();
            }
        }

        if (root["reasoning"]?["effort"] is { } effort)
        {
            chat["reasoning_effort"] = effort.DeepClone();
        }

        if (root["stream"] is JsonValue stream && stream.GetValueKind() == JsonValueKind.True)
        {
            chat["stream_options"] = new JsonObject { ["include_usage"] = true };
        }

        if (root["text"]?["format"] is JsonObject format && format["type"]?.ToString() is "json_schema" or "json_object")
        {
            var schema = format.DeepClone().AsObject();
            schema.Remove("type");
            chat["response_format"] = format["type"]!.ToString() == "json_object" ? new JsonObject { ["type"] = "json_object" } : new JsonObject { ["type"] = "json_schema", ["json_schema"] = schema };
        }

        if (root["tools"] is JsonArray { Count: > 0 } tools)
        {
            if (tools.FirstOrDefault(t => t?["type"]?.ToString() != "function") is { } other)
            {
                return (null, $"tools of type '{other["type"]}' are not supported; functions are.");
            }

            chat["tools"] = new JsonArray([.. tools.Select(t =>
            {
                var function = t!.DeepClone().AsObject();
                function.Remove("type");
                return (JsonNode)new JsonObject { ["type"] = "function", ["function"] = function };
            })]);
            if (root["tool_choice"] is { } choice)
            {
                chat["tool_choice"] = choice is JsonObject named ? new JsonObject { ["type"] = "function", ["function"] = new JsonObject { ["name"] = named["name"]?.DeepClone() } } : choice.DeepClone();
            }
        }

        return (Encoding.UTF8.GetBytes(chat.ToJsonString(JsonText.Options)), null);
    }

    /// <inheritdoc/>
    public override byte[] Whole(ReadOnlySpan<byte> completion)
    {
        var root = JsonNode.Parse(completion)!.AsObject();
        var choice = (root["choices"] as JsonArray)?.FirstOrDefault();
        (_id, _model, _usage, _finishReason) = (IdOf(root["id"]), root["model"], root["usage"] as JsonObject, choice?["finish_reason"]?.ToString());
        if (choice?["message"]?["content"]?.ToString() is { Length: > 0 } text)
        {
            _output.Add(Message(text, "completed"));
        }

        foreach (var call in choice?["message"]?["tool_calls"] as JsonArray ?? [])
        {
            _output.Add(Call(call, call?["function"]?["arguments"]?.ToString() ?? "{}", "completed"));
        }

        return Bytes(Response("completed"));
    }

    /// <inheritdoc/>
    public override void Event(ReadOnlySpan<byte> chunk, IBufferWriter<byte> output)
    {
        var root = JsonNode.Parse(chunk)!.AsObject();
        _usage = root["usage"] as JsonObject ?? _usage;
        if (_sequence == 0)
        {
            (_id, _model) = (IdOf(root["id"]), root["model"]?.DeepClone());
            Put(output, "response.created", new JsonObject { ["response"] = Response("in_progress") });
            Put(output, "response.in_progress", new JsonObject { ["response"] = Response("in_progress") });
        }

        if ((root["choices"] as JsonArray)?.FirstOrDefault() is not JsonObject choice)
        {
            return;
        }

        if (choice["delta"]?["content"]?.ToString() is { Length: > 0 } text)
        {
            if (_textAt < 0)
            {
                _textAt = _output.Count;
                _output.Add(Message("", "in_progress"));
                Put(output, "response.output_item.added", new JsonObject { ["output_index"] = _textAt, ["item"] = new JsonObject
                {
                    ["id"] = $"msg_{_id}", ["type"] = "message", ["status"] = "in_progress", ["role"] = "assistant", ["content"] = new JsonArray(),
                } });
                Put(output, "response.content_part.added", Part("part", new JsonObject { ["type"] = "output_text", ["text"] = "", ["annotations"] = new JsonArray() }));
            }

            _text.Append(text);
            Put(output, "response.output_text.delta", Part("delta", text));
        }

        foreach (var call in choice["delta"]?["tool_calls"] as JsonArray ?? [])
        {
            var index = call?["index"] is JsonValue number && number.TryGetValue(out int n) ? n : 0;
            if (!_calls.TryGetValue(index, out var known))
            {
                known = (Call(call, "", "in_progress"), new StringBuilder(), _output.Count);
                _calls[index] = known;
                _output.Add(known.Item);
                Put(output, "response.output_item.added", new JsonObject { ["output_index"] = known.At, ["item"] = known.Item.DeepClone() });
            }

            if (call?["function"]?["arguments"]?.ToString() is { Length: > 0 } piece)
            {
                known.Arguments.Append(piece);
                Put(output, "response.function_call_arguments.delta", new JsonObject { ["item_id"] = known.Item["id"]!.DeepClone(), ["output_index"] = known.At, ["delta"] = piece });
            }
        }

        if (choice["finish_reason"] is JsonValue reason && reason.GetValueKind() == JsonValueKind.String)
        {
            _finishReason = reason.ToString();
        }
    }

    /// <inheritdoc/>
    public override byte[] Done()
    {
        var output = new ArrayBufferWriter<byte>();
        if (_textAt >= 0)
        {
            _output[_textAt] = Message(_text.ToString(), "completed");
            Put(output, "response.output_text.done", Part("text", _text.ToString()));
            Put(output, "response.content_part.done", Part("part", _output[_textAt]["content"]![0]!.DeepClone()));
            Put(output, "response.output_item.done", new JsonObject { ["output_index"] = _textAt, ["item"] = _output[_textAt].DeepClone() });
        }

        foreach (var (item, arguments, position) in _calls.OrderBy(c => c.Key).Select(c => c.Value))
        {
            item["arguments"] = arguments.ToString();
            item["status"] = "completed";
            Put(output, "response.function_call_arguments.done", new JsonObject { ["item_id"] = item["id"]!.DeepClone(), ["output_index"] = position, ["arguments"] = arguments.ToString() });
            Put(output, "response.output_item.done", new JsonObject { ["output_index"] = position, ["item"] = item.DeepClone() });
        }

        var status = _finishReason == "length" ? "incomplete" : "completed";
        Put(output, $"response.{status}", new JsonObject { ["response"] = Response(status) });
        return output.WrittenSpan.ToArray();
    }

    /// <inheritdoc/>
    public override byte[] Broken(OpenAiError error)
    {
        var output = new ArrayBufferWriter<byte>();
        Put(output, "error", new JsonObject { ["code"] = error.Code, ["message"] = error.Message, ["param"] = error.Param });
        return output.WrittenSpan.ToArray();
    }

    private static string? Add(JsonArray messages, JsonObject? item)
    {
        switch (item?["type"]?.ToString() ?? "message")
        {
            case "message" when (item?["role"])?.ToString() is string role:
                if (item["content"] is JsonArray parts && parts.FirstOrDefault(p => p?["type"]?.ToString() is not ("input_text" or "output_text" or "text")) is { } other)
                {
                    return $"content of type '{other["type"]}' is not supported; text is.";
                }

                messages.Add(new JsonObject { ["role"] = role, ["content"] = AnthropicWire.TextOf(item["content"]) });
                return null;
            case "function_call":
                messages.Add(new JsonObject
                {
                    ["role"] = "assistant", ["content"] = null,
                    ["tool_calls"] = new JsonArray(new JsonObject
                    {
                        ["id"] = item!["call_id"]?.DeepClone(), ["type"] = "function",
                        ["function"] = new JsonObject { ["name"] = item["name"]?.DeepClone(), ["arguments"] = item["arguments"]?.DeepClone() },
                    }),
                });
                return null;
            case "function_call_output":
                messages.Add(new JsonObject { ["role"] = "tool", ["tool_call_id"] = item!["call_id"]?.DeepClone(), ["content"] = AnthropicWire.TextOf(item["output"]) });
                return null;
            case "reasoning":
                return null;
            case var unknown:
                return $"input items of type '{unknown}' are not supported; message, function_call and function_call_output are.";
        }
    }

    private JsonObject Response(string status) => new()
    {
        ["id"] = _id, ["object"] = "response", ["created_at"] = at.ToUnixTimeSeconds(),
        ["status"] = status == "completed" && _finishReason == "length" ? "incomplete" : status,
        ["error"] = null, ["incomplete_details"] = _finishReason == "length" ? new JsonObject { ["reason"] = "max_output_tokens" } : null,
        ["model"] = _model?.DeepClone(), ["output"] = new JsonArray([.. _output.Select(o => o.DeepClone())]),
        ["parallel_tool_calls"] = true, ["previous_response_id"] = null, ["store"] = false, ["tool_choice"] = "auto", ["tools"] = new JsonArray(), ["metadata"] = new JsonObject(),
        ["instructions"] = null, ["temperature"] = null, ["top_p"] = null,
        ["usage"] = status == "in_progress" || _usage is null ? null : new JsonObject
        {
            ["input_tokens"] = AnthropicWire.Count(_usage, "prompt_tokens"),
            ["input_tokens_details"] = new JsonObject { ["cached_tokens"] = AnthropicWire.Count(_usage["prompt_tokens_details"] as JsonObject, "cached_tokens") },
            ["output_tokens"] = AnthropicWire.Count(_usage, "completion_tokens"),
            ["output_tokens_details"] = new JsonObject { ["reasoning_tokens"] = AnthropicWire.Count(_usage["completion_tokens_details"] as JsonObject, "reasoning_tokens") },
            ["total_tokens"] = AnthropicWire.Count(_usage, "prompt_tokens") + AnthropicWire.Count(_usage, "completion_tokens"),
        },
    };

    private JsonObject Message(string text, string status) => new()
    {
        ["id"] = $"msg_{_id}", ["type"] = "message", ["status"] = status, ["role"] = "assistant",
        ["content"] = new JsonArray(new JsonObject { ["type"] = "output_text", ["text"] = text, ["annotations"] = new JsonArray() }),
    };

    private static JsonObject Call(JsonNode? call, string arguments, string status) => new()
    {
        ["id"] = $"fc_{call?["id"]}", ["type"] = "function_call", ["status"] = status, ["call_id"] = call?["id"]?.DeepClone(), ["name"] = call?["function"]?["name"]?.DeepClone(), ["arguments"] = arguments,
    };

    private JsonObject Part(string member, JsonNode value) =>
        new() { ["item_id"] = $"msg_{_id}", ["output_index"] = _textAt, ["content_index"] = 0, [member] = value };

    private void Put(IBufferWriter<byte> output, string name, JsonObject data)
    {
        data["type"] = name;
        data["sequence_number"] = _sequence++;
        Sse.Put(output, Bytes(data), name);
    }

    private static string IdOf(JsonNode? id) => (id?.ToString() ?? "").Replace("chatcmpl-", "resp_", StringComparison.Ordinal);

    private static byte[] Bytes(JsonObject data) => Encoding.UTF8.GetBytes(data.ToJsonString(JsonText.Options));
}
