using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Lauter.Gateway.Api;

/// <summary>Writes server-sent events: each one is flushed, because a token that waits for the next one is a late token.</summary>
internal static class Sse
{
    private static readonly byte[] Done = "data: [DONE]\n\n"u8.ToArray();

    public static void Begin(HttpResponse response)
    {
        response.StatusCode = 200;
        response.ContentType = "text/event-stream; charset=utf-8";
        response.Headers["x-accel-buffering"] = "no";
    }

    /// <summary>Puts one event into <paramref name="output"/> without flushing it.</summary>
    public static void Put(System.Buffers.IBufferWriter<byte> output, ReadOnlySpan<byte> data, string? name = null)
    {
        if (name is not null)
        {
            System.Buffers.BuffersExtensions.Write(output, System.Text.Encoding.UTF8.GetBytes($"event: {name}\n"));
        }

        var length = data.Length + 8;
        var span = output.GetSpan(length)[..length];
        "data: "u8.CopyTo(span);
        var body = span[6..^2];
        data.CopyTo(body);
        if (body.IndexOfAny((byte)'\n', (byte)'\r') >= 0)
        {
            body.Replace((byte)'\n', (byte)' '); // in JSON a line feed is white space between tokens; in an event it would end the line
            body.Replace((byte)'\r', (byte)' ');
        }

        span[^2] = span[^1] = (byte)'\n';
        output.Advance(length);
    }

    public static Task WriteAsync(HttpResponse response, JsonObject data, CancellationToken cancellationToken) =>
        WriteRawAsync(response, System.Text.Encoding.UTF8.GetBytes($"data: {data.ToJsonString(JsonText.Options)}\n\n"), cancellationToken);

    public static Task WriteDoneAsync(HttpResponse response, CancellationToken cancellationToken) => WriteRawAsync(response, Done, cancellationToken);

    public static async Task WriteRawAsync(HttpResponse response, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        await response.Body.WriteAsync(bytes, cancellationToken);
        await response.Body.FlushAsync(cancellationToken);
    }

    /// <summary>
    /// Ends a stream that cannot be finished: an error event, then a broken connection. Some SDKs ignore the event, but none takes a broken
    /// connection for the end of an answer; a clean end without <c>[DONE]</c> they do.
    /// </summary>
    /// <exception cref="BrokenAnswerException">Always: thrown out of the endpoint it makes the server close the connection in the middle of the
    /// body after everything written was sent. <c>HttpContext.Abort</c> would throw the event away with the connection.</exception>
    public static async Task BreakAsync(HttpContext context, OpenAiError error, Shapes.AnswerShape? shape = null)
    {
        try
        {
            await WriteRawAsync(
                context.Response, shape?.Broken(error) ?? System.Text.Encoding.UTF8.GetBytes($"data: {error.ToJson().ToJsonString(JsonText.Options)}\n\n"), context.RequestAborted);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            return; // the caller is gone already
        }

        throw new BrokenAnswerException(error.Code);
    }
}

/// <summary>A stream was broken off on purpose because its answer failed after the first byte; the trace has the reason.</summary>
/// <param name="code">The error's code.</param>
public sealed class BrokenAnswerException(string code) : Exception($"A streamed answer was broken off after its first byte: {code}. Its trace has the details.");
