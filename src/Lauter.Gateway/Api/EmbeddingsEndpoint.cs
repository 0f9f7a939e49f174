using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Gateway.Applications;
using Lauter.Gateway.Settlement;
using Lauter.Ledger;
using Lauter.Traces;
using Microsoft.AspNetCore.Http;

namespace Lauter.Gateway.Api;

/// <summary><c>POST /v1/embeddings</c> over the embedders of this machine; vectors as numbers or, as OpenAI's SDKs ask by default, base64.</summary>
internal sealed class EmbeddingsEndpoint(GatewayOptions options, Settler settler)
{
    public async Task<OpenAiError?> ServeAsync(EdgeRequest request, ReadOnlyMemory<byte> body, JsonMembers members, LiveEmbedder embedder)
    {
        var model = embedder.Name;
        var (texts, inputError) = Inputs(members);
        if (inputError is not null)
        {
            return inputError;
        }

        if (members.IsSet("dimensions") && members.Integer("dimensions") != embedder.Dimensions)
        {
            return OpenAiError.BadRequest("unsupported_parameter", $"'{model}' gives vectors of {embedder.Dimensions} dimensions.", "dimensions");
        }

        if (members.IsSet("encoding_format") && members.Text("encoding_format") is not ("float" or "base64"))
        {
            return OpenAiError.BadRequest("invalid_value", "'encoding_format' must be float or base64.", "encoding_format");
        }

        request.Context.Response.Headers["x-lauter-trace-id"] = request.Name;
        var live = new LiveApplication { Name = model, Kind = ApplicationKind.Nearest };
        var (settlement, refusal) = settler.Begin(new RequestStart
        {
            Id = request.Id,
            At = request.At,
            Timestamp = request.Timestamp,
            Route = "embeddings",
            Application = model,
            Key = request.Key,
            Admission = request.Admission,
            Live = live,
            InputBound = body.Length,
        });
        if (settlement is null)
        {
            return refusal;
        }

        var tokens = texts.Sum(t => (long?)embedder.CountTokens?.Invoke(t) ?? (Encoding.UTF8.GetByteCount(t) + 3) / 4);
        MeterReading[] readings = [new(Meter.EmbeddingInput, tokens, embedder.CountTokens is null ? MeterSource.Estimated : MeterSource.Local)];
        using var limit = new CancellationTokenSource(options.LocalTimeout, settler.Time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, request.Context.RequestAborted);
        OpenAiError? failure = null;
        var end = new RequestEnd(TraceOutcome.Answered, 200) { Readings = readings };
        float[][] vectors = [];
        try
        {
            vectors = await embedder.EmbedAsync(texts, linked.Token);
        }
        catch (OperationCanceledException) when (request.Context.RequestAborted.IsCancellationRequested)
        {
            end = new RequestEnd(TraceOutcome.Cancelled, 499) { ErrorCode = "client_closed_request" };
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            failure = new OpenAiError(504, "server_error", "timeout", $"'{model}' did not answer within {options.LocalTimeout.TotalSeconds:0} s.");
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            failure = new OpenAiError(500, "server_error", "internal_error", $"'{model}' failed unexpectedly ({e.GetType().Name}).");
        }

        if (failure is not null)
        {
            end = new RequestEnd(TraceOutcome.Failed, failure.Status) { ErrorCode = failure.Code };
        }

        try
        {
            settlement.MarkFirst();
            settlement.End(end);
        }
        catch (JournalUnavailableException e)
        {
            failure = new OpenAiError(503, "server_error", "journal_unavailable", e.Message) { RetryAfterSeconds = 5 };
        }

        if (failure is null && end.Outcome == TraceOutcome.Answered)
        {
            await WriteAsync(request.Context, model, vectors, tokens, members.Text("encoding_format") == "base64");
        }

        return failure;
    }

    private static async Task WriteAsync(HttpContext context, string model, float[][] vectors, long tokens, bool base64)
    {
        context.Response.ContentType = "application/json";
        await using var writer = new Utf8JsonWriter(context.Response.BodyWriter);
        writer.WriteStartObject();
        writer.WriteString("object", "list");
        writer.WriteStartArray("data");
        for (var i = 0; i < vectors.Length; i++)
        {
            writer.WriteStartObject();
            writer.WriteString("object", "embedding");
            writer.WriteNumber("index", i);
            if (base64)
            {
                // Little-endian float32, as the SDKs decode it.
                writer.WriteBase64String("embedding", MemoryMarshal.AsBytes(vectors[i].AsSpan()));
            }
            else
            {
                writer.WriteStartArray("embedding");
                foreach (var value in vectors[i])
                {
                    writer.WriteNumberValue(value);
                }

                writer.WriteEndArray();
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteString("model", model);
        writer.WriteStartObject("usage");
        writer.WriteNumber("prompt_tokens", tokens);
        writer.WriteNumber("total_tokens", tokens);
        writer.WriteEndObject();
        writer.WriteEndObject();
        await writer.FlushAsync(context.RequestAborted);
    }

    private (IReadOnlyList<string> Texts, OpenAiError? Error) Inputs(JsonMembers members)
    {
        try
        {
            var input = members.Element("input");
            string[]? texts = input switch
            {
                { ValueKind: JsonValueKind.String } text => [text.GetString()!],
                { ValueKind: JsonValueKind.Array } array when array.EnumerateArray().All(e => e.ValueKind == JsonValueKind.String) =>
                    [.. array.EnumerateArray().Select(e => e.GetString()!)],
                _ => null,
            };
            return texts switch
            {
                null => ([], OpenAiError.BadRequest("invalid_value", "'input' must be a text or an array of texts; arrays of tokens are not supported.", "input")),
                { Length: 0 } => ([], OpenAiError.BadRequest("invalid_value", "'input' is empty.", "input")),
                _ when texts.Length > options.MaximumEmbeddingInputs =>
                    ([], OpenAiError.BadRequest("invalid_value", $"'input' has {texts.Length} texts, more than {options.MaximumEmbeddingInputs}.", "input")),
                _ when Array.FindIndex(texts, string.IsNullOrEmpty) is >= 0 and var empty =>
                    ([], OpenAiError.BadRequest("invalid_value", $"input[{empty}] is empty.", "input")),
                _ => (texts, null),
            };
        }
        catch (InvalidOperationException)
        {
            return ([], OpenAiError.BadRequest("invalid_value", "'input' holds text that is not valid Unicode.", "input"));
        }
    }
}
