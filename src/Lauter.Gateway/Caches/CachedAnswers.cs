using System.Text;
using Lauter.Gateway.Api;
using Lauter.Gateway.Api.Shapes;
using Lauter.Gateway.Providers;
using Lauter.Gateway.Settlement;
using Lauter.Ledger;
using Lauter.Traces;

namespace Lauter.Gateway.Caches;

/// <summary>Gives a kept answer: the same bytes with an id of its own, settled and traced as a hit that cost nothing.</summary>
internal sealed class CachedAnswers(GatewayOptions options, Settler settler, GatewayMetrics metrics)
{
    public async Task<OpenAiError?> ServeAsync(EdgeRequest request, RequestStart start, ChatCall call, CachedAnswer hit, AnswerShape? shape, string how = "hit")
    {
        var (settlement, error) = settler.BeginFree(start);
        if (settlement is null)
        {
            return error;
        }

        metrics.CountHit(start.Application);
        var response = request.Context.Response;
        response.Headers["x-lauter-cache"] = how;
        settlement.MarkFirst();
        try
        {
            settlement.End(new RequestEnd(TraceOutcome.Answered, 200) { FromCache = true, FinishReason = hit.FinishReason, ResponseText = options.KeepTexts ? hit.Text : null });
        }
        catch (JournalUnavailableException e)
        {
            return new OpenAiError(503, "server_error", "journal_unavailable", e.Message) { RetryAfterSeconds = 5 };
        }

        var id = Encoding.UTF8.GetBytes($"\"{(call.Surface == Surface.Chat ? "chatcmpl" : "cmpl")}-{request.Id:N}\"");
        using var scan = new AnswerScan();
        using var piece = new PooledBytes(hit.Bytes.Length + 64);
        if (!hit.Stream)
        {
            _ = scan.Read(hit.Bytes, MeterSource.Provider);
            scan.Write(hit.Bytes, call.Surface.Generates ? id : default, piece);
            ReadOnlyMemory<byte> body = shape is null ? piece.Memory : shape.Whole(piece.Span);
            response.ContentType = "application/json";
            response.ContentLength = body.Length;
            await response.Body.WriteAsync(body, request.Context.RequestAborted);
            return null;
        }

        Sse.Begin(response);
        var begin = 0;
        foreach (var end in hit.Ends)
        {
            var chunk = hit.Bytes.AsMemory(begin..end);
            begin = end;
            _ = scan.Read(chunk.Span, MeterSource.StreamEnd);
            if (scan.OnlyUsage && !call.IncludeUsage && shape is null)
            {
                continue;
            }

            piece.Truncate(0);
            scan.Write(chunk.Span, id, piece);
            if (shape is null)
            {
                Sse.Put(response.BodyWriter, piece.Span);
            }
            else
            {
                shape.Event(piece.Span, response.BodyWriter);
            }
        }

        await Sse.WriteRawAsync(response, shape?.Done() ?? "data: [DONE]\n\n"u8.ToArray(), request.Context.RequestAborted);
        return null;
    }
}
