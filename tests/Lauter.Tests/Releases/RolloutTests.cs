using Lauter.Catalog.Objects;
using Lauter.Releases.Gates;
using Lauter.Releases.Rollout;
using Microsoft.Extensions.Time.Testing;

namespace Lauter.Tests.Releases;

public sealed class RolloutTests : IDisposable
{
    private static readonly RolloutPolicy Policy = new() { Shares = [0.1, 0.5], Requests = 20, Limit = TimeSpan.FromHours(2) };
    private readonly TemporaryDirectory _directory = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 3, 1, 8, 0, 0, TimeSpan.Zero));
    private readonly ObjectStore _objects;
    private readonly ReleaseStore _releases;

    public RolloutTests()
    {
        _objects = new ObjectStore(_directory.File(".lauter/objects"));
        _releases = new ReleaseStore(_directory.File(".lauter"), _objects, _time);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task StartAsync_PassedRelease_RunsInItsFirstStepWhileTheLiveOneStays()
    {
        var (store, rollout) = await StartedAsync();
        Assert.Equal((RolloutPhase.Running, 0.1, "triage-2", "triage-1"), (rollout.Phase, rollout.Share, rollout.Candidate, rollout.Live));
        Assert.Equal("triage-1", _releases.Live("triage")!.ReleaseId);
        Assert.Equal(rollout.Version, Assert.Single(store.History("triage")).Version);
        var again = await store.StartAsync("triage", "triage-2", Policy, "kim", "again", Cancel);
        Assert.True(again.Done);
        Assert.Equal(1, again.Rollout!.Version);
    }

    [Fact]
    public async Task StartAsync_WithoutRightOrReason_SaysWhy()
    {
        var store = new RolloutStore(_directory.File(".lauter"), _releases, _time);
        await CreateAsync("m1");
        Assert.Contains("no live release", (await store.StartAsync("triage", "triage-1", Policy, "kim", "", Cancel)).Refusal);
        await _releases.PromoteAsync("triage", "triage-1", 0, "kim", "", Cancel);
        Assert.Contains("live already", (await store.StartAsync("triage", "triage-1", Policy, "kim", "", Cancel)).Refusal);
        Assert.Contains("no release 'triage-7'", (await store.StartAsync("triage", "triage-7", Policy, "kim", "", Cancel)).Refusal);
        await CreateAsync("m2", GateDecision.InsufficientEvidence);
        Assert.Contains("insufficient_evidence", (await store.StartAsync("triage", "triage-2", Policy, "kim", "", Cancel)).Refusal);
        Assert.Null(store.Find("triage"));
    }

    [Fact]
    public async Task Rollout_HealthyCandidate_AdvancesThenPromotesOnEvidence()
    {
        var (store, rollout) = await StartedAsync();
        var judge = new RolloutJudge(Policy);
        var steps = new List<RolloutAction>();
        for (var i = 0; i < 5_000 && rollout.Active; i++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(10));
            judge.Add(new RolloutObservation(RolloutSignal.Failures, i % 10 < rollout.Share * 10, Bad: false, _time.GetUtcNow()), rollout);
            var decision = judge.Decide(rollout, _time.GetUtcNow());
            if (decision.Action != RolloutAction.Wait)
            {
                steps.Add(decision.Action);
                rollout = (await store.ChangeAsync("triage", rollout.Version, decision.Action, "lauter", decision.Why, decision.Evidence, Cancel)).Rollout!;
            }
        }

        Assert.Equal([RolloutAction.Advance, RolloutAction.Promote], steps);
        Assert.Equal(RolloutPhase.Promoted, rollout.Phase);
        Assert.Equal("triage-2", _releases.Live("triage")!.ReleaseId);
        Assert.StartsWith("rollout: Not worse by 2 points", _releases.Live("triage")!.Why, StringComparison.Ordinal);
        Assert.True(_releases.Audit.Verify().Intact);
    }

    [Fact]
    public async Task Rollout_BrokenCandidate_IsRolledBackBeforeManySawIt()
    {
        var (store, rollout) = await StartedAsync();
        var judge = new RolloutJudge(Policy);
        var seen = 0;
        for (var i = 0; rollout.Active; i++)
        {
            Assert.True(i < 1_000);
            var candidate = i % 10 == 0;
            seen += candidate ? 1 : 0;
            judge.Add(new RolloutObservation(RolloutSignal.Failures, candidate, Bad: candidate, _time.GetUtcNow()), rollout);
            var decision = judge.Decide(rollout, _time.GetUtcNow());
            if (decision.Action != RolloutAction.Wait)
            {
                Assert.Equal(RolloutAction.RollBack, decision.Action);
                rollout = (await store.ChangeAsync("triage", rollout.Version, decision.Action, "lauter", decision.Why, decision.Evidence, Cancel)).Rollout!;
            }
        }

        Assert.InRange(seen, 1, 10);
        Assert.Equal(RolloutPhase.RolledBack, rollout.Phase);
        Assert.Equal("triage-1", _releases.Live("triage")!.ReleaseId);
        Assert.True(store.IsWithdrawn("triage", "triage-2"));
        Assert.Contains("failures", rollout.Why);
    }

    [Fact]
    public async Task Decide_NoTrafficUntilTheLimit_HoldsForAPersonAndNeverPromotes()
    {
        var (store, rollout) = await StartedAsync();
        var judge = new RolloutJudge(Policy);
        Assert.Equal(RolloutAction.Wait, judge.Decide(rollout, _time.GetUtcNow() + TimeSpan.FromMinutes(119)).Action);
        // A clock that jumped back makes it wait.
        Assert.Equal(RolloutAction.Wait, judge.Decide(rollout, _time.GetUtcNow() - TimeSpan.FromDays(400)).Action);
        _time.Advance(TimeSpan.FromHours(2));
        var decision = judge.Decide(rollout, _time.GetUtcNow());
        Assert.Equal(RolloutAction.Hold, decision.Action);
        Assert.StartsWith("Insufficient evidence", decision.Why, StringComparison.Ordinal);
        rollout = (await store.ChangeAsync("triage", rollout.Version, decision.Action, "lauter", decision.Why, decision.Evidence, Cancel)).Rollout!;
        Assert.Equal((RolloutPhase.Held, 0.1), (rollout.Phase, rollout.Share));
        Assert.Equal(RolloutAction.Wait, judge.Decide(rollout, _time.GetUtcNow()).Action);
        // Held is not deaf: harm still ends it.
        for (var i = 0; i < 100; i++)
        {
            judge.Add(new RolloutObservation(RolloutSignal.Failures, i % 2 == 0, i % 2 == 0, _time.GetUtcNow()), rollout);
        }

        Assert.Equal(RolloutAction.RollBack, judge.Decide(rollout, _time.GetUtcNow()).Action);
        Assert.Equal(RolloutAction.Abort, new RolloutJudge(Policy with { AtLimit = RolloutEnd.Abort }).Decide(rollout with { Phase = RolloutPhase.Running }, _time.GetUtcNow()).Action);
    }

    [Fact]
    public void Add_SameUserAgainAndAgain_CountsOnce()
    {
        var rollout = Running();
        var judge = new RolloutJudge(Policy);
        for (var i = 0; i < 500; i++)
        {
            judge.Add(new RolloutObservation(RolloutSignal.Failures, Candidate: true, Bad: true, rollout.Started, Unit: "one angry user"), rollout);
        }

        var evidence = judge.Decide(rollout, rollout.Started).Evidence;
        Assert.Equal((1L, 1L), (evidence.Signals[0].Candidate, evidence.Signals[0].CandidateBad));
        Assert.InRange(evidence.Harm, 0, 20);
    }

    [Fact]
    public void Decide_FeedbackAsked_PromotionWaitsForFeedbackToo()
    {
        var policy = Policy with { Signals = [RolloutSignal.Failures, RolloutSignal.Feedback], Shares = [0.5] };
        var rollout = Running() with { Policy = policy, Steps = [new RolloutStep(0.5, _time.GetUtcNow())] };
        var judge = new RolloutJudge(policy);
        for (var i = 0; i < 2_000; i++)
        {
            judge.Add(new RolloutObservation(RolloutSignal.Failures, i % 2 == 0, Bad: false, rollout.Started), rollout);
        }

        Assert.Equal(RolloutAction.Wait, judge.Decide(rollout, rollout.Started).Action);
        for (var i = 0; i < 2_000; i++)
        {
            judge.Add(new RolloutObservation(RolloutSignal.Feedback, i % 2 == 0, Bad: false, rollout.Started), rollout);
        }

        Assert.Equal(RolloutAction.Promote, judge.Decide(rollout, rollout.Started).Action);
    }

    [Fact]
    public async Task ChangeAsync_TwoOperators_TheSecondIsToldToLookAgain()
    {
        var (store, rollout) = await StartedAsync();
        var both = await Task.WhenAll(
            store.ChangeAsync("triage", rollout.Version, RolloutAction.Promote, "kim", "looks good", null, Cancel),
            new RolloutStore(_directory.File(".lauter"), _releases, _time).ChangeAsync("triage", rollout.Version, RolloutAction.Abort, "lee", "looks bad", null, Cancel));
        var done = Assert.Single(both, c => c.Done);
        Assert.Equal(done.Rollout!.Phase == RolloutPhase.Promoted ? "triage-2" : "triage-1", _releases.Live("triage")!.ReleaseId);
        Assert.Equal(done.Rollout, store.Find("triage")! with { Policy = done.Rollout.Policy, Steps = done.Rollout.Steps });
    }

    [Fact]
    public async Task LiveRelease_ChangedMeanwhile_AbortsTheRolloutAndNeverPromotesOverIt()
    {
        var (store, rollout) = await StartedAsync();
        await CreateAsync("m3");
        await _releases.PromoteAsync("triage", "triage-3", 1, "lee", "urgent", Cancel);
        var change = await store.ChangeAsync("triage", rollout.Version, RolloutAction.Promote, "lauter", "evidence", null, Cancel);
        Assert.False(change.Done);
        Assert.Equal(RolloutPhase.Aborted, store.Find("triage")!.Phase);
        Assert.Equal("triage-3", _releases.Live("triage")!.ReleaseId);
    }

    [Fact]
    public async Task RefreshAsync_ProcessDiedBetweenLivePointerAndState_ClosesAsPromoted()
    {
        var (store, _) = await StartedAsync();
        await _releases.PromoteAsync("triage", "triage-2", 1, "lauter", "rollout: evidence", Cancel);
        Assert.Equal(RolloutPhase.Promoted, (await store.RefreshAsync("triage", Cancel))!.Phase);
    }

    [Fact]
    public async Task ChangeAsync_ProcessDiedBetweenAuditAndState_IsFinishedByTheNext()
    {
        var (store, rollout) = await StartedAsync();
        var path = _directory.File(".lauter/releases/triage/rollout.json");
        var before = await File.ReadAllBytesAsync(path, Cancel);
        Assert.True((await store.ChangeAsync("triage", rollout.Version, RolloutAction.Hold, "kim", "lunch", null, Cancel)).Done);
        await File.WriteAllBytesAsync(path, before, Cancel); // what the disk holds when the process dies right after the audit entry
        var change = await store.ChangeAsync("triage", rollout.Version, RolloutAction.Advance, "lauter", "step done", null, Cancel);
        Assert.False(change.Done);
        Assert.Equal((RolloutPhase.Held, "lunch"), (store.Find("triage")!.Phase, store.Find("triage")!.Why));
    }

    [Theory]
    [InlineData(0.5, 0.25)]
    [InlineData(0.5, 1.0)]
    [InlineData(0.0, 0.5)]
    public void Check_SharesThatDoNotRiseInside_AreRefused(double first, double second) =>
        Assert.Throws<ArgumentException>((Policy with { Shares = [first, second] }).Check);

    private Rollout Running() => new()
    {
        Application = "triage", Candidate = "triage-2", Live = "triage-1", LiveVersion = 1, Policy = Policy,
        Steps = [new RolloutStep(0.1, _time.GetUtcNow())], Phase = RolloutPhase.Running, Version = 1, Why = "", Since = _time.GetUtcNow(),
    };

    private async Task<(RolloutStore Store, Rollout Rollout)> StartedAsync()
    {
        await CreateAsync("m1");
        Assert.True((await _releases.PromoteAsync("triage", "triage-1", 0, "kim", "gate passed", Cancel)).Done);
        await CreateAsync("m2");
        var store = new RolloutStore(_directory.File(".lauter"), _releases, _time);
        var started = await store.StartAsync("triage", "triage-2", Policy, "kim", "iteration 2", Cancel);
        Assert.True(started.Done, started.Refusal);
        return (store, started.Rollout!);
    }

    private async Task CreateAsync(string model, GateDecision decision = GateDecision.Pass)
    {
        var (baseline, candidate) = decision == GateDecision.Pass ? ScorecardOf.Pair(900, 40, 10, 50) : ScorecardOf.Pair(40, 4, 4, 2);
        await _releases.CreateAsync(
            new ReleaseDraft
            {
                Application = "triage",
                CandidateKind = "model",
                CandidateName = model,
                Inputs = [new ManifestLink("model", "model", model, new Manifest { Kind = "model", Name = model }.WriteTo(_objects))],
                Verdict = Gate.Decide(new GatePolicy { Metric = ScorecardOf.Metric }, baseline, candidate),
            },
            "kim", Cancel);
    }
}
