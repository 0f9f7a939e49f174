using Lauter.Models.Templates;
using Lauter.Models.Tokens;

namespace Lauter.Training.Examples;

/// <summary>Turns conversations into token ids by the same renderer and tokenizer that serve the model.</summary>
internal sealed class ExampleEncoder(ChatTemplate template, ModelTokenizer tokenizer, int maximumTokens)
{
    /// <summary>Rows left out because they were longer than the limit. Cutting them would train on answers without their question or end.</summary>
    public int TooLong { get; private set; }

    /// <summary>The rows of <paramref name="split"/> that fit and have something to train.</summary>
    public IReadOnlyList<TrainingExample> Encode(IReadOnlyList<ConversationRow> rows, string split)
    {
        List<TrainingExample> examples = [];
        foreach (var row in rows)
        {
            if (row.Split != split)
            {
                continue;
            }

            var chat = ChatEncoder.Encode(template, tokenizer, row.Messages, addGenerationPrompt: false);

            // What follows the last trained token predicts nothing that counts.
            var length = Array.LastIndexOf(chat.Trained, true) + 1;
            if (length > maximumTokens)
            {
                TooLong++;
            }
            else if (length > 1)
            {
                examples.Add(new TrainingExample(row.Id, chat.Ids[..length], chat.Trained[..length]));
            }
        }

        return examples;
    }
}
