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

/// <summary>A candidate that broke after its gate meets real requests: gateway, journal, traces and watch as they run in the program.</summary>
public sealed class RolloutServingTests(ITestOutputHelper output)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rollout_CandidateDamagedAfterItsGate_IsRolledBackUnderLoadAndTheLiveReleaseNeverFails()
    {
        await using var host = await GatewayHost.StartAsync();
        var (rollouts, releases) = await TwoReleasesAsync(host.StateDirectory);
        await rollouts.StartAsync("triage", "triage-2", new RolloutPolicy { Shares = [0.1, 0.5], Requests = 1_000 }, "test", "", Cancel);
        var rollout = rollouts.Find("triage")!;
        host.Registry.Set(Application("triage-1", broken: false));
        host.Registry.SetCanary(Application("triage-2", broken: true), rollout.Share, "salt");
        var told = new List<string>();
        var watch = new RolloutWatch(rollouts, host.Services.GetRequiredService<TraceStore>(), TimeProvider.System, told.Add);

        var statuses = new Dictionary<(string Release, HttpStatusCode Status), int>();
        var asked = 0;
        TimeSpan? reaction = null;
        while (rollouts.Find("triage")!.Active)
        {
            Assert.True(asked < 2_000, "The rollback never came.");
            await Parallel.ForEachAsync(Enumerable.Range(0, 20), new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = Cancel }, async (_, token) => await AskAsync());
            asked += 20;
            var clock = Stopwatch.StartNew();
            host.Services.GetRequiredService<JournalPump>().Pump();
            if (await watch.LookAsync("triage", Cancel) is { Active: false })
            {
                host.Registry.RemoveCanary("triage");
                reaction = clock.Elapsed;
            }
        }

        var seen = statuses.Where(s => s.Key.Release == "triage-2").Sum(s => s.Value);
        output.WriteLine($"rolled back after {asked} requests, {seen} of them answered by the candidate; look, decision and swap took {reaction!.Value.TotalMilliseconds:0} ms");
        Assert.Equal(RolloutPhase.RolledBack, rollouts.Find("triage")!.Phase);
        Assert.Contains("was rolled back, triage-1 answers everything", Assert.Single(told));
        Assert.Equal("triage-1", releases.Live("triage")!.ReleaseId);
        Assert.Equal(HttpStatusCode.OK, Assert.Single(statuses.Keys, k => k.Release == "triage-1").Status);
        Assert.InRange(seen / (double)asked, 0, 0.2);
        Assert.InRange(reaction.Value.TotalSeconds, 0, 5);

        // Afterwards nobody meets the candidate.
        statuses.Clear();
        for (var i = 0; i < 50; i++)
        {
            await AskAsync();
        }

        Assert.Equal(("triage-1", HttpStatusCode.OK), Assert.Single(statuses.Keys));

        // A server that starts in the middle comes to the same evidence from the traces.
        var again = new RolloutWatch(rollouts, host.Services.GetRequiredService<TraceStore>(), TimeProvider.System, _ => { }).Judge(rollout);
        Assert.Equal(RolloutAction.RollBack, again.Action);

        async Task AskAsync()
        {
            var (status, _, response) = await host.PostAsync("v1/chat/completions", GatewayHost.Chat("triage", "hello"));
            var release = response.Headers.GetValues("x-lauter-release").Single();
            lock (statuses)
            {
                statuses[(release, status)] = statuses.GetValueOrDefault((release, status)) + 1;
            }
        }
    }

    [Fact]
    public async Task Assign_SameUser_MeetsOneReleaseAndStaysWhenTheShareRises()
    {
        await using var host = await GatewayHost.StartAsync();
        host.Registry.Set(Application("triage-1", broken: false));
        Dictionary<string, string> first = [];
        foreach (var share in new[] { 0.3, 0.6 })
        {
            host.Registry.SetCanary(Application("triage-2", broken: false), share, "salt");
            var candidates = 0;
            for (var user = 0; user < 60; user++)
            {
                string? release = null;
                for (var turn = 0; turn < 2; turn++)
                {
                    var (_, _, response) = await host.PostAsync("v1/chat/completions", GatewayHost.Chat("triage", "hi", $$""","user":"u{{user}}" """));
                    var now = response.Headers.GetValues("x-lauter-release").Single();
                    Assert.Equal(release ?? now, now);
                    release = now;
                }

                candidates += release == "triage-2" ? 1 : 0;
                if (first.TryGetValue($"u{user}", out var before) && before == "triage-2")
                {
                    Assert.Equal("triage-2", release);
                }

                first[$"u{user}"] = release!;
            }

            // 60 users: four standard errors around the share.
            Assert.InRange(candidates / 60.0, share - 0.26, share + 0.26);
        }

        var units = host.Traces().Select(t => t.Unit).ToList();
        Assert.DoesNotContain(null, units);
        Assert.Equal(60, units.Distinct().Count());
    }

    private static LiveApplication Application(string release, bool broken) => new()
    {
        Name = "triage", Kind = ApplicationKind.Nearest, ReleaseId = release, Source = new Answering(broken),
    };

    private static async Task<(RolloutStore Rollouts, ReleaseStore Releases)> TwoReleasesAsync(string state)
    {
        var objects = new ObjectStore(Path.Combine(state, "objects"));
        var releases = new ReleaseStore(state, objects, TimeProvider.System);
        for (var i = 1; i <= 2; i++)
        {
            var model = new Manifest { Kind = "model", Name = $"m{i}" }.WriteTo(objects);
            await releases.CreateAsync(
                new ReleaseDraft { Application = "triage", CandidateKind = "model", CandidateName = $"m{i}", Inputs = [new ManifestLink("model", "model", $"m{i}", model)] }, "test", Cancel);
        }

        Assert.True((await releases.PromoteAsync("triage", "triage-1", 0, "test", "", Cancel)).Done);
        return (new RolloutStore(state, releases, TimeProvider.System), releases);
    }

    private sealed class Answering(bool broken) : IAnswerSource
    {
        public async IAsyncEnumerable<AnswerPart> AnswerAsync(AnswerRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            await Task.Yield();
            if (broken)
            {
                throw new AnswerException("engine_unavailable", "The engine is broken.");
            }

            yield return new AnswerText("fine");
            yield return new AnswerEnd("stop", []);
        }
    }
}
