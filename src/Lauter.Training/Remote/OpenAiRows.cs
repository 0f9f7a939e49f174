using System.Text;
using System.Text.Json.Nodes;
using Lauter.Models.Templates;
using Lauter.Training.Examples;
using Lauter.Training.Loop;

namespace Lauter.Training.Remote;

/// <summary>Rows as OpenAI-compatible fine-tuning takes them.</summary>
internal static class OpenAiRows
{
    /// <summary>The rows of a split, a line each; null when there are none.</summary>
    /// <exception cref="TrainingFailedException">A row has no form over there.</exception>
    public static byte[]? Of(IReadOnlyList<TrainingRow> rows, string split)
    {
        var lines = new StringBuilder();
        foreach (var row in rows.Where(r => r.Split == split))
        {
            lines.Append(Row(row).ToJsonString()).Append('\n');
        }

        return lines.Length == 0 ? null : Encoding.UTF8.GetBytes(lines.ToString());
    }

    private static JsonObject Row(TrainingRow row)
    {
        switch (row.Kind)
        {
            case RowKind.Conversation:
                var weight = 0;
                return new JsonObject
                {
                    ["messages"] = new JsonArray([.. row.Messages.Select(m =>
                    {
                        var message = Message(m);
                        if (m.Role == "assistant" && row.Weights is { } weights)
                        {
                            // Over there a weight is whole: what counts at all, counts.
                            message["weight"] = weights[weight++] > 0 ? 1 : 0;
                        }

                        return (JsonNode)message;
                    })]),
                };
            case RowKind.Preference:
                var shared = row.Messages.Zip(row.Rejected!).TakeWhile(pair => pair.First == pair.Second).Count();
                return new JsonObject
                {
                    ["input"] = new JsonObject { ["messages"] = new JsonArray([.. row.Messages.Take(shared).Select(Message)]) },
                    ["preferred_output"] = new JsonArray([.. row.Messages.Skip(shared).Select(Message)]),
                    ["non_preferred_output"] = new JsonArray([.. row.Rejected!.Skip(shared).Select(Message)]),
                };
            default:
                throw new TrainingFailedException($"The row {row.Id} is {row.Kind}; a remote training takes conversations and preferences.");
        }
    }

    private static JsonObject Message(ChatMessage message) => new() { ["role"] = message.Role, ["content"] = message.Content };
}
