using System.Text.Json.Nodes;
using Lauter.Inference.Native;
using Lauter.Inference.Sampling;
using Lauter.Inference.Scheduler;

namespace Lauter.Inference.Wire;

/// <summary>
/// Answers of <c>/v1/completions</c>. <c>logprobs.token_ids</c> and <c>logprobs.top_token_ids</c> are additions: different tokens can have
/// the same text, so only ids can be compared with another implementation.
/// </summary>
internal sealed class CompletionShape(LoadedModel model, GenerationJob[] jobs, string? echo, bool logProbabilities) : IAnswerShape
{
    public string IdPrefix => "cmpl";

    public string Object(bool isPiece) => "text_completion";

    public JsonObject Whole(int index, string text, FinishReason finish, IReadOnlyList<SampledToken> tokens) =>
        Choice(index, (echo ?? "") + text, finish, tokens, withPrompt: echo is not null);

    public JsonObject? Piece(int index, string text, FinishReason? finish, IReadOnlyList<SampledToken> tokens, bool isFirst)
    {
        var withPrompt = isFirst && echo is not null;
        return Choice(index, (withPrompt ? echo : "") + text, finish, tokens, withPrompt);
    }

    private JsonObject Choice(int index, string text, FinishReason? finish, IReadOnlyList<SampledToken> tokens, bool withPrompt) => new()
    {
        ["index"] = index,
        ["text"] = text,
        ["logprobs"] = logProbabilities ? LogProbabilities(jobs[index], tokens, withPrompt) : null,
        ["finish_reason"] = finish switch { FinishReason.Length => "length", FinishReason.Stop => "stop", _ => null },
    };

    private JsonObject LogProbabilities(GenerationJob job, IReadOnlyList<SampledToken> tokens, bool withPrompt)
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
