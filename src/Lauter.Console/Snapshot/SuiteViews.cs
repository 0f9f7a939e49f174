namespace Lauter.Console;

/// <summary>A suite with every scorecard on it.</summary>
public sealed record SuiteView
{
    /// <summary>For example <c>tickets/test</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The application that it tests.</summary>
    public required string Application { get; init; }

    /// <summary>Hash of its content: two scorecards compare only on the same.</summary>
    public required string Hash { get; init; }

    /// <summary>When it was frozen.</summary>
    public required DateTimeOffset Frozen { get; init; }

    /// <summary>Items.</summary>
    public required long Items { get; init; }

    /// <summary>Groups of items that are no independent evidence, such as near copies.</summary>
    public required long Clusters { get; init; }

    /// <summary>Items by language and further dimensions, the dimension's name first.</summary>
    public required IReadOnlyList<(string Dimension, IReadOnlyList<CountView> Values)> Strata { get; init; }

    /// <summary>Metrics with their signatures.</summary>
    public required IReadOnlyList<(string Name, string Signature)> Metrics { get; init; }

    /// <summary>The metric that decides.</summary>
    public required string Metric { get; init; }

    /// <summary>The scorecards on exactly this suite, best first.</summary>
    public required IReadOnlyList<SuiteScore> Scores { get; init; }

    /// <summary>Some of its items.</summary>
    public required IReadOnlyList<SuiteSample> Samples { get; init; }
}

/// <summary>One candidate on a suite.</summary>
/// <param name="Candidate">Its name.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Value">The deciding metric; null when there is none.</param>
/// <param name="Low">Lower end of its interval.</param>
/// <param name="High">Upper end.</param>
/// <param name="ByLanguage">The same by language.</param>
/// <param name="Failures">Items without a usable answer.</param>
public sealed record SuiteScore(string Candidate, string Kind, double? Value, double? Low, double? High, IReadOnlyList<ScoreView> ByLanguage, long Failures);

/// <summary>One item of a suite.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Language">Its language.</param>
/// <param name="Input">What is asked.</param>
/// <param name="Reference">What is right.</param>
public sealed record SuiteSample(string Id, string Language, string Input, string Reference);
