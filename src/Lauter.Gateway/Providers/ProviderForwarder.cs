using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Lauter.Gateway.Api;
using Lauter.Gateway.Settlement;
using Lauter.Ledger;
using Lauter.Traces;
using Microsoft.AspNetCore.Http;

namespace Lauter.Gateway.Providers;

/// <summary>
/// Serves applications whose candidate is a provider:
/// 1. the caller's bytes with <c>model</c> replaced (and a limit of tokens and the wish for usage added) go upstream; 2. until the first
/// byte of an answer a failure may be retried; 3. the answer's bytes come back with <c>id</c> replaced, streams event by event;
/// 4. usage, finish reason and errors are read on the way; 5. the settlement ends before the last byte goes out.
/// </summary>
internal sealed class ProviderForwarder(GatewayOptions options, Settler settler)
{
    private const int MaximumAttempts = 3;
    private readonly RetryBudget _retries = new();

    public async Task<OpenAiError?> ServeAsync(EdgeRequest request, RequestStart start, ChatCall call, ReadOnlyMemory<byte> body)
    {
        var (settlement, refusal) = settler.Begin(start);
        if (settlement is null)
        {
            return refusal;
        }

        var target = start.Live!.Provider!;
        var answer = new ProviderAnswer(request, start, call, settlement, options);
        using var limit = new CancellationTokenSource(options.ProviderTimeout, settler.Time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, request.Context.RequestAborted);
        RequestEnd end;
        OpenAiError? failure = null;
        try
        {
            using var response = await SendAsync(target, Rewrite(call, target, start), answer, linked.Token);
            if (!response.IsSuccessStatusCode)
            {
                failure = await ErrorOfAsync(response, target, linked.Token);
                end = new RequestEnd(TraceOutcome.Failed, failure.Status) { ErrorCode = failure.Code };
            }
            else
            {
                end = call.Stream && response.Content.Headers.ContentType?.MediaType == "text/event-stream"
                    ? await answer.ForwardStreamAsync(response, linked.Token)
                    : await answer.ForwardWholeAsync(response, linked.Token);
                failure = answer.Failure;
            }
        }
        catch (Exception e) when (request.Context.RequestAborted.IsCancellationRequested && e is OperationCanceledException or IOException or HttpRequestException)
        {
            end = answer.Broken(TraceOutcome.Cancelled, 499, "client_closed_request");
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            failure = Fault(504, "timeout", $"The provider '{target.Name}' did not finish within {options.ProviderTimeout.TotalSeconds:0} s.");
            end = answer.Broken(TraceOutcome.Failed, 504, failure.Code);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or InvalidDataException)
        {
            failure = Fault(502, "provider_unreachable", $"The connection to the provider '{target.Name}' failed{(answer.Sent ? " during the answer" : "")}.");
            end = answer.Broken(TraceOutcome.Failed, 502, failure.Code);
        }

        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // A fault of ours: the reservation must be settled all the same.
            failure = Fault(500, "internal_error", $"The request to '{target.Name}' failed unexpectedly ({e.GetType().Name}).");
            end = answer.Broken(TraceOutcome.Failed, 500, failure.Code);
        }

        try
        {
            settlement.End(end with { ResponseText = answer.Text });
        }
        catch (JournalUnavailableException e)
        {
            failure = new OpenAiError(503, "server_error", "journal_unavailable", e.Message) { RetryAfterSeconds = 5 };
        }

        if (failure is not null && request.Context.Response.HasStarted)
        {
            await Sse.BreakAsync(request.Context, failure);
            return null;
        }

        if (failure is null && end.Outcome == TraceOutcome.Answered)
        {
            await answer.SendLastAsync();
        }

        return failure;
    }

    private async Task<HttpResponseMessage> SendAsync(ProviderTarget target, byte[] body, ProviderAnswer answer, CancellationToken cancellationToken)
    {
        _retries.Earn();
        for (var attempt = 1; ; attempt++)
        {
            using var message = new HttpRequestMessage(HttpMethod.Post, new Uri(target.BaseAddress, "chat/completions")) { Content = new ByteArrayContent(body) };
            message.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            if (target.ApiKey is { } key)
            {
                message.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
            }

            try
            {
                answer.Sent = true;
                var response = await target.Client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
                if (response.IsSuccessStatusCode || !MayRetry(response.StatusCode) || attempt == MaximumAttempts || !_retries.TrySpend())
                {
                    return response;
                }

                response.Dispose();
            }
            catch (HttpRequestException e) when (e.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError)
            {
                answer.Sent = false; // nothing reached the provider
                if (attempt == MaximumAttempts || !_retries.TrySpend())
                {
                    throw;
                }
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100 * (1 << attempt) * (0.75 + (Random.Shared.NextDouble() / 4))), settler.Time, cancellationToken);
        }
    }

    private static bool MayRetry(HttpStatusCode status) =>
        status is HttpStatusCode.RequestTimeout or HttpStatusCode.InternalServerError or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable
            or HttpStatusCode.GatewayTimeout;

    private static byte[] Rewrite(ChatCall call, ProviderTarget target, RequestStart start)
    {
        List<(string, byte[])> changes = [("model", JsonSerializer.SerializeToUtf8Bytes(target.Model))];
        if (call.MaximumOutputTokens is null)
        {
            changes.Add((target.MaximumTokensMember, JsonSerializer.SerializeToUtf8Bytes(start.Live!.MaximumOutputTokens)));
        }

        if (call.Stream && !call.IncludeUsage && target.SupportsStreamUsage)
        {
            // Without it streams carry no usage and their cost is unknown; the extra event is not passed on.
            var stream = call.Members.Element("stream_options") is { ValueKind: JsonValueKind.Object } element
                ? System.Text.Json.Nodes.JsonObject.Create(element)!
                : [];
            stream["include_usage"] = true;
            changes.Add(("stream_options", System.Text.Encoding.UTF8.GetBytes(stream.ToJsonString())));
        }

        return call.Members.With(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(changes));
    }

    /// <summary>What the caller is told when the provider refused. Faults of the project's own account there are not the caller's.</summary>
    private static async Task<OpenAiError> ErrorOfAsync(HttpResponseMessage response, ProviderTarget target, CancellationToken cancellationToken)
    {
        var status = (int)response.StatusCode;
        var (message, code, type, param) = await ProviderErrors.ReadAsync(response, cancellationToken);
        int? retryAfter = response.Headers.RetryAfter?.Delta is { } delta ? (int)Math.Ceiling(delta.TotalSeconds) : null;
        return status switch
        {
            401 or 403 => Fault(502, "provider_refused", $"The provider '{target.Name}' refused the project's credentials ({status})."),
            402 => Fault(502, "provider_unpaid", $"The provider '{target.Name}' wants to be paid first (402)."),
            429 => new OpenAiError(429, type ?? "requests", code ?? "rate_limit_exceeded", message ?? $"The provider '{target.Name}' is at its limit.") { RetryAfterSeconds = retryAfter ?? 1 },
            >= 400 and < 500 => new OpenAiError(status, type ?? "invalid_request_error", code ?? "provider_error", message ?? $"The provider '{target.Name}' answered {status}.", param),
            // Retried already: the caller's SDK should not multiply that.
            _ => Fault(502, "provider_failed", $"The provider '{target.Name}' answered {status}.") with { RetryAfterSeconds = retryAfter, ShouldRetry = false },
        };
    }

    private static OpenAiError Fault(int status, string code, string message) => new(status, "server_error", code, message);
}
