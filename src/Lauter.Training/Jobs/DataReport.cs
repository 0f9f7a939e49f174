namespace Lauter.Training.Jobs;

/// <summary>What a run may cost; it does not start when it is expected to cost more.</summary>
public sealed record TrainingLimits
{
    /// <summary>Most hours by the clock.</summary>
    public double? Hours { get; init; }

    /// <summary>Most memory in GiB.</summary>
    public double? MemoryGibibytes { get; init; }

    /// <summary>Price of an hour of this machine, in any currency; null = unknown, and so is the price of the run.</summary>
    public double? HourPrice { get; init; }

    /// <summary>Highest price of the run, in the same currency.</summary>
    public double? Price { get; init; }

    /// <summary>Its currency, for people.</summary>
    public string? Currency { get; init; }
}

/// <summary>What a run is going to do, told before its first step.</summary>
public sealed record DataReport
{
    /// <summary>Rows trained on, and rows it is measured on.</summary>
    public required int Rows { get; init; }

    /// <summary>Rows it is measured on.</summary>
    public required int ValidationRows { get; init; }

    /// <summary>Tokens of an epoch.</summary>
    public required long Tokens { get; init; }

    /// <summary>Tokens of an epoch that are trained.</summary>
    public required long TrainedTokens { get; init; }

    /// <summary>Rows whose end was cut off.</summary>
    public required int Cut { get; init; }

    /// <summary>Rows left out because they were too long.</summary>
    public required int Dropped { get; init; }

    /// <summary>Rows left out because nothing in them is trained.</summary>
    public required int WithoutTarget { get; init; }

    /// <summary>Tokens of the longest row that is used.</summary>
    public required int Longest { get; init; }

    /// <summary>Tokens that all rows begin with.</summary>
    public required int SharedPrefix { get; init; }

    /// <summary>Optimiser steps of the run.</summary>
    public required int Steps { get; init; }

    /// <summary>Values that are trained.</summary>
    public required long TrainableValues { get; init; }

    /// <summary>Expected seconds by the clock on an idle machine; null = not known.</summary>
    public double? Seconds { get; init; }

    /// <summary>Expected highest memory in bytes; null = not known.</summary>
    public long? MemoryBytes { get; init; }

    /// <summary>Expected price; null = not known.</summary>
    public double? Price { get; init; }

    /// <summary>Its currency.</summary>
    public string? Currency { get; init; }

    /// <summary>Why the run must not start; empty when it may.</summary>
    public IReadOnlyList<string> Refusals(TrainingLimits? limits)
    {
        List<string> refusals = [];
        if (limits?.Hours is { } hours && Seconds > hours * 3600)
        {
            refusals.Add($"it is expected to take {Seconds / 3600:0.##} hours, and {hours:0.##} are allowed");
        }

        if (limits?.MemoryGibibytes is { } memory && MemoryBytes > memory * (1L << 30))
        {
            refusals.Add($"it is expected to need {MemoryBytes / (double)(1L << 30):0.##} GiB, and {memory:0.##} are allowed");
        }

        if (limits?.Price is { } most && Price > most)
        {
            refusals.Add($"it is expected to cost {Price:0.##} {Currency}, and {most:0.##} are allowed");
        }

        return refusals;
    }
}
