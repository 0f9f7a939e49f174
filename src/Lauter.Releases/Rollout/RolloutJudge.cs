using System.Globalization;

namespace Lauter.Releases.Rollout;

/// <summary>One observation of a rollout.</summary>
/// <param name="Signal">Which signal it speaks about.</param>
/// <param name="Candidate">True when the candidate answered.</param>
/// <param name="Bad">True when the answer was bad.</param>
/// <param name="At">When the request came in: decides which share was in force.</param>
/// <param name="Unit">
/// What was assigned to an arm: a user, a conversation. Several requests of one unit are one observation, the first, since they are
/// not independent; null = the request stands for itself.
/// </param>
public sealed record RolloutObservation(RolloutSignal Signal, bool Candidate, bool Bad, DateTimeOffset At, string? Unit = null);

/// <summary>What a look at a rollout asks for.</summary>
public enum RolloutAction
{
    /// <summary>Nothing yet.</summary>
    Wait,

    /// <summary>The next step begins.</summary>
    Advance,

    /// <summary>The candidate becomes live.</summary>
    Promote,

    /// <summary>Back to the live release.</summary>
    RollBack,

    /// <summary>A person must decide.</summary>
    Hold,

    /// <summary>Back to the live release, without evidence of harm.</summary>
    Abort,
}

/// <summary>The outcome of a look.</summary>
/// <param name="Action">What to do.</param>
/// <param name="Why">Why, with the numbers.</param>
/// <param name="Evidence">What was seen.</param>
public sealed record RolloutDecision(RolloutAction Action, string Why, RolloutEvidence Evidence);

/// <summary>
/// Judges one rollout. Observations are added in the order in which they became known; one may decide after each of them, or once an hour:
/// the risks hold either way. Not safe for threads.
/// </summary>
public sealed class RolloutJudge
{
    private readonly RolloutPolicy _policy;
    private readonly Dictionary<RolloutSignal, (TwoArmEvidence Harm, TwoArmEvidence Safety)> _signals;
    private readonly HashSet<(RolloutSignal, string)> _units = [];
    private readonly List<DateTimeOffset> _answers = [];

    /// <param name="policy">How the rollout goes; it does not change while it is judged.</param>
    public RolloutJudge(RolloutPolicy policy)
    {
        _policy = policy;
        _signals = policy.Signals.Distinct().ToDictionary(s => s, _ => (TwoArmEvidence.OfHarm(), TwoArmEvidence.OfSafety(policy.Margin)));
    }

    /// <summary>Takes one observation. <paramref name="steps"/> are the steps begun so far.</summary>
    public void Add(RolloutObservation observation, Rollout steps)
    {
        if (observation.Candidate && observation.Signal == RolloutSignal.Failures)
        {
            _answers.Add(observation.At);
        }

        if (_signals.TryGetValue(observation.Signal, out var evidence) && (observation.Unit is null || _units.Add((observation.Signal, observation.Unit))))
        {
            var share = steps.ShareAt(observation.At);
            evidence.Harm.Add(observation.Candidate, observation.Bad, share);
            evidence.Safety.Add(observation.Candidate, observation.Bad, share);
        }
    }

    /// <summary>What the observations so far ask for.</summary>
    /// <param name="rollout">The rollout as it stands.</param>
    /// <param name="now">The time; a clock that went backwards only makes the rollout wait longer.</param>
    public RolloutDecision Decide(Rollout rollout, DateTimeOffset now)
    {
        var policy = _policy;
        var step = rollout.Steps[^1];
        _answers.RemoveAll(a => a < step.Since);
        var evidence = new RolloutEvidence(
            [.. _signals.Select(s => new SignalEvidence(
                s.Key, s.Value.Harm.Live, s.Value.Harm.LiveBad, s.Value.Harm.Candidate, s.Value.Harm.CandidateBad, s.Value.Harm.Value, s.Value.Safety.Value))],
            _answers.Count);
        var enough = 1 / policy.Alpha;
        if (evidence.Harm >= enough)
        {
            return new RolloutDecision(RolloutAction.RollBack, $"The candidate is worse: {Counts(evidence)}; evidence {Number(evidence.Harm)}, limit {Number(enough)}.", evidence);
        }

        if (rollout.Phase == RolloutPhase.Held)
        {
            return new RolloutDecision(RolloutAction.Wait, rollout.Why, evidence);
        }

        var stepDone = evidence.CandidateAnswers >= policy.Requests && now - step.Since >= policy.StepTime;
        if (stepDone && rollout.Steps.Count < policy.Shares.Count)
        {
            return new RolloutDecision(RolloutAction.Advance, $"Step {rollout.Steps.Count} of {policy.Shares.Count} saw no harm: {Counts(evidence)}.", evidence);
        }

        if (stepDone && evidence.Safety >= enough)
        {
            return new RolloutDecision(
                RolloutAction.Promote, $"Not worse by {Percent(policy.Margin)}: {Counts(evidence)}; evidence {Number(evidence.Safety)}, limit {Number(enough)}.", evidence);
        }

        if (now - rollout.Started >= policy.Limit)
        {
            return new RolloutDecision(
                policy.AtLimit == RolloutEnd.Hold ? RolloutAction.Hold : RolloutAction.Abort,
                $"Insufficient evidence after {policy.Limit:d\\.hh\\:mm}: {Counts(evidence)}; evidence of safety {Number(evidence.Safety)}, {Number(enough)} is needed.", evidence);
        }

        return new RolloutDecision(RolloutAction.Wait, "", evidence);
    }

    private static string Counts(RolloutEvidence evidence) => string.Join(
        "; ", evidence.Signals.Select(s => string.Create(
            CultureInfo.InvariantCulture,
            $"{(s.Signal == RolloutSignal.Failures ? "failures" : "bad feedback")} {s.CandidateBad} of {s.Candidate} (candidate), {s.LiveBad} of {s.Live} (live)")));

    private static string Number(double value) => value >= 1e6 ? "above 1,000,000" : value.ToString("0.##", CultureInfo.InvariantCulture);

    private static string Percent(double share) => (share * 100).ToString("0.##", CultureInfo.InvariantCulture) + " points";
}
