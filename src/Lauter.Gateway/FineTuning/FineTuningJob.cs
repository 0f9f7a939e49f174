using System.Text.Json.Serialization;

namespace Lauter.Gateway.FineTuning;

/// <summary>The states of a job, by OpenAI's names. They are stored and on the wire.</summary>
internal static class JobStates
{
    public const string Validating = "validating_files";
    public const string Queued = "queued";
    public const string Running = "running";
    public const string Paused = "paused";
    public const string Succeeded = "succeeded";
    public const string Failed = "failed";
    public const string Cancelled = "cancelled";
}

/// <summary>A job as it is stored. Null hyperparameters mean that the caller left them to the trainer.</summary>
internal sealed record FineTuningJob
{
    public required string Id { get; init; }

    public required string Tenant { get; init; }

    public required string KeyId { get; init; }

    public required string Model { get; init; }

    public required string TrainingFile { get; init; }

    public string? ValidationFile { get; init; }

    /// <summary>supervised or dpo.</summary>
    public required string Method { get; init; }

    public int? Epochs { get; init; }

    public int? BatchSize { get; init; }

    public double? LearningRateMultiplier { get; init; }

    public double? Beta { get; init; }

    public required long Seed { get; init; }

    public string? Suffix { get; init; }

    public Dictionary<string, string>? Metadata { get; init; }

    public required string Status { get; init; }

    public required DateTimeOffset Created { get; init; }

    public DateTimeOffset? Finished { get; init; }

    public DateTimeOffset? EstimatedFinish { get; init; }

    public string? ErrorCode { get; init; }

    public string? Error { get; init; }

    public string? ErrorParam { get; init; }

    public string? FineTunedModel { get; init; }

    public IReadOnlyList<string> ResultFiles { get; init; } = [];

    public long? TrainedTokens { get; init; }

    /// <summary>Rows of the split train, once they are read.</summary>
    public int Rows { get; init; }

    /// <summary>CPU seconds that are in the ledger already, and in how many entries.</summary>
    public double BookedSeconds { get; init; }

    public int Bookings { get; init; }

    public IReadOnlyList<FineTuningCheckpoint> Checkpoints { get; init; } = [];

    [JsonIgnore]
    public bool IsOver => Status is JobStates.Succeeded or JobStates.Failed or JobStates.Cancelled;

    /// <summary>Whether the runner has something to do with it.</summary>
    [JsonIgnore]
    public bool Waits => Status is JobStates.Validating or JobStates.Queued or JobStates.Running;
}

/// <summary>The weights after an epoch.</summary>
internal sealed record FineTuningCheckpoint(string Id, DateTimeOffset Created, int Epoch, int Step, double? Loss, double? ValidationLoss, double? ValidationAccuracy);

/// <summary>Something that happened to a job; a line in its event file.</summary>
internal sealed record FineTuningEvent(string Id, DateTimeOffset Created, string Level, string Message, FineTuningMetrics? Data = null);

/// <summary>Numbers of an event.</summary>
internal sealed record FineTuningMetrics(int Step, int? TotalSteps, double? TrainLoss, double? ValidLoss, double? ValidMeanTokenAccuracy);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(FineTuningJob))]
[JsonSerializable(typeof(FineTuningEvent))]
internal sealed partial class FineTuningContext : JsonSerializerContext;
