using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Gateway.Api;

namespace Lauter.Gateway.Providers.Wires;

/// <summary>Chat completions to Anthropic's Messages and back, for providers that speak only that.</summary>
internal static class AnthropicWire
{
    /// <summary>The version that is asked for.</summary>
    public const string Version = "2023-06-01";

    /// <summary>The Messages request of a chat request. Members that Messages has no place for are left out.</summary>
    public static ReadOnlyMemory<byte> Request(ChatCall call, string model, int maximumOutputTokens)
    {
        var chat = JsonNode.Parse(call.Members.Bytes.Span, documentOptions: new JsonDocumentOptions { MaxDepth = 1_000 })!.AsObject();
        var body = new JsonObject { ["model"] = model, ["max_tokens"] = maximumOutputTokens };
        List<string> system = [];
        JsonArray messages = [];
        foreach (var message in chat["messages"] as JsonArray ?? [])
        {
            if (message is not JsonObject item)
            {
                continue;
            }

            var role = item["role"]?.ToString();
            if (role is "system" or "developer")
            {
                system.Add(TextOf(item["content"]));
                continue;
            }

            Add(messages, role == "assistant" ? "assistant" : "user", role == "tool" ? [ToolResult(item)] : Blocks(item));
        }

        body["messages"] = messages;
        if (system.Count > 0)
        {
            body["system"] = string.Join("\n\n", system);
        }

        foreach (var name in (string[])["temperature", "top_p", "stream"])
        {
            if (chat[name] is { } value)
            {
                body[name] = value.DeepClone();
            }
        }

        if (chat["stop"] is { } stop)
        {
            body["stop_sequences"] = stop is JsonArray ? stop.DeepClone() : new JsonArray(stop.DeepClone());
        }

        if (chat["tools"] is JsonArray { Count: > 0 } tools)
        {
            body["tools"] = new JsonArray([.. tools.Select(t => t?["function"]).OfType<JsonObject>().Select(f => new JsonObject
            {
                ["name"] = f["name"]?.DeepClone(), ["description"] = f["description"]?.DeepClone() ?? "", ["input_schema"] = f["parameters"]?.DeepClone() ?? new JsonObject { ["type"] = "object" },
            })]);
            if (Choice(chat["tool_choice"]) is { } choice)
            {
                body["tool_choice"] = choice;
            }
        }

        return Encoding.UTF8.GetBytes(body.ToJsonString(JsonText.Options));
    }

    /// <summary>The completion of a message, or null when it is not a message.</summary>
    public static ReadOnlyMemory<byte>? Whole(ReadOnlySpan<byte> message, DateTimeOffset at)
    {
        JsonObject? root;
        try
        {
            root = JsonNode.Parse(message) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }

        if (root?["content"] is not JsonArray content)
        {
            return null;
        }

        var text = string.Concat(content.Where(b => b?["type"]?.ToString() == "text").Select(b => b!["text"]?.ToString()));
        JsonArray calls = [.. content.Where(b => b?["type"]?.ToString() == "tool_use").Select(b => new JsonObject
        {
            ["id"] = b!["id"]?.DeepClone(), ["type"] = "function",
            ["function"] = new JsonObject { ["name"] = b["name"]?.DeepClone(), ["arguments"] = (b["input"] ?? new JsonObject()).ToJsonString(JsonText.Options) },
        })];
        var answer = new JsonObject { ["role"] = "assistant", ["content"] = text.Length == 0 && calls.Count > 0 ? null : text };
        if (calls.Count > 0)
        {
            answer["tool_calls"] = calls;
        }

        return Encoding.UTF8.GetBytes(new JsonObject
        {
            ["id"] = root["id"]?.DeepClone(), ["object"] = "chat.completion", ["created"] = at.ToUnixTimeSeconds(), ["model"] = root["model"]?.DeepClone(),
            ["choices"] = new JsonArray(new JsonObject { ["index"] = 0, ["message"] = answer, ["logprobs"] = null, ["finish_reason"] = FinishReason(root["stop_reason"]?.ToString()) }),
            ["usage"] = Usage(root["usage"] as JsonObject),
        }.ToJsonString(JsonText.Options));
    }

    /// <summary>OpenAI's word for a stop reason.</summary>
    public static string FinishReason(string? stopReason) => stopReason switch
    {
        "max_tokens" or "model_context_window_exceeded" => "length",
        "tool_use" => "tool_calls",
        "refusal" => "content_filter",
        _ => "stop",
    };

    /// <summary>Usage in OpenAI's convention: the prompt's count includes what was read from and written to the cache.</summary>
    public static JsonObject Usage(JsonObject? usage)
    {
        var (read, written) = (Count(usage, "cache_read_input_tokens"), Count(usage, "cache_creation_input_tokens"));
        var (input, output) = (Count(usage, "input_tokens") + read + written, Count(usage, "output_tokens"));
        return new JsonObject
        {
            ["prompt_tokens"] = input, ["completion_tokens"] = output, ["total_tokens"] = input + output,
            ["prompt_tokens_details"] = new JsonObject { ["cached_tokens"] = read, ["cache_write_tokens"] = written },
        };
    }

    internal static long Count(JsonObject? usage, string name) =>
        usage?[name] is JsonValue value && value.GetValueKind() == JsonValueKind.Number && value.TryGetValue(out long count) && count is >= 0 and <= int.MaxValue ? count : 0;

    /// <summary>The text of a content member: a string, or its text parts.</summary>
    internal static string TextOf(JsonNode? content) => content switch
    {
        JsonArray parts => string.Concat(parts.Select(p => p?["text"]?.ToString())),
        null => "",
        _ => content.ToString(),
    };

    private static void Add(JsonArray messages, string role, JsonArray blocks)
    {
        if (blocks.Count == 0)
        {
            return;
        }

        // Messages wants the roles to alternate; neighbours of one role are one message.
        if (messages.Count > 0 && messages[^1]!["role"]!.ToString() == role)
        {
            var last = (JsonArray)messages[^1]!["content"]!;
            foreach (var block in blocks.ToList())
            {
                blocks.Remove(block);
                last.Add(block);
            }

            return;
        }

        messages.Add(new JsonObject { ["role"] = role, ["content"] = blocks });
    }

    private static JsonArray Blocks(JsonObject message)
    {
        JsonArray blocks = [];
        if (TextOf(message["content"]) is { Length: > 0 } text)
        {
            blocks.Add(new JsonObject { ["type"] = "text", ["text"] = text });
        }

        foreach (var call in message["tool_calls"] as JsonArray ?? [])
        {
            blocks.Add(new JsonObject
            {
                ["type"] = "tool_use", ["id"] = call?["id"]?.DeepClone(), ["name"] = call?["function"]?["name"]?.DeepClone(), ["input"] = Arguments(call?["function"]?["arguments"]?.ToString()),
            });
        }

        return blocks;
    }

    private static JsonObject ToolResult(JsonObject message) =>
        new() { ["type"] = "tool_result", ["tool_use_id"] = message["tool_call_id"]?.DeepClone(), ["content"] = TextOf(message["content"]) };

    private static JsonNode Arguments(string? json)
    {
        try
        {
            return JsonNode.Parse(json ?? "{}") as JsonObject ?? [];
        }
        catch (JsonException)
        {
            return new JsonObject();
        }
    }

    private static JsonObject? Choice(JsonNode? choice) => choice switch
    {
        JsonObject named => new JsonObject { ["type"] = "tool", ["name"] = named["function"]?["name"]?.DeepClone() },
        not null when choice.ToString() is "auto" or "none" => new JsonObject { ["type"] = choice.ToString() },
        not null when choice.ToString() == "required" => new JsonObject { ["type"] = "any" },
        _ => null,
    };
}

/// <summary>Events of a Messages stream as chat completion chunks.</summary>
internal sealed class AnthropicStream(DateTimeOffset at)
{
    private readonly JsonObject _usage = [];
    private readonly Dictionary<int, int> _calls = [];
    private JsonNode? _id;
    private JsonNode? _model;

    /// <summary>The message was ended by the provider.</summary>
    public bool Done { get; private set; }

    /// <summary>The chunks that an event becomes.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Take(ReadOnlySpan<byte> data)
    {
        JsonObject? root;
        try
        {
            root = JsonNode.Parse(data) as JsonObject;
        }
        catch (JsonException)
        {
            return [data.ToArray()]; // what reads the chunk says that it is none
        }

        var index = root?["index"] is JsonValue number && number.TryGetValue(out int at1) ? at1 : 0;
        switch (root?["type"]?.ToString())
        {
            case "message_start":
                (_id, _model) = (root["message"]?["id"]?.DeepClone(), root["message"]?["model"]?.DeepClone());
                Merge(root["message"]?["usage"] as JsonObject);
                return [Chunk(new JsonObject { ["role"] = "assistant", ["content"] = "" }, null)];
            case "content_block_start" when (root["content_block"]?["type"])?.ToString() == "tool_use":
                _calls[index] = _calls.Count;
                return
                [
                    Chunk(new JsonObject { ["tool_calls"] = new JsonArray(new JsonObject
                    {
                        ["index"] = _calls[index], ["id"] = root["content_block"]!["id"]?.DeepClone(), ["type"] = "function",
                        ["function"] = new JsonObject { ["name"] = root["content_block"]!["name"]?.DeepClone(), ["arguments"] = "" },
                    }) }, null),
                ];
            case "content_block_delta":
                return root["delta"]?["type"]?.ToString() switch
                {
                    "text_delta" => [Chunk(new JsonObject { ["content"] = root["delta"]!["text"]?.DeepClone() }, null)],
                    "thinking_delta" => [Chunk(new JsonObject { ["reasoning_content"] = root["delta"]!["thinking"]?.DeepClone() }, null)],
                    "input_json_delta" when _calls.TryGetValue(index, out var call) =>
                    [
                        Chunk(new JsonObject { ["tool_calls"] = new JsonArray(new JsonObject
                        {
                            ["index"] = call, ["function"] = new JsonObject { ["arguments"] = root["delta"]!["partial_json"]?.DeepClone() },
                        }) }, null),
                    ],
                    _ => [],
                };
            case "message_delta":
                Merge(root["usage"] as JsonObject);
                var usage = Envelope();
                usage["choices"] = new JsonArray();
                usage["usage"] = AnthropicWire.Usage(_usage);
                return [Chunk([], AnthropicWire.FinishReason(root["delta"]?["stop_reason"]?.ToString())), Bytes(usage)];
            case "message_stop":
                Done = true;
                return [];
            case "error":
                return ["""{"error":{"message":"the provider broke off"}}"""u8.ToArray()];
            default:
                return [];
        }
    }

    private void Merge(JsonObject? usage)
    {
        foreach (var (name, value) in usage ?? [])
        {
            _usage[name] = value?.DeepClone();
        }
    }

    private JsonObject Envelope() => new()
    {
        ["id"] = _id?.DeepClone(), ["object"] = "chat.completion.chunk", ["created"] = at.ToUnixTimeSeconds(), ["model"] = _model?.DeepClone(),
    };

    private ReadOnlyMemory<byte> Chunk(JsonObject delta, string? finishReason)
    {
        var chunk = Envelope();
        chunk["choices"] = new JsonArray(new JsonObject { ["index"] = 0, ["delta"] = delta, ["finish_reason"] = finishReason });
        return Bytes(chunk);
    }

    private static byte[] Bytes(JsonObject chunk) => Encoding.UTF8.GetBytes(chunk.ToJsonString(JsonText.Options));
}
