using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Lauter.Inference.Sampling;
using Lauter.Inference.Scheduler;
using Microsoft.AspNetCore.Http;

namespace Lauter.Inference.Wire;

/// <summary>How an endpoint words its choices; everything else about generating is the same for all. Used by one request's thread at a time.</summary>
internal interface IAnswerShape
{
    /// <summary>What the answer's id begins with.</summary>
    string IdPrefix { get; }

    /// <summary>The <c>object</c> member of a whole answer or of a streamed piece.</summary>
    string Object(bool isPiece);

    /// <summary>A whole choice.</summary>
    JsonObject Whole(int index, string text, FinishReason finish, IReadOnlyList<SampledToken> tokens);

    /// <summary>A piece of a streamed choice, or null when nothing can be shown yet; <paramref name="finish"/> is set on the last one only.</summary>
    JsonObject? Piece(int index, string text, FinishReason? finish, IReadOnlyList<SampledToken> tokens, bool isFirst);
}

/// <summary>Submits the jobs of one request, then writes their events as one answer or as server-sent events.</summary>
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

    public static async Task RunAsync(HttpContext http, EngineContext engine, GenerationJob[] jobs, GenerationSettings settings, IAnswerShape shape)
    {
        if (!engine.Generation!.TrySubmit(jobs))
        {
            Array.ForEach(jobs, job => job.Complete());
            throw new WireException(429, "rate_limit_exceeded", "The engine's queue is full; try again later.") { RetryAfterSeconds = engine.Generation.RetryAfterSeconds };
        }

        var id = $"{shape.IdPrefix}-{Guid.CreateVersion7():N}";
        var created = engine.Time.GetUtcNow().ToUnixTimeSeconds();
        JsonObject Head(bool isPiece, params JsonNode[] choices) => new()
        {
            ["id"] = id,
            ["object"] = shape.Object(isPiece),
            ["created"] = created,
            ["model"] = settings.Adapter?.Name ?? engine.ModelId,
            ["choices"] = new JsonArray(choices),
        };
        if (settings.Stream)
        {
            await StreamAsync(http, jobs, settings, shape, choices => Head(isPiece: true, choices));
        }
        else
        {
            var choices = await Task.WhenAll(jobs.Select((job, index) => WholeAsync(job, index, shape)));
            var answer = Head(isPiece: false, choices);
            answer["usage"] = Usage(jobs);
            await WireWriter.WriteAsync(http, 200, answer);
        }
    }

    /// <summary>What the request used. The prompt counts once, however many answers it has; <c>cached_tokens</c> are the caller's own by the key of the prefix tree.</summary>
    private static JsonObject Usage(GenerationJob[] jobs)
    {
        var prompt = jobs[0].Prompt.Length;
        var completion = jobs.Sum(job => job.GeneratedTokens);
        return new JsonObject
        {
            ["prompt_tokens"] = prompt,
            ["completion_tokens"] = completion,
            ["total_tokens"] = prompt + completion,
            ["prompt_tokens_details"] = new JsonObject { ["cached_tokens"] = jobs.Min(job => job.CachedTokens) },
        };
    }

    private static async Task<JsonNode> WholeAsync(GenerationJob job, int index, IAnswerShape shape)
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

        return shape.Whole(index, text.ToString(), finish, tokens);
    }

    private static async Task StreamAsync(HttpContext http, GenerationJob[] jobs, GenerationSettings settings, IAnswerShape shape, Func<JsonNode[], JsonObject> head)
    {
        var hasBegun = false;
        var isFirst = Enumerable.Repeat(true, jobs.Length).ToArray();
        var held = jobs.Select(_ => new List<SampledToken>()).ToArray();
        try
        {
            await foreach (var (index, item) in Merge(jobs).ReadAllAsync(CancellationToken.None))
            {
                if (item.Token is { } token)
                {
                    held[index].Add(token);
                }

                if ((item.Text.Length == 0 && item.Finish is null) || shape.Piece(index, item.Text, item.Finish, held[index], isFirst[index]) is not { } piece)
                {
                    continue;
                }

                if (!hasBegun)
                {
                    // The head goes out with the first token, so an error before it still has its own status.
                    http.Response.ContentType = "text/event-stream";
                    http.Response.Headers.CacheControl = "no-cache";
                    hasBegun = true;
                }

                var chunk = head([piece]);
                if (settings.IncludeUsage)
                {
                    chunk["usage"] = null;
                }

                await WireWriter.EventAsync(http, chunk.ToJsonString(WireWriter.Json));
                isFirst[index] = false;
                held[index].Clear();
            }

            if (settings.IncludeUsage)
            {
                var last = head([]);
                last["usage"] = Usage(jobs);
                await WireWriter.EventAsync(http, last.ToJsonString());
            }

            await WireWriter.EventAsync(http, "[DONE]");
        }
        catch (GenerationFailedException error) when (hasBegun)
        {
            // Some clients take a clean end for success, so after the error event the connection breaks off.
            await WireWriter.EventAsync(http, WireWriter.Error(new WireException(500, "engine_failed", error.Message)).ToJsonString());
            http.Abort();
        }
    }

    /// <summary>The events of all answers as they come, each with the index of its own.</summary>
    private static ChannelReader<(int Index, GenerationEvent Item)> Merge(GenerationJob[] jobs)
    {
        var merged = Channel.CreateUnbounded<(int, GenerationEvent)>();
        _ = MergeAsync();
        return merged.Reader;

        async Task MergeAsync()
        {
            try
            {
                await Task.WhenAll(jobs.Select(async (job, index) =>
                {
                    await foreach (var item in job.Events.ReadAllAsync(CancellationToken.None))
                    {
                        merged.Writer.TryWrite((index, item));
                    }
                }));
                merged.Writer.TryComplete();
            }
            catch (Exception error)
            {
                merged.Writer.TryComplete(error);
            }
        }
    }
}
