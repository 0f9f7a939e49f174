using Lauter.Gateway.Api;
using Lauter.Gateway.Api.Shapes;
using Lauter.Gateway.Applications;
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
    GatewayOptions options, Settler settler, UpstreamSender sender, Cascade cascade, Mirror mirror, ExactCache cache, CachedAnswers cached,
    SemanticCache likeness, SemanticVectors vectors)
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

        // The question as the caller wrote it, and never when a guard changed it: a mask makes different people's questions alike.
        var question = recording is not null && ReferenceEquals(call, asked) ? await QuestionAsync(request, start, call) : null;
        if (question is not null && likeness.Look(live, question) is { } alike)
        {
            return await cached.ServeAsync(request, start, call, alike, shape, "semantic");
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
            var kept = recording?.Commit(end);
            await answer.SendLastAsync();
            if (kept is not null && question is not null)
            {
                // The caller has its answer, and the end of it: a comparison may ask for vectors.
                await request.Context.Response.CompleteAsync();
                likeness.Learn(live, question, kept, await AlikeAsync(start, live, question, kept));
            }
        }

        return failure;
    }

    private async ValueTask<SemanticQuestion?> QuestionAsync(EdgeRequest request, RequestStart start, ChatCall call)
    {
        if (SemanticCache.Frame(request.Key.Tenant, start.Live!, call) is not { } frame)
        {
            return null;
        }

        return await vectors.EmbedAsync(start, start.Live!.Semantic!.Embeddings, [frame.Text], request.Context.RequestAborted) is [var vector]
            ? new SemanticQuestion(frame.Scope, frame.Frame, frame.Text, QuestionFacts.Of(frame.Text), vector)
            : null;
    }

    /// <summary>Whether a free text says what the kept one says: the same facts, and vectors that nearly agree. Null = there was nothing to compare.</summary>
    private async ValueTask<bool?> AlikeAsync(RequestStart start, LiveApplication live, SemanticQuestion question, CachedAnswer answer)
    {
        const double SameText = 0.95;
        if (question.Nearest is not { } nearest || SemanticCache.Equal(nearest.Answer.Text, answer.Text) || answer.Text.Length == 0 || nearest.Answer.Text.Length == 0)
        {
            return null;
        }

        return QuestionFacts.Of(nearest.Answer.Text) == QuestionFacts.Of(answer.Text)
            && await vectors.EmbedAsync(start, live.Semantic!.Embeddings, [nearest.Answer.Text, answer.Text], CancellationToken.None) is [var a, var b]
            && UnitVector.Dot(a, b) >= SameText;
    }
}

/// <summary>Holds the response that is forwarded, so that it is closed whatever happens after it was found.</summary>
internal sealed class ForwardedResponse : IDisposable
{
    public UpstreamAnswer? Answer { get; set; }

    public void Dispose() => Answer?.Dispose();
}
