using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Inference.Sampling;

namespace Lauter.Inference.Engine;

/// <summary>Typed calls to an engine over its Unix socket. Thread-safe; requests share pooled connections.</summary>
public sealed class EngineClient : IDisposable
{
    private readonly HttpClient _http;

    /// <summary>A client of the engine behind <paramref name="socketPath"/>; connecting happens with the first call.</summary>
    /// <param name="socketPath">The engine's Unix socket.</param>
    /// <param name="timeout">Time for a whole answer. Default: 10 minutes.</param>
    public EngineClient(string socketPath, TimeSpan? timeout = null) => _http = Connect(socketPath, timeout ?? TimeSpan.FromMinutes(10));

    /// <summary>An HTTP client whose every request goes to <paramref name="socketPath"/>; the host name in the address means nothing.</summary>
    public static HttpClient Connect(string socketPath, TimeSpan timeout)
    {
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, token) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await ConnectAsync(socket, new UnixDomainSocketEndPoint(socketPath), token);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
            UseProxy = false,
            AllowAutoRedirect = false,
        };
        return new HttpClient(handler) { BaseAddress = new Uri("http://engine/"), Timeout = timeout };
    }

    /// <summary>Answers a chat.</summary>
    /// <exception cref="EngineException">The engine refused, failed or cannot be reached.</exception>
    public async Task<ChatResult> ChatAsync(ChatRequest request, CancellationToken cancellationToken)
    {
        using var answer = await PostAsync("v1/chat/completions", EngineJson.Chat(request, stream: false), request.Tenant, cancellationToken);
        return EngineJson.ReadChat(answer.RootElement);
    }

    /// <summary>Answers a chat piece by piece; leaving the loop cancels the request.</summary>
    /// <exception cref="EngineException">The engine refused, failed, broke off or cannot be reached.</exception>
    public async IAsyncEnumerable<ChatDelta> ChatStreamAsync(ChatRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var response = await SendAsync("v1/chat/completions", EngineJson.Chat(request, stream: true), request.Tenant, cancellationToken);
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        using var lines = new StreamReader(stream);
        var finish = (string?)null;
        var ended = false;
        while (await ReadLineAsync(lines, cancellationToken) is { } line)
        {
            if (!line.StartsWith("data: ", StringComparison.Ordinal))
            {
                continue;
            }

            if (string.Equals(line, "data: [DONE]", StringComparison.Ordinal))
            {
                ended = true;
                break;
            }

            using var chunk = JsonDocument.Parse(line.AsMemory(6));
            if (chunk.RootElement.TryGetProperty("error", out _))
            {
                throw EngineJson.ReadError(502, line[6..]);
            }

            var delta = EngineJson.ReadDelta(chunk.RootElement, ref finish);
            if (delta is not null)
            {
                yield return delta;
            }
        }

        if (!ended)
        {
            throw new EngineException(0, "engine_unreachable", "The engine's answer ended before it was complete.");
        }
    }

    /// <summary>Log-probabilities of a token sequence under the model, from its second token on: what the parity gate compares.</summary>
    /// <param name="tokens">Token ids, used as they are.</param>
    /// <param name="alternatives">Likeliest tokens to report at each place, 0–20.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task<IReadOnlyList<TokenScore>> CompletionLogProbabilitiesAsync(
        IReadOnlyList<int> tokens, int alternatives, CancellationToken cancellationToken) =>
        ScoreAsync(new JsonArray([.. tokens.Select(token => (JsonNode)token)]), alternatives, cancellationToken);

    /// <summary>Log-probabilities of the tokens of a text under the model, from the second token on.</summary>
    public Task<IReadOnlyList<TokenScore>> CompletionLogProbabilitiesAsync(string text, int alternatives, CancellationToken cancellationToken) =>
        ScoreAsync(JsonValue.Create(text), alternatives, cancellationToken);

    /// <summary>Continues a text with the likeliest tokens.</summary>
    public Task<ChatResult> GreedyAsync(string prompt, int maxTokens, CancellationToken cancellationToken) =>
        CompleteAsync(JsonValue.Create(prompt), maxTokens, cancellationToken);

    /// <summary>Continues a token sequence with the likeliest tokens.</summary>
    public Task<ChatResult> GreedyAsync(IReadOnlyList<int> prompt, int maxTokens, CancellationToken cancellationToken) =>
        CompleteAsync(new JsonArray([.. prompt.Select(token => (JsonNode)token)]), maxTokens, cancellationToken);

    /// <summary>Unit-length vectors of texts, one row each, in the given order. Any number of texts: they travel in groups.</summary>
    public async Task<float[][]> EmbedAsync(IReadOnlyList<string> texts, CancellationToken cancellationToken)
    {
        var vectors = new List<float[]>(texts.Count);
        foreach (var group in texts.Chunk(512))
        {
            var body = new JsonObject
            {
                ["model"] = "engine",
                ["input"] = new JsonArray([.. group.Select(text => (JsonNode)text)]),
                ["encoding_format"] = "base64",
            };
            using var answer = await PostAsync("v1/embeddings", body, null, cancellationToken);
            vectors.AddRange(answer.RootElement.GetProperty("data").EnumerateArray().Select(EngineJson.ReadVector));
        }

        return [.. vectors];
    }

    /// <summary>Token ids of a text. Special tokens written in it stay text unless <paramref name="parseSpecial"/>.</summary>
    public async Task<int[]> TokenizeAsync(string text, bool addSpecial, bool parseSpecial, CancellationToken cancellationToken)
    {
        var body = new JsonObject { ["content"] = text, ["add_special"] = addSpecial, ["parse_special"] = parseSpecial };
        using var answer = await PostAsync("tokenize", body, null, cancellationToken);
        return [.. answer.RootElement.GetProperty("tokens").EnumerateArray().Select(token => token.GetInt32())];
    }

    /// <summary>What the engine serves and how long its queue is.</summary>
    public async Task<EngineHealth> HealthAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var response = await _http.GetAsync("health", cancellationToken);
            var text = await response.Content.ReadAsStringAsync(cancellationToken);
            return response.IsSuccessStatusCode ? EngineJson.ReadHealth(text) : throw EngineJson.ReadError((int)response.StatusCode, text);
        }
        catch (HttpRequestException error)
        {
            throw Unreachable(error);
        }
    }

    /// <summary>Closes the connections; requests in flight fail.</summary>
    public void Dispose() => _http.Dispose();

    /// <summary>A Unix socket whose backlog is full refuses at once instead of letting the caller wait as TCP does.</summary>
    private static async Task ConnectAsync(Socket socket, EndPoint place, CancellationToken cancellationToken)
    {
        for (var delay = TimeSpan.FromMilliseconds(2); ; delay *= 2)
        {
            try
            {
                await socket.ConnectAsync(place, cancellationToken);
                return;
            }
            catch (SocketException error) when (error.SocketErrorCode is SocketError.WouldBlock or SocketError.TryAgain && delay < TimeSpan.FromSeconds(2))
            {
                await Task.Delay(delay, cancellationToken);
            }
        }
    }

    private async Task<IReadOnlyList<TokenScore>> ScoreAsync(JsonNode prompt, int alternatives, CancellationToken cancellationToken)
    {
        var body = new JsonObject
        {
            ["model"] = "engine",
            ["prompt"] = prompt,
            ["max_tokens"] = 0,
            ["echo"] = true,
            ["logprobs"] = alternatives,
        };
        using var answer = await PostAsync("v1/completions", body, null, cancellationToken);
        return EngineJson.ReadCompletion(answer.RootElement).LogProbabilities ?? [];
    }

    private async Task<ChatResult> CompleteAsync(JsonNode prompt, int maxTokens, CancellationToken cancellationToken)
    {
        var body = new JsonObject { ["model"] = "engine", ["prompt"] = prompt, ["max_tokens"] = maxTokens, ["temperature"] = 0, ["logprobs"] = 0 };
        using var answer = await PostAsync("v1/completions", body, null, cancellationToken);
        return EngineJson.ReadCompletion(answer.RootElement);
    }

    private async Task<JsonDocument> PostAsync(string path, JsonObject body, string? tenant, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(path, body, tenant, cancellationToken);
        try
        {
            await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
            return await JsonDocument.ParseAsync(stream, default, cancellationToken);
        }
        catch (Exception error) when (error is IOException or HttpRequestException)
        {
            throw Unreachable(error);
        }
    }

    private async Task<HttpResponseMessage> SendAsync(string path, JsonObject body, string? tenant, CancellationToken cancellationToken)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
            if (tenant is not null)
            {
                request.Headers.TryAddWithoutValidation(EngineServer.TenantHeader, tenant);
            }

            var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            if (response.IsSuccessStatusCode)
            {
                return response;
            }

            using (response)
            {
                throw EngineJson.ReadError((int)response.StatusCode, await response.Content.ReadAsStringAsync(cancellationToken));
            }
        }
        catch (Exception error) when (error is HttpRequestException or IOException)
        {
            throw Unreachable(error);
        }
    }

    private static async Task<string?> ReadLineAsync(StreamReader lines, CancellationToken cancellationToken)
    {
        try
        {
            return await lines.ReadLineAsync(cancellationToken);
        }
        catch (Exception error) when (error is IOException or HttpRequestException)
        {
            throw Unreachable(error);
        }
    }

    private static EngineException Unreachable(Exception error) =>
        new(0, "engine_unreachable", $"The engine did not answer: {error.Message}", error);
}
