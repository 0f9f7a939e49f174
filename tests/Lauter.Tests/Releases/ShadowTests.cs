using Lauter.Releases.Rollout;

namespace Lauter.Tests.Releases;

public sealed class ShadowTests
{
    private static readonly DateTimeOffset Start = new(2026, 3, 1, 8, 0, 0, TimeSpan.Zero);
    private static readonly RolloutPolicy Policy = new() { Shadow = 100, Shares = [0.1, 0.5], Requests = 20, Limit = TimeSpan.FromHours(2) };

    [Fact]
    public void Decide_EnoughMirroredWithoutHarm_BeginsTheFirstStep()
    {
        var rollout = Shadowing();
        Assert.Equal(RolloutAction.Wait, Decide(rollout, Pairs(99, agree: 90)).Action);
        var decision = Decide(rollout, Pairs(100, agree: 90));
        Assert.Equal(RolloutAction.Advance, decision.Action);
        Assert.Contains("agreed on 90 of 100", decision.Why);
        Assert.Equal(0.9, decision.Evidence.Shadow![0].Agreement);
    }

    [Fact]
    public void Decide_CandidateFailsWhereTheLiveReleaseDoesNot_TakesItBackBeforeAnybodyIsAnswered()
    {
        var failing = 0;
        while (Decide(Shadowing(), [.. Pairs(30, agree: 30), .. Enumerable.Repeat(Pair(candidateFails: true), failing)]).Action == RolloutAction.Wait)
        {
            Assert.True(++failing < 20, "It never came.");
        }

        // Two phases share the risk: the limit is 40, and eight one-sided failures are beyond it.
        Assert.InRange(failing, 6, 8);
        Assert.Equal(RolloutAction.RollBack, Decide(Shadowing(), Enumerable.Repeat(Pair(candidateFails: true), 100)).Action);
    }

    [Fact]
    public void Decide_LiveReleaseFailsMore_IsNoHarm() =>
        Assert.Equal(RolloutAction.Advance, Decide(Shadowing(), [.. Pairs(80, 80), .. Enumerable.Repeat(Pair(liveFails: true), 20)]).Action);

    [Fact]
    public void Decide_NothingMirroredUntilTheLimit_HoldsAndNeverGoesOn()
    {
        var decision = new RolloutJudge(Policy).Decide(Shadowing(), Start + TimeSpan.FromHours(3), [ShadowEvidence.Of("triage-2", [])]);
        Assert.Equal(RolloutAction.Hold, decision.Action);
        Assert.Contains("only 0 of 100 requests were mirrored", decision.Why);
        // Without any evidence at all, and with a clock that went back, it waits.
        Assert.Equal(RolloutAction.Wait, new RolloutJudge(Policy).Decide(Shadowing(), Start - TimeSpan.FromDays(9)).Action);
    }

    [Fact]
    public void Of_Pairs_CountsCostAndTimesOfAnswersOnly()
    {
        var evidence = ShadowEvidence.Of("triage-2", [
            new ShadowPair("triage-2", false, false, true, 10, 20, 0.5m, "CNY"),
            new ShadowPair("triage-2", false, true, null, 30, 9_000, 0.25m, "CNY"),
            new ShadowPair("triage-3", false, false, true, 1, 1, 7m, "CNY"),
        ]);
        Assert.Equal((2L, 1L, 1L, 1L, 0.75m, "CNY"), (evidence.Mirrored, evidence.OnlyCandidateFailed, evidence.Agreed, evidence.Compared, evidence.Cost!.Value, evidence.Currency));
        Assert.Equal((20.0, 30.0), (evidence.CandidateP95Milliseconds!.Value, evidence.LiveP95Milliseconds!.Value));
        // An unknown part makes the cost unknown, not smaller.
        Assert.Null(ShadowEvidence.Of("triage-2", [new ShadowPair("triage-2", false, false, true, 1, 1, null, null), new ShadowPair("triage-2", false, false, true, 1, 1, 1m, "CNY")]).Cost);
    }

    [Fact]
    public void PairedHarm_NoDifferenceLookedAtAllTheTime_RaisesFalseAlarmsBelowTheStatedRate()
    {
        const int Runs = 4_000;
        var random = new Random(5);
        var alarms = 0;
        for (var run = 0; run < Runs; run++)
        {
            long candidate = 0, live = 0;
            for (var i = 0; i < 400; i++)
            {
                _ = random.Next(2) == 0 ? candidate++ : live++;
                if (ShadowEvidence.PairedHarm(candidate, live) >= 20)
                {
                    alarms++;
                    break;
                }
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{alarms} false alarms in {Runs} runs at a stated 5 %");
        Assert.InRange(Lauter.Evaluation.Statistics.ProportionIntervals.ClopperPearson(alarms, Runs, 0.98).High, 0, 0.05);
    }

    private static RolloutDecision Decide(Rollout rollout, IEnumerable<ShadowPair> pairs) =>
        new RolloutJudge(Policy).Decide(rollout, Start, [ShadowEvidence.Of("triage-2", pairs)]);

    private static ShadowPair[] Pairs(int count, int agree) => [.. Enumerable.Range(0, count).Select(i => Pair() with { Agrees = i < agree })];

    private static ShadowPair Pair(bool liveFails = false, bool candidateFails = false) =>
        new("triage-2", liveFails, candidateFails, liveFails || candidateFails ? null : true, 20, 25, 0.001m, "CNY");

    private static Rollout Shadowing() => new()
    {
        Application = "triage", Candidate = "triage-2", Live = "triage-1", LiveVersion = 1, Policy = Policy, ShadowSince = Start,
        Steps = [new RolloutStep(0, Start)], Phase = RolloutPhase.Running, Version = 1, Why = "", Since = Start,
    };
}
