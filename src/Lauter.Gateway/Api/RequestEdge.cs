using Lauter.Gateway.Keys;
using Lauter.Gateway.Limits;
using Lauter.Ledger.Budgets;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Lauter.Gateway.Api;

/// <summary>A request that passed the edge.</summary>
internal sealed record EdgeRequest(HttpContext Context, Guid Id, string Name, DateTimeOffset At, long Timestamp, ApiKey Key)
{
    /// <summary>Its place in the rates of key and tenant; null = they have none. The settlement ends it, and the edge when there was no settlement.</summary>
    public EdgeAdmission? Admission { get; init; }
}

/// <summary>
/// What every route does first: an id, the key, the rate, the number of requests at once. A route that is not entered through here does
/// not exist; nothing about applications is said to a caller without a key.
/// </summary>
internal sealed partial class RequestEdge(
    GatewayOptions options, ApiKeyStore keys, EdgeRates rates, GatewayMetrics metrics, TimeProvider time, ILogger<RequestEdge> log)
{
    /// <summary>The endpoint that runs <paramref name="handle"/> behind the edge.</summary>
    /// <param name="handle">Serves the request, or says what is wrong with it.</param>
    /// <param name="errors">The form of errors; null = OpenAI's.</param>
    public RequestDelegate Guard(Func<EdgeRequest, Task<OpenAiError?>> handle, Func<OpenAiError, System.Text.Json.Nodes.JsonObject>? errors = null) => async context =>
    {
        var (at, timestamp) = (time.GetUtcNow(), time.GetTimestamp());
        var id = Guid.CreateVersion7(at);
        var name = id.ToString("N");
        context.Response.Headers["x-request-id"] = name;
        context.Response.Headers.CacheControl = "no-store";
        context.Response.OnStarting(
            static state =>
            {
                var (response, clock, began) = ((HttpResponse, TimeProvider, long))state;
                response.Headers["openai-processing-ms"] = ((long)clock.GetElapsedTime(began).TotalMilliseconds).ToString();
                return Task.CompletedTask;
            },
            (context.Response, time, timestamp));

        try
        {
            var error = await EnterAsync(context, id, name, at, timestamp, handle);
            if (error is not null && !context.Response.HasStarted)
            {
                await error.WriteAsync(context, errors);
            }
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The caller is gone; whatever was begun has been settled by its own route.
        }
        catch (Exception e) when (e is not BrokenAnswerException && !context.Response.HasStarted)
        {
            Unexpected(log, id, e);
            await new OpenAiError(500, "server_error", "internal_error", $"The request failed unexpectedly; its id is {id:N}.").WriteAsync(context, errors);
        }
    };

    /// <summary>Reads the whole body, at most <see cref="GatewayOptions.MaximumBodyBytes"/>.</summary>
    public async Task<(ReadOnlyMemory<byte> Body, OpenAiError? Error)> ReadBodyAsync(HttpContext context)
    {
        var request = context.Request;
        if (request.ContentType is { } type && !type.StartsWith("application/json", StringComparison.OrdinalIgnoreCase))
        {
            return (default, new OpenAiError(415, "invalid_request_error", "unsupported_media_type", $"The content type is '{type}'; send application/json."));
        }

        if (!string.IsNullOrEmpty(request.Headers.ContentEncoding))
        {
            return (default, new OpenAiError(415, "invalid_request_error", "unsupported_encoding", "Compressed request bodies are not accepted."));
        }

        var tooLarge = new OpenAiError(413, "invalid_request_error", "body_too_large", $"The body is larger than {options.MaximumBodyBytes} bytes.");
        if (request.ContentLength > options.MaximumBodyBytes)
        {
            return (default, tooLarge);
        }

        var buffer = new byte[Math.Max(1024, (int)(request.ContentLength ?? 16 * 1024) + 1)];
        var length = 0;
        try
        {
            for (int read; (read = await request.Body.ReadAsync(buffer.AsMemory(length), context.RequestAborted)) > 0;)
            {
                length += read;
                if (length > options.MaximumBodyBytes)
                {
                    return (default, tooLarge);
                }

                if (length == buffer.Length)
                {
                    Array.Resize(ref buffer, buffer.Length * 2);
                }
            }
        }
        catch (BadHttpRequestException e)
        {
            return (default, new OpenAiError(e.StatusCode, "invalid_request_error", e.StatusCode == 413 ? "body_too_large" : "bad_request", "The body could not be read."));
        }

        return (buffer.AsMemory(0, length), null);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Request {Id} failed unexpectedly.")]
    private static partial void Unexpected(ILogger log, Guid id, Exception exception);

    private async Task<OpenAiError?> EnterAsync(HttpContext context, Guid id, string name, DateTimeOffset at, long timestamp, Func<EdgeRequest, Task<OpenAiError?>> handle)
    {
        // Anthropic's SDKs send the bare key in a header of its own.
        string? authorization = context.Request.Headers.Authorization;
        authorization ??= context.Request.Headers["x-api-key"] is [{ Length: > 0 } bare] ? $"Bearer {bare}" : null;
        if (keys.Authenticate(authorization) is not { } key)
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
            return OpenAiError.Unauthorized;
        }

        var (admission, refusal) = rates.Enter(key);
        if (refusal is not null)
        {
            return Refused(context, refusal);
        }

        if (admission?.Requests is { } left)
        {
            var headers = context.Response.Headers;
            headers["x-ratelimit-limit-requests"] = left.Limit.ToString();
            headers["x-ratelimit-remaining-requests"] = left.Remaining.ToString();
            headers["x-ratelimit-reset-requests"] = $"{Math.Ceiling(left.ResetAfter.TotalSeconds)}s";
        }

        var place = admission is null ? null : new EdgeAdmission(admission);
        try
        {
            if (metrics.Enter() > options.MaximumConcurrentRequests)
            {
                return new OpenAiError(429, "requests", "slow_down", $"{options.MaximumConcurrentRequests} requests are being served; try again in a moment.") { RetryAfterSeconds = 1 };
            }

            return await handle(new EdgeRequest(context, id, name, at, timestamp, key) { Admission = place });
        }
        finally
        {
            metrics.Leave();
            place?.Leave();
        }
    }

    private static OpenAiError Refused(HttpContext context, RateRefusal refusal)
    {
        if (refusal is { Kind: RateKind.Requests, RetryAfter: { } wait })
        {
            var headers = context.Response.Headers;
            headers["x-ratelimit-limit-requests"] = refusal.Allowed.ToString();
            headers["x-ratelimit-remaining-requests"] = "0";
            headers["x-ratelimit-reset-requests"] = $"{Math.Ceiling(wait.TotalSeconds)}s";
            headers["retry-after-ms"] = Math.Max(1, (long)wait.TotalMilliseconds).ToString();
        }

        return OpenAiError.TooFast(refusal);
    }
}

/// <summary>A request's place in the rates of its key and tenant: tokens are counted by the settlement, and the place is free when the request leaves.</summary>
internal sealed class EdgeAdmission(RateAdmission admission)
{
    private long? _used = 0;

    /// <summary>Takes tokens; what stands in the way, or null.</summary>
    public RateRefusal? Take(long most) => admission.Take(most);

    /// <summary>Says what was used of the tokens that were taken; null = unknown.</summary>
    public void Used(long? tokens) => _used = _used is null || tokens is null ? null : _used + tokens;

    public void Leave() => admission.End(_used);
}
