using System.Text.Encodings.Web;
using System.Text.Json;
using Lauter.Ledger;

namespace Lauter.Traces.Export;

/// <summary>
/// Traces as OpenTelemetry spans in the OTLP JSON file form (one <c>TracesData</c> object a line), with the names of the GenAI semantic conventions 1.41.
/// Token counts that are missing are left out, never written as 0. Texts are an opt-in, as the conventions ask; feedback becomes the event
/// <c>gen_ai.evaluation.result</c>.
/// </summary>
public static class TraceOtlp
{
    private const int SpansPerLine = 256;
    private const int KindClient = 3;
    private const int StatusError = 2;

    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes the traces.</summary>
    /// <param name="traces">Which.</param>
    /// <param name="feedback">The feedback on a trace.</param>
    /// <param name="output">Where; it stays open.</param>
    /// <param name="service">The resource attribute <c>service.name</c>.</param>
    /// <param name="texts">True = messages are written too.</param>
    /// <returns>How many spans.</returns>
    public static int Write(IEnumerable<TraceRecord> traces, Func<Guid, IReadOnlyList<FeedbackRecord>> feedback, Stream output, string service, bool texts = false)
    {
        var count = 0;
        foreach (var batch in traces.Chunk(SpansPerLine))
        {
            using (var json = new Utf8JsonWriter(output, Options))
            {
                json.WriteStartObject();
                json.WriteStartArray("resourceSpans");
                json.WriteStartObject();
                json.WriteStartObject("resource");
                json.WriteStartArray("attributes");
                Attribute(json, "service.name", service);
                json.WriteEndArray();
                json.WriteEndObject();
                json.WriteStartArray("scopeSpans");
                json.WriteStartObject();
                json.WriteStartObject("scope");
                json.WriteString("name", "lauter.gateway");
                json.WriteEndObject();
                json.WriteStartArray("spans");
                foreach (var trace in batch)
                {
                    Span(json, trace, feedback(trace.Id), texts);
                }

                json.WriteEndArray();
                json.WriteEndObject();
                json.WriteEndArray();
                json.WriteEndObject();
                json.WriteEndArray();
                json.WriteEndObject();
            }

            output.WriteByte((byte)'\n');
            count += batch.Length;
        }

        return count;
    }

    private static void Span(Utf8JsonWriter json, TraceRecord trace, IReadOnlyList<FeedbackRecord> feedback, bool texts)
    {
        var operation = trace.Route switch { "chat.completions" or "responses" or "messages" => "chat", "completions" => "text_completion", "embeddings" => "embeddings", _ => trace.Route };
        var id = trace.Id.ToString("N");
        json.WriteStartObject();
        json.WriteString("traceId", id);
        json.WriteString("spanId", id[16..]); // the random half of a UUIDv7
        json.WriteString("name", $"{operation} {trace.Application}");
        json.WriteNumber("kind", KindClient);
        json.WriteString("startTimeUnixNano", Nanoseconds(trace.Started));
        json.WriteString("endTimeUnixNano", Nanoseconds(trace.Started + trace.Duration));
        json.WriteStartArray("attributes");
        Attribute(json, "gen_ai.operation.name", operation);
        Attribute(json, "gen_ai.provider.name", trace.CreditAccount is { } credit && credit.StartsWith("payable:provider:", StringComparison.Ordinal) ? credit[17..] : "lauter");
        Attribute(json, "gen_ai.request.model", trace.Application);
        Attribute(json, "gen_ai.request.stream", trace.Stream);
        Attribute(json, "gen_ai.response.id", id);
        Attribute(json, "gen_ai.response.model", trace.Model);
        if (trace.FinishReason is { } reason)
        {
            json.WriteStartObject();
            json.WriteString("key", "gen_ai.response.finish_reasons");
            json.WriteStartObject("value");
            json.WriteStartObject("arrayValue");
            json.WriteStartArray("values");
            json.WriteStartObject();
            json.WriteString("stringValue", reason);
            json.WriteEndObject();
            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndObject();
        }

        Attribute(json, "gen_ai.response.time_to_first_chunk", trace.TimeToFirst?.TotalSeconds);
        Attribute(json, "gen_ai.usage.input_tokens", TokenCount.Input(trace));
        Attribute(json, "gen_ai.usage.output_tokens", TokenCount.Output(trace));
        Attribute(json, "gen_ai.usage.cache_read.input_tokens", TokenCount.Of(trace, Meter.CacheRead));
        Attribute(json, "gen_ai.usage.cache_creation.input_tokens", TokenCount.Of(trace, Meter.CacheWriteShort) is { } written ? written + (TokenCount.Of(trace, Meter.CacheWriteLong) ?? 0) : TokenCount.Of(trace, Meter.CacheWriteLong));
        Attribute(json, "gen_ai.usage.reasoning.output_tokens", TokenCount.Of(trace, Meter.ReasoningOutput));
        Attribute(json, "error.type", trace.Outcome is TraceOutcome.Answered or TraceOutcome.Cancelled ? null : trace.ErrorCode ?? trace.Outcome.ToString().ToLowerInvariant());
        Attribute(json, "lauter.release", trace.Release);
        Attribute(json, "lauter.tenant", trace.Tenant);
        Attribute(json, "lauter.key", trace.KeyId);
        Attribute(json, "lauter.outcome", trace.Outcome.ToString().ToLowerInvariant());
        Attribute(json, "lauter.cost.nano_units", trace.Cost?.NanoUnits);
        Attribute(json, "lauter.cost.currency", trace.Cost?.Currency);
        if (texts)
        {
            Attribute(json, "gen_ai.input.messages", trace.Request);
            Attribute(json, "gen_ai.output.messages", trace.Response);
        }

        json.WriteEndArray();
        if (feedback.Count > 0)
        {
            json.WriteStartArray("events");
            foreach (var one in feedback)
            {
                json.WriteStartObject();
                json.WriteString("name", "gen_ai.evaluation.result");
                json.WriteString("timeUnixNano", Nanoseconds(one.At));
                json.WriteStartArray("attributes");
                Attribute(json, "gen_ai.evaluation.name", "feedback");
                Attribute(json, "gen_ai.response.id", id);
                Attribute(json, "gen_ai.evaluation.score.value", one.Rating is { } rating ? (double)rating : null);
                Attribute(json, "gen_ai.evaluation.score.label", one.Correction is null ? null : "corrected");
                Attribute(json, "gen_ai.evaluation.explanation", texts ? one.Comment : null);
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        json.WriteStartObject("status");
        if (trace.Outcome is not (TraceOutcome.Answered or TraceOutcome.Cancelled))
        {
            json.WriteNumber("code", StatusError);
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>OTLP's JSON writes 64-bit integers as text.</summary>
    private static void Attribute(Utf8JsonWriter json, string key, object? value)
    {
        if (value is null)
        {
            return;
        }

        json.WriteStartObject();
        json.WriteString("key", key);
        json.WriteStartObject("value");
        switch (value)
        {
            case string text:
                json.WriteString("stringValue", text);
                break;
            case bool flag:
                json.WriteBoolean("boolValue", flag);
                break;
            case double number:
                json.WriteNumber("doubleValue", number);
                break;
            default:
                json.WriteString("intValue", Convert.ToInt64(value).ToString());
                break;
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static string Nanoseconds(DateTimeOffset at) => ((at - DateTimeOffset.UnixEpoch).Ticks * 100).ToString();
}
