using Lauter.Gateway.Applications;
using Lauter.Gateway.Routing;
using Lauter.Gateway.Settlement;
using Lauter.Traces;

namespace Lauter.Gateway.Api;

/// <summary>
/// Serves applications that answer inside this machine:
/// 1. the messages become the input; 2. the settlement begins; 3. the source answers in parts;
/// 4. the answer is checked by the output schema; 5. the settlement ends, the trace is kept; 6. the last byte goes out.
/// A stream sends parts as they come, and holds back finish reason and <c>[DONE]</c> until 4 and 5 are done; when they fail it ends with an
/// error event and a broken connection, never like a short success.
/// </summary>
internal sealed class LocalAnswers(GatewayOptions options, Settler settler, Shadow shadow)
{
    public async Task<OpenAiError?> ServeAsync(EdgeRequest request, RequestStart start, ChatCall call, Shapes.AnswerShape? shape = null)
    {
        var live = start.Live!;
        if (call.LocalFault() is { } unsupported)
        {
            return settler.Refuse(start, unsupported);
        }

        var (turns, turnsError) = call.Turns();
        if (turnsError is not null)
        {
            return settler.Refuse(start, turnsError);
        }

        var (input, inputError) = InputReader.Read(live, turns[^1].Content);
        if (inputError is not null)
        {
            return settler.Refuse(start, inputError);
        }

        start = start with { Input = input?.DeepClone().AsObject() };
        var (settlement, error) = settler.Begin(start);
        if (settlement is null)
        {
            return error;
        }

        var answer = new AnswerState(request, live, call, settlement, shape);
        var question = new AnswerRequest(
            request.Key.Tenant, turns, turns[^1].Content, input, call.MaximumOutputTokens ?? live.MaximumOutputTokens,
            call.Members.Number("temperature"), call.Members.Number("top_p"), call.Members.Integer("seed"));
        using var limit = new CancellationTokenSource(options.LocalTimeout, settler.Time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, request.Context.RequestAborted);
        RequestEnd end;
        OpenAiError? failure = null;
        try
        {
            await foreach (var part in live.Source!.AnswerAsync(question, linked.Token))
            {
                await answer.TakeAsync(part, linked.Token);
            }

            end = Check(live, answer);
        }
        catch (Exception e) when (request.Context.RequestAborted.IsCancellationRequested && e is OperationCanceledException or IOException or AnswerException)
        {
            end = new RequestEnd(TraceOutcome.Cancelled, 499) { ErrorCode = "client_closed_request", Readings = answer.Readings };
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            end = Failure(504, "timeout", $"The application '{live.Name}' did not answer within {options.LocalTimeout.TotalSeconds:0} s.");
        }
        catch (AnswerException e)
        {
            end = Failure(e.Status, e.Code, e.Message);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // A fault of the source is a failed request, settled and recorded like every other; its text may hold user data, so only its type is told.
            end = Failure(500, "internal_error", $"The application '{live.Name}' failed unexpectedly ({e.GetType().Name}).");
        }

        try
        {
            settlement.End(end with { ResponseText = answer.Text });
        }
        catch (JournalUnavailableException e)
        {
            end = Failure(503, "journal_unavailable", e.Message);
        }

        var told = await answer.FinishAsync(end, failure);
        if (end.Outcome is TraceOutcome.Answered or TraceOutcome.Failed)
        {
            shadow.Send(start, question, end.Outcome == TraceOutcome.Answered ? answer.Text : null);
        }

        return told;

        RequestEnd Failure(int status, string code, string message)
        {
            failure = new OpenAiError(status, status == 429 ? "requests" : status < 500 ? "invalid_request_error" : "server_error", code, message) 
            {
                RetryAfterSeconds = status is 429 or 503 ? 1 : null,
                // The same text at temperature 0 gives the same answer: trying again costs and does not help.
                ShouldRetry = code is "invalid_answer" or "answer_truncated" or "internal_error" ? false : null,
            };
            return new RequestEnd(status == 429 ? TraceOutcome.Refused : status < 500 ? TraceOutcome.Invalid : TraceOutcome.Failed, status) { ErrorCode = code, Readings = answer.Readings };
        }

        RequestEnd Check(LiveApplication application, AnswerState state)
        {
            if (state.End is not { } done)
            {
                return Failure(502, "no_answer", $"The application '{application.Name}' ended without an answer.");
            }

            if (AnswerCheck.Fault(application, state.Text, done) is { } fault)
            {
                return Failure(502, fault.Code, fault.Message);
            }

            return new RequestEnd(TraceOutcome.Answered, 200) { FinishReason = done.FinishReason, Readings = done.Readings };
        }
    }
}
