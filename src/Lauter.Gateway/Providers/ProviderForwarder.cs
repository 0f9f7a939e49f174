using Lauter.Gateway.Api;
using Lauter.Gateway.Api.Shapes;
using Lauter.Gateway.Caches;
using Lauter.Gateway.Guards;
using Lauter.Gateway.Routing;
using Lauter.Gateway.Settlement;
using Lauter.Traces;

namespace Lauter.Gateway.Providers;

/// <summary>
/// Serves applications whose candidates are providers:
/// 1. guards look at the request; 2. a kept answer is given when there is one; 3. the most it can cost is reserved; 4. the route is tried until
/// a target begins to answer (<see cref="UpstreamSender"/>); 5. the answer's bytes come back with <c>id</c> replaced, streams event by event;
/// 6. usage, finish reason and errors are read on the way; 7. the settlement ends before the last byte goes out.
/// </summary>
internal sealed class ProviderForwarder(
    GatewayOptions options, Settler settler, UpstreamSender sender, Cascade cascade, Mirror mirror, ExactCache cache, CachedAnswers cached)
{
    public async Task<OpenAiError?> ServeAsync(EdgeRequest request, RequestStart start, ChatCall call, ReadOnlyMemory<byte> body, AnswerShape? shape = null)
    {
        var live = start.Live!;
        AnswerGuard? guard = null;
        var asked = call; // the cache's key is what the caller wrote: two masked texts may look alike
        if (live.Guards.Count > 0)
        {
            var looked = GuardPipeline.Request(live.Guards, call, options, settler.Time);
            start = start with { GuardNotes = looked.Notes };
            if (looked.Refusal is { } blocked)
            {
                return settler.Refuse(start, blocked);
            }

            (call, guard) = (looked.Call, looked.Answer);
            start = looked.Masked && options.KeepTexts ? start with { RequestText = System.Text.Encoding.UTF8.GetString(looked.Body.Span) } : start;
        }

        using var recording = cache.Look(request.Key.Tenant, live, asked, out var hit);
        if (hit is not null)
        {
            return await cached.ServeAsync(request, start, call, hit, shape);
        }

        var (settlement, refusal) = settler.Begin(start);
        if (settlement is null)
        {
            return refusal;
        }

        using var answer = new ProviderAnswer(request, start, call, settlement, options) { Shape = shape, Recording = recording, Guard = guard };
        using var response = new ForwardedResponse();
        RequestEnd end;
        OpenAiError? failure = null;
        try
        {
            mirror.Send(request, start, call);
            failure = live.Route!.Cascade is null || call.Stream
                ? await sender.FindAsync(request, live, call, answer, response)
                : await cascade.FindAsync(request, start, call, answer, response);
            if (failure is not null)
            {
                end = answer.Broken(TraceOutcome.Failed, failure.Status, failure.Code);
            }
            else
            {
                end = call.Stream && response.Answer!.IsStream
                    ? await answer.ForwardStreamAsync(response.Answer)
                    : await answer.ForwardWholeAsync(response.Answer!);
                failure = answer.Failure;
            }
        }
        catch (Exception e) when (request.Context.RequestAborted.IsCancellationRequested && e is OperationCanceledException or IOException or HttpRequestException or ObjectDisposedException)
        {
            end = answer.Broken(TraceOutcome.Cancelled, 499, "client_closed_request");
        }
        catch (OperationCanceledException)
        {
            failure = new OpenAiError(504, "server_error", "timeout", $"The provider '{answer.Target?.Name}' stopped answering; its time limit passed.");
            end = answer.Broken(TraceOutcome.Failed, 504, failure.Code);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or InvalidDataException)
        {
            failure = ProviderFailure.Fault("provider_unreachable", $"The connection to the provider '{answer.Target?.Name}' failed{(answer.Sent ? " during the answer" : "")}.");
            end = answer.Broken(TraceOutcome.Failed, 502, failure.Code);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // A fault of ours: the reservation must be settled all the same.
            failure = new OpenAiError(500, "server_error", "internal_error", $"The request to '{answer.Target?.Name}' failed unexpectedly ({e.GetType().Name}).");
            end = answer.Broken(TraceOutcome.Failed, 500, failure.Code);
        }

        try
        {
            settlement.End(end with { ResponseText = options.KeepTexts ? answer.Text : null, GuardNotes = guard?.Notes });
        }
        catch (JournalUnavailableException e)
        {
            failure = new OpenAiError(503, "server_error", "journal_unavailable", e.Message) { RetryAfterSeconds = 5 };
        }

        if (failure is not null && request.Context.Response.HasStarted)
        {
            await Sse.BreakAsync(request.Context, failure, shape);
            return null;
        }

        if (failure is null && end.Outcome == TraceOutcome.Answered)
        {
            recording?.Commit(end);
            await answer.SendLastAsync();
        }

        return failure;
    }
}

/// <summary>Holds the response that is forwarded, so that it is closed whatever happens after it was found.</summary>
internal sealed class ForwardedResponse : IDisposable
{
    public UpstreamAnswer? Answer { get; set; }

    public void Dispose() => Answer?.Dispose();
}
