using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Inference.Native;
using Lauter.Inference.Sampling;
using Lauter.Inference.Scheduler;
using Microsoft.AspNetCore.Http;

namespace Lauter.Inference.Wire;

/// <summary>How an endpoint words its answers; everything else about generating is the same for all.</summary>
internal interface IAnswerShape
{
    /// <summary>The whole answer.</summary>
    JsonObject Whole(AnswerHead head, string text, string finish, IReadOnlyList<SampledToken> tokens, JsonObject usage);

    /// <summary>A streamed piece; <paramref name="finish"/> is set on the last one only.</summary>
    JsonObject Piece(AnswerHead head, string text, string? finish, IReadOnlyList<SampledToken> tokens, bool first);

    /// <summary>The extra last piece that carries the usage.</summary>
    JsonObject UsagePiece(AnswerHead head, JsonObject usage);
}

/// <summary>What every answer begins with.</summary>
internal sealed record AnswerHead(string Id, long Created, string Model);

/// <summary>Submits a job, then writes its events as one answer or as server-sent events.</summary>
internal static class GenerationRunner
{
    /// <summary>Checks a prompt against the context and returns the bound on generated tokens; a prompt is never cut.</summary>
    public static int FitContext(int promptTokens, int? maxTokens, int longest)
    {
        if (promptTokens == 0)
        {
            throw WireException.Invalid("prompt", "The prompt is empty.");
        }

        // Absent, the answer may fill what the prompt leaves; asked for more than fits, the caller must know.
        var asked = maxTokens ?? Math.Max(1, longest - promptTokens);
        return promptTokens + Math.Max(1, asked) <= longest
            ? asked
            : throw new WireException(
                400,
                "context_length_exceeded",
                $"This model's context holds {longest} tokens; the request needs {(long)promptTokens + asked} ({promptTokens} in the prompt, {asked} for the answer). Shorten either.",
                "messages");
    }

    public static async Task RunAsync(HttpContext http, EngineContext engine, GenerationJob job, GenerationSettings settings, IAnswerShape shape)
    {
        if (!engine.Generation!.TrySubmit(job))
        {
            job.Complete();
            throw new WireException(429, "rate_limit_exceeded", "The engine's queue is full; try again shortly.") { RetryAfterSeconds = 1 };
        }

        var head = new AnswerHead($"{shape switch { ChatShape => "chatcmpl", _ => "cmpl" }}-{Guid.CreateVersion7():N}", engine.Time.GetUtcNow().ToUnixTimeSeconds(), engine.ModelId);
        if (settings.Stream)
        {
            await StreamAsync(http, head, job, settings, shape);
        }
        else
        {
            await WholeAsync(http, head, job, shape);
        }
    }

    public static JsonObject Usage(int prompt, int completion) => new()
    {
        ["prompt_tokens"] = prompt,
        ["completion_tokens"] = completion,
        ["total_tokens"] = prompt + completion,
    };

    public static string Name(FinishReason reason) => reason == FinishReason.Length ? "length" : "stop";

    private static async Task WholeAsync(HttpContext http, AnswerHead head, GenerationJob job, IAnswerShape shape)
    {
        var text = new StringBuilder();
        var tokens = new List<SampledToken>();
        var finish = FinishReason.Stop;
        await foreach (var item in job.Events.ReadAllAsync(CancellationToken.None))
        {
            text.Append(item.Text);
            finish = item.Finish ?? finish;
            if (item.Token is { } token)
            {
                tokens.Add(token);
            }
        }

        var answer = shape.Whole(head, text.ToString(), Name(finish), tokens, Usage(job.Prompt.Length, job.GeneratedTokens));
        await WireWriter.WriteAsync(http, 200, answer);
    }

    private static async Task StreamAsync(HttpContext http, AnswerHead head, GenerationJob job, GenerationSettings settings, IAnswerShape shape)
    {
        var first = true;
        var held = new List<SampledToken>();
        try
        {
            await foreach (var item in job.Events.ReadAllAsync(CancellationToken.None))
            {
                if (item.Token is { } token)
                {
                    held.Add(token);
                }

                if (item.Text.Length == 0 && item.Finish is null)
                {
                    continue;
                }

                if (first)
                {
                    // The head goes out with the first token, so an error before it still has its own status.
                    http.Response.ContentType = "text/event-stream";
                    http.Response.Headers.CacheControl = "no-cache";
                }

                await SendAsync(http, shape.Piece(head, item.Text, item.Finish is { } finish ? Name(finish) : null, held, first), settings);
                first = false;
                held.Clear();
            }

            if (settings.IncludeUsage)
            {
                await WireWriter.EventAsync(http, shape.UsagePiece(head, Usage(job.Prompt.Length, job.GeneratedTokens)).ToJsonString());
            }

            await WireWriter.EventAsync(http, "[DONE]");
        }
        catch (GenerationFailedException error) when (!first)
        {
            // Some clients take a clean end for success, so after the error event the connection breaks off.
            await WireWriter.EventAsync(http, WireWriter.Error(new WireException(500, "engine_failed", error.Message)).ToJsonString());
            http.Abort();
        }
    }

    private static Task SendAsync(HttpContext http, JsonObject piece, GenerationSettings settings)
    {
        if (settings.IncludeUsage)
        {
            piece["usage"] = null;
        }

        return WireWriter.EventAsync(http, piece.ToJsonString(WireWriter.Json));
    }
}
