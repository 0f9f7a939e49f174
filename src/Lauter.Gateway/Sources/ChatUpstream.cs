using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Gateway.Api;
using Lauter.Gateway.Applications;
using Lauter.Gateway.Providers;
using Lauter.Ledger;

namespace Lauter.Gateway.Sources;

/// <summary>
/// A chat completions server whose answer an application builds on: a local engine on its socket, or a provider further away. Always
/// streams, so that the first token reaches the caller when it is made.
/// </summary>
/// <param name="Client">Sends the requests; its base address ends in <c>/v1/</c>. Owned by whoever made it.</param>
/// <param name="Model">The model's name there.</param>
/// <param name="Name">Its name in error messages.</param>
public sealed record ChatUpstream(HttpClient Client, string Model, string Name = "engine")
{
    private const int MaximumEventBytes = 4 * 1024 * 1024;

    /// <summary>The header that names the tenant to an engine of this program, which keeps prefixes of tenants apart.</summary>
    public const string TenantHeader = "X-Lauter-Tenant";

    /// <summary>Sent as a bearer token; null = none. Never logged.</summary>
    public string? ApiKey { get; init; }

    /// <summary>Send the tenant's name. Default true; false for a provider outside, whom it does not concern.</summary>
    public bool SendsTenant { get; init; } = true;

    /// <summary>Sends <paramref name="body"/> (its <c>model</c> and stream members are set here) and yields text, then an <see cref="AnswerEnd"/>.</summary>
    /// <exception cref="AnswerException">It could not be reached, refused, or broke off.</exception>
    public async IAsyncEnumerable<AnswerPart> StreamAsync(JsonObject body, string tenant, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        body["model"] = Model;
        body["stream"] = true;
        body["stream_options"] = new JsonObject { ["include_usage"] = true };
        using var response = await SendAsync(body, tenant, cancellationToken);
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        using var reader = new SseReader(stream, MaximumEventBytes);
        string? finishReason = null;
        ProviderUsage? usage = null;
        while (true)
        {
            var raw = await ReadEventAsync(reader, cancellationToken);
            var data = SseReader.DataOf(raw);
            if (raw.IsEmpty || data.Span.SequenceEqual("[DONE]"u8))
            {
                break;
            }

            if (data.IsEmpty)
            {
                continue;
            }

            var text = Read(data, ref finishReason, ref usage);
            if (text.Length > 0)
            {
                yield return new AnswerText(text);
            }
        }

        yield return finishReason is null
            ? throw new AnswerException("engine_failed", $"{Name} broke off its answer.")
            : new AnswerEnd(finishReason, usage?.Readings ?? ProviderUsage.Missing.Readings);
    }

    /// <summary>Holds no secret.</summary>
    public override string ToString() => $"{Name} ({Model})";

    private async Task<HttpResponseMessage> SendAsync(JsonObject body, string tenant, CancellationToken cancellationToken)
    {
        using var message = new HttpRequestMessage(HttpMethod.Post, "chat/completions")
        {
            Content = new StringContent(body.ToJsonString(JsonText.Options), System.Text.Encoding.UTF8, "application/json"),
        };
        if (ApiKey is { } key)
        {
            message.Headers.Authorization = new("Bearer", key);
        }

        if (SendsTenant)
        {
            message.Headers.TryAddWithoutValidation(TenantHeader, tenant);
        }

        HttpResponseMessage response;
        try
        {
            response = await Client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        }
        catch (HttpRequestException e)
        {
            throw new AnswerException("engine_unavailable", $"{Name} does not answer; it may be starting again.", 503, e);
        }

        if (response.IsSuccessStatusCode)
        {
            return response;
        }

        using (response)
        {
            var (message400, code, _, _) = await ProviderErrors.ReadAsync(response, cancellationToken);
            throw response.StatusCode switch
            {
                HttpStatusCode.TooManyRequests => new AnswerException("slow_down", $"{Name} has as many requests as it can take; try again in a moment.", 429),
                HttpStatusCode.ServiceUnavailable => new AnswerException("engine_unavailable", $"{Name} is starting; try again in a moment.", 503),
                // The one refusal that is the caller's: the text is too long. Every other one means that the gateway asked wrongly.
                HttpStatusCode.BadRequest when code == "context_length_exceeded" => new AnswerException(code, message400 ?? "The text is too long for the model.", 400),
                _ => new AnswerException("engine_refused", $"{Name} refused the request ({(int)response.StatusCode})."),
            };
        }
    }

    private async Task<ReadOnlyMemory<byte>> ReadEventAsync(SseReader reader, CancellationToken cancellationToken)
    {
        try
        {
            return await reader.ReadAsync(cancellationToken);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new AnswerException("engine_failed", $"{Name} broke off its answer.", 502, e);
        }
    }

    private string Read(ReadOnlyMemory<byte> data, ref string? finishReason, ref ProviderUsage? usage)
    {
        try
        {
            using var document = JsonDocument.Parse(data);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || root.TryGetProperty("error", out _))
            {
                throw new AnswerException("engine_failed", $"{Name} broke off its answer with an error.");
            }

            if (root.TryGetProperty("usage", out var reported))
            {
                usage = ProviderUsage.FromOpenAi(reported, MeterSource.StreamEnd) ?? usage;
            }

            if (!root.TryGetProperty("choices", out var choices) || choices.ValueKind != JsonValueKind.Array || choices.GetArrayLength() == 0)
            {
                return "";
            }

            var choice = choices[0];
            if (choice.TryGetProperty("finish_reason", out var reason) && reason.ValueKind == JsonValueKind.String)
            {
                finishReason = FinishReasons.Normalise(reason.GetString()) ?? finishReason;
            }

            return choice.TryGetProperty("delta", out var delta) && delta.ValueKind == JsonValueKind.Object
                && delta.TryGetProperty("content", out var content) && content.ValueKind == JsonValueKind.String
                    ? content.GetString()!
                    : "";
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new AnswerException("engine_failed", $"{Name} sent an event that is not a chat completion chunk.", 502, e);
        }
    }
}
