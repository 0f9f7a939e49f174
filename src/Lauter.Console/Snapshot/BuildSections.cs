namespace Lauter.Console;

/// <summary>All datasets.</summary>
/// <param name="Datasets">In the order of the project file.</param>
public sealed record DataSection(IReadOnlyList<DatasetView> Datasets);

/// <summary>One dataset version.</summary>
public sealed record DatasetView
{
    /// <summary>Name in the project file.</summary>
    public required string Name { get; init; }

    /// <summary><c>documents</c> or <c>examples</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>Source files read.</summary>
    public required long Files { get; init; }

    /// <summary>Rows (documents or examples) read from them.</summary>
    public required long Read { get; init; }

    /// <summary>Rows kept.</summary>
    public required long Kept { get; init; }

    /// <summary>Rows dropped, by reason code (<c>duplicate_of</c>, <c>too_short</c> …).</summary>
    public IReadOnlyList<CountView> Dropped { get; init; } = [];

    /// <summary>Rows kept, by language tag.</summary>
    public IReadOnlyList<CountView> Languages { get; init; } = [];

    /// <summary>Rows kept, by part of the split; empty for documents.</summary>
    public IReadOnlyList<CountView> Splits { get; init; } = [];

    /// <summary>Masked personal data, by kind.</summary>
    public IReadOnlyList<CountView> Masked { get; init; } = [];

    /// <summary>SHA-256 of the version's manifest, hexadecimal; null when not stored yet.</summary>
    public string? Version { get; init; }
}

/// <summary>All indexes.</summary>
/// <param name="Indexes">In the order of the project file.</param>
public sealed record IndexSection(IReadOnlyList<IndexView> Indexes);

/// <summary>One index.</summary>
/// <param name="Name">Name in the project file.</param>
/// <param name="Documents">Documents indexed.</param>
/// <param name="Chunks">Passages.</param>
/// <param name="Languages">Passages by language tag.</param>
/// <param name="Terms">Different search terms.</param>
/// <param name="Embedder">Name of the embedder.</param>
/// <param name="Dimensions">Numbers in one vector.</param>
/// <param name="Elapsed">Time it took; null when taken from the store.</param>
public sealed record IndexView(
    string Name, long Documents, long Chunks, IReadOnlyList<CountView> Languages, long Terms, string Embedder, int Dimensions, TimeSpan? Elapsed);

/// <summary>State of a training.</summary>
public enum TrainingState
{
    /// <summary>Its child process works.</summary>
    Running,

    /// <summary>It wrote a model.</summary>
    Done,

    /// <summary>It ended without a model; see <see cref="TrainingSection.Failure"/>.</summary>
    Failed,

    /// <summary>Stopped on request; the next run goes on from the checkpoint.</summary>
    Stopped,
}

/// <summary>One training.</summary>
public sealed record TrainingSection
{
    /// <summary>Name in the project file.</summary>
    public required string Name { get; init; }

    /// <summary>Name of the base model.</summary>
    public required string Base { get; init; }

    /// <summary>Weights of the model; null when unknown.</summary>
    public long? Parameters { get; init; }

    /// <summary>State of the run.</summary>
    public required TrainingState State { get; init; }

    /// <summary>Steps done.</summary>
    public required long Step { get; init; }

    /// <summary>Steps planned.</summary>
    public required long Steps { get; init; }

    /// <summary>Training tokens in a second; null before the first measurement.</summary>
    public double? TokensPerSecond { get; init; }

    /// <summary>Time left; null when unknown or done.</summary>
    public TimeSpan? Left { get; init; }

    /// <summary>Wall time so far.</summary>
    public TimeSpan? Elapsed { get; init; }

    /// <summary>Core-seconds so far.</summary>
    public double? CoreSeconds { get; init; }

    /// <summary>Peak memory of the child in bytes.</summary>
    public long? PeakBytes { get; init; }

    /// <summary>Loss over steps, in order.</summary>
    public IReadOnlyList<LossPoint> Losses { get; init; } = [];

    /// <summary>Largest difference of log-probabilities in the parity gate; null before it ran.</summary>
    public double? ParityDifference { get; init; }

    /// <summary>Whether the parity gate passed; null before it ran.</summary>
    public bool? ParityPassed { get; init; }

    /// <summary>Why it failed, for a person.</summary>
    public string? Failure { get; init; }
}

/// <summary>A measurement during training.</summary>
/// <param name="Step">Step from 1.</param>
/// <param name="Loss">Training loss in nats per token; null when only the validation loss was measured.</param>
/// <param name="ValidationLoss">Loss on the validation part; null when not measured at this step.</param>
public sealed record LossPoint(long Step, double? Loss, double? ValidationLoss = null);
