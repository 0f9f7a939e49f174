using Lauter.Catalog.Objects;
using Lauter.Releases.Evidence;
using Lauter.Releases.Gates;
using Lauter.Releases.Rollout;
using Microsoft.Extensions.Time.Testing;

namespace Lauter.Tests.Releases;

public sealed class ReleaseStoreTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 3, 1, 8, 0, 0, TimeSpan.Zero));
    private readonly ObjectStore _objects;

    public ReleaseStoreTests() => _objects = new ObjectStore(_directory.File(".lauter/objects"));

    public void Dispose() => _directory.Dispose();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private ReleaseStore Store() => new(_directory.File(".lauter"), _objects, _time);

    [Fact]
    public async Task PromoteAsync_PassedRelease_IsLiveAndVerifiable()
    {
        var store = Store();
        var release = await store.CreateAsync(Draft("m1"), "kim", Cancel);
        Assert.Null(store.Live("triage"));
        var result = await store.PromoteAsync("triage", release.Id, 0, "kim", "gate passed", Cancel);
        Assert.True(result.Done, result.Detail);
        var live = Store().Live("triage")!;
        Assert.Equal(("triage-1", 1L, release.Manifest), (live.ReleaseId, live.Version, live.Manifest));
        Assert.True(EvidenceChain.Verify(_objects, live.Manifest).Intact);
        Assert.Contains(store.Audit.Read(), e => e.Hash == live.Audit);
        Assert.Equal(GateDecision.Pass, GateVerdict.FromBytes(_objects.ReadAllBytes(Manifest.Read(_objects, live.Manifest).Object("gate.json").Sha256)).Decision);
    }

    [Fact]
    public async Task VerifyAudit_LinesCutOffTheEnd_AreMissed()
    {
        var store = await StoreWithLive("m1", "m2");
        Assert.True(store.VerifyAudit().Intact);
        var path = _directory.File(".lauter/audit.jsonl");
        await File.WriteAllLinesAsync(path, (await File.ReadAllLinesAsync(path, Cancel))[..^1], Cancel);
        Assert.True(store.Audit.Verify().Intact); // the chain itself holds
        Assert.Contains("triage-2", Assert.Single(store.VerifyAudit().Faults));
    }

    [Fact]
    public async Task CreateAsync_SameContentAgain_IsTheSameRelease()
    {
        var store = Store();
        var first = await store.CreateAsync(Draft("m1"), "kim", Cancel);
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(first.Id, (await Store().CreateAsync(Draft("m1"), "lee", Cancel)).Id);
        Assert.Equal("triage-2", (await store.CreateAsync(Draft("m2"), "kim", Cancel)).Id);
        Assert.Equal(["triage-1", "triage-2"], store.List("triage").Select(r => r.Id));
    }

    [Theory]
    [InlineData(GateDecision.Fail)]
    [InlineData(GateDecision.InsufficientEvidence)]
    public async Task PromoteAsync_GateDidNotPass_IsRefused(GateDecision decision)
    {
        var store = Store();
        var release = await store.CreateAsync(Draft("m1", decision), "kim", Cancel);
        var result = await store.PromoteAsync("triage", release.Id, 0, "kim", "please", Cancel);
        Assert.Equal(PromotionRefusal.GateNotPassed, result.Refusal);
        Assert.Null(store.Live("triage"));
    }

    [Fact]
    public async Task PromoteAsync_TwoOperatorsAtOnce_SecondIsRefused()
    {
        var store = Store();
        var ids = new List<string>();
        for (var i = 0; i < 8; i++)
        {
            ids.Add((await store.CreateAsync(Draft($"m{i}"), "kim", Cancel)).Id);
        }

        var results = await Task.WhenAll(ids.Select(id => Task.Run(() => Store().PromoteAsync("triage", id, 0, $"operator of {id}", "mine", Cancel))));
        var won = Assert.Single(results, r => r.Done);
        Assert.All(results.Where(r => !r.Done), r => Assert.Equal(PromotionRefusal.LiveChanged, r.Refusal));
        Assert.Equal(won.Live, store.Live("triage"));
        Assert.Single(store.History("triage"), e => e.Action == "release.promoted");
        Assert.Empty(store.Audit.Verify().Faults);
    }

    [Fact]
    public async Task RollbackAsync_TwiceWithoutAName_GoesBackTwo()
    {
        var store = await StoreWithLive("m1", "m2", "m3");
        Assert.Equal("triage-2", (await store.RollbackAsync("triage", null, "kim", "worse", Cancel)).Live!.ReleaseId);
        Assert.Equal("triage-1", (await store.RollbackAsync("triage", null, "kim", "worse", Cancel)).Live!.ReleaseId);
        var end = await store.RollbackAsync("triage", null, "kim", "worse", Cancel);
        Assert.Equal((PromotionRefusal.NothingBefore, "triage-1"), (end.Refusal!.Value, end.Live!.ReleaseId));
        Assert.Equal(5, store.Live("triage")!.Version);
    }

    [Fact]
    public async Task IsWithdrawn_ReleaseSomebodyWentBackFrom_IsUntilPromotedAgain()
    {
        var store = await StoreWithLive("m1", "m2");
        Assert.False(store.IsWithdrawn("triage", "triage-1"));
        Assert.False(store.IsWithdrawn("triage", "triage-2"));
        await store.RollbackAsync("triage", null, "kim", "worse", Cancel);
        Assert.True(store.IsWithdrawn("triage", "triage-2"));
        await store.PromoteAsync("triage", "triage-2", 3, "kim", "fixed elsewhere", Cancel);
        Assert.False(store.IsWithdrawn("triage", "triage-2"));
    }

    [Fact]
    public async Task RollbackAsync_NamedRelease_MustHaveServed()
    {
        var store = await StoreWithLive("m1", "m2");
        await store.CreateAsync(Draft("m3"), "kim", Cancel);
        Assert.Equal(PromotionRefusal.UnknownRelease, (await store.RollbackAsync("triage", "triage-3", "kim", "", Cancel)).Refusal);
        Assert.Equal("triage-1", (await store.RollbackAsync("triage", "triage-1", "kim", "", Cancel)).Live!.ReleaseId);
        Assert.Equal(["release.created", "release.promoted", "release.created", "release.promoted", "release.created", "release.rolled_back"],
            store.History("triage").Select(e => e.Action));
    }

    [Fact]
    public async Task RollbackAsync_ObjectsOfTheNewReleaseGone_StillWorks()
    {
        var store = await StoreWithLive("m1", "m2");
        _objects.Delete(store.Live("triage")!.Manifest);
        Assert.True((await store.RollbackAsync("triage", null, "kim", "model file lost", Cancel)).Done);
        Assert.Equal("triage-1", store.Live("triage")!.ReleaseId);
    }

    [Fact]
    public async Task PromoteAsync_ProcessDiedBetweenAuditAndPointer_NextOneFinishesIt()
    {
        var store = await StoreWithLive("m1", "m2");
        var pointer = _directory.File(".lauter/releases/triage/live.json");
        var after = File.ReadAllBytes(pointer);
        await store.RollbackAsync("triage", null, "kim", "", Cancel);
        File.WriteAllBytes(pointer, after); // as if the rollback had died before it wrote the pointer
        Assert.Equal(PromotionRefusal.LiveChanged, (await Store().PromoteAsync("triage", "triage-2", 2, "lee", "again", Cancel)).Refusal);
        Assert.Equal(("triage-1", 3L), (store.Live("triage")!.ReleaseId, store.Live("triage")!.Version));
    }

    [Fact]
    public async Task PromoteAsync_TwoApplications_DoNotTouchEachOther()
    {
        var store = await StoreWithLive("m1");
        var other = await store.CreateAsync(Draft("m1") with { Application = "handbook", Verdict = null }, "kim", Cancel);
        Assert.Equal(PromotionRefusal.UnknownRelease, (await store.PromoteAsync("triage", other.Id, 1, "kim", "", Cancel)).Refusal);
        Assert.True((await store.PromoteAsync("handbook", other.Id, 0, "kim", "no gate", Cancel)).Done);
        Assert.Equal(["handbook", "triage"], store.Applications());
        Assert.Equal(other.Id, store.Find("handbook-1")!.Id);
        Assert.Null(store.Find("handbook-2"));
        Assert.Null(store.Find("../x-1"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("../up")]
    [InlineData(".hidden")]
    [InlineData("a/b")]
    public async Task CreateAsync_NameThatIsAPath_IsRefused(string application) =>
        await Assert.ThrowsAsync<ArgumentException>(() => Store().CreateAsync(Draft("m1") with { Application = application }, "kim", Cancel));

    private async Task<ReleaseStore> StoreWithLive(params string[] models)
    {
        var store = Store();
        for (var i = 0; i < models.Length; i++)
        {
            var release = await store.CreateAsync(Draft(models[i]), "kim", Cancel);
            Assert.True((await store.PromoteAsync("triage", release.Id, i, "kim", "gate passed", Cancel)).Done);
        }

        return store;
    }

    private ReleaseDraft Draft(string model, GateDecision decision = GateDecision.Pass)
    {
        var (baseline, candidate) = decision switch
        {
            GateDecision.Pass => ScorecardOf.Pair(900, 40, 10, 50),
            GateDecision.Fail => ScorecardOf.Pair(800, 0, 150, 50),
            _ => ScorecardOf.Pair(40, 4, 4, 2),
        };
        var verdict = Gate.Decide(new GatePolicy { Metric = ScorecardOf.Metric }, baseline, candidate);
        Assert.Equal(decision, verdict.Decision);
        var manifest = new Manifest { Kind = "model", Name = model }.WriteTo(_objects);
        return new ReleaseDraft
        {
            Application = "triage",
            CandidateKind = "model",
            CandidateName = model,
            Inputs = [new ManifestLink("model", "model", model, manifest)],
            Verdict = verdict,
        };
    }
}
