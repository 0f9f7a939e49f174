using System.Text.Json.Nodes;
using Lauter.Inference.Sampling;
using Lauter.Inference.Scheduler;
using Lauter.Inference.Tools;

namespace Lauter.Inference.Wire;

/// <summary>Answers of <c>/v1/chat/completions</c>.</summary>
internal sealed class ChatShape(EngineContext engine, bool logProbabilities, ToolSet? tools, int count) : IAnswerShape
{
    // One reader per choice: each answer calls its own tools.
    private readonly ToolCallReader[] _readers = [.. Enumerable.Range(0, tools is null ? 0 : count).Select(_ => new ToolCallReader(engine.Chat.Dialect, tools!.Tools))];

    public string IdPrefix => "chatcmpl";

    public string Object(bool isPiece) => isPiece ? "chat.completion.chunk" : "chat.completion";

    public JsonObject Whole(int index, string text, FinishReason finish, IReadOnlyList<SampledToken> tokens)
    {
        var (content, calls) = tools is null ? (text, []) : _readers[index].Add(text, isEnd: true);
        var message = new JsonObject { ["role"] = "assistant", ["content"] = calls.Count > 0 && content.Length == 0 ? null : content, ["refusal"] = null };
        if (calls.Count > 0)
        {
            message["tool_calls"] = new JsonArray([.. calls.Select(call => (JsonNode)Call(call))]);
        }

        return new JsonObject
        {
            ["index"] = index,
            ["message"] = message,
            ["logprobs"] = LogProbabilities(tokens),
            ["finish_reason"] = Finish(index, finish),
        };
    }

    public JsonObject? Piece(int index, string text, FinishReason? finish, IReadOnlyList<SampledToken> tokens, bool isFirst)
    {
        var delta = new JsonObject();
        if (isFirst)
        {
            delta["role"] = "assistant";
        }

        var calls = (IReadOnlyList<ToolCall>)[];
        if (tools is not null)
        {
            var before = _readers[index].Count;
            (text, calls) = _readers[index].Add(text, finish is not null);
            if (calls.Count > 0)
            {
                delta["tool_calls"] = new JsonArray([.. calls.Select((call, at) =>
                {
                    var entry = Call(call);
                    entry["index"] = before + at;
                    return (JsonNode)entry;
                })]);
            }
        }

        if (text.Length > 0 || isFirst)
        {
            delta["content"] = text;
        }

        if (text.Length == 0 && calls.Count == 0 && finish is null && tokens.Count == 0 && !isFirst)
        {
            return null;
        }

        return new JsonObject
        {
            ["index"] = index,
            ["delta"] = delta,
            ["logprobs"] = tokens.Count > 0 ? LogProbabilities(tokens) : null,
            ["finish_reason"] = finish is { } reason ? Finish(index, reason) : null,
        };
    }

    private static JsonObject Call(ToolCall call) => new()
    {
        ["id"] = call.Id,
        ["type"] = "function",
        ["function"] = new JsonObject { ["name"] = call.Name, ["arguments"] = call.Arguments },
    };

    private string Finish(int index, FinishReason reason) => reason == FinishReason.Length ? "length"
        : tools is not null && _readers[index].Count > 0 ? "tool_calls" : "stop";

    private JsonObject? LogProbabilities(IReadOnlyList<SampledToken> tokens) => logProbabilities
        ? new JsonObject { ["content"] = new JsonArray([.. tokens.Select(token => (JsonNode)TokenText.ChatEntry(engine.Model, token))]), ["refusal"] = null }
        : null;
}
