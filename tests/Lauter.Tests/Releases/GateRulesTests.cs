using Lauter.Evaluation.Runs;
using Lauter.Evaluation.Statistics;
using Lauter.Releases.Gates;

namespace Lauter.Tests.Releases;

/// <summary>What a policy asks for beyond its primary metric, each missing or broken piece, and graded metrics.</summary>
public sealed class GateRulesTests
{
    private static readonly GatePolicy Policy = new() { Metric = "score", Margin = 0.05, Strata = [] };

    [Fact]
    public void Decide_GradedScores_PassesAndFailsByTheirMean()
    {
        Assert.Equal(GateDecision.Pass, Decide(Policy, i => 0.7, i => 0.7 + ((i % 3 - 1) * 0.05)).Decision);
        Assert.Equal(GateDecision.Fail, Decide(Policy, i => 0.7, i => 0.5 + ((i % 3 - 1) * 0.05)).Decision);
        Assert.Equal(GateDecision.InsufficientEvidence, Decide(Policy, i => 0.7, i => 0.7 + ((i % 3 - 1) * 0.3), items: 30).Decision);
    }

    [Fact]
    public void Decide_TwentyEqualGradedItems_IsNotCertain()
    {
        var verdict = Decide(Policy, _ => 0.7, _ => 0.7, items: 25);
        Assert.Equal(GateDecision.InsufficientEvidence, verdict.Decision);
        Assert.True(verdict.Low < -0.05);
    }

    [Theory]
    [InlineData(31UL, 60, 0.1)]
    [InlineData(32UL, 300, 0.05)]
    public void Decide_GradedCandidateAtTheMargin_PassesAtMostAlpha(ulong seed, int items, double margin)
    {
        const int Releases = 1_500;
        var random = new SeededRandom(seed);
        var policy = Policy with { Margin = margin };
        var passed = 0;
        for (var r = 0; r < Releases; r++)
        {
            // Mostly equal, sometimes a large loss: skewed, the hard case for a t interval.
            var scores = Enumerable.Range(0, items).Select(_ => random.NextDouble() < 2 * margin ? 0.5 : 0.0).ToArray();
            passed += Decide(policy, _ => 0.8, i => 0.8 - scores[i], items).Decision == GateDecision.Pass ? 1 : 0;
        }

        Assert.True(ProportionIntervals.ClopperPearson(passed, Releases, 0.99).Low <= policy.Alpha, $"{passed} of {Releases}");
    }

    [Fact]
    public void PassesOnCounts_FewLossesInClusters_PassesAtMostAlpha()
    {
        // Every differing item is a loss, half of a cluster's items share one outcome: with the design effect as seen, 0.067 passed.
        const int Releases = 4_000, Items = 200, Size = 5;
        var random = new SeededRandom(33);
        var policy = new GatePolicy { Metric = "m", Margin = 0.05, Strata = [] };
        var clusters = ClusterIndex.Of(Enumerable.Range(0, Items).Select(i => i / Size));
        var differences = new double[Items];
        var passed = 0;
        for (var r = 0; r < Releases; r++)
        {
            double shared = 0;
            for (var i = 0; i < Items; i++)
            {
                shared = i % Size == 0 ? random.NextDouble() : shared;
                differences[i] = ((random.Next() & 1) == 0 ? shared : random.NextDouble()) < 0.05 ? -1 : 0;
            }

            var lost = differences.Count(d => d < 0);
            passed += Gate.PassesOnCounts(policy, new PairedTable(0, 0, lost, Items - lost), differences, clusters) ? 1 : 0;
        }

        Assert.True(ProportionIntervals.ClopperPearson(passed, Releases, 0.99).Low <= policy.Alpha, $"{passed} of {Releases}");
    }

    [Fact]
    public void Decide_GuardrailHarmed_FailsAndSaysWhich()
    {
        var policy = Policy with { Guardrails = [new Guardrail { Metric = "tone", Margin = 0.03 }, new Guardrail { Metric = "toxic", Margin = 0.03, LowerIsBetter = true }] };
        Assert.Equal(GateDecision.Pass, Of(policy, _ => 0.9, _ => 0.0).Decision);
        var harmed = Of(policy, i => 0.6 + (i % 2 * 0.1), _ => 0.0);
        Assert.Equal(GateDecision.Fail, harmed.Decision);
        Assert.Equal(GateReasons.GuardrailHarmed, harmed.Reasons[0].Code);
        Assert.Equal(GateDecision.Fail, Of(policy, _ => 0.9, i => i % 4 == 0 ? 1 : 0).Decision);
        var missing = Decide(policy, _ => 0.7, i => 0.7 + ((i % 3 - 1) * 0.05));
        Assert.Equal((GateDecision.InsufficientEvidence, GateReasons.MetricMissing), (missing.Decision, missing.Reasons[0].Code));

        GateVerdict Of(GatePolicy p, Func<int, double> tone, Func<int, double> toxic) => Gate.Decide(
            p, File(i => $"\"score\":0.7,\"scores\":{{\"tone\":0.9,\"toxic\":0}}"), File(i => $"\"score\":0.7,\"scores\":{{\"tone\":{tone(i)},\"toxic\":{toxic(i)}}}"));
    }

    [Fact]
    public void Decide_Limits_AreDecidedByBounds()
    {
        var policy = Policy with { Limits = new GateLimits { LatencyP95Milliseconds = 100, CostIncrease = 0.1 } };
        Assert.Equal(GateDecision.Pass, Of(i => 50 + (i % 40), i => 0.01).Decision);
        Assert.Equal(GateReasons.LimitExceeded, Of(i => i % 5 == 0 ? 300 : 50, i => 0.01).Reasons[0].Code);
        Assert.Equal(GateDecision.Fail, Of(i => 50, i => 0.013 + (i % 7 * 0.0001)).Decision);
        var few = Of(i => 50, i => 0.01, 40);
        Assert.Equal((GateDecision.InsufficientEvidence, null), (few.Limits![0].Decision, few.Limits[0].High));
        var unmeasured = Decide(policy, _ => 0.7, i => 0.7 + ((i % 3 - 1) * 0.05));
        Assert.Equal(GateReasons.LimitUncertain, unmeasured.Reasons[0].Code);

        GateVerdict Of(Func<int, double> latency, Func<int, double> cost, int items = 400) => Gate.Decide(
            policy, File(i => "\"score\":0.7,\"latencyMs\":50,\"cost\":0.01", items), File(i => $"\"score\":0.7,\"latencyMs\":{latency(i)},\"cost\":{cost(i)}", items));
    }

    [Theory]
    [InlineData(1_000, 0.9, 916)]
    [InlineData(300, 0.95, 292)]
    public void Banks_PassesNeededToBeSure_AreTheExactOnes(int items, double rate, int needed)
    {
        var rule = new BankRule { Bank = "b", MinimumItems = items, MinimumRate = rate };
        Assert.Equal(needed, Bank(rule, items, items).Banks![0].NeededToBeSure);
        Assert.True(GateExtras.AtLeast(needed, items, rate) <= 0.05);
        Assert.True(GateExtras.AtLeast(needed - 1, items, rate) > 0.05);
    }

    [Theory]
    [InlineData(1_000, 900, 0.88, 0.027)]
    [InlineData(1_000, 900, 0.90, 0.527)]
    [InlineData(300, 285, 0.93, 0.103)]
    [InlineData(300, 285, 0.96, 0.849)]
    public void Banks_OperatingCurve_IsTheBinomials(int items, int needed, double truth, double passes) =>
        Assert.Equal(passes, GateExtras.AtLeast(needed, items, truth), 5e-4);

    [Fact]
    public void Decide_Banks_LegalRateAndConfidenceAreTwoThings()
    {
        var rule = new BankRule { Bank = "refuse" };
        var legal = Bank(rule, 300, 285);
        Assert.Equal(GateDecision.Pass, legal.Decision);
        Assert.InRange(legal.Banks![0].Confidence!.Value, 0.3, 0.6);
        Assert.Equal(GateDecision.InsufficientEvidence, Bank(rule with { Confidence = 0.95 }, 300, 285).Decision);
        Assert.Equal(GateDecision.Pass, Bank(rule with { Confidence = 0.95 }, 300, 292).Decision);
        Assert.Equal(GateDecision.Fail, Bank(rule, 300, 284).Decision);
        Assert.Equal(GateDecision.InsufficientEvidence, Bank(rule, 299, 299).Decision);
        Assert.Equal(GateDecision.Fail, Bank(rule, 100, 80).Decision);
        Assert.Equal(GateDecision.InsufficientEvidence, Bank(rule with { Bank = "other" }, 300, 300, name: "refuse").Decision);
        Assert.Equal(GateDecision.InsufficientEvidence, Bank(rule with { Risks = ["violence", "fraud"], MinimumPerRisk = 20 }, 300, 300).Decision);
        Assert.Equal(GateDecision.InsufficientEvidence, Bank(rule, 300, 280, unjudged: 10).Decision);
    }

    [Fact]
    public void Decide_PeekedOrNotApproved_IsInsufficient()
    {
        var (baseline, candidate) = (File(_ => "\"score\":0.7"), File(_ => "\"score\":0.7"));
        var peeked = Gate.Decide(Policy, baseline, candidate, new GateEvidence { Looks = 3 });
        Assert.Equal((GateDecision.InsufficientEvidence, GateReasons.Peeked), (peeked.Decision, peeked.Reasons[0].Code));
        var policy = Policy with { Approvals = [new ApprovalRule("safety", 2)] };
        Approval[] one = [new("safety", "a"), new("safety", "a"), new("lead", "b")];
        Assert.Equal(GateReasons.ApprovalMissing, Gate.Decide(policy, baseline, candidate, new GateEvidence { Approvals = one }).Reasons[0].Code);
        Assert.Equal(GateDecision.Pass, Gate.Decide(policy, baseline, candidate, new GateEvidence { Approvals = [.. one, new("safety", "c")] }).Decision);
    }

    [Theory]
    [InlineData("\"score\":null", GateReasons.ScoreInvalid)]
    [InlineData("\"scores\":{\"other\":1}", GateReasons.MetricMissing)]
    public void Decide_MissingOrEmptyScore_IsInsufficient(string broken, string reason)
    {
        var verdict = Gate.Decide(Policy, File(_ => "\"score\":0.7"), File(i => i == 7 || broken.Contains("other") ? broken : "\"score\":0.7"));
        Assert.Equal((GateDecision.InsufficientEvidence, reason), (verdict.Decision, verdict.Reasons[0].Code));
    }

    [Fact]
    public void Decide_OtherSignature_IsInsufficient()
    {
        var verdict = Gate.Decide(Policy, File(_ => "\"score\":0.7,\"signature\":\"f1|tok:zh\""), File(_ => "\"score\":0.7,\"signature\":\"f1|tok:space\""));
        Assert.Equal(GateReasons.SignatureMismatch, verdict.Reasons[0].Code);
    }

    [Fact]
    public void ToBytes_EveryRule_ReadsBackTheSame()
    {
        var policy = Policy with
        {
            Guardrails = [new Guardrail { Metric = "tone" }],
            Limits = new GateLimits { CostPerItem = 0.02 },
            Banks = [new BankRule { Bank = "refuse" }],
            Approvals = [new ApprovalRule("safety")],
        };
        var verdict = Gate.Decide(policy, File(_ => "\"score\":0.7,\"cost\":0.01"), File(_ => "\"score\":0.7,\"cost\":0.01"));
        Assert.Equal(verdict.ToBytes(), GateVerdict.FromBytes(verdict.ToBytes()).ToBytes());
        Assert.Contains("## Question banks", GateMarkdown.Render(verdict));
        Assert.Contains("bank refuse: 0 of 0", GateReport.Render(verdict));
    }

    private static GateVerdict Bank(BankRule rule, int items, int passed, string? name = null, int unjudged = 0) => Gate.Decide(
        Policy with { Banks = [rule] }, File(_ => "\"score\":0.7"), File(_ => "\"score\":0.7"), new GateEvidence
        {
            Banks = new Dictionary<string, IReadOnlyList<BankAnswer>>(StringComparer.Ordinal)
            {
                [name ?? rule.Bank] = [.. Enumerable.Range(0, items).Select(i => new BankAnswer($"{i}", "violence", i < passed ? true : i < passed + unjudged ? null : false))],
            },
        });

    private static GateVerdict Decide(GatePolicy policy, Func<int, double> baseline, Func<int, double> candidate, int items = 400) =>
        Gate.Decide(policy, File(i => $"\"score\":{baseline(i)}", items), File(i => $"\"score\":{candidate(i)}", items));

    private static Scorecard File(Func<int, string> members, int items = 400) =>
        PredictionFile.Read("file", Enumerable.Range(0, items).Select(i => $"{{\"id\":\"{i:0000}\",{members(i)}}}"));
}
