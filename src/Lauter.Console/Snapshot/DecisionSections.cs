namespace Lauter.Console;

/// <summary>Candidate and baselines on one suite.</summary>
public sealed record ScorecardSection
{
    /// <summary>Name of the suite.</summary>
    public required string Suite { get; init; }

    /// <summary>Items of the suite.</summary>
    public required long Items { get; init; }

    /// <summary>The metric that decides, for example <c>exact_match(intent)</c>.</summary>
    public required string Metric { get; init; }

    /// <summary>The candidate first, then what it is compared with.</summary>
    public required IReadOnlyList<CandidateScores> Candidates { get; init; }
}

/// <summary>What a row of a scorecard stands for.</summary>
public enum CandidateRole
{
    /// <summary>Wants to be released.</summary>
    Candidate,

    /// <summary>Serves now.</summary>
    Live,

    /// <summary>Shown beside it for honesty.</summary>
    Baseline,
}

/// <summary>Scores of one candidate.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind"><c>model</c>, <c>nearest</c>, <c>provider</c> …</param>
/// <param name="Role">Why it is shown.</param>
/// <param name="Scores">By metric and language.</param>
/// <param name="Failures">Items without an answer, or with one that does not parse.</param>
public sealed record CandidateScores(string Name, string Kind, CandidateRole Role, IReadOnlyList<ScoreView> Scores, long Failures = 0);

/// <summary>One value with its interval.</summary>
/// <param name="Metric">Metric as in the project file.</param>
/// <param name="Language"><c>all</c>, <c>en</c>, <c>zh</c> or <c>und</c>.</param>
/// <param name="Items">How many items it is computed on.</param>
/// <param name="Value">0 to 1; null when it could not be computed.</param>
/// <param name="Low">Lower end of the 95 % interval; null without one.</param>
/// <param name="High">Upper end.</param>
public sealed record ScoreView(string Metric, string Language, long Items, double? Value, double? Low, double? High);

/// <summary>The three verdicts.</summary>
public enum GateOutcome
{
    /// <summary>May be released.</summary>
    Pass,

    /// <summary>Shown to be worse than allowed.</summary>
    Fail,

    /// <summary>Neither is shown.</summary>
    InsufficientEvidence,
}

/// <summary>One gate decision.</summary>
public sealed record GateSection
{
    /// <summary>The verdict.</summary>
    public required GateOutcome Outcome { get; init; }

    /// <summary>True for "not worse than by the margin", false for "better".</summary>
    public required bool NonInferiority { get; init; }

    /// <summary>Name of the candidate.</summary>
    public required string Candidate { get; init; }

    /// <summary>Name of what it is compared with.</summary>
    public required string Baseline { get; init; }

    /// <summary>Metric compared.</summary>
    public required string Metric { get; init; }

    /// <summary>Allowed loss, 0 to 1; 0 for superiority.</summary>
    public required double Margin { get; init; }

    /// <summary>
    /// Not null when there is no rival and the value itself must reach this, 0 to 1. <see cref="Effect"/>, <see cref="Low"/> and
    /// <see cref="High"/> are then the value and its interval, and the members of a comparison are not shown.
    /// </summary>
    public double? Minimum { get; init; }

    /// <summary>Allowed rate of wrong passes.</summary>
    public required double Alpha { get; init; }

    /// <summary>Wanted rate of right passes.</summary>
    public required double Power { get; init; }

    /// <summary>Candidate minus baseline; null when it could not be computed.</summary>
    public double? Effect { get; init; }

    /// <summary>Lower end of the interval of the effect.</summary>
    public double? Low { get; init; }

    /// <summary>Upper end of the interval of the effect.</summary>
    public double? High { get; init; }

    /// <summary>Items compared in pairs.</summary>
    public required long Items { get; init; }

    /// <summary>Pairs that only the candidate got right.</summary>
    public long? OnlyCandidate { get; init; }

    /// <summary>Pairs that only the baseline got right.</summary>
    public long? OnlyBaseline { get; init; }

    /// <summary>p-value; null when none was computed.</summary>
    public double? PValue { get; init; }

    /// <summary>Items that would be enough for the wanted power; null when unknown.</summary>
    public long? NeededItems { get; init; }

    /// <summary>Why, in the order of weight.</summary>
    public IReadOnlyList<GateReasonView> Reasons { get; init; } = [];

    /// <summary>When it was decided; null when unknown.</summary>
    public DateTimeOffset? Decided { get; init; }
}

/// <summary>Releases of one application.</summary>
public sealed record ReleaseSection
{
    /// <summary>Name of the application.</summary>
    public required string Application { get; init; }

    /// <summary>Id of what serves; null when nothing does.</summary>
    public string? Live { get; init; }

    /// <summary>All releases, newest first.</summary>
    public required IReadOnlyList<ReleaseView> History { get; init; }

    /// <summary>The evidence of the live release as a tree, parents before children.</summary>
    public IReadOnlyList<EvidenceView> Evidence { get; init; } = [];

    /// <summary>Outcome of the newest <c>lauter verify</c>; null when it never ran.</summary>
    public bool? Verified { get; init; }

    /// <summary>When it ran.</summary>
    public DateTimeOffset? VerifiedAt { get; init; }
}

/// <summary>One release.</summary>
/// <param name="Id">For example <c>triage-1</c>.</param>
/// <param name="Candidate">What it serves.</param>
/// <param name="Decided">When it was released.</param>
/// <param name="Note">Why it ended or came back; null for the usual course.</param>
/// <param name="Sha256">Hash of its manifest, hexadecimal.</param>
public sealed record ReleaseView(string Id, string Candidate, DateTimeOffset Decided, string? Note, string Sha256);

/// <summary>One node of an evidence tree.</summary>
/// <param name="Depth">0 for the release.</param>
/// <param name="Kind">Kind of the manifest or <c>source</c>.</param>
/// <param name="Name">Its name or path.</param>
/// <param name="Sha256">Its hash, hexadecimal.</param>
public sealed record EvidenceView(int Depth, string Kind, string Name, string Sha256)
{
    /// <summary>Ends the name of a node that stands for many source files of one manifest: such a node has no hash of its own.</summary>
    public const string SourcesSuffix = "/sources";

    /// <summary>Hashes of the nodes that it was made from.</summary>
    public IReadOnlyList<string> From { get; init; } = [];

    /// <summary>What it says of itself: the code of a gate's verdict (<c>insufficient_evidence</c>), a scorecard's value, a number of rows or files; null for nothing.</summary>
    public string? Note { get; init; }
}

/// <summary>One reason of a gate.</summary>
/// <param name="Code">Stable code; the console has a sentence of its own for it in each language.</param>
/// <param name="Text">The gate's own sentence with its numbers, English.</param>
public sealed record GateReasonView(string Code, string Text);
