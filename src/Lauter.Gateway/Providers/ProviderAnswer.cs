using System.Text;
using Lauter.Gateway.Api;
using Lauter.Gateway.Api.Shapes;
using Lauter.Gateway.Caches;
using Lauter.Gateway.Guards;
using Lauter.Gateway.Providers.Wires;
using Lauter.Gateway.Settlement;
using Lauter.Ledger;
using Lauter.Traces;
using Microsoft.AspNetCore.Http;

namespace Lauter.Gateway.Providers;

/// <summary>A provider's answer on its way back: what is forwarded, what is read from it, and what is held back until it is settled.</summary>
internal sealed class ProviderAnswer(EdgeRequest request, RequestStart start, ChatCall call, RequestSettlement settlement, GatewayOptions options) : IDisposable
{
    private static readonly byte[] Done = "data: [DONE]\n\n"u8.ToArray();
    private readonly byte[] _id = Encoding.UTF8.GetBytes($"\"{(call.Surface == Surface.Chat ? "chatcmpl" : "cmpl")}-{request.Id:N}\"");
    private readonly AnswerScan _scan = new();
    private readonly PooledBytes _piece = new();
    private PooledBytes? _whole;
    private byte[]? _last;

    /// <summary>Turns answers into another API's shape; null = OpenAI's, as they come.</summary>
    public AnswerShape? Shape { get; init; }

    /// <summary>Keeps what was sent, so that it can be given again; null = it is not kept.</summary>
    public CacheRecording? Recording { get; init; }

    /// <summary>Looks at the answer's text and changes it; null = nobody does.</summary>
    public AnswerGuard? Guard { get; init; }

    /// <summary>Which target answers.</summary>
    public ProviderTarget? Target { get; set; }

    /// <summary>True once the provider may have begun to work.</summary>
    public bool Sent { get; set; }

    /// <summary>Why an answer that began well did not end well.</summary>
    public OpenAiError? Failure { get; private set; }

    /// <summary>The text of the first choice as the provider gave it, masks of personal data included, as far as it is kept.</summary>
    public string Text => _scan.Text;

    private HttpResponse Response => request.Context.Response;

    public void Dispose()
    {
        _scan.Dispose();
        _piece.Dispose();
        _whole?.Dispose();
    }

    /// <summary>Reads a whole answer and holds it back.</summary>
    public async Task<RequestEnd> ForwardWholeAsync(UpstreamAnswer upstream)
    {
        var bytes = await upstream.ReadWholeAsync(options.MaximumAnswerBytes);
        settlement.MarkFirst();
        if (Target!.Wire == ProviderWire.Anthropic)
        {
            bytes = AnthropicWire.Whole(bytes.Span, request.At) ?? default;
        }

        if (!_scan.Read(bytes.Span, MeterSource.Provider) || !_scan.HasAnswer)
        {
            Failure = ProviderFailure.Fault("provider_invalid_answer", $"The provider '{Target!.Name}' sent something that is not {(call.Surface == Surface.Chat ? "a chat completion" : "an answer")}.");
            return Broken(TraceOutcome.Failed, 502, Failure.Code);
        }

        _whole = new PooledBytes(bytes.Length + 64);
        _scan.Write(bytes.Span, call.Surface.Generates ? _id : default, _whole);
        if (Guard is not null && Guard.Whole(_whole.Memory) is { } changed)
        {
            if (changed.Refusal is { } refusal)
            {
                Failure = refusal;
                return Whole() with { Outcome = TraceOutcome.Failed, Status = refusal.Status, ErrorCode = refusal.Code };
            }

            Replace(changed.Bytes.Span);
        }

        Recording?.Whole(_whole.Span, _scan);
        if (Shape is not null)
        {
            Replace(Shape.Whole(_whole.Span));
        }

        return Whole();

        void Replace(ReadOnlySpan<byte> with)
        {
            var copy = new PooledBytes(with.Length + 1);
            System.Buffers.BuffersExtensions.Write(copy, with);
            _whole!.Dispose();
            _whole = copy;
        }
    }

    /// <summary>What an answer that nobody gets has used.</summary>
    public RequestEnd Read(ReadOnlyMemory<byte> bytes)
    {
        var translated = Target!.Wire == ProviderWire.Anthropic ? AnthropicWire.Whole(bytes.Span, request.At) ?? default : bytes;
        return _scan.Read(translated.Span, MeterSource.Provider) && _scan.HasAnswer
            ? Whole() with { ResponseText = options.KeepTexts ? Text : null }
            : Broken(TraceOutcome.Failed, 502, "provider_invalid_answer");
    }

    /// <summary>Forwards events as they come and holds back the end.</summary>
    public async Task<RequestEnd> ForwardStreamAsync(UpstreamAnswer upstream)
    {
        var done = false;
        var translator = Target!.Wire == ProviderWire.Anthropic ? new AnthropicStream(request.At) : null;
        for (var raw = upstream.FirstEvent; !raw.IsEmpty; raw = await upstream.ReadEventAsync())
        {
            var data = SseReader.DataOf(raw);
            if (data.IsEmpty)
            {
                if (Response.HasStarted)
                {
                    await Sse.WriteRawAsync(Response, raw, upstream.Token); // a comment that keeps the connection alive
                }

                continue;
            }

            if (data.Span.SequenceEqual("[DONE]"u8))
            {
                done = true;
                break;
            }

            if (translator is null)
            {
                if (!await TakeAsync(data, upstream))
                {
                    return Broken(TraceOutcome.Failed, Failure!.Status, Failure.Code);
                }
            }
            else
            {
                foreach (var chunk in translator.Take(data.Span))
                {
                    if (!await TakeAsync(chunk, upstream))
                    {
                        return Broken(TraceOutcome.Failed, Failure!.Status, Failure.Code);
                    }
                }

                done |= translator.Done;
            }
        }

        if (_scan.FinishReason is null && !done)
        {
            Failure = ProviderFailure.Fault("provider_failed", $"The provider '{Target!.Name}' ended its stream without a finish reason.");
            return Broken(TraceOutcome.Failed, 502, Failure.Code);
        }

        if (Guard?.Rest() is { } rest)
        {
            if (rest.Refusal is { } refusal)
            {
                Failure = refusal;
                return Broken(TraceOutcome.Failed, refusal.Status, refusal.Code) with { MayHaveUsedMore = _scan.Usage is null };
            }

            await SendAsync(rest.Bytes, flush: true, upstream.Token);
        }

        Recording?.Stream(_scan);
        _last = Shape is null ? Done : Shape.Done();
        return Whole();
    }

    /// <summary>What was held back goes out; the request is settled by now.</summary>
    public async Task SendLastAsync()
    {
        if (_whole is not null)
        {
            Response.ContentType = "application/json";
            Response.ContentLength = _whole.Length;
            await Response.Body.WriteAsync(_whole.Memory, request.Context.RequestAborted);
            return;
        }

        if (!Response.HasStarted)
        {
            Sse.Begin(Response);
        }

        await Sse.WriteRawAsync(Response, _last, request.Context.RequestAborted);
    }

    /// <summary>An answer without its end: usage is estimated from what came, and the provider may have made more.</summary>
    public RequestEnd Broken(TraceOutcome outcome, int status, string code) => new(outcome, status)
    {
        ErrorCode = code,
        FinishReason = _scan.FinishReason,
        Readings = !Sent ? [] : _scan.Usage?.Readings ?? Estimate(),
        MayHaveUsedMore = Sent && _scan.Usage is null,
        Target = Target,
    };

    private RequestEnd Whole() => new(TraceOutcome.Answered, 200)
    {
        FinishReason = _scan.FinishReason,
        Readings = Settled(_scan.Usage?.Readings ?? Estimate()),
        MayHaveUsedMore = _scan.Usage is null,
        Target = Target,
    };

    /// <summary>An event of a stream: read, changed where it must be, sent. False when the stream is over because of <see cref="Failure"/>.</summary>
    private async ValueTask<bool> TakeAsync(ReadOnlyMemory<byte> data, UpstreamAnswer upstream)
    {
        if (!_scan.Read(data.Span, MeterSource.StreamEnd) || _scan.HasError)
        {
            Failure = ProviderFailure.Fault("provider_failed", $"The provider '{Target!.Name}' broke off its answer with an error.");
            return false;
        }

        if (_scan.OnlyUsage && !call.IncludeUsage && Shape is null)
        {
            return true; // the caller did not ask for this event; the gateway did
        }

        _piece.Truncate(0);
        _scan.Write(data.Span, _id, _piece);
        if (Guard is not null)
        {
            var changed = Guard.Chunk(_piece.Memory);
            if (changed.Refusal is { } refusal)
            {
                Failure = refusal;
                return false;
            }

            await SendAsync(changed.Bytes, flush: !upstream.HasNextEvent, upstream.Token);
            return true;
        }

        await SendAsync(_piece.Memory, flush: !upstream.HasNextEvent, upstream.Token);
        return true;
    }

    private async ValueTask SendAsync(ReadOnlyMemory<byte> json, bool flush, CancellationToken cancellationToken)
    {
        if (json.IsEmpty)
        {
            return;
        }

        Recording?.Event(json.Span);
        var writer = Response.BodyWriter;
        if (!Response.HasStarted)
        {
            settlement.MarkFirst();
            Sse.Begin(Response);
            flush = true; // from here on a failure must break the stream: an error body would follow half an answer
        }

        if (Shape is null)
        {
            Sse.Put(writer, json.Span);
        }
        else
        {
            Shape.Event(json.Span, writer);
        }

        if (flush)
        {
            await writer.FlushAsync(cancellationToken);
        }
    }

    private IReadOnlyList<MeterReading> Settled(IReadOnlyList<MeterReading> readings) => call.Surface != Surface.Embeddings && call.Surface != Surface.Rerank
        ? readings
        : [new MeterReading(Meter.EmbeddingInput, readings.Sum(r => r.Amount), readings.Count > 0 ? readings[0].Source : MeterSource.Missing)];

    /// <summary>Four bytes a token, about the mean of common tokenizers on English and on Chinese. Marked as estimated wherever it goes.</summary>
    private MeterReading[] Estimate() =>
    [
        new(Meter.UncachedInput, (start.InputBound + 3) / 4, MeterSource.Estimated),
        new(Meter.TextOutput, (_scan.OutputBytes + 3) / 4, MeterSource.Estimated),
    ];
}

/// <summary>The published finish reasons.</summary>
internal static class FinishReasons
{
    public static bool IsKnown(string? reason) => reason is "stop" or "length" or "tool_calls" or "content_filter" or "function_call";

    /// <summary>Null for the words that mean "not finished", else a published one.</summary>
    public static string? Normalise(string? reason) => reason switch
    {
        null or "" or "null" => null,
        _ when IsKnown(reason) => reason,
        "max_tokens" or "model_length" => "length",
        _ => "stop",
    };
}
