namespace Lauter.Training.Optimisers;

/// <summary>Moves parameters along their gradients.</summary>
internal interface IOptimiser
{
    /// <summary>All that a step depends on besides weights and gradients; a checkpoint stores it in this order.</summary>
    IReadOnlyList<float[]> State { get; }

    /// <summary>Moves every parameter by its gradient × <paramref name="gradientScale"/> and clears the gradients.</summary>
    /// <param name="step">From 1.</param>
    /// <param name="learningRate">Of this step.</param>
    /// <param name="gradientScale">Clipping factor ÷ trained tokens.</param>
    void Step(int step, double learningRate, double gradientScale);
}
