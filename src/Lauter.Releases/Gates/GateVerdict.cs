using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Lauter.Catalog.Objects;

namespace Lauter.Releases.Gates;

/// <summary>The three outcomes of a gate.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<GateDecision>))]
public enum GateDecision
{
    /// <summary>The evidence shows what the policy asks for.</summary>
    [JsonStringEnumMemberName("pass")]
    Pass,

    /// <summary>The evidence shows that the candidate is worse than allowed.</summary>
    [JsonStringEnumMemberName("fail")]
    Fail,

    /// <summary>The evidence shows neither, or is missing or broken.</summary>
    [JsonStringEnumMemberName("insufficient_evidence")]
    InsufficientEvidence,
}

/// <summary>Frozen words and exit codes of a decision.</summary>
public static class GateDecisions
{
    /// <summary><c>pass</c>, <c>fail</c> or <c>insufficient_evidence</c>.</summary>
    public static string Word(this GateDecision decision) => decision switch
    {
        GateDecision.Pass => "pass",
        GateDecision.Fail => "fail",
        _ => "insufficient_evidence",
    };

    /// <summary>Exit code of <c>lauter gate decide</c>: 0 pass, 1 fail, 2 insufficient evidence.</summary>
    public static int ExitCode(this GateDecision decision) => (int)decision;
}

/// <summary>Codes of <see cref="GateReason"/>. Frozen: consoles translate by them.</summary>
public static class GateReasons
{
    /// <summary>The lower bound lies above minus the margin.</summary>
    public const string NonInferior = "non_inferior";

    /// <summary>The lower bound lies above 0.</summary>
    public const string Superior = "superior";

    /// <summary>The lower bound of the value reaches the minimum.</summary>
    public const string MinimumReached = "minimum_reached";

    /// <summary>The upper bound lies below minus the margin.</summary>
    public const string WorseThanMargin = "worse_than_margin";

    /// <summary>The upper bound is at most 0, so the candidate is not better.</summary>
    public const string NotBetter = "not_better";

    /// <summary>The upper bound of the value lies below the minimum.</summary>
    public const string BelowMinimum = "below_minimum";

    /// <summary>A stratum is shown to be worse.</summary>
    public const string StratumRegressed = "stratum_regressed";

    /// <summary>The interval holds both acceptable and unacceptable differences.</summary>
    public const string IntervalTooWide = "interval_too_wide";

    /// <summary>The interval of the value holds the minimum.</summary>
    public const string MinimumUncertain = "minimum_uncertain";

    /// <summary>A stratum has too little evidence for its margin.</summary>
    public const string StratumUncertain = "stratum_uncertain";

    /// <summary>The scorecards are of different suites.</summary>
    public const string SuiteMismatch = "suite_mismatch";

    /// <summary>The metric was computed in two different ways.</summary>
    public const string SignatureMismatch = "signature_mismatch";

    /// <summary>The scorecards do not hold the same items once each.</summary>
    public const string ItemsMismatch = "items_mismatch";

    /// <summary>A scorecard lacks the metric, or an item lacks its score.</summary>
    public const string MetricMissing = "metric_missing";

    /// <summary>The metric has no score for single items, so there is no paired test.</summary>
    public const string MetricNotPaired = "metric_not_paired";

    /// <summary>A score is not 0 or 1.</summary>
    public const string ScoreInvalid = "score_invalid";

    /// <summary>There is nothing to compare.</summary>
    public const string NoItems = "no_items";

    /// <summary>Too many items have no usable answer.</summary>
    public const string Unanswered = "unanswered";

    /// <summary>The decision depends on items on which the judge gave no readable verdict.</summary>
    public const string Unjudged = "unjudged";

    /// <summary>The items come from too few clusters to estimate an error.</summary>
    public const string TooFewClusters = "too_few_clusters";

    /// <summary>A guardrail is shown to be harmed, or not shown to be kept.</summary>
    public const string GuardrailHarmed = "guardrail_harmed";

    /// <summary>A guardrail needs a baseline, or evidence that is not there.</summary>
    public const string GuardrailUncertain = "guardrail_uncertain";

    /// <summary>A limit of time or cost is exceeded.</summary>
    public const string LimitExceeded = "limit_exceeded";

    /// <summary>Whether a limit is kept is open, or nothing was measured.</summary>
    public const string LimitUncertain = "limit_uncertain";

    /// <summary>A bank's pass rate is below its minimum.</summary>
    public const string BankFailed = "bank_failed";

    /// <summary>A bank is missing, too small, unjudged or not sure enough.</summary>
    public const string BankUncertain = "bank_uncertain";

    /// <summary>Someone has not agreed yet.</summary>
    public const string ApprovalMissing = "approval_missing";

    /// <summary>The comparison was looked at while its data grew.</summary>
    public const string Peeked = "peeked";
}

/// <summary>One reason of a verdict.</summary>
/// <param name="Code">One of <see cref="GateReasons"/>.</param>
/// <param name="Text">The reason in plain English, numbers included.</param>
/// <param name="Values">The numbers by name, ready to print, for texts in other languages.</param>
public sealed record GateReason(string Code, string Text, IReadOnlyDictionary<string, string> Values);

/// <summary>One side of a comparison.</summary>
/// <param name="Name">The candidate's name.</param>
/// <param name="Kind">The candidate's kind.</param>
/// <param name="Value">Its share of right items; null when there is none.</param>
/// <param name="Unanswered">Items without a usable answer.</param>
public sealed record GateSide(string Name, string Kind, double? Value, int Unanswered);

/// <summary>The comparison within one stratum, positive when the candidate is better.</summary>
/// <param name="Stratum">For example <c>language=zh</c>.</param>
/// <param name="Items">Items in it.</param>
/// <param name="Baseline">The baseline's share of right items.</param>
/// <param name="Candidate">The candidate's share of right items.</param>
/// <param name="CandidateOnly">Items only the candidate has right.</param>
/// <param name="BaselineOnly">Items only the baseline has right.</param>
/// <param name="Effect">Candidate minus baseline.</param>
/// <param name="Low">Lower end of the interval of the effect.</param>
/// <param name="High">Upper end.</param>
/// <param name="RegressionP">p of "not worse than the baseline", one-sided.</param>
/// <param name="RegressionHolm">The same, adjusted for the number of strata.</param>
/// <param name="Regressed">True when it is shown to be worse.</param>
public sealed record StratumResult(
    string Stratum, int Items, double Baseline, double Candidate, long CandidateOnly, long BaselineOnly, double Effect, double Low, double High,
    double RegressionP, double RegressionHolm, bool Regressed);

/// <summary>A decision with everything it rests on. Holds no time and no machine: the same scorecards give the same bytes.</summary>
public sealed record GateVerdict
{
    /// <summary>The outcome.</summary>
    public required GateDecision Decision { get; init; }

    /// <summary>What was asked.</summary>
    public required GatePolicy Policy { get; init; }

    /// <summary>The metric's signature; null when the scorecards do not agree on one.</summary>
    public string? Signature { get; init; }

    /// <summary>The suite's name.</summary>
    public required string SuiteName { get; init; }

    /// <summary>The suite's hash.</summary>
    public required string SuiteHash { get; init; }

    /// <summary>What serves now, or the rival; null for a gate of kind minimum.</summary>
    public GateSide? Baseline { get; init; }

    /// <summary>What wants to serve.</summary>
    public required GateSide Candidate { get; init; }

    /// <summary>n: items compared.</summary>
    public int Items { get; init; }

    /// <summary>Independent clusters among them.</summary>
    public int Clusters { get; init; }

    /// <summary>How much the clusters inflate the variance; 1 for independent items.</summary>
    public double DesignEffect { get; init; } = 1;

    /// <summary>b: items only the candidate has right.</summary>
    public long CandidateOnly { get; init; }

    /// <summary>c: items only the baseline has right.</summary>
    public long BaselineOnly { get; init; }

    /// <summary>Items both have right.</summary>
    public long BothRight { get; init; }

    /// <summary>Items both have wrong.</summary>
    public long BothWrong { get; init; }

    /// <summary>False for a metric of the whole set: no item is won or lost by it alone.</summary>
    [JsonIgnore]
    public bool HasCounts => CandidateOnly + BaselineOnly + BothRight + BothWrong > 0;

    /// <summary>Candidate minus baseline (for kind minimum: the candidate's value); null when nothing could be computed.</summary>
    public double? Effect { get; init; }

    /// <summary>Lower bound of the effect, at the level at which the policy decides.</summary>
    public double? Low { get; init; }

    /// <summary>Upper bound.</summary>
    public double? High { get; init; }

    /// <summary>Confidence of [<see cref="Low"/>, <see cref="High"/>] as a two-sided interval: for one-sided decisions 1 - 2·alpha, of a paired comparison 1 - 2·<see cref="GatePolicy.Spent"/>.</summary>
    public double? Confidence { get; init; }

    /// <summary>How the interval was made, for example <c>tango|cc:0.5</c>.</summary>
    public string? Method { get; init; }

    /// <summary>p of the hypothesis that must be rejected to pass; null when nothing could be computed.</summary>
    public double? P { get; init; }

    /// <summary>Chance that this comparison passes a candidate that is exactly as good as the baseline (superiority: as good as it looked).</summary>
    public double? AchievedPower { get; init; }

    /// <summary>Items that would be enough with the policy's power, at the discordance seen; null when no number would be.</summary>
    public long? ItemsNeeded { get; init; }

    /// <summary>The true difference assumed for <see cref="ItemsNeeded"/>.</summary>
    public double? AssumedDifference { get; init; }

    /// <summary>Why, the deciding reason first.</summary>
    public required IReadOnlyList<GateReason> Reasons { get; init; }

    /// <summary>The strata the policy names.</summary>
    public IReadOnlyList<StratumResult> Strata { get; init; } = [];

    /// <summary>The guardrails of the policy; null when it has none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<GuardrailResult>? Guardrails { get; init; }

    /// <summary>The limits of the policy; null when it has none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<LimitResult>? Limits { get; init; }

    /// <summary>The banks of the policy; null when it has none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<BankResult>? Banks { get; init; }

    /// <summary>Canonical JSON.</summary>
    public byte[] ToBytes() => CanonicalJson.Serialize(JsonSerializer.SerializeToElement(this, GateJson.Default.GateVerdict));

    /// <summary>Reads a verdict from <see cref="ToBytes"/>.</summary>
    /// <exception cref="InvalidDataException">The bytes are not a verdict.</exception>
    public static GateVerdict FromBytes(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return JsonSerializer.Deserialize(bytes, GateJson.Default.GateVerdict) ?? throw new InvalidDataException("The verdict file holds null.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"The file is not a verdict: {e.Message}", e);
        }
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(GateVerdict))]
[JsonSerializable(typeof(GatePolicy))]
[JsonSerializable(typeof(JsonObject))]
internal sealed partial class GateJson : JsonSerializerContext;
