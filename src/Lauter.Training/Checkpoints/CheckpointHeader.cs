using System.Text.Json.Serialization;

namespace Lauter.Training.Checkpoints;

/// <summary>The small part of a checkpoint: where the run stands.</summary>
internal sealed record CheckpointHeader
{
    /// <summary>Names what the run depends on; a checkpoint of another run is never continued.</summary>
    public required string RunDigest { get; init; }

    /// <summary>Steps done.</summary>
    public required int Step { get; init; }

    /// <summary>Trained tokens seen.</summary>
    public required long TrainedTokens { get; init; }

    /// <summary>CPU time spent so far, in seconds, over all processes of the run.</summary>
    public required double CpuSeconds { get; init; }

    public required double[] RecentLosses { get; init; }

    public required int Spikes { get; init; }

    public ValidationResult? LastValidation { get; init; }

    public ValidationResult? BestValidation { get; init; }

    public required int BestStep { get; init; }

    /// <summary>Validations since the best one.</summary>
    public int SinceBest { get; init; }

    /// <summary>How often the run went back after diverging.</summary>
    public int RollBacks { get; init; }

    /// <summary>Steps whose rows are left out since then.</summary>
    public int[] Skipped { get; init; } = [];

    /// <summary>What the state kept for going back belongs to; null without one. Its arrays come last.</summary>
    public SnapshotHeader? Snapshot { get; init; }

    /// <summary>Lengths of the arrays that follow, in the order weights, first moments, second moments, best weights.</summary>
    public required int[] Lengths { get; init; }
}

/// <summary>The small part of a state to go back to.</summary>
internal sealed record SnapshotHeader(int Step, long TrainedTokens, double[] RecentLosses, int Spikes, int Arrays);

/// <summary>How the network does on examples it is not trained on.</summary>
/// <param name="Examples">Number of examples.</param>
/// <param name="Loss">Mean negative natural-log probability of a trained token.</param>
/// <param name="ExactMatch">Part of the examples, 0–1, whose whole completion greedy decoding reproduces.</param>
/// <param name="TokenAccuracy">Part of the trained tokens, 0–1, that are the most probable one.</param>
public sealed record ValidationResult(int Examples, double Loss, double ExactMatch, double TokenAccuracy);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(CheckpointHeader))]
internal sealed partial class CheckpointJson : JsonSerializerContext;
