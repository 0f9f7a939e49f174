using System.Text.Json;
using System.Text.Json.Serialization;
using Lauter.Training.Checkpoints;

namespace Lauter.Training.Jobs;

/// <summary>The kinds of <see cref="TrainingEvent"/>.</summary>
public static class TrainingEventKinds
{
    /// <summary>The examples are read and the network stands.</summary>
    public const string Started = "started";

    /// <summary>The rows are read: what the run is going to do.</summary>
    public const string Report = "report";

    /// <summary>Some steps later.</summary>
    public const string Progress = "progress";

    /// <summary>A validation was measured.</summary>
    public const string Validation = "validation";

    /// <summary>A checkpoint is on disk.</summary>
    public const string Checkpoint = "checkpoint";

    /// <summary>The adapter of an epoch is kept; <see cref="TrainingEvent.Message"/> is its folder.</summary>
    public const string Epoch = "epoch";

    /// <summary>The run diverged and went back; <see cref="TrainingEvent.Message"/> names the rows that are left out.</summary>
    public const string RolledBack = "rolledBack";

    /// <summary>The model is written; <see cref="TrainingEvent.Result"/> is set.</summary>
    public const string Result = "result";

    /// <summary>The run ended without a model; <see cref="TrainingEvent.Message"/> says why.</summary>
    public const string Failed = "failed";

    /// <summary>The run was asked to stop and left a checkpoint.</summary>
    public const string Cancelled = "cancelled";
}

/// <summary>One JSON line from the training child. Members that a kind does not carry are null.</summary>
public sealed record TrainingEvent
{
    /// <summary>One of <see cref="TrainingEventKinds"/>.</summary>
    public required string Kind { get; init; }

    /// <summary>Steps done.</summary>
    public int? Step { get; init; }

    /// <summary>All steps of the run.</summary>
    public int? Steps { get; init; }

    /// <summary>Mean loss per trained token since the last event, in nats.</summary>
    public double? Loss { get; init; }

    /// <summary>Loss on the validation examples, in nats per trained token.</summary>
    public double? ValidationLoss { get; init; }

    /// <summary>Part of the validation examples, 0–1, answered exactly.</summary>
    public double? ValidationExactMatch { get; init; }

    /// <summary>Part of the validation tokens, 0–1, that were the most probable one.</summary>
    public double? ValidationTokenAccuracy { get; init; }

    /// <summary>Learning rate of the last step.</summary>
    public double? LearningRate { get; init; }

    /// <summary>Tokens per second since the last event, padding not counted.</summary>
    public double? TokensPerSecond { get; init; }

    /// <summary>Expected seconds to the end.</summary>
    public double? SecondsLeft { get; init; }

    /// <summary>CPU seconds of the child so far, earlier runs that were resumed included.</summary>
    public double? CpuSeconds { get; init; }

    /// <summary>Highest resident memory of the child so far, in bytes.</summary>
    public long? PeakMemoryBytes { get; init; }

    /// <summary>A sentence for people.</summary>
    public string? Message { get; init; }

    /// <summary>What the run is going to do, before its first step.</summary>
    public DataReport? Report { get; init; }

    /// <summary>The outcome, on the last event of a run that succeeded.</summary>
    public TrainingResult? Result { get; init; }

    /// <summary>The line for the wire, without a line feed.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, TrainingJson.Default.TrainingEvent);

    /// <summary>Reads a line; null when it is something else, for example output of a native library.</summary>
    public static TrainingEvent? TryParse(string line)
    {
        if (!line.StartsWith('{'))
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize(line, TrainingJson.Default.TrainingEvent);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>What a run came to; the content of result.json.</summary>
public sealed record TrainingResult
{
    /// <summary>File name of the model inside the output directory.</summary>
    public required string Model { get; init; }

    /// <summary>Folder with the adapter in PEFT's form, inside the output directory; null when every weight was trained.</summary>
    public string? Adapter { get; init; }

    /// <summary>Whether the run stopped at <see cref="TrainingJob.PauseAt"/>; then there is no model yet.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Paused { get; init; }

    /// <summary>Values that were trained.</summary>
    public required long Parameters { get; init; }

    /// <summary>Tokens of the vocabulary.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Examples trained on.</summary>
    public required int TrainingExamples { get; init; }

    /// <summary>Examples left out because they were longer than the limit.</summary>
    public required int ExamplesTooLong { get; init; }

    /// <summary>Steps of the run.</summary>
    public required int Steps { get; init; }

    /// <summary>The step whose weights the model has: the best on the validation examples, or the last without any.</summary>
    public required int BestStep { get; init; }

    /// <summary>Trained tokens seen in all epochs.</summary>
    public required long TrainedTokens { get; init; }

    /// <summary>Measured on the validation examples with the model's weights; null without any.</summary>
    public ValidationResult? Validation { get; init; }

    /// <summary>Seconds of this process from start to model, by the clock.</summary>
    public required double Seconds { get; init; }

    /// <summary>CPU seconds over all processes of the run.</summary>
    public required double CpuSeconds { get; init; }

    /// <summary>Highest resident memory of the process, in bytes; 0 where the system does not tell.</summary>
    public required long PeakMemoryBytes { get; init; }
}
