using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Catalog.Objects;
using Lauter.Releases.Evidence;
using Lauter.Releases.Gates;

namespace Lauter.Releases.Rollout;

/// <summary>How a change of a rollout ended.</summary>
/// <param name="Rollout">The rollout as it is now; null when there is none.</param>
/// <param name="Refusal">Why nothing was changed, with the way out; null when it was done.</param>
public sealed record RolloutChange(Rollout? Rollout, string? Refusal)
{
    /// <summary>True when the change was made.</summary>
    public bool Done => Refusal is null;
}

/// <summary>
/// Rollouts, one at a time for each application, in <c>releases/APPLICATION/rollout.json</c>. Every change is first written to the audit
/// log with the whole new state, so a process that dies between the two is finished by the next one. A promotion moves the live pointer
/// first; a rollout whose candidate is live already is closed by whoever looks next.
/// </summary>
/// <remarks>Safe for concurrent use by threads and processes: changes take a file lock and name the version they were decided on.</remarks>
public sealed class RolloutStore(string stateDirectory, ReleaseStore releases, TimeProvider time)
{
    /// <summary>Most candidates of one rollout: each takes its part of the share and of the risk.</summary>
    public const int MostCandidates = 8;

    private const string ActionPrefix = "rollout.";
    private readonly string _root = Path.Combine(Path.GetFullPath(stateDirectory), "releases");

    /// <summary>The newest rollout of <paramref name="application"/>, also one that has ended; null when there never was one.</summary>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public Rollout? Find(string application)
    {
        var path = PathOf(application);
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), RolloutJson.Default.Rollout);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path} is damaged: {e.Message} Restore it from a backup; .lauter/audit.jsonl holds what it said.", e);
        }
    }

    /// <summary>What happened in the rollouts of <paramref name="application"/>, oldest first.</summary>
    public IReadOnlyList<Rollout> History(string application) => [.. Entries(application).Select(StateOf)];

    /// <summary>Begins a rollout of <paramref name="candidateId"/>.</summary>
    /// <param name="application">The application; it must have a live release.</param>
    /// <param name="candidateId">A release whose gate passed, or of an application without a gate.</param>
    /// <param name="policy">How it goes.</param>
    /// <param name="by">Who.</param>
    /// <param name="why">Why.</param>
    /// <param name="cancellationToken">Cancels the wait for the lock.</param>
    public Task<RolloutChange> StartAsync(string application, string candidateId, RolloutPolicy policy, string by, string why, CancellationToken cancellationToken) =>
        StartAsync(application, [candidateId], policy, by, why, cancellationToken);

    /// <summary>Begins a rollout of several candidates at once; each gets an equal part of the share.</summary>
    /// <param name="application">The application; it must have a live release.</param>
    /// <param name="candidates">One to eight different releases whose gates passed, or of an application without a gate.</param>
    /// <param name="policy">How it goes.</param>
    /// <param name="by">Who.</param>
    /// <param name="why">Why.</param>
    /// <param name="cancellationToken">Cancels the wait for the lock.</param>
    public async Task<RolloutChange> StartAsync(
        string application, IReadOnlyList<string> candidates, RolloutPolicy policy, string by, string why, CancellationToken cancellationToken)
    {
        policy.Check();
        if (candidates.Count is < 1 or > MostCandidates || candidates.Distinct(StringComparer.Ordinal).Count() != candidates.Count)
        {
            throw new ArgumentException($"A rollout has 1 to {MostCandidates} different candidates, but was asked for [{string.Join(", ", candidates)}].", nameof(candidates));
        }

        using (await LockAsync(application, cancellationToken))
        {
            var current = Find(application);
            if (current is { Active: true })
            {
                return current.Candidates.SequenceEqual(candidates)
                    ? new RolloutChange(current, null)
                    : new RolloutChange(current, $"'{string.Join("', '", current.Candidates)}' is on its way already ({current.Share:P0} of the requests). Promote or abort it first: lauter rollout --promote | --abort.");
            }

            if (releases.Live(application) is not { } live)
            {
                return new RolloutChange(current, $"'{application}' has no live release to roll out against. Its first release is made live by 'lauter up'.");
            }

            if (candidates.Select(c => Unfit(application, c, live)).FirstOrDefault(f => f is not null) is { } unfit)
            {
                return new RolloutChange(current, unfit);
            }

            var now = time.GetUtcNow();
            return await SaveAsync(
                new Rollout
                {
                    Application = application,
                    Candidate = candidates[0],
                    Rivals = candidates.Count > 1 ? [.. candidates.Skip(1)] : null,
                    ShadowSince = policy.Shadow > 0 ? now : null,
                    Live = live.ReleaseId,
                    LiveVersion = live.Version,
                    Policy = policy,
                    Steps = [new RolloutStep(policy.Shadow > 0 ? 0 : policy.Shares[0], now)],
                    Phase = RolloutPhase.Running,
                    Version = (current?.Version ?? 0) + 1,
                    Why = why,
                    Since = now,
                },
                "started", by, cancellationToken);
        }
    }

    private string? Unfit(string application, string candidateId, LivePointer live)
    {
        if (releases.List(application).FirstOrDefault(r => r.Id == candidateId) is not { } release)
        {
            return $"'{application}' has no release '{candidateId}'.";
        }

        return release.Gate is { } gate && gate != GateDecision.Pass
            ? $"The gate of '{candidateId}' said {gate.Word()}; only a release whose gate said pass can serve."
            : live.ReleaseId == candidateId ? $"'{candidateId}' is live already."
            : releases.MissingApprovals(release) is { Count: > 0 } missing ? ReleaseStore.WaitsFor(release, missing) : null;
    }

    /// <summary>Does what a look, or a person, decided. A <see cref="RolloutAction.Wait"/> changes nothing.</summary>
    /// <param name="application">The application.</param>
    /// <param name="version"><see cref="Rollout.Version"/> as it was seen when the decision fell.</param>
    /// <param name="action">What to do.</param>
    /// <param name="by">Who.</param>
    /// <param name="why">Why, in a sentence.</param>
    /// <param name="evidence">What was seen; null when nobody looked.</param>
    /// <param name="cancellationToken">Cancels the wait for the lock; what has begun is finished.</param>
    /// <param name="candidate">Which one leaves or becomes live; null = the only one that still stands.</param>
    public async Task<RolloutChange> ChangeAsync(
        string application, long version, RolloutAction action, string by, string why, RolloutEvidence? evidence, CancellationToken cancellationToken, string? candidate = null)
    {
        using (await LockAsync(application, cancellationToken))
        {
            if (Find(application) is not { Active: true } rollout)
            {
                return new RolloutChange(Find(application), $"'{application}' has no rollout under way.");
            }

            if (rollout.Version != version)
            {
                return new RolloutChange(rollout, $"Meanwhile the rollout of '{rollout.Candidate}' changed ({rollout.Why}); look at it and decide again.");
            }

            var now = time.GetUtcNow();
            if (action is RolloutAction.Promote or RolloutAction.Eliminate)
            {
                candidate ??= rollout.Standing is [var only] ? only : null;
                if (candidate is null || !rollout.Standing.Contains(candidate))
                {
                    return new RolloutChange(rollout, $"Say which of the candidates that are left: {string.Join(", ", rollout.Standing)}.");
                }
            }

            rollout = rollout with { Version = version + 1, Why = why, Evidence = evidence ?? rollout.Evidence };
            switch (action)
            {
                case RolloutAction.Advance when rollout.Steps[^1].Share == 0:
                    // Steps begin anew: what was only mirrored is no evidence of the canary.
                    return await SaveAsync(rollout with { Phase = RolloutPhase.Running, Steps = [new RolloutStep(rollout.Policy.Shares[0], now)] }, "advanced", by, cancellationToken);
                case RolloutAction.Eliminate:
                    rollout = rollout with { Eliminated = [.. rollout.Eliminated ?? [], new EliminatedCandidate(candidate!, now, why)] };
                    return rollout.Standing.Count > 0
                        ? await SaveAsync(rollout, "eliminated", by, cancellationToken)
                        : await SaveAsync(Ended(rollout, RolloutPhase.RolledBack, now), "rolled_back", by, cancellationToken);
                case RolloutAction.Advance when rollout.Steps.Count < rollout.Policy.Shares.Count:
                    return await SaveAsync(
                        rollout with { Phase = RolloutPhase.Running, Steps = [.. rollout.Steps, new RolloutStep(rollout.Policy.Shares[rollout.Steps.Count], now)] },
                        "advanced", by, cancellationToken);
                case RolloutAction.Advance:
                    return await SaveAsync(rollout with { Phase = RolloutPhase.Running }, "resumed", by, cancellationToken);
                case RolloutAction.Hold:
                    return await SaveAsync(Ended(rollout, RolloutPhase.Held, now), "held", by, cancellationToken);
                case RolloutAction.RollBack:
                    return await SaveAsync(Ended(rollout, RolloutPhase.RolledBack, now), "rolled_back", by, cancellationToken);
                case RolloutAction.Abort:
                    return await SaveAsync(Ended(rollout, RolloutPhase.Aborted, now), "aborted", by, cancellationToken);
                case RolloutAction.Promote:
                    var promotion = await releases.PromoteAsync(application, candidate!, rollout.LiveVersion, by, $"rollout: {why}", cancellationToken);
                    return promotion.Done
                        ? await SaveAsync(Won(Ended(rollout, RolloutPhase.Promoted, now), candidate!), "promoted", by, cancellationToken)
                        : new RolloutChange(
                            (await SaveAsync(Ended(rollout, RolloutPhase.Aborted, now) with { Why = promotion.Detail }, "aborted", by, cancellationToken)).Rollout, promotion.Detail);
                default:
                    return new RolloutChange(rollout with { Version = version }, null);
            }
        }
    }

    /// <summary>True when the newest rollout of <paramref name="releaseId"/> ended without a promotion: an automatic run must not begin it again.</summary>
    public bool IsWithdrawn(string application, string releaseId) => History(application).LastOrDefault(r => r.Candidates.Contains(releaseId)) is { } last
        && (last.Phase is RolloutPhase.RolledBack or RolloutPhase.Aborted || (last.Phase == RolloutPhase.Promoted && last.Candidate != releaseId));

    /// <summary>Names the winner first: what is live is <see cref="Rollout.Candidate"/> of a promoted rollout.</summary>
    private static Rollout Won(Rollout rollout, string winner) =>
        rollout with { Candidate = winner, Rivals = rollout.Rivals is null ? null : [.. rollout.Candidates.Where(c => c != winner)] };

    private static Rollout Ended(Rollout rollout, RolloutPhase phase, DateTimeOffset now) => rollout with { Phase = phase, Since = now };

    private async Task<RolloutChange> SaveAsync(Rollout rollout, string action, string by, CancellationToken cancellationToken)
    {
        await releases.Audit.AppendAsync(
            by, ActionPrefix + action, rollout.Candidate,
            new JsonObject { ["application"] = rollout.Application, ["rollout"] = JsonSerializer.SerializeToNode(rollout, RolloutJson.Default.Rollout) },
            cancellationToken);
        AtomicFile.WriteJson(PathOf(rollout.Application), rollout, RolloutJson.Default.Rollout);
        return new RolloutChange(rollout, null);
    }

    /// <summary>Takes the lock, and finishes what a process that died had begun.</summary>
    private async Task<FileLock> LockAsync(string application, CancellationToken cancellationToken)
    {
        var taken = await FileLock.AcquireAsync(Path.Combine(_root, application, "rollout.lock"), cancellationToken);
        try
        {
            if (Entries(application).LastOrDefault() is { } last && StateOf(last) is var said && said.Version > (Find(application)?.Version ?? 0))
            {
                AtomicFile.WriteJson(PathOf(application), said, RolloutJson.Default.Rollout);
            }

            if (Find(application) is { Active: true } rollout && releases.Live(application) is { } live && live.Version != rollout.LiveVersion)
            {
                var promoted = rollout.Candidates.Contains(live.ReleaseId);
                await SaveAsync(
                    Ended(promoted ? Won(rollout, live.ReleaseId) : rollout, promoted ? RolloutPhase.Promoted : RolloutPhase.Aborted, time.GetUtcNow()) with
                    {
                        Version = rollout.Version + 1,
                        Why = promoted ? $"{live.By} made it live: {live.Why}" : $"{live.By} made '{live.ReleaseId}' live meanwhile: {live.Why}",
                    },
                    promoted ? "promoted" : "aborted", live.By, cancellationToken);
            }

            return taken;
        }
        catch
        {
            taken.Dispose();
            throw;
        }
    }

    /// <summary>Closes a rollout that a promotion or rollback of the live release has overtaken. Cheap when there is none.</summary>
    public async Task<Rollout?> RefreshAsync(string application, CancellationToken cancellationToken)
    {
        if (Find(application) is { Active: true } rollout && releases.Live(application) is { } live && live.Version != rollout.LiveVersion)
        {
            using (await LockAsync(application, cancellationToken))
            {
                // Taking the lock did it.
            }
        }

        return Find(application);
    }

    private IEnumerable<AuditEntry> Entries(string application) => releases.Audit.Read().Where(e =>
        e.Action.StartsWith(ActionPrefix, StringComparison.Ordinal) && e.Details["application"]?.GetValue<string>() == application);

    private static Rollout StateOf(AuditEntry entry) => entry.Details["rollout"].Deserialize(RolloutJson.Default.Rollout)
        ?? throw new InvalidDataException($"Entry {entry.Sequence} of the audit log ({entry.Action}) has no rollout.");

    private string PathOf(string application) => Path.Combine(_root, application, "rollout.json");
}
