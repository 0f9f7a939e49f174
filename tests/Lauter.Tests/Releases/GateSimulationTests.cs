using Lauter.Evaluation.Runs;
using Lauter.Evaluation.Statistics;
using Lauter.Releases.Gates;

namespace Lauter.Tests.Releases;

/// <summary>
/// What the gate promises is a rate, so it is counted: candidates that must not pass are drawn from a known truth and put to the gate.
/// The rate of false passes, with its own uncertainty, must not exceed alpha. Seeds are fixed: a failure repeats.
/// </summary>
public sealed class GateSimulationTests
{
    private const int Releases = 1_000;

    [Theory]
    [InlineData(1UL, 300, 0.03, 0.05)]
    [InlineData(2UL, 300, 0.10, 0.05)]
    [InlineData(3UL, 1_000, 0.05, 0.02)]
    [InlineData(4UL, 1_000, 0.20, 0.02)]
    public void Decide_CandidateExactlyAtTheMargin_PassesAtMostAlpha(ulong seed, int items, double extraDiscordance, double margin)
    {
        var policy = new GatePolicy { Metric = ScorecardOf.Metric, Margin = margin, Strata = [] };
        var random = new SeededRandom(seed);
        var passed = 0;
        for (var release = 0; release < Releases; release++)
        {
            passed += Gate.Decide(policy, random, items, extraDiscordance / 2, (extraDiscordance / 2) + margin, clusterSize: 1).Decision == GateDecision.Pass ? 1 : 0;
        }

        AtMost(policy.Alpha, passed);
    }

    [Theory]
    [InlineData(5UL, 300, 0.10)]
    [InlineData(6UL, 1_000, 0.20)]
    public void Decide_CandidateExactlyAsGood_IsCalledBetterAtMostAlpha(ulong seed, int items, double discordance)
    {
        var policy = new GatePolicy { Metric = ScorecardOf.Metric, Kind = GateKind.Superiority, Strata = [] };
        var random = new SeededRandom(seed);
        var passed = 0;
        for (var release = 0; release < Releases; release++)
        {
            passed += Gate.Decide(policy, random, items, discordance / 2, discordance / 2, clusterSize: 1).Decision == GateDecision.Pass ? 1 : 0;
        }

        AtMost(policy.Alpha, passed);
    }

    [Theory]
    [InlineData(7UL, 600, 3, 0.10, 0.05)]
    [InlineData(8UL, 1_000, 5, 0.10, 0.03)]
    [InlineData(9UL, 400, 8, 0.20, 0.05)]
    public void Decide_ClusteredItemsAtTheMargin_PassesAtMostAlpha(ulong seed, int items, int clusterSize, double extraDiscordance, double margin)
    {
        var policy = new GatePolicy { Metric = ScorecardOf.Metric, Margin = margin, Strata = [] };
        var random = new SeededRandom(seed);
        var passed = 0;
        for (var release = 0; release < Releases; release++)
        {
            passed += Gate.Decide(policy, random, items, extraDiscordance / 2, (extraDiscordance / 2) + margin, clusterSize).Decision == GateDecision.Pass ? 1 : 0;
        }

        AtMost(policy.Alpha, passed);
    }

    [Fact]
    public void Decide_HarmlessCandidateWithEnoughItems_PassesWithThePlannedPower()
    {
        var policy = new GatePolicy { Metric = ScorecardOf.Metric, Margin = 0.03, Strata = [] };
        var items = (int)Math.Ceiling(SampleSize.NonInferiority(0.1, policy.Margin, policy.Spent, policy.Power));
        var random = new SeededRandom(10);
        var passed = 0;
        for (var release = 0; release < Releases; release++)
        {
            passed += Gate.Decide(policy, random, items, 0.05, 0.05, clusterSize: 1).Decision == GateDecision.Pass ? 1 : 0;
        }

        // The continuity correction costs some of the 0.80 that the formula plans for.
        Assert.InRange(passed / (double)Releases, 0.73, 0.85);
    }

    private static void AtMost(double alpha, int passed)
    {
        TestContext.Current.TestOutputHelper?.WriteLine($"{passed} of {Releases} passed wrongly ({passed / (double)Releases:0.0000}); stated {alpha}");
        var low = ProportionIntervals.ClopperPearson(passed, Releases, 0.98).Low;
        Assert.True(low <= alpha, $"{passed} of {Releases} passed wrongly: the rate is at least {low:0.0000}, stated {alpha}.");
    }
}

file static class Draw
{
    private static readonly Dictionary<(int Index, bool Right, int ClusterSize), ItemOutcome> Outcomes = [];

    extension(Gate)
    {
        /// <summary>One simulated comparison; within a cluster all items go the same way with probability one half.</summary>
        public static GateVerdict Decide(GatePolicy policy, SeededRandom random, int items, double onlyCandidate, double onlyBaseline, int clusterSize)
        {
            var baseline = new ItemOutcome[items];
            var candidate = new ItemOutcome[items];
            for (var start = 0; start < items; start += clusterSize)
            {
                var together = clusterSize > 1 && random.NextDouble() < 0.5;
                var shared = random.NextDouble();
                for (var i = start; i < Math.Min(start + clusterSize, items); i++)
                {
                    var u = together ? shared : random.NextDouble();
                    candidate[i] = Outcome(i, u < onlyCandidate || u >= onlyCandidate + onlyBaseline, clusterSize);
                    baseline[i] = Outcome(i, u >= onlyCandidate, clusterSize);
                }
            }

            return Gate.Decide(policy, ScorecardOf.Items("live", baseline), ScorecardOf.Items("new", candidate));
        }
    }

    /// <summary>Records are made once: the tests are about the decision, not about making scorecards.</summary>
    private static ItemOutcome Outcome(int index, bool right, int clusterSize)
    {
        lock (Outcomes)
        {
            if (!Outcomes.TryGetValue((index, right, clusterSize), out var outcome))
            {
                Outcomes[(index, right, clusterSize)] = outcome = ScorecardOf.Item(index, right, cluster: clusterSize > 1 ? $"{index / clusterSize}" : null);
            }

            return outcome;
        }
    }
}
