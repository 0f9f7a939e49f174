using Lauter.Training.Checkpoints;
using Lauter.Training.Examples;

namespace Lauter.Training.Loop;

/// <summary>What the loop trains: a whole network, or an adapter on a frozen one.</summary>
internal interface ILearner : IDisposable
{
    /// <summary>All values that are trained, copied; a checkpoint stores them in this order.</summary>
    float[][] Weights { get; set; }

    /// <summary>Everything a step depends on besides weights and gradients, copied.</summary>
    float[][] State { get; set; }

    /// <summary>Adds the gradient of the sum of losses of a step's rows.</summary>
    /// <param name="examples">The rows.</param>
    /// <param name="step">Steps done before; names the random numbers of this one.</param>
    StepSums Accumulate(IReadOnlyList<TrainingExample> examples, int step);

    /// <summary>Euclidean length of the gradient of the sum. Asked once a step.</summary>
    double GradientNorm();

    /// <summary>Moves the weights by the gradient × <paramref name="scale"/> and clears it.</summary>
    void Move(int step, double rate, double scale);

    /// <summary>Forgets what <see cref="Accumulate"/> gathered.</summary>
    void Discard();

    /// <summary>How it does on rows it is not trained on; null without rows.</summary>
    ValidationResult? Measure(IReadOnlyList<TrainingExample> examples);
}

/// <summary>Sums over the rows of a step.</summary>
/// <param name="Loss">Sum of losses.</param>
/// <param name="Weight">What the sum is divided by: weight of trained tokens, or rows of preferences.</param>
/// <param name="Tokens">Tokens of all rows.</param>
/// <param name="Trained">Predictions that count.</param>
/// <param name="Hits">Of them, those whose target was the most probable token.</param>
/// <param name="Exact">Rows all of whose targets were.</param>
/// <param name="Margin">Sum of reward margins (preferences).</param>
internal readonly record struct StepSums(double Loss, double Weight, int Tokens, int Trained, int Hits = 0, int Exact = 0, double Margin = 0)
{
    public static StepSums operator +(StepSums a, StepSums b) =>
        new(a.Loss + b.Loss, a.Weight + b.Weight, a.Tokens + b.Tokens, a.Trained + b.Trained, a.Hits + b.Hits, a.Exact + b.Exact, a.Margin + b.Margin);
}
