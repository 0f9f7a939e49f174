using System.Text;
using System.Text.Json.Nodes;
using Lauter.Gateway.Applications;
using Lauter.Gateway.Settlement;
using Lauter.Ledger;
using Lauter.Traces;
using Microsoft.AspNetCore.Http;

namespace Lauter.Gateway.Api;

/// <summary>An answer as it grows, in OpenAI's shapes: one <c>chat.completion</c>, or a stream of <c>chat.completion.chunk</c>.</summary>
internal sealed class AnswerState(EdgeRequest request, LiveApplication live, ChatCall call, RequestSettlement settlement, Shapes.AnswerShape? shape = null)
{
    private readonly StringBuilder _text = new();
    private JsonArray? _annotations;

    public string Text => _text.ToString();

    public AnswerEnd? End { get; private set; }

    public IReadOnlyList<MeterReading> Readings => End?.Readings ?? [];

    private HttpResponse Response => request.Context.Response;

    private string ResponseId => $"chatcmpl-{request.Id:N}";

    public async Task TakeAsync(AnswerPart part, CancellationToken cancellationToken)
    {
        switch (part)
        {
            case AnswerText { Text.Length: > 0 } text:
                settlement.MarkFirst();
                _text.Append(text.Text);
                if (call.Stream)
                {
                    await BeginStreamAsync(cancellationToken);
                    await SendAsync(Chunk(new JsonObject { ["content"] = text.Text }, null), cancellationToken);
                }

                break;
            case AnswerAnnotations annotations:
                _annotations = annotations.Annotations;
                break;
            case AnswerEnd end:
                End = end;
                break;
        }
    }

    /// <summary>Sends what is left after the settlement, or the error.</summary>
    public async Task<OpenAiError?> FinishAsync(RequestEnd end, OpenAiError? failure)
    {
        if (end.Outcome == TraceOutcome.Cancelled)
        {
            return null;
        }

        var aborted = request.Context.RequestAborted;
        if (failure is not null)
        {
            if (!Response.HasStarted)
            {
                return failure;
            }

            await Sse.BreakAsync(request.Context, failure, shape);
            return null;
        }

        if (!call.Stream)
        {
            Response.ContentType = "application/json";
            var body = Encoding.UTF8.GetBytes(Completion().ToJsonString(JsonText.Options));
            await Response.Body.WriteAsync(shape?.Whole(body) ?? body, aborted);
            return null;
        }

        await BeginStreamAsync(aborted);
        if (_annotations is not null)
        {
            await SendAsync(Chunk(new JsonObject { ["annotations"] = _annotations.DeepClone() }, null), aborted);
        }

        await SendAsync(Chunk([], End!.FinishReason), aborted);
        if (call.IncludeUsage)
        {
            var usage = Envelope("chat.completion.chunk");
            usage["choices"] = new JsonArray();
            usage["usage"] = Usage();
            await SendAsync(usage, aborted);
        }

        await (shape is null ? Sse.WriteDoneAsync(Response, aborted) : Sse.WriteRawAsync(Response, shape.Done(), aborted));
        return null;
    }

    private async Task SendAsync(JsonObject chunk, CancellationToken cancellationToken)
    {
        var bytes = Encoding.UTF8.GetBytes(chunk.ToJsonString(JsonText.Options));
        if (shape is null)
        {
            Sse.Put(Response.BodyWriter, bytes);
        }
        else
        {
            shape.Event(bytes, Response.BodyWriter);
        }

        await Response.BodyWriter.FlushAsync(cancellationToken);
    }

    private async Task BeginStreamAsync(CancellationToken cancellationToken)
    {
        if (!Response.HasStarted)
        {
            Sse.Begin(Response);
            await SendAsync(Chunk(new JsonObject { ["role"] = "assistant", ["content"] = "" }, null), cancellationToken);
        }
    }

    private JsonObject Envelope(string kind) => new()
    {
        ["id"] = ResponseId,
        ["object"] = kind,
        ["created"] = request.At.ToUnixTimeSeconds(),
        ["model"] = live.Name,
        ["system_fingerprint"] = live.ReleaseId,
    };

    private JsonObject Chunk(JsonObject delta, string? finishReason)
    {
        var chunk = Envelope("chat.completion.chunk");
        chunk["choices"] = new JsonArray(new JsonObject { ["index"] = 0, ["delta"] = delta, ["logprobs"] = null, ["finish_reason"] = finishReason });
        if (call.IncludeUsage)
        {
            chunk["usage"] = null;
        }

        return chunk;
    }

    private JsonObject Completion()
    {
        var message = new JsonObject { ["role"] = "assistant", ["content"] = Text, ["refusal"] = null };
        if (_annotations is not null)
        {
            message["annotations"] = _annotations.DeepClone();
        }

        var completion = Envelope("chat.completion");
        completion["choices"] = new JsonArray(new JsonObject { ["index"] = 0, ["message"] = message, ["logprobs"] = null, ["finish_reason"] = End!.FinishReason });
        completion["usage"] = Usage();
        return completion;
    }

    private JsonObject Usage()
    {
        var input = Readings.Where(r => r.Meter is >= Meter.UncachedInput and <= Meter.CacheWriteLong).Sum(r => r.Amount);
        var output = Readings.Where(r => r.Meter is Meter.TextOutput or Meter.ReasoningOutput).Sum(r => r.Amount);
        return new JsonObject
        {
            ["prompt_tokens"] = input,
            ["completion_tokens"] = output,
            ["total_tokens"] = input + output,
            ["prompt_tokens_details"] = new JsonObject { ["cached_tokens"] = Readings.Where(r => r.Meter == Meter.CacheRead).Sum(r => r.Amount) },
        };
    }
}
