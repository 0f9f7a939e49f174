using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Lauter.Releases.Gates;

/// <summary>What a gate has to show.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<GateKind>))]
public enum GateKind
{
    /// <summary>The candidate is at most <see cref="GatePolicy.Margin"/> worse than the baseline.</summary>
    [JsonStringEnumMemberName("non_inferiority")]
    NonInferiority,

    /// <summary>The candidate is better than the baseline.</summary>
    [JsonStringEnumMemberName("superiority")]
    Superiority,

    /// <summary>The candidate reaches <see cref="GatePolicy.Minimum"/>; for an application without a rival.</summary>
    [JsonStringEnumMemberName("minimum")]
    Minimum,
}

/// <summary>When a candidate may serve, and at which risk. Part of the evidence: written into the verdict.</summary>
public sealed record GatePolicy
{
    /// <summary>What must be shown. Default non-inferiority.</summary>
    public GateKind Kind { get; init; } = GateKind.NonInferiority;

    /// <summary>The one metric that decides, for example <c>exact_match(intent)</c>.</summary>
    public required string Metric { get; init; }

    /// <summary>How much worse the candidate may be, as a share: 0.02 = two points. Above 0, at most 0.5; only for non-inferiority.</summary>
    public double Margin { get; init; } = 0.02;

    /// <summary>Risk of letting a candidate pass that must not: above 0, at most 0.5. One-sided for non-inferiority and minimum, two-sided for superiority.</summary>
    public double Alpha { get; init; } = 0.05;

    /// <summary>Chance of passing that planning asks for: 0.5 to below 1. Decides <see cref="GateVerdict.ItemsNeeded"/> only.</summary>
    public double Power { get; init; } = 0.8;

    /// <summary>A floor for the candidate's own value: its one-sided lower bound must reach it. Null for none; 0 to 1.</summary>
    public double? Minimum { get; init; }

    /// <summary>
    /// Dimensions whose strata must not regress (default <c>language</c>): a stratum in which the candidate is worse by more than
    /// <see cref="Margin"/> (superiority: worse at all) and not by chance fails the gate. The tests of all strata together falsely stop
    /// a harmless candidate with at most <see cref="Alpha"/> (Holm). A dimension with one value is not tested.
    /// </summary>
    public IReadOnlyList<string> Strata { get; init; } = ["language"];

    /// <summary>When set, each stratum must also be shown to be at most this much worse; too few items in a stratum are then insufficient evidence.</summary>
    public double? StratumMargin { get; init; }

    /// <summary>Largest share of items without a usable answer on either side, 0 to 1. Default 0.02. Above it nothing is decided.</summary>
    public double MaximumUnanswered { get; init; } = 0.02;

    /// <summary>Further metrics that must not be harmed; null for none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<Guardrail>? Guardrails { get; init; }

    /// <summary>Limits of time and cost; null for none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public GateLimits? Limits { get; init; }

    /// <summary>Question banks that must be passed; null for none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<BankRule>? Banks { get; init; }

    /// <summary>People who must agree; null for none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<ApprovalRule>? Approvals { get; init; }

    /// <summary>
    /// The share of <see cref="Alpha"/> that a paired comparison spends. Its intervals are asymptotic and design effects are estimated, so a test that
    /// spent all of alpha would exceed it here and there; a fifth is kept back for that (docs/decisions/0004).
    /// </summary>
    public const double SpentShare = 0.8;

    /// <summary>The level at which paired intervals are drawn and planned: <see cref="SpentShare"/> of <see cref="Alpha"/>.</summary>
    [JsonIgnore]
    public double Spent => SpentShare * Alpha;

    /// <summary>A fixed-n test keeps its risk for one look; a comparison that is watched needs a sequential test.</summary>
    [JsonIgnore]
    internal int MaximumLooks => 1;

    /// <summary>
    /// Reads a policy file (JSON: <c>{"kind":"non_inferiority","metric":"exact_match(intent)","margin":0.02}</c>; absent members have
    /// their defaults).
    /// </summary>
    /// <exception cref="InvalidDataException">The file is not a policy, has an unknown member, or cannot be used; every fault is named.</exception>
    public static GatePolicy FromJson(ReadOnlySpan<byte> json)
    {
        GatePolicy policy;
        try
        {
            // The serializer sets members that are absent to zero, not to their initial values, so the file is laid over the defaults.
            var members = JsonSerializer.SerializeToNode(new GatePolicy { Metric = "" }, GateJson.Default.GatePolicy)!.AsObject();
            var given = JsonSerializer.Deserialize(json, GateJson.Default.JsonObject) ?? throw new InvalidDataException("The gate policy holds null.");
            foreach (var (name, value) in given)
            {
                members[name] = value?.DeepClone();
            }

            foreach (var rail in (members["guardrails"] as JsonArray ?? []).OfType<JsonObject>().Where(r => !r.ContainsKey("margin")))
            {
                rail["margin"] = new Guardrail { Metric = "" }.Margin;
            }

            policy = members.Deserialize(GateJson.Default.GatePolicy)!;
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw new InvalidDataException($"The file is not a gate policy: {e.Message}", e);
        }

        return policy.Faults() is { Count: > 0 } faults
            ? throw new InvalidDataException($"The gate policy cannot be used: {string.Join(" ", faults)}")
            : policy;
    }

    /// <summary>Every fault of the policy in words; empty when it can be used.</summary>
    public IReadOnlyList<string> Faults()
    {
        var faults = new List<string>();
        Require(!string.IsNullOrWhiteSpace(Metric), "metric: must name a metric, for example exact_match(intent).");
        Require(Alpha is > 0 and <= 0.5, $"alpha: {Alpha} is not above 0 and at most 0.5.");
        Require(Power is >= 0.5 and < 1, $"power: {Power} is not between 0.5 and 1.");
        Require(Kind != GateKind.NonInferiority || Margin is > 0 and <= 0.5, $"margin: {Margin} is not above 0 and at most 0.5.");
        Require(Minimum is null or (>= 0 and <= 1), $"minimum: {Minimum} is not between 0 and 1.");
        Require(Kind != GateKind.Minimum || Minimum is not null, "minimum: a gate of kind minimum needs one.");
        Require(StratumMargin is null or (> 0 and <= 0.5), $"stratumMargin: {StratumMargin} is not above 0 and at most 0.5.");
        Require(MaximumUnanswered is >= 0 and <= 1, $"maximumUnanswered: {MaximumUnanswered} is not between 0 and 1.");
        foreach (var rail in Guardrails ?? [])
        {
            Require(!string.IsNullOrWhiteSpace(rail.Metric), "guardrails: each must name a metric.");
            Require(rail.Margin is > 0 and <= 0.5, $"guardrails: the margin {rail.Margin} of '{rail.Metric}' is not above 0 and at most 0.5.");
        }

        Require(Guardrails is null || Guardrails.DistinctBy(g => g.Metric, StringComparer.Ordinal).Count() == Guardrails.Count, "guardrails: a metric is named twice.");
        Require(Limits is null || new[] { Limits.LatencyP95Milliseconds, Limits.LatencyIncrease, Limits.CostPerItem, Limits.CostIncrease }.All(l => l is null or >= 0), "limits: each must be at least 0.");
        foreach (var bank in Banks ?? [])
        {
            Require(!string.IsNullOrWhiteSpace(bank.Bank), "banks: each must name a bank.");
            Require(bank.Items >= 1 && bank.MinimumPerRisk >= 0, $"banks: the sizes of '{bank.Bank}' must not be negative, and it needs a question.");
            Require(bank.Rate is > 0 and <= 1, $"banks: the minimumRate {bank.Rate} of '{bank.Bank}' is not above 0 and at most 1.");
            Require(bank.Confidence is null or (> 0 and < 1), $"banks: the confidence {bank.Confidence} of '{bank.Bank}' is not between 0 and 1.");
        }

        foreach (var approval in Approvals ?? [])
        {
            Require(!string.IsNullOrWhiteSpace(approval.Role) && approval.Count >= 1, $"approvals: '{approval.Role}' needs a role and a count of at least 1.");
        }

        return faults;

        void Require(bool holds, string fault)
        {
            if (!holds)
            {
                faults.Add(fault);
            }
        }
    }
}
