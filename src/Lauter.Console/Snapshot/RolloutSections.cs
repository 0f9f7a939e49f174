namespace Lauter.Console;

/// <summary>How far a rollout is.</summary>
public enum RolloutState
{
    /// <summary>Both releases answer, the share rises by itself.</summary>
    Running,

    /// <summary>Both releases answer, a person must decide.</summary>
    Held,

    /// <summary>The candidate became live.</summary>
    Promoted,

    /// <summary>Evidence of harm took it back.</summary>
    RolledBack,

    /// <summary>Ended without evidence of harm.</summary>
    Aborted,
}

/// <summary>One way of a release to become live.</summary>
public sealed record RolloutSection
{
    /// <summary>The release on its way.</summary>
    public required string Candidate { get; init; }

    /// <summary>The release that answers the rest.</summary>
    public required string Live { get; init; }

    /// <summary>How far it is.</summary>
    public required RolloutState State { get; init; }

    /// <summary>Share of the requests that the candidate answers now, 0 to 1.</summary>
    public required double Share { get; init; }

    /// <summary>Shares of all steps, rising.</summary>
    public required IReadOnlyList<double> Shares { get; init; }

    /// <summary>Steps begun so far.</summary>
    public required int Steps { get; init; }

    /// <summary>When it began.</summary>
    public required DateTimeOffset Started { get; init; }

    /// <summary>Since when it stands where it stands.</summary>
    public required DateTimeOffset Since { get; init; }

    /// <summary>Why it stands there, English.</summary>
    public required string Why { get; init; }

    /// <summary>Evidence that takes a candidate back: 1/alpha, more with several candidates or a mirrored phase.</summary>
    public required double Limit { get; init; }

    /// <summary>Evidence that promotes one; null = as <see cref="Limit"/>.</summary>
    public double? SafetyLimit { get; init; }

    /// <summary>Requests to be mirrored before the first step; 0 without that phase.</summary>
    public long ShadowRequests { get; init; }

    /// <summary>True while requests are only mirrored.</summary>
    public bool Shadowing { get; init; }

    /// <summary>What was mirrored, by candidate.</summary>
    public IReadOnlyList<ShadowView> Shadow { get; init; } = [];

    /// <summary>All candidates with where they stand; empty for a single one.</summary>
    public IReadOnlyList<RivalView> Rivals { get; init; } = [];

    /// <summary>What was seen, by signal.</summary>
    public required IReadOnlyList<RolloutSignalView> Signals { get; init; }
}

/// <summary>What one signal of a rollout shows.</summary>
/// <param name="Code">Stable code: <c>failures</c>, <c>feedback</c>.</param>
/// <param name="Candidate">Observations of the candidate.</param>
/// <param name="CandidateBad">Bad ones among them.</param>
/// <param name="Live">Observations of the live release.</param>
/// <param name="LiveBad">Bad ones among them.</param>
/// <param name="Harm">Evidence of harm: 1 = none.</param>
/// <param name="Safety">Evidence of safety: 1 = none.</param>
/// <param name="Release">Which candidate, among several; null for the only one.</param>
public sealed record RolloutSignalView(string Code, long Candidate, long CandidateBad, long Live, long LiveBad, double Harm, double Safety, string? Release = null);

/// <summary>What mirroring has shown of one candidate.</summary>
/// <param name="Candidate">Which.</param>
/// <param name="Mirrored">Requests mirrored.</param>
/// <param name="Agreed">Answers that said the same.</param>
/// <param name="Compared">Answers compared.</param>
/// <param name="OnlyCandidateFailed">Requests that the candidate alone failed.</param>
/// <param name="OnlyLiveFailed">Requests that the live release alone failed.</param>
/// <param name="CandidateP95">95th percentile of its times; null without answers.</param>
/// <param name="LiveP95">95th percentile of the live release's times on the same requests.</param>
/// <param name="Cost">What it cost; null when unknown.</param>
/// <param name="Currency">Of that cost.</param>
/// <param name="Harm">Evidence of harm: 1 = none.</param>
public sealed record ShadowView(
    string Candidate, long Mirrored, long Agreed, long Compared, long OnlyCandidateFailed, long OnlyLiveFailed, TimeSpan? CandidateP95, TimeSpan? LiveP95, decimal? Cost, string? Currency, double Harm);

/// <summary>One of several candidates.</summary>
/// <param name="Candidate">Which.</param>
/// <param name="Left">Why it left; null while it is in.</param>
/// <param name="Harm">Strongest evidence that it is worse than another; null without any.</param>
/// <param name="WorseThan">Than which.</param>
/// <param name="Safety">Weakest evidence that it is not worse than one that is left.</param>
public sealed record RivalView(string Candidate, string? Left, double? Harm, string? WorseThan, double? Safety);

/// <summary>One turn of the flywheel.</summary>
/// <param name="Number">From 1.</param>
/// <param name="Started">When it began.</param>
/// <param name="Corrections">Corrections that became labels; null when the iteration has no record.</param>
/// <param name="Outcome">Stable code: <c>released</c>, <c>refused</c>, <c>empty</c>; null while it runs.</param>
/// <param name="Release">The release it led to, or null.</param>
/// <param name="Value">The deciding metric of that release on its suite, 0 to 1; null without one.</param>
/// <param name="LeadTime">From its beginning until the release was live; null when it never was.</param>
/// <param name="Requests">Requests that the release answered or failed so far.</param>
/// <param name="Failures">Failed ones among them.</param>
/// <param name="PerAcceptedAnswer">Serving cost of one accepted answer of the release; null when unknown.</param>
/// <param name="Currency">Of that cost; null without one.</param>
public sealed record IterationView(
    int Number, DateTimeOffset Started, long? Corrections, string? Outcome, string? Release, double? Value, TimeSpan? LeadTime, long Requests, long Failures,
    decimal? PerAcceptedAnswer, string? Currency);
