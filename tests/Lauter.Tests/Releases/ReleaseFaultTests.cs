using Lauter.Catalog.Objects;
using Lauter.Releases.Gates;
using Lauter.Releases.Rollout;
using Microsoft.Extensions.Time.Testing;

namespace Lauter.Tests.Releases;

/// <summary>Approvals, several candidates, operators in a hurry, clocks that jump, files that are gone: never a false pass, and the audit log knows all of it.</summary>
public sealed class ReleaseFaultTests : IDisposable
{
    private static readonly RolloutPolicy Policy = new() { Shares = [0.1, 0.5], Requests = 20, Limit = TimeSpan.FromHours(2) };
    private readonly TemporaryDirectory _directory = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 3, 1, 8, 0, 0, TimeSpan.Zero));
    private readonly ObjectStore _objects;
    private readonly ReleaseStore _releases;
    private readonly RolloutStore _rollouts;

    public ReleaseFaultTests()
    {
        _objects = new ObjectStore(_directory.File(".lauter/objects"));
        _releases = new ReleaseStore(_directory.File(".lauter"), _objects, _time);
        _rollouts = new RolloutStore(_directory.File(".lauter"), _releases, _time);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task PromoteAsync_ApprovalsMissing_IsRefusedWithWhoIsMissingUntilDifferentPeopleAgreed()
    {
        await LiveAsync();
        var release = await CreateAsync("m2", [new ApprovalRule("safety", 2), new ApprovalRule("owner")]);
        Assert.Equal("safety (0 of 2) and owner (0 of 1)", string.Join(" and ", _releases.MissingApprovals(release)));
        var refused = await _releases.PromoteAsync("triage", "triage-2", 1, "kim", "", Cancel);
        Assert.Equal(PromotionRefusal.ApprovalMissing, refused.Refusal);
        Assert.Contains("lauter approve triage-2 --role safety", refused.Detail);
        Assert.Contains("safety (0 of 2)", (await _rollouts.StartAsync("triage", "triage-2", Policy, "kim", "", Cancel)).Refusal);

        await _releases.ApproveAsync(release, "safety", "kim", "root", "read the report", Cancel);
        await _releases.ApproveAsync(release, "safety", "kim", "root", "again", Cancel);
        Assert.Equal(1, _releases.MissingApprovals(release)[0].Given);
        await _releases.ApproveAsync(release, "safety", "lee", "root", "", Cancel);
        Assert.Empty(await _releases.ApproveAsync(release, "owner", "kim", "root", "", Cancel));
        Assert.True((await _releases.PromoteAsync("triage", "triage-2", 1, "kim", "", Cancel)).Done);
        Assert.Equal(3, _releases.Audit.Read().Count(e => e.Action == "release.approved"));
        Assert.True(_releases.VerifyAudit().Intact);
        await Assert.ThrowsAsync<ArgumentException>(() => _releases.ApproveAsync(release, "legal", "kim", "root", "", Cancel));
    }

    [Fact]
    public async Task ApproveAsync_OneRelease_SaysNothingAboutTheNext()
    {
        await LiveAsync();
        await _releases.ApproveAsync(await CreateAsync("m2", [new ApprovalRule("safety")]), "safety", "kim", "root", "", Cancel);
        Assert.Single(_releases.MissingApprovals(await CreateAsync("m3", [new ApprovalRule("safety")])));
    }

    [Fact]
    public async Task Rollout_SeveralCandidates_OneLeavesOneWinsAndTheAuditLogNamesAllThree()
    {
        await LiveAsync();
        foreach (var model in (string[])["m2", "m3", "m4"])
        {
            await CreateAsync(model);
        }

        var rollout = (await _rollouts.StartAsync("triage", ["triage-2", "triage-3", "triage-4"], Policy, "kim", "three prompts", Cancel)).Rollout!;
        Assert.Equal(["triage-2", "triage-3", "triage-4"], rollout.Standing);
        Assert.NotNull((await _rollouts.ChangeAsync("triage", rollout.Version, RolloutAction.Promote, "kim", "", null, Cancel)).Refusal);
        rollout = (await _rollouts.ChangeAsync("triage", rollout.Version, RolloutAction.Eliminate, "lauter", "worse", null, Cancel, "triage-2")).Rollout!;
        Assert.Equal(["triage-3", "triage-4"], rollout.Standing);
        Assert.NotNull((await _rollouts.ChangeAsync("triage", rollout.Version, RolloutAction.Promote, "kim", "", null, Cancel, "triage-2")).Refusal);
        rollout = (await _rollouts.ChangeAsync("triage", rollout.Version, RolloutAction.Promote, "lauter", "best", null, Cancel, "triage-4")).Rollout!;
        Assert.Equal((RolloutPhase.Promoted, "triage-4"), (rollout.Phase, rollout.Candidate));
        Assert.Equal("triage-4", _releases.Live("triage")!.ReleaseId);

        // An automatic run brings none of the losers back by itself.
        Assert.True(_rollouts.IsWithdrawn("triage", "triage-2"));
        Assert.True(_rollouts.IsWithdrawn("triage", "triage-3"));
        Assert.False(_rollouts.IsWithdrawn("triage", "triage-4"));
        Assert.Equal(["rollout.started", "rollout.eliminated", "rollout.promoted"], _releases.Audit.Read().Where(e => e.Action.StartsWith("rollout", StringComparison.Ordinal)).Select(e => e.Action));
    }

    [Fact]
    public async Task Rollout_LastOfSeveralLeaves_IsRolledBack()
    {
        await LiveAsync();
        await CreateAsync("m2");
        await CreateAsync("m3");
        var rollout = (await _rollouts.StartAsync("triage", ["triage-2", "triage-3"], Policy, "kim", "", Cancel)).Rollout!;
        foreach (var candidate in rollout.Candidates)
        {
            rollout = (await _rollouts.ChangeAsync("triage", rollout.Version, RolloutAction.Eliminate, "lauter", "worse", null, Cancel, candidate)).Rollout!;
        }

        Assert.Equal(RolloutPhase.RolledBack, rollout.Phase);
        Assert.Equal("triage-1", _releases.Live("triage")!.ReleaseId);
    }

    [Fact]
    public async Task StartAsync_WithShadow_MirrorsFirstAndTheCanaryBeginsWithFreshSteps()
    {
        await LiveAsync();
        await CreateAsync("m2");
        var rollout = (await _rollouts.StartAsync("triage", "triage-2", Policy with { Shadow = 10 }, "kim", "", Cancel)).Rollout!;
        Assert.True(rollout.Shadowing);
        Assert.Equal(0, rollout.Share);
        _time.Advance(TimeSpan.FromMinutes(5));
        rollout = (await _rollouts.ChangeAsync("triage", rollout.Version, RolloutAction.Advance, "lauter", "mirrored", null, Cancel)).Rollout!;
        Assert.False(rollout.Shadowing);
        Assert.Equal((0.1, 1, _time.GetUtcNow()), (rollout.Share, rollout.Steps.Count, rollout.Started));
        Assert.Equal(_time.GetUtcNow() - TimeSpan.FromMinutes(5), rollout.Began);
    }

    [Fact]
    public async Task RollbackAsync_FilesOfTheNewReleaseAreGone_StillGoesBackAndTheAuditLogIsWhole()
    {
        await LiveAsync();
        var second = await CreateAsync("m2");
        Assert.True((await _releases.PromoteAsync("triage", "triage-2", 1, "kim", "", Cancel)).Done);
        foreach (var gone in second.Inputs.Select(i => i.Sha256).Append(second.Manifest))
        {
            var path = _objects.PathOf(gone);
            File.SetAttributes(path, FileAttributes.Normal);
            File.Delete(path);
        }

        var back = await _releases.RollbackAsync("triage", null, "kim", "its provider is gone", Cancel);
        Assert.True(back.Done, back.Detail);
        Assert.Equal("triage-1", _releases.Live("triage")!.ReleaseId);
        Assert.True(_releases.VerifyAudit().Intact);
    }

    [Fact]
    public async Task PromoteAsync_ManyOperatorsAtOnce_OneWinsAndTheOthersAreToldWho()
    {
        await LiveAsync();
        await CreateAsync("m2");
        await CreateAsync("m3");
        var all = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => Task.Run(() => new ReleaseStore(_directory.File(".lauter"), _objects, _time)
            .PromoteAsync("triage", i % 2 == 0 ? "triage-2" : "triage-3", 1, $"operator {i}", "", Cancel), Cancel)));
        // The same release again is no refusal only for who named the version that was live; all had decided on version 1.
        Assert.Single(all, p => p.Done && p.Live!.Version == 2 && p.Refusal is null);
        Assert.All(all.Where(p => !p.Done), p => Assert.Equal(PromotionRefusal.LiveChanged, p.Refusal));
        Assert.Single(_releases.Audit.Read(), e => e.Action == "release.promoted" && e.Details["version"]!.GetValue<long>() == 2);
        Assert.True(_releases.VerifyAudit().Intact);
    }

    [Fact]
    public async Task Rollout_ClockJumpsBothWays_NeverPromotesAndKeepsItsOrder()
    {
        await LiveAsync();
        await CreateAsync("m2");
        var rollout = (await _rollouts.StartAsync("triage", "triage-2", Policy, "kim", "", Cancel)).Rollout!;
        var judge = new RolloutJudge(Policy);
        var start = _time.GetUtcNow();

        // Requests stamped before the rollout began, and days after it: counted once each, at a share that was in force; no promotion without evidence.
        foreach (var at in new[] { start - TimeSpan.FromDays(30), start + TimeSpan.FromDays(400), start })
        {
            judge.Add(new RolloutObservation(RolloutSignal.Failures, Candidate: true, Bad: false, at), rollout);
            Assert.NotEqual(RolloutAction.Promote, judge.Decide(rollout, at).Action);
        }

        Assert.Equal(RolloutAction.Hold, judge.Decide(rollout, start + TimeSpan.FromDays(400)).Action);
        Assert.Equal(RolloutAction.Wait, judge.Decide(rollout, start - TimeSpan.FromDays(400)).Action);
        Assert.True(_releases.Audit.Verify().Intact);
    }

    private async Task LiveAsync()
    {
        await CreateAsync("m1");
        Assert.True((await _releases.PromoteAsync("triage", "triage-1", 0, "kim", "gate passed", Cancel)).Done);
    }

    private Task<Release> CreateAsync(string model, IReadOnlyList<ApprovalRule>? approvals = null)
    {
        var (baseline, candidate) = ScorecardOf.Pair(900, 40, 10, 50);
        return _releases.CreateAsync(
            new ReleaseDraft
            {
                Application = "triage", CandidateKind = "model", CandidateName = model, Approvals = approvals,
                Inputs = [new ManifestLink("model", "model", model, new Manifest { Kind = "model", Name = model }.WriteTo(_objects))],
                Verdict = Gate.Decide(new GatePolicy { Metric = ScorecardOf.Metric }, baseline, candidate),
            },
            "kim", Cancel);
    }
}
