using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace Lauter.Commands;

/// <summary>What became of one request. Times in seconds; tokens are null where the server does not say.</summary>
/// <param name="Outcome"><c>ok</c>, <c>refused</c> (429 or 503) or the kind of failure.</param>
/// <param name="FirstToken">From sending to the first piece of text.</param>
/// <param name="Total">From sending to the end.</param>
/// <param name="Gaps">Between pieces of text.</param>
/// <param name="PromptTokens">Tokens of the prompt.</param>
/// <param name="CachedTokens">Those that the server need not compute.</param>
/// <param name="CompletionTokens">Tokens of the answer.</param>
internal sealed record BenchSample(
    string Outcome, double FirstToken, double Total, IReadOnlyList<double> Gaps, int? PromptTokens, int? CachedTokens, int? CompletionTokens);

/// <summary>Sends one request to an OpenAI-compatible server and watches the stream. Thread-safe.</summary>
internal sealed class BenchCaller : IDisposable
{
    private readonly HttpClient _http;

    public BenchCaller(Uri server, string? key, int connections)
    {
        var root = server.AbsolutePath.TrimEnd('/') is "" ? new Uri(server, "/v1/") : new Uri($"{server.AbsoluteUri.TrimEnd('/')}/");
        _http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = connections, UseProxy = false }) { BaseAddress = root, Timeout = TimeSpan.FromMinutes(30) };
        if (key is not null)
        {
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }
    }

    /// <summary>The first model that the server names, or null.</summary>
    public async Task<string?> FirstModelAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var models = await _http.GetFromJsonAsync<JsonDocument>("models", cancellationToken);
            return models?.RootElement.GetProperty("data")[0].GetProperty("id").GetString();
        }
        catch (HttpRequestException error) when (error.StatusCode is null)
        {
            throw new CommandException(ExitCodes.InputMissing, $"no server answers at {_http.BaseAddress}: {error.Message}");
        }
        catch (Exception error) when (error is HttpRequestException or JsonException or KeyNotFoundException or InvalidOperationException or IndexOutOfRangeException)
        {
            return null;
        }
    }

    public async Task<BenchSample> SendAsync(BenchRequest request, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        try
        {
            using var message = new HttpRequestMessage(HttpMethod.Post, request.Body.ContainsKey("messages") ? "chat/completions" : "completions") { Content = JsonContent.Create(request.Body) };
            if (request.Tenant is not null)
            {
                message.Headers.TryAddWithoutValidation(Inference.Engine.EngineServer.TenantHeader, request.Tenant);
            }

            using var response = await _http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            if (!response.IsSuccessStatusCode)
            {
                return Failed((int)response.StatusCode is 429 or 503 ? "refused" : $"http {(int)response.StatusCode}", started);
            }

            return await ReadAsync(response, started, cancellationToken);
        }
        catch (Exception error) when (error is HttpRequestException or IOException or JsonException)
        {
            return Failed(error is JsonException ? "malformed" : "broken off", started);
        }
    }

    public void Dispose() => _http.Dispose();

    private static async Task<BenchSample> ReadAsync(HttpResponseMessage response, long started, CancellationToken cancellationToken)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        using var lines = new StreamReader(stream);
        var first = 0.0;
        var last = 0.0;
        var gaps = new List<double>();
        var (prompt, cached, completion) = ((int?)null, (int?)null, (int?)null);
        while (await lines.ReadLineAsync(cancellationToken) is { } line)
        {
            if (!line.StartsWith("data:", StringComparison.Ordinal))
            {
                continue;
            }

            var now = Stopwatch.GetElapsedTime(started).TotalSeconds;
            var data = line.AsMemory("data:".Length).Trim();
            if (data.Span.SequenceEqual("[DONE]"))
            {
                return new BenchSample("ok", first == 0 ? now : first, now, gaps, prompt, cached, completion);
            }

            using var chunk = JsonDocument.Parse(data);
            if (chunk.RootElement.TryGetProperty("error", out _))
            {
                return Failed("error in the stream", started);
            }

            if (HasText(chunk.RootElement))
            {
                if (first == 0)
                {
                    first = now;
                }
                else
                {
                    gaps.Add(now - last);
                }

                last = now;
            }

            if (chunk.RootElement.TryGetProperty("usage", out var usage) && usage.ValueKind == JsonValueKind.Object)
            {
                prompt = usage.GetProperty("prompt_tokens").GetInt32();
                completion = usage.GetProperty("completion_tokens").GetInt32();
                cached = usage.TryGetProperty("prompt_tokens_details", out var details) && details.ValueKind == JsonValueKind.Object && details.TryGetProperty("cached_tokens", out var value) ? value.GetInt32() : null;
            }
        }

        // Some servers end a failed answer as if it were complete.
        return Failed("ended without [DONE]", started);
    }

    private static bool HasText(JsonElement chunk)
    {
        if (!chunk.TryGetProperty("choices", out var choices) || choices.GetArrayLength() == 0)
        {
            return false;
        }

        var choice = choices[0];
        var text = choice.TryGetProperty("delta", out var delta)
            ? delta.TryGetProperty("content", out var content) ? content : delta.TryGetProperty("reasoning_content", out content) ? content : default
            : choice.TryGetProperty("text", out var plain) ? plain : default;
        return (text.ValueKind == JsonValueKind.String && text.GetString()!.Length > 0) || (delta.ValueKind == JsonValueKind.Object && delta.TryGetProperty("tool_calls", out _));
    }

    private static BenchSample Failed(string outcome, long started) => new(outcome, 0, Stopwatch.GetElapsedTime(started).TotalSeconds, [], null, null, null);
}
