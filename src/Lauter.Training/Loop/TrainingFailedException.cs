namespace Lauter.Training.Loop;

/// <summary>A training run that cannot reach a model; the message names the value seen and the way out.</summary>
public sealed class TrainingFailedException : Exception
{
    /// <inheritdoc/>
    public TrainingFailedException(string message)
        : base(message)
    {
    }

    /// <inheritdoc/>
    public TrainingFailedException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
