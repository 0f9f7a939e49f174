namespace Lauter.Gateway.FineTuning;

/// <summary>The room that trains, as the gateway sees it; the program brings it in, so that this room needs none of its libraries.</summary>
public sealed record FineTuningTrainer
{
    /// <summary>Names that a job may give as its <c>model</c>.</summary>
    public required IReadOnlyList<string> Models { get; init; }

    /// <summary>
    /// Trains to the end. Called again with the same work, it goes on where it was stopped. Cancelling stops it with a checkpoint.
    /// Throws <see cref="FineTuningFailedException"/> when no model comes of it.
    /// </summary>
    public required Func<FineTuningWork, Action<FineTuningNote>, CancellationToken, Task<FineTuningOutcome>> RunAsync { get; init; }
}

/// <summary>A training that cannot end well; the message is for the caller.</summary>
public sealed class FineTuningFailedException : Exception
{
    /// <inheritdoc/>
    public FineTuningFailedException(string message)
        : base(message)
    {
    }

    /// <inheritdoc/>
    public FineTuningFailedException(string message, Exception inner)
        : base(message, inner)
    {
    }
}

/// <summary>What is to be trained.</summary>
public sealed record FineTuningWork
{
    /// <summary>The job's id.</summary>
    public required string Id { get; init; }

    /// <summary>One of <see cref="FineTuningTrainer.Models"/>.</summary>
    public required string Model { get; init; }

    /// <summary>The name of what comes out.</summary>
    public required string Name { get; init; }

    /// <summary>Whether rows are pairs of a better and a worse answer; else conversations.</summary>
    public required bool Preferences { get; init; }

    /// <summary>JSON lines as training takes them, with a split each.</summary>
    public required string RowsPath { get; init; }

    /// <summary>Rows of the split train.</summary>
    public required int Rows { get; init; }

    /// <summary>Where it works; the same folder on every call.</summary>
    public required string Directory { get; init; }

    /// <summary>Passes over the rows; null = the trainer chooses.</summary>
    public int? Epochs { get; init; }

    /// <summary>Rows a step; null = the trainer chooses.</summary>
    public int? BatchSize { get; init; }

    /// <summary>Times the trainer's own learning rate.</summary>
    public double LearningRateMultiplier { get; init; } = 1;

    /// <summary>Pull away from the reference, for preferences; null = the trainer chooses.</summary>
    public double? Beta { get; init; }

    /// <summary>Names the random numbers.</summary>
    public required long Seed { get; init; }
}

/// <summary>Something a training tells on its way. Members it does not tell are null.</summary>
public sealed record FineTuningNote
{
    /// <summary>Steps done.</summary>
    public int? Step { get; init; }

    /// <summary>All steps.</summary>
    public int? Steps { get; init; }

    /// <summary>Loss of the rows trained on, in nats a token.</summary>
    public double? Loss { get; init; }

    /// <summary>Loss on the validation rows.</summary>
    public double? ValidationLoss { get; init; }

    /// <summary>Part of the validation tokens that were the most probable one, 0–1.</summary>
    public double? ValidationAccuracy { get; init; }

    /// <summary>Epoch whose weights were kept, from 1.</summary>
    public int? Epoch { get; init; }

    /// <summary>Seconds to the end.</summary>
    public double? SecondsLeft { get; init; }

    /// <summary>CPU seconds since the job's first start.</summary>
    public double? CpuSeconds { get; init; }

    /// <summary>A sentence for people.</summary>
    public string? Message { get; init; }

    /// <summary>Whether the sentence tells of trouble.</summary>
    public bool Warns { get; init; }
}

/// <summary>What came of a training.</summary>
/// <param name="TrainedTokens">Trained tokens of all epochs.</param>
/// <param name="CpuSeconds">CPU seconds since the job's first start.</param>
/// <param name="Steps">Steps taken.</param>
/// <param name="Epochs">Passes over the rows.</param>
/// <param name="BatchSize">Rows a step.</param>
/// <param name="Files">Names and paths of what the caller may fetch; they are moved.</param>
public sealed record FineTuningOutcome(long TrainedTokens, double CpuSeconds, int Steps, int Epochs, int BatchSize, IReadOnlyList<(string Name, string Path)> Files);
