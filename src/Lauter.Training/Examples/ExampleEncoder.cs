using Lauter.Models.Templates;
using Lauter.Models.Tokens;
using Lauter.Training.Jobs;
using Lauter.Training.Loop;

namespace Lauter.Training.Examples;

/// <summary>Turns rows into token ids by the same renderer and tokenizer that serve the model, and counts what it must leave out.</summary>
/// <param name="template">Null only for texts.</param>
/// <param name="tokenizer">Of the model.</param>
/// <param name="maximumTokens">Longest row.</param>
/// <param name="longRows">What happens to longer ones.</param>
internal sealed class ExampleEncoder(ChatTemplate? template, ModelTokenizer tokenizer, int maximumTokens, LongRows longRows = LongRows.Drop)
{
    /// <summary>Rows left out because they were longer than the limit.</summary>
    public int TooLong { get; private set; }

    /// <summary>Rows whose end was cut off.</summary>
    public int Cut { get; private set; }

    /// <summary>Rows in which nothing is trained: no answer, or all of weight 0.</summary>
    public int WithoutTarget { get; private set; }

    /// <summary>The rows of <paramref name="split"/> that fit and have something to train.</summary>
    /// <exception cref="TrainingFailedException">A row is too long, and that is refused.</exception>
    public IReadOnlyList<TrainingExample> Encode(IReadOnlyList<TrainingRow> rows, string split)
    {
        List<TrainingExample> examples = [];
        foreach (var row in rows.Where(r => r.Split == split))
        {
            foreach (var example in row.Kind == RowKind.Text ? Texts(row) : Conversation(row))
            {
                examples.Add(example);
            }
        }

        return examples;
    }

    private IEnumerable<TrainingExample> Conversation(TrainingRow row)
    {
        var example = Chat(row.Id, row.Messages, row.Weights);
        if (row.Rejected is { } rejected)
        {
            example = example with { Rejected = Chat(row.Id, rejected, null) };
        }

        if (row.Teacher is { } teacher)
        {
            example = example with { Teacher = teacher.On(row.Id, example.Ids, example.Trained, tokenizer) };
        }

        if (example.TrainedCount == 0 || example.Rejected?.TrainedCount == 0)
        {
            WithoutTarget++;
            yield break;
        }

        var longest = Math.Max(example.Ids.Length, example.Rejected?.Ids.Length ?? 0);
        if (longest > maximumTokens)
        {
            if (Shorten(row, longest, example) is not { } shorter)
            {
                yield break;
            }

            example = shorter;
        }

        yield return example with { Desirable = row.Desirable };
    }

    private TrainingExample? Shorten(TrainingRow row, int length, TrainingExample example)
    {
        switch (longRows)
        {
            case LongRows.Refuse:
                throw new TrainingFailedException($"The row {row.Id} has {length} tokens; allowed are {maximumTokens}. Shorten it, or allow long rows to be dropped or cut.");
            case LongRows.Cut when example.Rejected is null && example.Trained.AsSpan(1, maximumTokens - 1).Contains(true):
                Cut++;
                return new TrainingExample(example.Id, example.Ids[..maximumTokens], example.Trained[..maximumTokens]) { Weights = example.Weights?[..maximumTokens], Teacher = example.Teacher?[..maximumTokens] };
            default:
                TooLong++;
                return null;
        }
    }

    private TrainingExample Chat(string id, IReadOnlyList<ChatMessage> messages, IReadOnlyList<float>? weights)
    {
        var chat = ChatEncoder.Encode(
            template ?? throw new TrainingFailedException($"{tokenizer.Path} has no chat template (tokenizer.chat_template), so conversations cannot be rendered for it."),
            tokenizer, messages, addGenerationPrompt: false);
        var (trained, perToken) = weights is null ? (chat.Trained, null) : Weigh(id, chat.Trained, weights);

        // What follows the last trained token predicts nothing that counts.
        var length = Math.Max(2, Array.LastIndexOf(trained, true) + 1);
        return length > chat.Ids.Length
            ? new TrainingExample(id, chat.Ids, new bool[chat.Ids.Length])
            : new TrainingExample(id, chat.Ids[..length], trained[..length]) { Weights = perToken?[..length] };
    }

    /// <summary>Each run of trained tokens is one assistant message.</summary>
    private static (bool[] Trained, float[] Weights) Weigh(string id, bool[] trained, IReadOnlyList<float> weights)
    {
        var message = -1;
        var perToken = new float[trained.Length];
        for (var i = 0; i < trained.Length; i++)
        {
            message += trained[i] && (i == 0 || !trained[i - 1]) ? 1 : 0;
            perToken[i] = trained[i] && message < weights.Count ? weights[message] : 0;
        }

        return message + 1 == weights.Count
            ? (Array.ConvertAll(perToken, w => w > 0), perToken)
            : throw new TrainingFailedException($"The row {id} has {weights.Count} assistant messages, but the template shows {message + 1} of them; weights per message cannot be used with it.");
    }

    private IEnumerable<TrainingExample> Texts(TrainingRow row)
    {
        int[] ids = [.. tokenizer is { AddsBegin: true, Begin: { } begin } ? [begin] : Array.Empty<int>(), .. tokenizer.Encode(row.Text!, parseSpecial: false), tokenizer.EndOfText];
        if (ids.Length < 2)
        {
            WithoutTarget++;
            yield break;
        }

        if (ids.Length > maximumTokens && longRows != LongRows.Cut)
        {
            _ = longRows == LongRows.Refuse
                ? throw new TrainingFailedException($"The row {row.Id} has {ids.Length} tokens; allowed are {maximumTokens}. Shorten it, or allow long rows to be dropped or cut.")
                : TooLong++;
            yield break;
        }

        Cut += ids.Length > maximumTokens ? 1 : 0;
        for (var start = 0; start < ids.Length - 1; start += maximumTokens - 1)
        {
            // Pieces share one token, so that every token but the first is predicted once.
            var piece = ids[start..Math.Min(ids.Length, start + maximumTokens)];
            yield return new TrainingExample(row.Id, piece, [.. Enumerable.Repeat(true, piece.Length)]);
        }
    }
}
