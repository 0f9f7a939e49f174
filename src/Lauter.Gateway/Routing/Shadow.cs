using System.Text;
using Lauter.Gateway.Api;
using Lauter.Gateway.Applications;
using Lauter.Gateway.Settlement;
using Lauter.Traces;

namespace Lauter.Gateway.Routing;

/// <summary>
/// Gives the requests of a local application to the candidates of a rollout as well, once the caller has its answer. Nobody waits for them and nobody sees them: they
/// are reserved and settled on the application's account, traced under the route <c>mirror</c> with the caller's request as parent, and compared with
/// the caller's answer. A request that comes while enough of them run is not mirrored, so that a trial never slows its callers by more than that.
/// </summary>
internal sealed class Shadow(GatewayOptions options, ApplicationRegistry registry, Settler settler)
{
    private const int MostAtOnce = 4;
    private int _running;

    /// <summary>Begins the silent requests and returns at once.</summary>
    /// <param name="start">The caller's request.</param>
    /// <param name="question">What was asked.</param>
    /// <param name="answer">What the caller got; null when the live release failed.</param>
    public void Send(RequestStart start, AnswerRequest question, string? answer)
    {
        foreach (var candidate in registry.ShadowsOf(start.Application))
        {
            if (Interlocked.Increment(ref _running) > MostAtOnce)
            {
                Interlocked.Decrement(ref _running);
                return;
            }

            _ = AnswerAsync(start, question, answer, candidate);
        }
    }

    private async Task AnswerAsync(RequestStart start, AnswerRequest question, string? answer, LiveApplication candidate)
    {
        try
        {
            await Task.Yield(); // the caller's connection goes on first
            var at = settler.Time.GetUtcNow();
            var own = start with
            {
                Id = Guid.CreateVersion7(at), At = at, Timestamp = settler.Time.GetTimestamp(), Route = RequestStart.MirrorRoute, Stream = false, Parent = start.Id, Unit = null,
                Live = candidate, GuardNotes = [],
            };
            if (settler.Begin(own).Settlement is { } settlement)
            {
                settlement.End(await EndAsync(candidate, question, answer));
            }
        }
        catch (Exception e) when (e is JournalUnavailableException or InvalidOperationException)
        {
            // Nobody waits for a mirrored answer; the budget is settled by End all the same.
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    private async Task<RequestEnd> EndAsync(LiveApplication candidate, AnswerRequest question, string? answer)
    {
        using var limit = new CancellationTokenSource(options.LocalTimeout, settler.Time);
        var text = new StringBuilder();
        AnswerEnd? done = null;
        string code;
        try
        {
            await foreach (var part in candidate.Source!.AnswerAsync(question, limit.Token))
            {
                if (part is AnswerText piece)
                {
                    text.Append(piece.Text);
                }

                done = part as AnswerEnd ?? done;
            }

            if (done is not null && AnswerCheck.Fault(candidate, text.ToString(), done) is null)
            {
                return new RequestEnd(TraceOutcome.Answered, 200)
                {
                    FinishReason = done.FinishReason, Readings = done.Readings, ResponseText = text.ToString(), Agrees = answer is null ? null : AnswerCheck.Same(answer, text.ToString()),
                };
            }

            code = done is null ? "no_answer" : AnswerCheck.Fault(candidate, text.ToString(), done)!.Value.Code;
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            code = "timeout";
        }
        catch (AnswerException e)
        {
            code = e.Code;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // A fault of the candidate is what mirroring is there to find: a failed request, settled and recorded like every other.
            code = "internal_error";
        }

        return new RequestEnd(TraceOutcome.Failed, code == "timeout" ? 504 : 502) { ErrorCode = code, Readings = done?.Readings ?? [], ResponseText = text.ToString() };
    }
}
