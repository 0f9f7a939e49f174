using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lauter.Evaluation.Candidates;

/// <summary>How an OpenAI-compatible endpoint is asked. Everything here but the key decides answers, so it decides <see cref="Key"/>.</summary>
public sealed record ChatEndpointOptions
{
    /// <summary>For example <c>http://127.0.0.1:5080/v1</c>; <c>/chat/completions</c> is added.</summary>
    public required Uri Address { get; init; }

    /// <summary>The model or application.</summary>
    public required string Model { get; init; }

    /// <summary>A system message; null for none.</summary>
    public string? System { get; init; }

    /// <summary>0 to 2. Default 0.</summary>
    public double Temperature { get; init; }

    /// <summary>Most tokens of an answer. Default 1,024.</summary>
    public int MaximumTokens { get; init; } = 1_024;

    /// <summary>Sent with each request, plus the sample's number. Default 1.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Lower-case hexadecimal SHA-256 of everything above: the candidate's name in a cache.</summary>
    public string Key => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(
        $"{Address}\n{Model}\n{System}\n{Temperature:R}\n{MaximumTokens}\n{Seed}")));
}

/// <summary>One answer of an endpoint with its evidence.</summary>
/// <param name="Text">The answer's text; null on a failure.</param>
/// <param name="Failure">One of <see cref="FailureKinds"/>, or null.</param>
/// <param name="Detail">The failure in words.</param>
/// <param name="Retry">True when the same request may succeed later.</param>
/// <param name="PromptTokens">As the endpoint counted them; null when it did not.</param>
/// <param name="CompletionTokens">As the endpoint counted them; null when it did not.</param>
/// <param name="ToolCalls">Calls of tools, or null.</param>
/// <param name="Finish">The endpoint's finish reason.</param>
public sealed record ChatAnswer(
    string? Text, string? Failure, string? Detail, bool Retry, long? PromptTokens, long? CompletionTokens, JsonArray? ToolCalls = null, string? Finish = null);

/// <summary>Asks an OpenAI-compatible endpoint. Thread-safe.</summary>
public sealed class ChatEndpoint(HttpClient http, ChatEndpointOptions options, string? key)
{
    /// <summary>Asks one question: text becomes a user message, a list is sent as the messages, an object as its JSON text.</summary>
    public async Task<ChatAnswer> AskAsync(JsonNode input, int sample, CancellationToken cancellationToken)
    {
        var messages = input is JsonArray given ? (JsonArray)given.DeepClone() : [new JsonObject { ["role"] = "user", ["content"] = input is JsonValue v && v.TryGetValue<string>(out var text) ? text : input.ToJsonString() }];
        if (options.System is { } system)
        {
            messages.Insert(0, new JsonObject { ["role"] = "system", ["content"] = system });
        }

        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"{options.Address.AbsoluteUri.TrimEnd('/')}/chat/completions"))
        {
            Content = JsonContent.Create(new JsonObject
            {
                ["model"] = options.Model, ["messages"] = messages, ["temperature"] = options.Temperature, ["max_tokens"] = options.MaximumTokens, ["seed"] = options.Seed + sample,
            }),
        };
        if (key is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }

        try
        {
            using var response = await http.SendAsync(request, cancellationToken);
            var body = await response.Content.ReadAsStringAsync(cancellationToken);
            return response.IsSuccessStatusCode ? Read(body) : new ChatAnswer(
                null, FailureKinds.Error, $"HTTP {(int)response.StatusCode}: {Message(body)}",
                response.StatusCode is HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout or >= HttpStatusCode.InternalServerError, null, null);
        }
        catch (HttpRequestException e)
        {
            return new ChatAnswer(null, FailureKinds.Error, e.Message, Retry: true, null, null);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new ChatAnswer(null, FailureKinds.Timeout, $"No answer within {http.Timeout.TotalSeconds:0.#} s.", Retry: true, null, null);
        }
    }

    private static ChatAnswer Read(string body)
    {
        try
        {
            var root = JsonNode.Parse(body);
            var usage = root?["usage"];
            var choice = root?["choices"] is JsonArray { Count: > 0 } choices ? choices[0] : null;
            var message = choice?["message"];
            long? prompt = Count(usage?["prompt_tokens"]), completion = Count(usage?["completion_tokens"]);
            var finish = choice?["finish_reason"]?.ToString();
            if (message is null)
            {
                return new ChatAnswer(null, FailureKinds.Error, "The response holds no choice.", Retry: false, prompt, completion);
            }

            if (message["refusal"] is JsonValue refusal && refusal.TryGetValue<string>(out var words) && words.Length > 0)
            {
                return new ChatAnswer(words, FailureKinds.Refused, "The model refused.", Retry: false, prompt, completion, null, finish);
            }

            return new ChatAnswer(message["content"]?.ToString() ?? "", null, null, Retry: false, prompt, completion, message["tool_calls"]?.DeepClone() as JsonArray, finish);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return new ChatAnswer(null, FailureKinds.Error, $"The response is not a chat completion: {e.Message}", Retry: false, null, null);
        }
    }

    private static long? Count(JsonNode? node) => node is JsonValue v && v.TryGetValue<long>(out var count) ? count : null;

    private static string Message(string body)
    {
        try
        {
            return JsonNode.Parse(body)?["error"]?["message"]?.ToString() ?? "";
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return "";
        }
    }
}
