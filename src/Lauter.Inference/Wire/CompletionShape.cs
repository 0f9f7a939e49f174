using System.Text.Json.Nodes;
using Lauter.Inference.Native;
using Lauter.Inference.Sampling;
using Lauter.Inference.Scheduler;

namespace Lauter.Inference.Wire;

/// <summary>
/// Answers of <c>/v1/completions</c>. <c>logprobs.token_ids</c> and <c>logprobs.top_token_ids</c> are additions: different tokens can have
/// the same text, so only ids can be compared with another implementation.
/// </summary>
internal sealed class CompletionShape(LoadedModel model, GenerationJob job, string? echo, bool logProbabilities) : IAnswerShape
{
    public JsonObject Whole(AnswerHead head, string text, string finish, IReadOnlyList<SampledToken> tokens, JsonObject usage)
    {
        var answer = Chunk(head, Choice((echo ?? "") + text, finish, tokens, withPrompt: echo is not null));
        answer["usage"] = usage;
        return answer;
    }

    public JsonObject Piece(AnswerHead head, string text, string? finish, IReadOnlyList<SampledToken> tokens, bool first)
    {
        var withPrompt = first && echo is not null;
        return Chunk(head, Choice((withPrompt ? echo : "") + text, finish, tokens, withPrompt));
    }

    public JsonObject UsagePiece(AnswerHead head, JsonObject usage)
    {
        var chunk = Chunk(head);
        chunk["usage"] = usage;
        return chunk;
    }

    private static JsonObject Chunk(AnswerHead head, params JsonNode[] choices) => new()
    {
        ["id"] = head.Id,
        ["object"] = "text_completion",
        ["created"] = head.Created,
        ["model"] = head.Model,
        ["choices"] = new JsonArray(choices),
    };

    private JsonObject Choice(string text, string? finish, IReadOnlyList<SampledToken> tokens, bool withPrompt) => new()
    {
        ["index"] = 0,
        ["text"] = text,
        ["logprobs"] = logProbabilities ? LogProbabilities(tokens, withPrompt) : null,
        ["finish_reason"] = finish,
    };

    private JsonObject LogProbabilities(IReadOnlyList<SampledToken> tokens, bool withPrompt)
    {
        var texts = new JsonArray();
        var values = new JsonArray();
        var tops = new JsonArray();
        var offsets = new JsonArray();
        var ids = new JsonArray();
        var topIds = new JsonArray();
        var offset = withPrompt || echo is null ? 0 : echo.Length;
        if (withPrompt)
        {
            Add(new SampledToken(job.Prompt[0], float.NaN, []));
            foreach (var token in job.PromptTokens)
            {
                Add(token);
            }
        }

        foreach (var token in tokens)
        {
            Add(token);
        }

        return new JsonObject
        {
            ["tokens"] = texts,
            ["token_logprobs"] = values,
            ["top_logprobs"] = tops,
            ["text_offset"] = offsets,
            ["token_ids"] = ids,
            ["top_token_ids"] = topIds,
        };

        void Add(SampledToken token)
        {
            var text = TokenText.Of(model, token.Token);
            texts.Add(text);
            ids.Add(token.Token);
            offsets.Add(offset);
            offset += text.Length;
            // Nothing stands before the first token, so nothing is known about it.
            var known = !float.IsNaN(token.LogProbability);
            values.Add(known ? TokenText.Finite(token.LogProbability) : null);
            var top = new JsonObject();
            foreach (var other in token.Alternatives)
            {
                top.TryAdd(TokenText.Of(model, other.Token), TokenText.Finite(other.LogProbability));
            }

            tops.Add(known ? top : null);
            topIds.Add(known
                ? new JsonArray([.. token.Alternatives.Select(other => (JsonNode)new JsonArray(other.Token, TokenText.Finite(other.LogProbability)))])
                : null);
        }
    }
}
