using System.Text.Json.Serialization;

namespace Lauter.Releases.Rollout;

/// <summary>Where a rollout stands. The names are stored: never rename.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RolloutPhase>))]
public enum RolloutPhase
{
    /// <summary>Both releases answer, and the shares rise by themselves.</summary>
    [JsonStringEnumMemberName("running")]
    Running,

    /// <summary>Both releases answer; the share stays until a person decides. Evidence of harm still ends it.</summary>
    [JsonStringEnumMemberName("held")]
    Held,

    /// <summary>The candidate became the live release.</summary>
    [JsonStringEnumMemberName("promoted")]
    Promoted,

    /// <summary>The evidence of harm reached its limit: all requests went back to the live release.</summary>
    [JsonStringEnumMemberName("rolled_back")]
    RolledBack,

    /// <summary>A person ended it, its time was over, or the live release changed.</summary>
    [JsonStringEnumMemberName("aborted")]
    Aborted,
}

/// <summary>A step of a rollout that has begun.</summary>
/// <param name="Share">Share of the requests that the candidates answer together; 0 while requests are only mirrored.</param>
/// <param name="Since">Since when.</param>
public sealed record RolloutStep(double Share, DateTimeOffset Since);

/// <summary>A candidate that left a rollout of several.</summary>
/// <param name="Candidate">Which.</param>
/// <param name="At">When: its share went back to the live release.</param>
/// <param name="Why">Why, in a sentence.</param>
public sealed record EliminatedCandidate(string Candidate, DateTimeOffset At, string Why);

/// <summary>One application's way from the live release to the next.</summary>
public sealed record Rollout
{
    /// <summary>The application.</summary>
    public required string Application { get; init; }

    /// <summary>The release that takes over, for example <c>triage-2</c>; of several the first, and the winner once it is live.</summary>
    public required string Candidate { get; init; }

    /// <summary>Further candidates that are tried at the same time; null for none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Rivals { get; init; }

    /// <summary>Candidates that left, oldest first; null for none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<EliminatedCandidate>? Eliminated { get; init; }

    /// <summary>When mirroring began; null for a rollout without that phase.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? ShadowSince { get; init; }

    /// <summary>The release that serves the rest.</summary>
    public required string Live { get; init; }

    /// <summary><see cref="LivePointer.Version"/> at the start; a promotion is refused when it changed.</summary>
    public required long LiveVersion { get; init; }

    /// <summary>How it goes.</summary>
    public required RolloutPolicy Policy { get; init; }

    /// <summary>The steps begun so far, at least one; the last one counts.</summary>
    public required IReadOnlyList<RolloutStep> Steps { get; init; }

    /// <summary>Where it stands.</summary>
    public required RolloutPhase Phase { get; init; }

    /// <summary>One more for each change: what a change must know to be allowed.</summary>
    public required long Version { get; init; }

    /// <summary>Why it stands there, in a sentence.</summary>
    public required string Why { get; init; }

    /// <summary>Since when it stands there.</summary>
    public required DateTimeOffset Since { get; init; }

    /// <summary>What was seen when it last changed; null at the start.</summary>
    public RolloutEvidence? Evidence { get; init; }

    /// <summary>True while both releases answer.</summary>
    [JsonIgnore]
    public bool Active => Phase is RolloutPhase.Running or RolloutPhase.Held;

    /// <summary>Every candidate, also those that left, in the order in which they were named.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> Candidates => Rivals is { Count: > 0 } ? [Candidate, .. Rivals] : [Candidate];

    /// <summary>The candidates that are still in it.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> Standing => [.. Candidates.Where(c => StandsAt(c, DateTimeOffset.MaxValue))];

    /// <summary>True while requests are only mirrored.</summary>
    [JsonIgnore]
    public bool Shadowing => Active && Steps[^1].Share == 0;

    /// <summary>Share of the requests that the candidates answer now, all together.</summary>
    [JsonIgnore]
    public double Share => Active ? Steps[^1].Share * Standing.Count / Candidates.Count : 0;

    /// <summary>When candidates began to answer, or to be mirrored while <see cref="Shadowing"/>.</summary>
    [JsonIgnore]
    public DateTimeOffset Started => Steps[0].Since;

    /// <summary>When the whole rollout began.</summary>
    [JsonIgnore]
    public DateTimeOffset Began => ShadowSince ?? Started;

    /// <summary>Whether <paramref name="candidate"/> had not left at <paramref name="at"/>.</summary>
    public bool StandsAt(string candidate, DateTimeOffset at) => Eliminated?.Any(e => e.Candidate == candidate && e.At <= at) != true;

    /// <summary>The share that was in force at <paramref name="at"/>; the first one before it began.</summary>
    public double ShareAt(DateTimeOffset at) => Steps.LastOrDefault(s => s.Since <= at)?.Share ?? Steps[0].Share;
}

/// <summary>What one signal shows.</summary>
/// <param name="Signal">Which.</param>
/// <param name="Live">Observations of the live release.</param>
/// <param name="LiveBad">Bad ones among them.</param>
/// <param name="Candidate">Observations of the candidate.</param>
/// <param name="CandidateBad">Bad ones among them.</param>
/// <param name="Harm">Evidence that the candidate is worse: 1 = none, 1/alpha = enough to roll back.</param>
/// <param name="Safety">Evidence that it is not worse by the margin: 1 = none, 1/alpha = enough to promote.</param>
public sealed record SignalEvidence(RolloutSignal Signal, long Live, long LiveBad, long Candidate, long CandidateBad, double Harm, double Safety)
{
    /// <summary>Which candidate, in a rollout of several; null for the only one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Release { get; init; }
}

/// <summary>Where one of several candidates stands.</summary>
/// <param name="Candidate">Which.</param>
/// <param name="Answers">Its answers in the current step.</param>
/// <param name="Harm">The strongest evidence that it is worse than another arm, and which: the live release or a rival.</param>
/// <param name="WorseThan">That arm.</param>
/// <param name="Safety">The weakest evidence that it is not worse by the margin than an arm that still stands.</param>
public sealed record CandidateEvidence(string Candidate, long Answers, double Harm, string WorseThan, double Safety);

/// <summary>What a rollout has seen.</summary>
/// <param name="Signals">One for each signal of the policy.</param>
/// <param name="CandidateAnswers">Answers of the candidate in the current step.</param>
public sealed record RolloutEvidence(IReadOnlyList<SignalEvidence> Signals, long CandidateAnswers)
{
    /// <summary>What was mirrored, one for each candidate; null for a rollout without that phase.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<ShadowEvidence>? Shadow { get; init; }

    /// <summary>Every candidate of several against all others; null for a single one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<CandidateEvidence>? Candidates { get; init; }

    /// <summary>Evidence of harm over all signals: their mean, which is again evidence of the same kind. Of several candidates: of the one that is worst.</summary>
    [JsonIgnore]
    public double Harm => Candidates is { Count: > 0 } ? Candidates.Max(c => c.Harm) : Signals.Count == 0 ? 1 : Signals.Average(s => s.Harm);

    /// <summary>The weakest evidence of safety: a promotion needs it from every signal. Of several candidates: of the one that is best.</summary>
    [JsonIgnore]
    public double Safety => Candidates is { Count: > 0 } ? Candidates.Max(c => c.Safety) : Signals.Count == 0 ? 1 : Signals.Min(s => s.Safety);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(Rollout))]
internal sealed partial class RolloutJson : JsonSerializerContext;
