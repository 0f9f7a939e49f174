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
/// <param name="Release">Which candidate, in a rollout of several; null = the only one.</param>
public sealed record RolloutObservation(RolloutSignal Signal, bool Candidate, bool Bad, DateTimeOffset At, string? Unit = null, string? Release = null);

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

    /// <summary>One of several candidates leaves; the others go on.</summary>
    Eliminate,
}

/// <summary>The outcome of a look.</summary>
/// <param name="Action">What to do.</param>
/// <param name="Why">Why, with the numbers.</param>
/// <param name="Evidence">What was seen.</param>
/// <param name="Candidate">Which one leaves or becomes live, in a rollout of several; null = the only one.</param>
public sealed record RolloutDecision(RolloutAction Action, string Why, RolloutEvidence Evidence, string? Candidate = null);

/// <summary>
/// Judges one rollout. Observations are added in the order in which they became known; one may decide after each of them, or once an hour:
/// the risks hold either way. Not safe for threads.
/// </summary>
public sealed class RolloutJudge
{
    private readonly RolloutPolicy _policy;
    private readonly IReadOnlyList<string> _candidates;
    private readonly CandidateField _field;
    private readonly HashSet<RolloutSignal> _signals;
    private readonly HashSet<(RolloutSignal, string)> _units = [];
    private readonly List<(int Arm, DateTimeOffset At)> _answers = [];

    /// <param name="policy">How the rollout goes; it does not change while it is judged.</param>
    /// <param name="candidates">The releases that are tried, as <see cref="Rollout.Candidates"/>; null = one, whatever its name.</param>
    public RolloutJudge(RolloutPolicy policy, IReadOnlyList<string>? candidates = null)
    {
        _policy = policy;
        _candidates = candidates ?? [""];
        _signals = [.. policy.Signals];
        _field = new CandidateField(_candidates, [.. policy.Signals.Distinct()], policy.Margin);
    }

    /// <summary>Takes one observation. <paramref name="rollout"/> knows the steps begun so far.</summary>
    public void Add(RolloutObservation observation, Rollout rollout)
    {
        var arm = !observation.Candidate ? 0 : _candidates.Count == 1 ? 1 : _candidates.ToList().IndexOf(observation.Release ?? "") + 1;
        if (observation.Candidate && arm == 0)
        {
            throw new ArgumentException($"'{observation.Release}' is none of the candidates {string.Join(", ", _candidates)}.", nameof(observation));
        }

        if (observation.Candidate && observation.Signal == RolloutSignal.Failures)
        {
            _answers.Add((arm, observation.At));
        }

        if (_signals.Contains(observation.Signal) && (observation.Unit is null || _units.Add((observation.Signal, observation.Unit))))
        {
            _field.Add(observation.Signal, arm, observation.Bad, observation.At, rollout);
        }
    }

    /// <summary>What the observations so far ask for.</summary>
    /// <param name="rollout">The rollout as it stands.</param>
    /// <param name="now">The time; a clock that went backwards only makes the rollout wait longer.</param>
    /// <param name="mirrored">What was mirrored so far; needed while <see cref="Rollout.Shadowing"/>.</param>
    public RolloutDecision Decide(Rollout rollout, DateTimeOffset now, IReadOnlyList<ShadowEvidence>? mirrored = null) =>
        rollout.Shadowing ? InShadow(rollout, now, mirrored ?? []) : _candidates.Count == 1 ? OfOne(rollout, now) : OfSeveral(rollout, now);

    private RolloutDecision InShadow(Rollout rollout, DateTimeOffset now, IReadOnlyList<ShadowEvidence> mirrored)
    {
        var evidence = new RolloutEvidence([], 0) { Shadow = mirrored };
        var limit = _policy.HarmLimit(rollout.Candidates.Count);
        var standing = mirrored.Where(m => rollout.Standing.Contains(m.Candidate)).ToList();
        if (standing.Where(m => m.Harm >= limit).MaxBy(m => m.Harm) is { } worse)
        {
            var why = $"'{worse.Candidate}' fails where the live release does not, seen on mirrored requests: {RolloutWords.Of(worse)}; evidence {RolloutWords.Number(worse.Harm)}, limit {RolloutWords.Number(limit)}.";
            return rollout.Standing.Count > 1
                ? new RolloutDecision(RolloutAction.Eliminate, why, evidence, worse.Candidate)
                : new RolloutDecision(RolloutAction.RollBack, why, evidence);
        }

        if (rollout.Phase == RolloutPhase.Held)
        {
            return new RolloutDecision(RolloutAction.Wait, rollout.Why, evidence);
        }

        return rollout.Standing.All(c => standing.FirstOrDefault(m => m.Candidate == c)?.Mirrored >= _policy.Shadow)
            ? new RolloutDecision(RolloutAction.Advance, $"Mirrored requests saw no harm: {string.Join("; ", standing.Select(RolloutWords.Of))}.", evidence)
            : AtLimit(rollout, now, evidence, $"only {standing.Select(m => m.Mirrored).DefaultIfEmpty().Min():#,0} of {_policy.Shadow:#,0} requests were mirrored")
                ?? new RolloutDecision(RolloutAction.Wait, "", evidence);
    }

    private RolloutDecision OfOne(Rollout rollout, DateTimeOffset now)
    {
        var evidence = new RolloutEvidence([.. _field.AgainstLive(1)], Answers(1, rollout)) { Shadow = rollout.Evidence?.Shadow };
        var (harm, safety) = (_policy.HarmLimit(1), _policy.SafetyLimit(1));
        if (evidence.Harm >= harm)
        {
            return new RolloutDecision(
                RolloutAction.RollBack, $"The candidate is worse: {RolloutWords.Counts(evidence)}; evidence {RolloutWords.Number(evidence.Harm)}, limit {RolloutWords.Number(harm)}.", evidence);
        }

        if (rollout.Phase == RolloutPhase.Held)
        {
            return new RolloutDecision(RolloutAction.Wait, rollout.Why, evidence);
        }

        var stepDone = StepDone(rollout, now, evidence.CandidateAnswers);
        if (stepDone && rollout.Steps.Count < _policy.Shares.Count)
        {
            return new RolloutDecision(RolloutAction.Advance, $"Step {rollout.Steps.Count} of {_policy.Shares.Count} saw no harm: {RolloutWords.Counts(evidence)}.", evidence);
        }

        if (stepDone && evidence.Safety >= safety)
        {
            return new RolloutDecision(
                RolloutAction.Promote,
                $"Not worse by {RolloutWords.Points(_policy.Margin)}: {RolloutWords.Counts(evidence)}; evidence {RolloutWords.Number(evidence.Safety)}, limit {RolloutWords.Number(safety)}.", evidence);
        }

        return AtLimit(rollout, now, evidence, $"{RolloutWords.Counts(evidence)}; evidence of safety {RolloutWords.Number(evidence.Safety)}, {RolloutWords.Number(safety)} is needed")
            ?? new RolloutDecision(RolloutAction.Wait, "", evidence);
    }

    private RolloutDecision OfSeveral(Rollout rollout, DateTimeOffset now)
    {
        var count = _candidates.Count;
        var standing = rollout.Standing;
        List<CandidateEvidence> all = [.. Enumerable.Range(1, count).Select(arm => _field.Of(arm, Answers(arm, rollout), rollout))];
        List<CandidateEvidence> left = [.. all.Where(c => standing.Contains(c.Candidate))];
        var evidence = new RolloutEvidence([.. Enumerable.Range(1, count).SelectMany(_field.AgainstLive)], left.Select(c => c.Answers).DefaultIfEmpty().Min())
        {
            Candidates = all, Shadow = rollout.Evidence?.Shadow,
        };
        var (harm, safety) = (_policy.HarmLimit(count), _policy.SafetyLimit(count));
        if (left.MaxBy(c => c.Harm) is { } worst && worst.Harm >= harm)
        {
            var why = $"'{worst.Candidate}' is worse than '{worst.WorseThan}': {RolloutWords.Counts(evidence)}; evidence {RolloutWords.Number(worst.Harm)}, limit {RolloutWords.Number(harm)}.";
            return new RolloutDecision(left.Count > 1 ? RolloutAction.Eliminate : RolloutAction.RollBack, why, evidence, worst.Candidate);
        }

        if (rollout.Phase == RolloutPhase.Held)
        {
            return new RolloutDecision(RolloutAction.Wait, rollout.Why, evidence);
        }

        var stepDone = StepDone(rollout, now, evidence.CandidateAnswers);
        if (stepDone && rollout.Steps.Count < _policy.Shares.Count)
        {
            return new RolloutDecision(RolloutAction.Advance, $"Step {rollout.Steps.Count} of {_policy.Shares.Count} saw no harm: {RolloutWords.Counts(evidence)}.", evidence);
        }

        // Of several that may, the one with the fewest bad answers: any of them keeps the stated error.
        if (stepDone && left.Where(c => c.Safety >= safety).MinBy(c => _field.BadShare(_candidates.ToList().IndexOf(c.Candidate) + 1)) is { } winner)
        {
            return new RolloutDecision(
                RolloutAction.Promote,
                $"'{winner.Candidate}' is not worse by {RolloutWords.Points(_policy.Margin)} than the live release and the {left.Count - 1} other candidates left: {RolloutWords.Counts(evidence)}; evidence {RolloutWords.Number(winner.Safety)}, limit {RolloutWords.Number(safety)}.",
                evidence, winner.Candidate);
        }

        return AtLimit(rollout, now, evidence, $"{RolloutWords.Counts(evidence)}; best evidence of safety {RolloutWords.Number(evidence.Safety)}, {RolloutWords.Number(safety)} is needed")
            ?? new RolloutDecision(RolloutAction.Wait, "", evidence);
    }

    private RolloutDecision? AtLimit(Rollout rollout, DateTimeOffset now, RolloutEvidence evidence, string seen) => now - rollout.Began < _policy.Limit
        ? null
        : new RolloutDecision(
            _policy.AtLimit == RolloutEnd.Hold ? RolloutAction.Hold : RolloutAction.Abort, $"Insufficient evidence after {_policy.Limit:d\\.hh\\:mm}: {seen}.", evidence);

    private bool StepDone(Rollout rollout, DateTimeOffset now, long answers) => answers >= _policy.Requests && now - rollout.Steps[^1].Since >= _policy.StepTime;

    private long Answers(int arm, Rollout rollout)
    {
        _answers.RemoveAll(a => a.At < rollout.Steps[^1].Since);
        return _answers.Count(a => a.Arm == arm);
    }
}
