using System.Text.Json;
using Lauter.Models.Templates;
using Lauter.Training.Loop;

namespace Lauter.Training.Examples;

/// <summary>The forms a row can have; a file holds rows of one.</summary>
internal enum RowKind
{
    /// <summary>
    /// <c>{"messages": […]}</c>, with an optional <c>weight</c> 0–1 on assistant messages; or <c>{"prompt", "completion"}</c>. Either may carry what a teacher
    /// recorded: <see cref="TeacherRecord"/>.
    /// </summary>
    Conversation,

    /// <summary><c>{"prompt", "chosen", "rejected"}</c>.</summary>
    Preference,

    /// <summary><c>{"prompt", "completion", "label"}</c> with label true or false: a wanted or unwanted answer.</summary>
    Judged,

    /// <summary><c>{"text"}</c>: every token is trained.</summary>
    Text,
}

/// <summary>One line of an examples file.</summary>
/// <param name="Id">Its name in the dataset; its line number where it has none.</param>
/// <param name="Split">train, validation or test.</param>
/// <param name="Kind">Its form.</param>
/// <param name="Messages">The conversation, with the better answer; empty in texts.</param>
internal sealed record TrainingRow(string Id, string Split, RowKind Kind, IReadOnlyList<ChatMessage> Messages)
{
    /// <summary>Per assistant message its weight in the loss; null = 1 each.</summary>
    public IReadOnlyList<float>? Weights { get; init; }

    /// <summary>The conversation with the worse answer.</summary>
    public IReadOnlyList<ChatMessage>? Rejected { get; init; }

    /// <summary>Whether the answer is wanted.</summary>
    public bool Desirable { get; init; } = true;

    public string? Text { get; init; }

    /// <summary>What a teacher recorded about the answers; null without.</summary>
    public TeacherRecord? Teacher { get; init; }

    /// <summary>Reads a line.</summary>
    /// <exception cref="JsonException">It is no row; the message says what was expected.</exception>
    public static TrainingRow Parse(string line, int number)
    {
        using var document = JsonDocument.Parse(line, new JsonDocumentOptions { MaxDepth = 16 });
        var root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Object)
        {
            throw new JsonException($"a row is a JSON object, not {root.ValueKind}.");
        }

        var id = Optional(root, "id") ?? $"line {number}";
        var split = Optional(root, "split") ?? ExampleFile.Train;
        if (root.TryGetProperty("messages", out var messages))
        {
            var (read, weights) = ReadMessages(messages);
            return new TrainingRow(id, split, RowKind.Conversation, read) { Weights = weights, Teacher = TeacherRecord.Read(root) };
        }

        if (root.TryGetProperty("text", out var text) && text.ValueKind == JsonValueKind.String)
        {
            return new TrainingRow(id, split, RowKind.Text, []) { Text = text.GetString() };
        }

        if (!root.TryGetProperty("prompt", out var prompt))
        {
            throw new JsonException("it has none of 'messages', 'prompt' and 'text'.");
        }

        var start = Turn(prompt, "user", "prompt");
        if (root.TryGetProperty("chosen", out var chosen) && root.TryGetProperty("rejected", out var rejected))
        {
            return new TrainingRow(id, split, RowKind.Preference, [.. start, .. Turn(chosen, "assistant", "chosen")]) { Rejected = [.. start, .. Turn(rejected, "assistant", "rejected")] };
        }

        if (!root.TryGetProperty("completion", out var completion))
        {
            throw new JsonException("beside 'prompt' it needs 'completion', or 'chosen' and 'rejected'.");
        }

        TrainingRow row = new(id, split, RowKind.Conversation, [.. start, .. Turn(completion, "assistant", "completion")]) { Teacher = TeacherRecord.Read(root) };
        return root.TryGetProperty("label", out var label)
            ? row with { Kind = RowKind.Judged, Desirable = label.ValueKind is JsonValueKind.True or JsonValueKind.False ? label.GetBoolean() : throw new JsonException("'label' must be true or false.") }
            : row;
    }

    private static string? Optional(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) ? value.ValueKind switch
        {
            JsonValueKind.String => value.GetString(),
            JsonValueKind.Number => value.GetRawText(),
            _ => throw new JsonException($"'{name}' must be a text."),
        }
        : null;

    /// <summary>A turn is a text, or a list of messages.</summary>
    private static IReadOnlyList<ChatMessage> Turn(JsonElement value, string role, string name) => value.ValueKind switch
    {
        JsonValueKind.String => [new ChatMessage(role, value.GetString()!)],
        JsonValueKind.Array => ReadMessages(value).Messages,
        _ => throw new JsonException($"'{name}' must be a text or a list of messages."),
    };

    private static (IReadOnlyList<ChatMessage> Messages, IReadOnlyList<float>? Weights) ReadMessages(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() == 0)
        {
            throw new JsonException("'messages' must be a list of at least one message.");
        }

        List<ChatMessage> messages = [];
        List<float> weights = [];
        foreach (var message in value.EnumerateArray())
        {
            if (message.ValueKind != JsonValueKind.Object
                || !message.TryGetProperty("role", out var role) || role.ValueKind != JsonValueKind.String
                || !message.TryGetProperty("content", out var content) || content.ValueKind != JsonValueKind.String)
            {
                throw new JsonException("a message needs the texts 'role' and 'content'.");
            }

            messages.Add(new ChatMessage(role.GetString()!, content.GetString()!));
            if (role.GetString() == "assistant")
            {
                weights.Add(message.TryGetProperty("weight", out var weight)
                    ? weight.ValueKind == JsonValueKind.Number && weight.GetSingle() is >= 0 and <= 1 ? weight.GetSingle() : throw new JsonException("'weight' must be a number from 0 to 1.")
                    : 1);
            }
        }

        return (messages, weights.TrueForAll(w => w == 1) ? null : weights);
    }
}
