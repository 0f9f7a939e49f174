using Lauter.Training.Decoders;

namespace Lauter.Training.Examples;

/// <summary>One row as the network sees it: a conversation, or a prompt with a better and a worse answer.</summary>
/// <param name="Id">Its name in the dataset.</param>
/// <param name="Ids">Token ids; of a preference, those of the better answer with its prompt.</param>
/// <param name="Trained">Per token: whether predicting it counts in the loss. The first token is never predicted.</param>
internal sealed record TrainingExample(string Id, int[] Ids, bool[] Trained)
{
    /// <summary>How many predictions count.</summary>
    public int TrainedCount { get; } = Trained.Skip(1).Count(t => t);

    /// <summary>Per token its weight in the loss; null = 1 where trained.</summary>
    public float[]? Weights { get; init; }

    /// <summary>Per token the distribution a teacher had there; null without a teacher, and where it said nothing.</summary>
    public TeacherTarget?[]? Teacher { get; init; }

    /// <summary>The worse answer with the same prompt; null in rows that are no preference.</summary>
    public TrainingExample? Rejected { get; init; }

    /// <summary>Whether the answer is a wanted one; only the KTO loss asks.</summary>
    public bool Desirable { get; init; } = true;

    /// <summary>Tokens of the row, both answers counted.</summary>
    public int Length => Ids.Length + (Rejected?.Ids.Length ?? 0);

    /// <summary>Token ids with their weights, as a pack takes them.</summary>
    public (int[] Ids, float[] Weights) Document() => (Ids, Weights ?? Array.ConvertAll(Trained, t => t ? 1f : 0f));
}
