using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Inference.Sampling;

namespace Lauter.Inference.Engine;

/// <summary>The client's half of the wire: request bodies out, answers in.</summary>
internal static class EngineJson
{
    public static JsonObject Chat(ChatRequest request, bool stream)
    {
        var body = new JsonObject
        {
            ["model"] = "engine",
            ["messages"] = new JsonArray([.. request.Messages.Select(message =>
                (JsonNode)new JsonObject { ["role"] = message.Role, ["content"] = message.Content })]),
        };
        if (request.MaxTokens is { } most)
        {
            body["max_completion_tokens"] = most;
        }

        if (request.Stops.Count > 0)
        {
            body["stop"] = new JsonArray([.. request.Stops.Select(stop => (JsonNode)stop)]);
        }

        if (request.Schema is { } schema)
        {
            body["response_format"] = new JsonObject
            {
                ["type"] = "json_schema",
                ["json_schema"] = new JsonObject { ["name"] = "answer", ["strict"] = true, ["schema"] = schema.DeepClone() },
            };
        }

        if (stream)
        {
            body["stream"] = true;
            body["stream_options"] = new JsonObject { ["include_usage"] = true };
        }

        Add(body, request.Sampling);
        return body;
    }

    public static ChatResult ReadChat(JsonElement answer)
    {
        var choice = answer.GetProperty("choices")[0];
        var usage = answer.GetProperty("usage");
        return new ChatResult(
            choice.GetProperty("message").GetProperty("content").GetString()!,
            choice.GetProperty("finish_reason").GetString()!,
            usage.GetProperty("prompt_tokens").GetInt32(),
            usage.GetProperty("completion_tokens").GetInt32(),
            choice.TryGetProperty("logprobs", out var scores) && scores.ValueKind == JsonValueKind.Object
                ? [.. scores.GetProperty("content").EnumerateArray().Select(ReadScore)]
                : null);
    }

    public static ChatDelta? ReadDelta(JsonElement chunk, ref string? finish)
    {
        var choices = chunk.GetProperty("choices");
        if (choices.GetArrayLength() == 0)
        {
            var usage = chunk.GetProperty("usage");
            return new ChatDelta("", finish, usage.GetProperty("prompt_tokens").GetInt32(), usage.GetProperty("completion_tokens").GetInt32());
        }

        finish = choices[0].GetProperty("finish_reason").GetString() ?? finish;
        var text = choices[0].GetProperty("delta").TryGetProperty("content", out var content) ? content.GetString() : null;
        return string.IsNullOrEmpty(text) ? null : new ChatDelta(text, null, null, null);
    }

    public static ChatResult ReadCompletion(JsonElement answer)
    {
        var choice = answer.GetProperty("choices")[0];
        var usage = answer.GetProperty("usage");
        List<TokenScore>? scores = null;
        if (choice.GetProperty("logprobs") is { ValueKind: JsonValueKind.Object } logprobs)
        {
            scores = [];
            var ids = logprobs.GetProperty("token_ids");
            for (var index = 0; index < ids.GetArrayLength(); index++)
            {
                var value = logprobs.GetProperty("token_logprobs")[index];
                if (value.ValueKind == JsonValueKind.Number)
                {
                    var alternatives = logprobs.GetProperty("top_token_ids")[index].EnumerateArray()
                        .Select(pair => new TokenLogProbability(pair[0].GetInt32(), pair[1].GetSingle()));
                    scores.Add(new TokenScore(
                        ids[index].GetInt32(), logprobs.GetProperty("tokens")[index].GetString()!, value.GetDouble(), [.. alternatives]));
                }
            }
        }

        return new ChatResult(
            choice.GetProperty("text").GetString()!,
            choice.GetProperty("finish_reason").GetString()!,
            usage.GetProperty("prompt_tokens").GetInt32(),
            usage.GetProperty("completion_tokens").GetInt32(),
            scores);
    }

    public static float[] ReadVector(JsonElement item) =>
        MemoryMarshal.Cast<byte, float>(Convert.FromBase64String(item.GetProperty("embedding").GetString()!)).ToArray();

    public static EngineHealth ReadHealth(string text)
    {
        using var document = JsonDocument.Parse(text);
        var root = document.RootElement;
        return new EngineHealth(
            root.GetProperty("model").GetString()!,
            root.GetProperty("context_length").GetInt32(),
            root.GetProperty("embeds").GetBoolean(),
            root.GetProperty("waiting").GetInt32());
    }

    public static EngineException ReadError(int status, string body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            var error = document.RootElement.GetProperty("error");
            return new EngineException(status, error.GetProperty("code").GetString() ?? "unknown", error.GetProperty("message").GetString()!);
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return new EngineException(status, "unknown", $"The engine answered with HTTP status {status} and no readable reason.", error);
        }
    }

    private static TokenScore ReadScore(JsonElement score) => new(
        score.GetProperty("token_id").GetInt32(),
        score.GetProperty("token").GetString()!,
        score.GetProperty("logprob").GetDouble(),
        [.. score.GetProperty("top_logprobs").EnumerateArray()
            .Select(top => new TokenLogProbability(top.GetProperty("token_id").GetInt32(), top.GetProperty("logprob").GetSingle()))]);

    private static void Add(JsonObject body, SamplingOptions sampling)
    {
        body["temperature"] = sampling.Temperature;
        AddUnless(body, "top_p", sampling.TopP, 1);
        AddUnless(body, "min_p", sampling.MinP, 0);
        AddUnless(body, "frequency_penalty", sampling.FrequencyPenalty, 0);
        AddUnless(body, "presence_penalty", sampling.PresencePenalty, 0);
        AddUnless(body, "repeat_penalty", sampling.RepeatPenalty, 1);
        if (sampling.TopK > 0)
        {
            body["top_k"] = sampling.TopK;
        }

        if (sampling.Seed is { } seed)
        {
            body["seed"] = seed;
        }

        if (sampling.LogitBias is { Count: > 0 } biases)
        {
            body["logit_bias"] = new JsonObject(biases.Select(bias => KeyValuePair.Create(bias.Key.ToString(), (JsonNode?)bias.Value)));
        }

        if (sampling.NeedsLogProbability)
        {
            body["logprobs"] = true;
            body["top_logprobs"] = sampling.TopLogProbabilities;
        }
    }

    private static void AddUnless(JsonObject body, string name, float value, float neutral)
    {
        if (value != neutral)
        {
            body[name] = value;
        }
    }
}
