namespace Lauter.Training.Examples;

/// <summary>One conversation as the network sees it.</summary>
/// <param name="Id">Its name in the dataset.</param>
/// <param name="Ids">Token ids.</param>
/// <param name="Trained">Per token: whether predicting it counts in the loss. The first token is never predicted.</param>
internal sealed record TrainingExample(string Id, int[] Ids, bool[] Trained)
{
    /// <summary>How many predictions count.</summary>
    public int TrainedCount { get; } = Trained.Skip(1).Count(t => t);
}
