using System.Text.Json.Nodes;
using Lauter.Catalog.Objects;
using Lauter.Console;
using Lauter.Ledger;
using Lauter.Releases.Gates;
using Lauter.Releases.Rollout;
using Lauter.Traces;

namespace Lauter.Hosting;

/// <summary>Rollouts and iterations, as the console and the reports show them.</summary>
internal static class ReleaseSections
{
    /// <summary>The newest rollout of an application; with the evidence of this moment while it is under way.</summary>
    public static RolloutSection? Rollout(Workspace workspace, string application, TimeProvider time) =>
        workspace.Rollouts.Find(application) is { } rollout ? Of(Judged(workspace, rollout, time)) : null;

    /// <summary>The last state of the rollout that brought a release; null when it went live at once.</summary>
    public static RolloutSection? RolloutOf(Workspace workspace, string application, string release, TimeProvider time) =>
        workspace.Rollouts.History(application).LastOrDefault(r => r.Candidate == release) is { } rollout ? Of(rollout.Active ? Judged(workspace, rollout, time) : rollout) : null;

    /// <summary>The iterations with what became of their releases, oldest first.</summary>
    public static IReadOnlyList<IterationView> Iterations(Workspace workspace, string application)
    {
        var path = workspace.StatePath("traces.db");
        using var traces = File.Exists(path) ? new TraceStore(path) : null;
        return [.. workspace.Iterations.All().Select(i => Of(workspace, application, i, traces))];
    }

    /// <summary>A rollout with what the traces say now.</summary>
    private static Rollout Judged(Workspace workspace, Rollout rollout, TimeProvider time)
    {
        if (!rollout.Active)
        {
            return rollout;
        }

        // What is still in the journal of a running server follows within a second.
        using var traces = new TraceStore(workspace.StatePath("traces.db"));
        return rollout with { Evidence = new RolloutWatch(workspace.Rollouts, traces, time, _ => { }).Judge(rollout).Evidence };
    }

    private static RolloutSection Of(Rollout rollout) => new()
    {
        Candidate = rollout.Candidate,
        Live = rollout.Live,
        State = rollout.Phase switch
        {
            RolloutPhase.Running => RolloutState.Running,
            RolloutPhase.Held => RolloutState.Held,
            RolloutPhase.Promoted => RolloutState.Promoted,
            RolloutPhase.RolledBack => RolloutState.RolledBack,
            _ => RolloutState.Aborted,
        },
        Share = rollout.Phase == RolloutPhase.Promoted ? 1 : rollout.Share,
        Shares = rollout.Policy.Shares,
        Steps = rollout.Phase == RolloutPhase.Promoted ? rollout.Policy.Shares.Count + 1 : rollout.Steps[^1].Share == 0 ? 0 : rollout.Steps.Count,
        Started = rollout.Began,
        Since = rollout.Since,
        Why = rollout.Why,
        Limit = rollout.Policy.HarmLimit(rollout.Candidates.Count),
        SafetyLimit = rollout.Policy.SafetyLimit(rollout.Candidates.Count),
        ShadowRequests = rollout.Policy.Shadow,
        Shadowing = rollout.Shadowing,
        Shadow = [.. (rollout.Evidence?.Shadow ?? []).Select(s => new ShadowView(
            s.Candidate, s.Mirrored, s.Agreed, s.Compared, s.OnlyCandidateFailed, s.OnlyLiveFailed, Time(s.CandidateP95Milliseconds), Time(s.LiveP95Milliseconds), s.Cost, s.Currency, s.Harm))],
        Rivals = rollout.Candidates.Count == 1 ? [] : [.. from candidate in rollout.Candidates
            let seen = rollout.Evidence?.Candidates?.FirstOrDefault(c => c.Candidate == candidate)
            select new RivalView(candidate, rollout.Eliminated?.FirstOrDefault(e => e.Candidate == candidate)?.Why, seen?.Harm, seen?.WorseThan, seen?.Safety)],
        Signals = [.. (rollout.Evidence?.Signals ?? []).Select(s => new RolloutSignalView(
            s.Signal.Code(), s.Candidate, s.CandidateBad, s.Live, s.LiveBad, s.Harm, s.Safety, s.Release))],
    };

    private static TimeSpan? Time(double? milliseconds) => milliseconds is { } value ? TimeSpan.FromMilliseconds(value) : null;

    private static IterationView Of(Workspace workspace, string application, Iteration iteration, TraceStore? traces)
    {
        var release = iteration.Release is { } id ? workspace.Releases.Find(id) : null;
        var promoted = release is null
            ? null
            : workspace.Releases.History(application).FirstOrDefault(e => e.ReleaseId == release.Id && e.Version is not null);
        var use = release is null || traces is null ? null : traces.UseOf(release.Id);
        var cost = use is { Cost: { } total, Accepted: > 0 } ? total.Units / use.Accepted : (decimal?)null;
        return new IterationView(
            iteration.Number, iteration.Started, Taken(workspace, iteration.Number), iteration.Outcome, iteration.Release, Value(workspace, release),
            promoted is not null && promoted.At > iteration.Started ? promoted.At - iteration.Started : null, (use?.Answered ?? 0) + (use?.Failed ?? 0), use?.Failed ?? 0, cost, cost is null ? null : use!.Cost!.Value.Currency);
    }

    private static long? Taken(Workspace workspace, int number)
    {
        var path = workspace.StatePath("iterations", $"{number:0000}", "record.json");
        return File.Exists(path) ? ManifestFacts.Count(JsonNode.Parse(File.ReadAllText(path))?["taken"]) : null;
    }

    private static double? Value(Workspace workspace, Release? release)
    {
        if (release is null || !workspace.Objects.Contains(release.Manifest))
        {
            return null;
        }

        var gate = Manifest.Read(workspace.Objects, release.Manifest).Objects.FirstOrDefault(o => o.Name == "gate.json");
        return gate is not null && workspace.Objects.Contains(gate.Sha256) ? GateVerdict.FromBytes(workspace.Objects.ReadAllBytes(gate.Sha256)).Candidate.Value : null;
    }
}
