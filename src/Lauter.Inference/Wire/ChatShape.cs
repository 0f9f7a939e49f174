using System.Text.Json.Nodes;
using Lauter.Inference.Native;
using Lauter.Inference.Sampling;

namespace Lauter.Inference.Wire;

/// <summary>Answers of <c>/v1/chat/completions</c>.</summary>
internal sealed class ChatShape(LoadedModel model, bool logProbabilities) : IAnswerShape
{
    public JsonObject Whole(AnswerHead head, string text, string finish, IReadOnlyList<SampledToken> tokens, JsonObject usage) => new()
    {
        ["id"] = head.Id,
        ["object"] = "chat.completion",
        ["created"] = head.Created,
        ["model"] = head.Model,
        ["choices"] = new JsonArray(new JsonObject
        {
            ["index"] = 0,
            ["message"] = new JsonObject { ["role"] = "assistant", ["content"] = text, ["refusal"] = null },
            ["logprobs"] = LogProbabilities(tokens),
            ["finish_reason"] = finish,
        }),
        ["usage"] = usage,
    };

    public JsonObject Piece(AnswerHead head, string text, string? finish, IReadOnlyList<SampledToken> tokens, bool first)
    {
        var delta = new JsonObject();
        if (first)
        {
            delta["role"] = "assistant";
        }

        if (text.Length > 0 || first)
        {
            delta["content"] = text;
        }

        return Chunk(head, new JsonObject
        {
            ["index"] = 0,
            ["delta"] = delta,
            ["logprobs"] = tokens.Count > 0 ? LogProbabilities(tokens) : null,
            ["finish_reason"] = finish,
        });
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
        ["object"] = "chat.completion.chunk",
        ["created"] = head.Created,
        ["model"] = head.Model,
        ["choices"] = new JsonArray(choices),
    };

    private JsonObject? LogProbabilities(IReadOnlyList<SampledToken> tokens) => logProbabilities
        ? new JsonObject { ["content"] = new JsonArray([.. tokens.Select(token => (JsonNode)TokenText.ChatEntry(model, token))]), ["refusal"] = null }
        : null;
}
