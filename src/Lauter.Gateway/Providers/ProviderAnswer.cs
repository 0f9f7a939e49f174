using System.Text;
using System.Text.Json;
using Lauter.Gateway.Api;
using Lauter.Gateway.Settlement;
using Lauter.Ledger;
using Lauter.Traces;
using Microsoft.AspNetCore.Http;

namespace Lauter.Gateway.Providers;

/// <summary>A provider's answer on its way back: what is forwarded, what is read from it, and what is held back until it is settled.</summary>
internal sealed class ProviderAnswer(EdgeRequest request, RequestStart start, ChatCall call, RequestSettlement settlement, GatewayOptions options)
{
    private const int MaximumEventBytes = 4 * 1024 * 1024;
    private const int KeptCharacters = 128 * 1024;
    private readonly byte[] _id = Encoding.UTF8.GetBytes($"\"chatcmpl-{request.Id:N}\"");
    private readonly StringBuilder _text = new();
    private ReadOnlyMemory<byte> _last;
    private ProviderUsage? _usage;
    private string? _finishReason;
    private long _outputBytes;

    /// <summary>True once the provider may have begun to work.</summary>
    public bool Sent { get; set; }

    /// <summary>Why an answer that began well did not end well.</summary>
    public OpenAiError? Failure { get; private set; }

    /// <summary>The text of the first choice, as far as it is kept.</summary>
    public string Text => _text.ToString();

    private HttpResponse Response => request.Context.Response;

    /// <summary>Reads a whole answer and holds it back.</summary>
    public async Task<RequestEnd> ForwardWholeAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        using var buffer = new MemoryStream();
        var piece = new byte[32 * 1024];
        for (int read; (read = await stream.ReadAsync(piece, cancellationToken)) > 0;)
        {
            buffer.Write(piece, 0, read);
            if (buffer.Length > options.MaximumAnswerBytes)
            {
                throw new InvalidDataException($"The provider's answer is larger than {options.MaximumAnswerBytes} bytes.");
            }
        }

        settlement.MarkFirst();
        var bytes = buffer.GetBuffer().AsMemory(0, (int)buffer.Length);
        if (JsonMembers.Scan(bytes, 256, out _) is not { } members || !members.Has("choices"))
        {
            Failure = new OpenAiError(502, "server_error", "provider_invalid_answer", $"The provider '{start.Live!.Provider!.Name}' sent something that is not a chat completion.");
            return Broken(TraceOutcome.Failed, 502, Failure.Code);
        }

        Read(members, MeterSource.Provider);
        _last = members.With(("id", _id));
        Response.ContentType = "application/json";
        return Whole();
    }

    /// <summary>Forwards events as they come and holds back the end.</summary>
    public async Task<RequestEnd> ForwardStreamAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        var reader = new SseReader(stream, MaximumEventBytes);
        var done = false;
        while (true)
        {
            var raw = await reader.ReadAsync(cancellationToken);
            if (raw.IsEmpty)
            {
                break;
            }

            var data = SseReader.DataOf(raw);
            if (data.IsEmpty)
            {
                if (Response.HasStarted)
                {
                    await Sse.WriteRawAsync(Response, raw, cancellationToken); // a comment that keeps the connection alive
                }

                continue;
            }

            if (data.Span.SequenceEqual("[DONE]"u8))
            {
                done = true;
                break;
            }

            if (JsonMembers.Scan(data, 256, out _) is not { } members || members.IsSet("error"))
            {
                Failure = new OpenAiError(502, "server_error", "provider_failed", $"The provider '{start.Live!.Provider!.Name}' broke off its answer with an error.");
                return Broken(TraceOutcome.Failed, 502, Failure.Code);
            }

            var onlyUsage = Read(members, MeterSource.StreamEnd);
            if (onlyUsage && !call.IncludeUsage)
            {
                continue; // the caller did not ask for this event; the gateway did
            }

            if (!Response.HasStarted)
            {
                settlement.MarkFirst();
                Sse.Begin(Response);
            }

            await Sse.WriteRawAsync(Response, Event(Normalise(members).With(("id", _id))), cancellationToken);
        }

        if (_finishReason is null && !done)
        {
            Failure = new OpenAiError(502, "server_error", "provider_failed", $"The provider '{start.Live!.Provider!.Name}' ended its stream without a finish reason.");
            return Broken(TraceOutcome.Failed, 502, Failure.Code);
        }

        _last = "data: [DONE]\n\n"u8.ToArray();
        return Whole();
    }

    /// <summary>What was held back goes out; the request is settled by now.</summary>
    public Task SendLastAsync() => Sse.WriteRawAsync(Response, _last, request.Context.RequestAborted);

    /// <summary>An answer without its end: usage is estimated from what came, and the provider may have made more.</summary>
    public RequestEnd Broken(TraceOutcome outcome, int status, string code) => new(outcome, status)
    {
        ErrorCode = code,
        FinishReason = _finishReason,
        Readings = !Sent ? [] : _usage?.Readings ?? Estimate(),
        MayHaveUsedMore = Sent && _usage is null,
    };

    private RequestEnd Whole() => new(TraceOutcome.Answered, 200)
    {
        FinishReason = _finishReason,
        Readings = _usage?.Readings ?? Estimate(),
        MayHaveUsedMore = _usage is null,
    };

    /// <summary>Four bytes a token, about the mean of common tokenizers on English and on Chinese. Marked as estimated wherever it goes.</summary>
    private MeterReading[] Estimate() =>
    [
        new(Meter.UncachedInput, (start.InputBound + 3) / 4, MeterSource.Estimated),
        new(Meter.TextOutput, (_outputBytes + 3) / 4, MeterSource.Estimated),
    ];

    /// <summary>Takes usage, finish reason and text from an answer or a chunk.</summary>
    /// <returns>True for the chunk that carries nothing but usage.</returns>
    private bool Read(JsonMembers members, MeterSource source)
    {
        var hasUsage = members.IsSet("usage") && ProviderUsage.FromOpenAi(members.Element("usage")!.Value, source) is { } usage
            && (_usage = usage) is not null; // the last report counts: servers that report in every chunk report running totals
        if (members.Element("choices") is not { ValueKind: JsonValueKind.Array } choices || choices.GetArrayLength() == 0)
        {
            return hasUsage;
        }

        foreach (var choice in choices.EnumerateArray().Where(c => c.ValueKind == JsonValueKind.Object))
        {
            if (choice.TryGetProperty("finish_reason", out var reason) && reason.ValueKind == JsonValueKind.String)
            {
                _finishReason = FinishReasons.Normalise(reason.GetString());
            }

            foreach (var part in (string[])["message", "delta"])
            {
                if (choice.TryGetProperty(part, out var message) && message.ValueKind == JsonValueKind.Object)
                {
                    _outputBytes += OutputBytes(message);
                    if (message.TryGetProperty("content", out var content) && content.ValueKind == JsonValueKind.String && _text.Length < KeptCharacters
                        && (!choice.TryGetProperty("index", out var index) || (index.TryGetInt32(out var i) && i == 0)))
                    {
                        _text.Append(content.GetString());
                    }
                }
            }
        }

        return false;
    }

    private static long OutputBytes(JsonElement message)
    {
        var bytes = 0L;
        foreach (var member in message.EnumerateObject())
        {
            bytes += member.Name is "content" or "reasoning_content" or "reasoning" or "refusal" && member.Value.ValueKind == JsonValueKind.String
                ? Encoding.UTF8.GetByteCount(member.Value.GetString()!)
                : member.Name is "tool_calls" or "function_call" ? member.Value.GetRawText().Length : 0;
        }

        return bytes;
    }

    /// <summary>Finish reasons outside the published list make the .NET SDK throw; servers send <c>""</c>, <c>"eos"</c>, <c>"null"</c>.</summary>
    private static JsonMembers Normalise(JsonMembers members)
    {
        if (members.Element("choices") is not { ValueKind: JsonValueKind.Array } choices
            || choices.EnumerateArray().All(c => c.ValueKind != JsonValueKind.Object || !c.TryGetProperty("finish_reason", out var r) || r.ValueKind != JsonValueKind.String
                || FinishReasons.IsKnown(r.GetString())))
        {
            return members;
        }

        var changed = System.Text.Json.Nodes.JsonArray.Create(choices)!;
        foreach (var choice in changed.OfType<System.Text.Json.Nodes.JsonObject>())
        {
            if (choice["finish_reason"] is System.Text.Json.Nodes.JsonValue value && value.GetValueKind() == JsonValueKind.String)
            {
                choice["finish_reason"] = FinishReasons.Normalise(value.GetValue<string>());
            }
        }

        return JsonMembers.Scan(members.With(("choices", Encoding.UTF8.GetBytes(changed.ToJsonString(JsonText.Options)))), 256, out _)!;
    }

    private static byte[] Event(byte[] data)
    {
        var bytes = new byte[data.Length + 8];
        "data: "u8.CopyTo(bytes);
        data.CopyTo(bytes, 6);
        bytes.AsSpan().Replace((byte)'\n', (byte)' '); // in JSON a line feed is white space between tokens; in an event it would end the line
        bytes.AsSpan().Replace((byte)'\r', (byte)' ');
        bytes[^2] = bytes[^1] = (byte)'\n';
        return bytes;
    }
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
