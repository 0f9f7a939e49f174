using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Gateway.Providers.Wires;

namespace Lauter.Gateway.Api.Shapes;

/// <summary>Anthropic's Messages, in and out: the request becomes a chat request, the answer a message or its events.</summary>
internal sealed class MessagesShape : AnswerShape
{
    private readonly Dictionary<int, int> _calls = [];
    private string _id = "";
    private string? _model;
    private string? _stopReason;
    private JsonObject? _usage;
    private int _block = -1;
    private bool _textOpen;
    private bool _begun;

    /// <summary>The chat request of a Messages request, or what is wrong with it.</summary>
    public static (byte[]? Body, string? Fault) Request(JsonMembers members)
    {
        var root = JsonNode.Parse(members.Bytes.Span, documentOptions: new JsonDocumentOptions { MaxDepth = 1_000 })!.AsObject();
        if (root["messages"] is not JsonArray given)
        {
            return (null, "'messages' must be an array.");
        }

        JsonArray messages = [];
        if (AnthropicWire.TextOf(root["system"]) is { Length: > 0 } system)
        {
            messages.Add(new JsonObject { ["role"] = "system", ["content"] = system });
        }

        foreach (var message in given)
        {
            if (message is not JsonObject item || item["role"]?.ToString() is not ("user" or "assistant"))
            {
                return (null, "every message needs the role user or assistant.");
            }

            if (Add(messages, item) is { } fault)
            {
                return (null, fault);
            }
        }

        var chat = new JsonObject { ["model"] = root["model"]?.DeepClone(), ["messages"] = messages };
        foreach (var (name, target) in ((string, string)[])[("max_tokens", "max_tokens"), ("temperature", "temperature"), ("top_p", "top_p"), ("stream", "stream"), ("stop_sequences", "stop")])
        {
            if (root[name] is { } value)
            {
                chat[target] = value.DeepClone();
            }
        }

        if (root["metadata"]?["user_id"] is { } user)
        {
            chat["user"] = user.DeepClone();
        }

        if (root["stream"] is JsonValue stream && stream.GetValueKind() == JsonValueKind.True)
        {
            chat["stream_options"] = new JsonObject { ["include_usage"] = true };
        }

        if (root["tools"] is JsonArray { Count: > 0 } tools)
        {
            chat["tools"] = new JsonArray([.. tools.OfType<JsonObject>().Select(t => new JsonObject
            {
                ["type"] = "function",
                ["function"] = new JsonObject { ["name"] = t["name"]?.DeepClone(), ["description"] = t["description"]?.DeepClone(), ["parameters"] = t["input_schema"]?.DeepClone() },
            })]);
            chat["tool_choice"] = root["tool_choice"]?["type"]?.ToString() switch
            {
                "any" => "required",
                "none" => "none",
                "tool" => new JsonObject { ["type"] = "function", ["function"] = new JsonObject { ["name"] = root["tool_choice"]!["name"]?.DeepClone() } },
                _ => "auto",
            };
        }

        return (Encoding.UTF8.GetBytes(chat.ToJsonString(JsonText.Options)), null);
    }

    /// <summary>An error as Anthropic's SDKs read it.</summary>
    public static JsonObject ErrorOf(OpenAiError error) => new()
    {
        ["type"] = "error",
        ["error"] = new JsonObject
        {
            ["type"] = error.Status switch
            {
                401 => "authentication_error",
                402 => "billing_error",
                403 => "permission_error",
                404 => "not_found_error",
                413 => "request_too_large",
                429 => "rate_limit_error",
                503 or 529 => "overloaded_error",
                < 500 => "invalid_request_error",
                _ => "api_error",
            },
            ["message"] = error.Message,
        },
    };

    /// <inheritdoc/>
    public override byte[] Whole(ReadOnlySpan<byte> completion)
    {
        var root = JsonNode.Parse(completion)!.AsObject();
        var message = (root["choices"] as JsonArray)?.FirstOrDefault()?["message"];
        JsonArray content = [];
        if (message?["content"]?.ToString() is { Length: > 0 } text)
        {
            content.Add(new JsonObject { ["type"] = "text", ["text"] = text });
        }

        foreach (var call in message?["tool_calls"] as JsonArray ?? [])
        {
            content.Add(new JsonObject
            {
                ["type"] = "tool_use", ["id"] = call?["id"]?.DeepClone(), ["name"] = call?["function"]?["name"]?.DeepClone(), ["input"] = Parse(call?["function"]?["arguments"]?.ToString()),
            });
        }

        return Bytes(new JsonObject
        {
            ["id"] = IdOf(root["id"]), ["type"] = "message", ["role"] = "assistant", ["model"] = root["model"]?.DeepClone(), ["content"] = content,
            ["stop_reason"] = StopReason((root["choices"] as JsonArray)?.FirstOrDefault()?["finish_reason"]?.ToString()), ["stop_sequence"] = null, ["usage"] = Usage(root["usage"] as JsonObject),
        });
    }

    /// <inheritdoc/>
    public override void Event(ReadOnlySpan<byte> chunk, IBufferWriter<byte> output)
    {
        var root = JsonNode.Parse(chunk)!.AsObject();
        _usage = root["usage"] as JsonObject ?? _usage;
        Begin(root, output);
        if ((root["choices"] as JsonArray)?.FirstOrDefault() is not JsonObject choice)
        {
            return;
        }

        if (choice["delta"]?["content"]?.ToString() is { Length: > 0 } text)
        {
            if (!_textOpen)
            {
                Open(output, new JsonObject { ["type"] = "text", ["text"] = "" });
                _textOpen = true;
            }

            Put(output, "content_block_delta", new JsonObject { ["type"] = "content_block_delta", ["index"] = _block, ["delta"] = new JsonObject { ["type"] = "text_delta", ["text"] = text } });
        }

        foreach (var call in choice["delta"]?["tool_calls"] as JsonArray ?? [])
        {
            var index = call?["index"] is JsonValue number && number.TryGetValue(out int at) ? at : 0;
            if (!_calls.TryGetValue(index, out var block))
            {
                Open(output, new JsonObject { ["type"] = "tool_use", ["id"] = call?["id"]?.DeepClone(), ["name"] = call?["function"]?["name"]?.DeepClone(), ["input"] = new JsonObject() });
                _calls[index] = block = _block;
                _textOpen = false;
            }

            if (call?["function"]?["arguments"]?.ToString() is { Length: > 0 } piece)
            {
                Put(output, "content_block_delta", new JsonObject
                {
                    ["type"] = "content_block_delta", ["index"] = block, ["delta"] = new JsonObject { ["type"] = "input_json_delta", ["partial_json"] = piece },
                });
            }
        }

        if (choice["finish_reason"] is JsonValue reason && reason.GetValueKind() == JsonValueKind.String)
        {
            _stopReason = StopReason(reason.ToString());
        }
    }

    /// <inheritdoc/>
    public override byte[] Done()
    {
        var output = new ArrayBufferWriter<byte>();
        Close(output);
        Put(output, "message_delta", new JsonObject
        {
            ["type"] = "message_delta", ["delta"] = new JsonObject { ["stop_reason"] = _stopReason ?? "end_turn", ["stop_sequence"] = null }, ["usage"] = Usage(_usage),
        });
        Put(output, "message_stop", new JsonObject { ["type"] = "message_stop" });
        return output.WrittenSpan.ToArray();
    }

    /// <inheritdoc/>
    public override byte[] Broken(OpenAiError error)
    {
        var output = new ArrayBufferWriter<byte>();
        Put(output, "error", ErrorOf(error));
        return output.WrittenSpan.ToArray();
    }

    private static string? Add(JsonArray messages, JsonObject item)
    {
        var role = item["role"]!.ToString();
        if (item["content"] is not JsonArray blocks)
        {
            messages.Add(new JsonObject { ["role"] = role, ["content"] = item["content"]?.ToString() ?? "" });
            return null;
        }

        var text = new StringBuilder();
        JsonArray calls = [];
        foreach (var block in blocks)
        {
            switch (block?["type"]?.ToString())
            {
                case "text":
                    text.Append(block["text"]);
                    break;
                case "tool_use":
                    calls.Add(new JsonObject
                    {
                        ["id"] = block["id"]?.DeepClone(), ["type"] = "function",
                        ["function"] = new JsonObject { ["name"] = block["name"]?.DeepClone(), ["arguments"] = (block["input"] ?? new JsonObject()).ToJsonString(JsonText.Options) },
                    });
                    break;
                case "tool_result":
                    messages.Add(new JsonObject { ["role"] = "tool", ["tool_call_id"] = block["tool_use_id"]?.DeepClone(), ["content"] = AnthropicWire.TextOf(block["content"]) });
                    break;
                case "thinking" or "redacted_thinking":
                    break; // belongs to the model that thought it
                default:
                    return $"content of type '{block?["type"]}' is not supported; text, tool_use and tool_result are.";
            }
        }

        if (text.Length > 0 || calls.Count > 0)
        {
            var message = new JsonObject { ["role"] = role, ["content"] = text.Length > 0 ? text.ToString() : null };
            if (calls.Count > 0)
            {
                message["tool_calls"] = calls;
            }

            messages.Add(message);
        }

        return null;
    }

    private void Begin(JsonObject root, IBufferWriter<byte> output)
    {
        if (_begun)
        {
            return;
        }

        (_begun, _id, _model) = (true, IdOf(root["id"]), root["model"]?.ToString());
        Put(output, "message_start", new JsonObject
        {
            ["type"] = "message_start",
            ["message"] = new JsonObject
            {
                ["id"] = _id, ["type"] = "message", ["role"] = "assistant", ["model"] = _model, ["content"] = new JsonArray(), ["stop_reason"] = null, ["stop_sequence"] = null,
                ["usage"] = Usage(_usage),
            },
        });
    }

    private void Open(IBufferWriter<byte> output, JsonObject block)
    {
        Close(output);
        _block++;
        Put(output, "content_block_start", new JsonObject { ["type"] = "content_block_start", ["index"] = _block, ["content_block"] = block });
    }

    private void Close(IBufferWriter<byte> output)
    {
        if (_block >= 0)
        {
            Put(output, "content_block_stop", new JsonObject { ["type"] = "content_block_stop", ["index"] = _block });
        }
    }

    private static string IdOf(JsonNode? id) => (id?.ToString() ?? "").Replace("chatcmpl-", "msg_", StringComparison.Ordinal);

    private static string StopReason(string? finishReason) => finishReason switch
    {
        "length" => "max_tokens",
        "tool_calls" or "function_call" => "tool_use",
        "content_filter" => "refusal",
        _ => "end_turn",
    };

    /// <summary>Anthropic's convention: cached tokens are not part of the input's count.</summary>
    private static JsonObject Usage(JsonObject? usage)
    {
        var details = usage?["prompt_tokens_details"] as JsonObject;
        var (read, written) = (AnthropicWire.Count(details, "cached_tokens"), AnthropicWire.Count(details, "cache_write_tokens"));
        return new JsonObject
        {
            ["input_tokens"] = Math.Max(0, AnthropicWire.Count(usage, "prompt_tokens") - read - written), ["cache_read_input_tokens"] = read, ["cache_creation_input_tokens"] = written,
            ["output_tokens"] = AnthropicWire.Count(usage, "completion_tokens"),
        };
    }

    private static JsonNode Parse(string? json)
    {
        try
        {
            return JsonNode.Parse(json ?? "{}") ?? new JsonObject();
        }
        catch (JsonException)
        {
            return new JsonObject();
        }
    }

    private static void Put(IBufferWriter<byte> output, string name, JsonObject data) => Sse.Put(output, Bytes(data), name);

    private static byte[] Bytes(JsonObject data) => Encoding.UTF8.GetBytes(data.ToJsonString(JsonText.Options));
}
