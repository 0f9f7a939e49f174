using Lauter.Releases.Alerts;
using Lauter.Releases.Rollout;
using Lauter.Traces;

namespace Lauter.Hosting;

/// <summary>
/// Looks at the rollouts of a serving project: reads from the traces what became known since the last look, and moves on, rolls back or
/// promotes. What a look needs is in the traces, so a server that starts again comes to the same evidence.
/// </summary>
internal sealed class RolloutWatch(RolloutStore rollouts, TraceStore traces, TimeProvider time, Action<string> tell, AlertLog? alerts = null)
{
    private const string By = "lauter";
    private const int Page = 10_000;
    private readonly Dictionary<string, Watched> _watched = new(StringComparer.Ordinal);

    /// <summary>One look at the rollout of <paramref name="application"/>.</summary>
    /// <returns>The newest rollout as it stands after the look, also one that has ended; null when there never was one.</returns>
    public async Task<Rollout?> LookAsync(string application, CancellationToken cancellationToken)
    {
        if (await rollouts.RefreshAsync(application, cancellationToken) is not { Active: true } rollout)
        {
            _watched.Remove(application);
            return rollouts.Find(application);
        }

        var decision = Judge(rollout);
        if (decision.Action == RolloutAction.Wait)
        {
            return rollout;
        }

        var change = await rollouts.ChangeAsync(application, rollout.Version, decision.Action, By, decision.Why, decision.Evidence, cancellationToken, decision.Candidate);
        Tell(application, change, decision.Action == RolloutAction.Eliminate ? decision.Candidate : null);
        return change.Rollout;
    }

    /// <summary>Takes a candidate back for a reason that no request showed; of several, the others go on.</summary>
    public async Task RollBackAsync(Rollout rollout, string candidate, string why, CancellationToken cancellationToken) => Tell(
        rollout.Application,
        await rollouts.ChangeAsync(
            rollout.Application, rollout.Version, rollout.Standing.Count > 1 ? RolloutAction.Eliminate : RolloutAction.RollBack, By, why, null, cancellationToken, candidate),
        rollout.Standing.Count > 1 ? candidate : null);

    /// <summary>What the traces say about a rollout that is under way now; changes nothing.</summary>
    public RolloutDecision Judge(Rollout rollout)
    {
        var watched = _watched.GetValueOrDefault(rollout.Application);
        if (watched?.Candidate != rollout.Candidate || watched.Started != rollout.Started)
        {
            watched = _watched[rollout.Application] = new Watched(rollout.Candidate, rollout.Started, new RolloutJudge(rollout.Policy, rollout.Candidates));
        }

        if (rollout.Shadowing)
        {
            return watched.Judge.Decide(rollout, time.GetUtcNow(), Mirrored(rollout));
        }

        Hear(watched, rollout);
        return watched.Judge.Decide(rollout, time.GetUtcNow());
    }

    /// <summary>What was mirrored so far. Read anew at each look: it ends after the policy's number of requests.</summary>
    private List<ShadowEvidence> Mirrored(Rollout rollout)
    {
        var pairs = traces.Mirrors(rollout.Application, rollout.Started, (rollout.Policy.Shadow * rollout.Candidates.Count) + Page)
            .Select(m => new ShadowPair(
                m.Release, m.CallerOutcome == TraceOutcome.Failed, m.Outcome == TraceOutcome.Failed, m.Agrees, m.CallerDuration.TotalMilliseconds, m.Duration.TotalMilliseconds,
                m.Cost?.Units, m.Cost?.Currency)).ToList();
        return [.. rollout.Candidates.Select(c => ShadowEvidence.Of(c, pairs))];
    }

    private void Hear(Watched watched, Rollout rollout)
    {
        IReadOnlyList<ReleaseOutcomeRow> outcomes;
        do
        {
            outcomes = traces.ReleaseOutcomes(rollout.Application, rollout.Started, watched.Outcome, Page);
            foreach (var row in outcomes)
            {
                if (Arm(rollout, row.Release) is { } candidate)
                {
                    watched.Judge.Add(new RolloutObservation(RolloutSignal.Failures, candidate, row.Outcome == TraceOutcome.Failed, row.Started, row.Unit, row.Release), rollout);
                }

                watched.Outcome = row;
            }
        }
        while (outcomes.Count == Page);

        IReadOnlyList<ReleaseFeedbackRow> feedback;
        do
        {
            feedback = traces.ReleaseFeedback(rollout.Application, rollout.Started, watched.Feedback, Page);
            foreach (var row in feedback)
            {
                if (Arm(rollout, row.Release) is { } candidate)
                {
                    watched.Judge.Add(new RolloutObservation(RolloutSignal.Feedback, candidate, row.Bad, row.Started, row.Unit, row.Release), rollout);
                }

                watched.Feedback = row;
            }
        }
        while (feedback.Count == Page);
    }

    private static bool? Arm(Rollout rollout, string release) => rollout.Candidates.Contains(release) ? true : release == rollout.Live ? false : null;

    private void Tell(string application, RolloutChange change, string? eliminated = null)
    {
        if (change.Rollout is { } rollout)
        {
            var named = string.Join(", ", rollout.Active ? rollout.Standing : [rollout.Candidate]);
            if (eliminated is not null && rollout.Active)
            {
                tell($"{application}: {eliminated} left the rollout, {named} go on. {rollout.Why}");
                return;
            }

            if (change.Done && rollout.Phase is RolloutPhase.RolledBack or RolloutPhase.Held)
            {
                alerts?.Raise(new Alert
                {
                    Id = Guid.CreateVersion7(rollout.Since), At = rollout.Since, Kind = "rollout", Application = application, Release = rollout.Candidate,
                    Text = rollout.Phase == RolloutPhase.Held
                        ? $"The rollout of '{rollout.Candidate}' waits for a person at {rollout.Share:P0}. {rollout.Why}"
                        : $"'{rollout.Candidate}' was rolled back, '{rollout.Live}' answers everything. {rollout.Why}",
                });
            }

            tell($"{application}: rollout of {named} {rollout.Phase switch
            {
                RolloutPhase.Running => $"goes on with {rollout.Share:P0}",
                RolloutPhase.Held => $"is held at {rollout.Share:P0}",
                RolloutPhase.Promoted => "is complete: it is live now",
                RolloutPhase.RolledBack => $"was rolled back, {rollout.Live} answers everything",
                _ => $"was aborted, {rollout.Live} answers everything",
            }}. {rollout.Why}");
        }
    }

    private sealed class Watched(string candidate, DateTimeOffset started, RolloutJudge judge)
    {
        public string Candidate { get; } = candidate;

        public DateTimeOffset Started { get; } = started;

        public RolloutJudge Judge { get; } = judge;

        public ReleaseOutcomeRow? Outcome { get; set; }

        public ReleaseFeedbackRow? Feedback { get; set; }
    }
}
