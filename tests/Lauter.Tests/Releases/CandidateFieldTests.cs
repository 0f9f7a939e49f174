using Lauter.Evaluation.Statistics;
using Lauter.Releases.Rollout;

namespace Lauter.Tests.Releases;

/// <summary>Several candidates at once: the stated errors hold in simulation, and the best one is found.</summary>
public sealed class CandidateFieldTests(ITestOutputHelper output)
{
    private const int Runs = 120;
    private const int Requests = 2_500;
    private static readonly DateTimeOffset Start = new(2026, 3, 1, 8, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Decide_AllEqual_TakesTheFirstOutRarely()
    {
        // With alpha 0.2 an error of the promised size would be seen in this many runs.
        var outcomes = Simulate([0.05, 0.05, 0.05, 0.05], 0.2, margin: 0.1);
        var eliminated = outcomes.Count(o => o.Eliminated.Contains("triage-2"));
        output.WriteLine($"triage-2 taken out in {eliminated} of {Runs} runs without any difference, stated: at most 20 %");
        Assert.InRange(ProportionIntervals.ClopperPearson(eliminated, Runs, 0.9).Low, 0, 0.2);
        Assert.InRange(eliminated / (double)Runs, 0, 0.2);
    }

    [Fact]
    public void Decide_OneWorseByTheMargin_IsPromotedRarely()
    {
        var outcomes = Simulate([0.05, 0.15, 0.05, 0.05], 0.2, margin: 0.1);
        var wrong = outcomes.Count(o => o.Winner == "triage-2");
        output.WriteLine($"the worse one was promoted in {wrong} of {Runs} runs, stated: at most 20 %; taken out in {outcomes.Count(o => o.Eliminated.Contains("triage-2"))}");
        Assert.InRange(wrong / (double)Runs, 0, 0.2);
    }

    [Fact]
    public void Decide_OneClearlyBest_IsFoundAndTheRestLeave()
    {
        var outcomes = Simulate([0.2, 0.45, 0.45, 0.1], 0.1, margin: 0.1, shares: [0.6]);
        var found = outcomes.Count(o => o.Winner == "triage-4");
        output.WriteLine($"the best of three was promoted in {found} of {Runs} runs, after {outcomes.Where(o => o.Winner is not null).Average(o => o.Requests):0} requests on average");
        Assert.InRange(found / (double)Runs, 0.8, 1);
        Assert.DoesNotContain(outcomes, o => o.Winner is "triage-2" or "triage-3");
    }

    [Fact]
    public void Share_AfterOneLeft_GoesBackToTheLiveRelease()
    {
        var rollout = Of(new RolloutPolicy { Shares = [0.3] });
        Assert.Equal(0.3, rollout.Share, 12);
        Assert.Equal(0.2, (rollout with { Eliminated = [new EliminatedCandidate("triage-3", Start, "")] }).Share, 12);
    }

    private static List<(string? Winner, HashSet<string> Eliminated, int Requests)> Simulate(double[] bad, double alpha, double margin, double[]? shares = null)
    {
        var policy = new RolloutPolicy { Shares = shares ?? [0.5], Requests = 30, Alpha = alpha, Margin = margin };
        var outcomes = new List<(string?, HashSet<string>, int)>();
        for (var run = 0; run < Runs; run++)
        {
            var random = new Random(run);
            var rollout = Of(policy);
            var judge = new RolloutJudge(policy, rollout.Candidates);
            string? winner = null;
            var asked = 0;
            for (; asked < Requests && winner is null && rollout.Standing.Count > 0; asked++)
            {
                var at = Start + TimeSpan.FromSeconds(asked + 1);
                var arm = random.NextDouble() < policy.Shares[0] ? 1 + random.Next(3) : 0;
                arm = arm > 0 && rollout.StandsAt(rollout.Candidates[arm - 1], at) ? arm : 0;
                judge.Add(new RolloutObservation(RolloutSignal.Failures, arm > 0, random.NextDouble() < bad[arm], at, null, arm > 0 ? rollout.Candidates[arm - 1] : null), rollout);
                if (asked % 5 != 0)
                {
                    continue;
                }

                var decision = judge.Decide(rollout, at);
                if (decision.Action == RolloutAction.Promote)
                {
                    winner = decision.Candidate;
                }
                else if (decision.Action is RolloutAction.Eliminate or RolloutAction.RollBack)
                {
                    rollout = rollout with { Eliminated = [.. rollout.Eliminated ?? [], new EliminatedCandidate(decision.Candidate!, at, "")] };
                }
            }

            outcomes.Add((winner, [.. (rollout.Eliminated ?? []).Select(e => e.Candidate)], asked));
        }

        return outcomes;
    }

    private static Rollout Of(RolloutPolicy policy) => new()
    {
        Application = "triage", Candidate = "triage-2", Rivals = ["triage-3", "triage-4"], Live = "triage-1", LiveVersion = 1, Policy = policy,
        Steps = [new RolloutStep(policy.Shares[0], Start)], Phase = RolloutPhase.Running, Version = 1, Why = "", Since = Start,
    };
}
