using System.Diagnostics;
using System.Net;
using System.Runtime.CompilerServices;
using Lauter.Catalog.Objects;
using Lauter.Gateway.Applications;
using Lauter.Gateway.Settlement;
using Lauter.Hosting;
using Lauter.Releases.Rollout;
using Lauter.Tests.Gateway;
using Lauter.Traces;
using Microsoft.Extensions.DependencyInjection;

namespace Lauter.Tests.Program;

/// <summary>The first phase of a rollout with real requests: mirrored, judged, paid, never answered.</summary>
public sealed class ShadowServingTests(ITestOutputHelper output)
{
    private static readonly RolloutPolicy Policy = new() { Shadow = 40, Shares = [0.2], Requests = 10 };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Shadow_SoundCandidate_IsComparedAndPaidAndNobodyMeetsIt()
    {
        await using var host = await GatewayHost.StartAsync();
        var (rollouts, watch) = await BeginAsync(host, new Answering(n => n % 10 == 0 ? "\"other\"" : "{\"b\":2,\"a\":1}"));
        await AskUntilAsync(host, rollouts, watch, r => !r.Shadowing, "triage-1");
        var rollout = rollouts.Find("triage")!;
        Assert.Equal((RolloutPhase.Running, 0.2), (rollout.Phase, rollout.Share));
        var shadow = Assert.Single(rollout.Evidence!.Shadow!);
        output.WriteLine($"{shadow}");
        Assert.InRange(shadow.Mirrored, 40, 60);
        // {"a":1,"b":2} and {"b":2,"a":1} say the same.
        Assert.InRange(shadow.Agreement!.Value, 0.8, 0.95);
        Assert.NotNull(shadow.Cost);

        var traces = host.Traces();
        var mirrored = traces.Where(t => t.Route == "mirror").ToList();
        Assert.All(mirrored, m => Assert.Equal(("triage-2", true), (m.Release, traces.Any(t => t.Id == m.Parent && t.Route == "chat.completions" && t.Release == "triage-1"))));
        var store = host.Services.GetRequiredService<TraceStore>();
        Assert.Equal(0, store.UseOf("triage-2").Answered);
        Assert.Equal(traces.Count - mirrored.Count, store.UseOf("triage-1").Answered);
        Assert.DoesNotContain(store.ReleaseOutcomes("triage", rollout.Began, null, 10_000), o => o.Release == "triage-2");
        Assert.Contains(host.Ledger.Entries(new Lauter.Ledger.LedgerFilter(), 10_000), e => mirrored.Exists(m => e.Id == $"trace/{m.Id:N}"));
    }

    [Fact]
    public async Task Shadow_BrokenCandidate_IsTakenBackAndNoCallerSawAFailure()
    {
        await using var host = await GatewayHost.StartAsync();
        var (rollouts, watch) = await BeginAsync(host, new Answering(_ => null));
        var asked = await AskUntilAsync(host, rollouts, watch, r => !r.Active, "triage-1");
        var rollout = rollouts.Find("triage")!;
        output.WriteLine($"taken back after {asked} requests: {rollout.Why}");
        Assert.Equal(RolloutPhase.RolledBack, rollout.Phase);
        Assert.InRange(rollout.Evidence!.Shadow![0].Mirrored, 5, 40);
    }

    [Fact]
    public async Task Shadow_SlowCandidate_DoesNotSlowTheCallersAndIsDroppedWhenEnoughRun()
    {
        await using var host = await GatewayHost.StartAsync();
        var gate = new TaskCompletionSource();
        await BeginAsync(host, new Answering(_ => "late", gate.Task));
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < 20; i++)
        {
            await AskAsync(host, "triage-1");
        }

        // Twenty callers were answered although no mirrored request has ended; four of those run, the rest were dropped.
        output.WriteLine($"20 answers beside hanging mirrored requests: {clock.ElapsedMilliseconds} ms");
        Assert.DoesNotContain(host.Traces(), t => t.Route == "mirror");
        gate.SetResult();
        while (host.Traces().Count(t => t.Route == "mirror") < 4)
        {
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20));
            await Task.Yield();
        }
    }

    private static async Task<(RolloutStore Rollouts, RolloutWatch Watch)> BeginAsync(GatewayHost host, IAnswerSource candidate)
    {
        var objects = new ObjectStore(Path.Combine(host.StateDirectory, "objects"));
        var releases = new ReleaseStore(host.StateDirectory, objects, TimeProvider.System);
        foreach (var name in (string[])["m1", "m2"])
        {
            var model = new Manifest { Kind = "model", Name = name }.WriteTo(objects);
            await releases.CreateAsync(
                new ReleaseDraft { Application = "triage", CandidateKind = "model", CandidateName = name, Inputs = [new ManifestLink("model", "model", name, model)] }, "test", Cancel);
        }

        Assert.True((await releases.PromoteAsync("triage", "triage-1", 0, "test", "", Cancel)).Done);
        var rollouts = new RolloutStore(host.StateDirectory, releases, TimeProvider.System);
        Assert.True((await rollouts.StartAsync("triage", "triage-2", Policy, "test", "", Cancel)).Done);
        host.Registry.Set(Application("triage-1", new Answering(_ => "{\"a\":1,\"b\":2}")));
        host.Registry.SetShadows("triage", [Application("triage-2", candidate)]);
        return (rollouts, new RolloutWatch(rollouts, host.Services.GetRequiredService<TraceStore>(), TimeProvider.System, _ => { }));
    }

    private static async Task<int> AskUntilAsync(GatewayHost host, RolloutStore rollouts, RolloutWatch watch, Func<Rollout, bool> holds, string release)
    {
        for (var asked = 1; ; asked++)
        {
            Assert.True(asked < 2_000, "It never came.");
            await AskAsync(host, release);
            host.Services.GetRequiredService<JournalPump>().Pump();
            await watch.LookAsync("triage", Cancel);
            if (holds(rollouts.Find("triage")!))
            {
                return asked;
            }
        }
    }

    private static async Task AskAsync(GatewayHost host, string release)
    {
        var (status, _, response) = await host.PostAsync("v1/chat/completions", GatewayHost.Chat("triage", "hello"));
        Assert.Equal((HttpStatusCode.OK, release), (status, response.Headers.GetValues("x-lauter-release").Single()));
    }

    private static LiveApplication Application(string release, IAnswerSource source) => new() { Name = "triage", Kind = ApplicationKind.Nearest, ReleaseId = release, Source = source };

    /// <summary>Answers by a number that counts up; null = it is broken.</summary>
    private sealed class Answering(Func<int, string?> text, Task? gate = null) : IAnswerSource
    {
        private int _asked;

        public async IAsyncEnumerable<AnswerPart> AnswerAsync(AnswerRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            await (gate ?? Task.CompletedTask).WaitAsync(cancellationToken);
            yield return new AnswerText(text(Interlocked.Increment(ref _asked)) ?? throw new AnswerException("engine_unavailable", "The engine is broken."));
            yield return new AnswerEnd("stop", []);
        }
    }
}
