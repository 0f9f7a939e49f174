using System.Text;
using Lauter.Evaluation.Runs;
using Lauter.Releases.Gates;

namespace Lauter.Tests.Releases;

public sealed class GateReportTests
{
    [Fact]
    public void Render_PassedComparison_IsTheGoldenText()
    {
        var (baseline, candidate) = ScorecardOf.Pair(900, 30, 30, 40);
        var text = GateReport.Render(Gate.Decide(new GatePolicy { Metric = ScorecardOf.Metric, Margin = 0.03 }, baseline, candidate));
        Assert.Equal(
            """
            PASS  exact_match(intent) at most 3 points worse, alpha 0.05
            suite tickets/test (suite-a), 1,000 items
              baseline  live (model) 93.0 %
              candidate new (model) 93.0 %
              difference 0.00 points [-1.44 points, +1.44 points] at 0.92 (tango|cc:0.5), p = 0.0002
              items won 30, lost 30, both right 900, both wrong 40
                -3.3 ···!·············[------------o------------]················· +3.3
              power of this comparison 0.98, planned 0.80; 449 items for the planned power
            non_inferior: At worst -1.44 points against the baseline, within the margin of -3.00 points; the risk of saying so wrongly is at most 5.0 %.

            """.ReplaceLineEndings("\n"), text);
    }

    [Fact]
    public void Render_BrokenEvidence_SaysWhyWithoutNumbers()
    {
        var (baseline, candidate) = ScorecardOf.Pair(900, 30, 30, 40);
        var text = GateReport.Render(Gate.Decide(new GatePolicy { Metric = ScorecardOf.Metric }, baseline, candidate with { SuiteHash = "suite-b" }));
        Assert.StartsWith("INSUFFICIENT EVIDENCE", text);
        Assert.Contains("suite_mismatch: ", text);
        Assert.DoesNotContain("difference", text);
    }

    [Fact]
    public void FromJson_PlainPolicy_HasDefaults()
    {
        var policy = GatePolicy.FromJson("""{"kind":"superiority","metric":"exact_match"}"""u8);
        Assert.Equal((GateKind.Superiority, 0.05, 0.8), (policy.Kind, policy.Alpha, policy.Power));
    }

    [Theory]
    [InlineData("{", "not a gate policy")]
    [InlineData("""{"metric":"exact_match","margn":0.1}""", "margn")]
    [InlineData("""{"metric":"exact_match","kind":"better"}""", "kind")]
    [InlineData("""{"metric":"exact_match","alpha":2,"margin":-1}""", "margin")]
    [InlineData("""{"alpha":0.05}""", "metric")]
    public void FromJson_WrongPolicy_NamesTheFault(string json, string part) =>
        Assert.Contains(part, Assert.Throws<InvalidDataException>(() => GatePolicy.FromJson(Encoding.UTF8.GetBytes(json))).Message);

    [Theory]
    [InlineData(GateDecision.Pass, 0, "pass")]
    [InlineData(GateDecision.Fail, 1, "fail")]
    [InlineData(GateDecision.InsufficientEvidence, 2, "insufficient_evidence")]
    public void ExitCode_Decision_IsFrozen(GateDecision decision, int code, string word) => Assert.Equal((code, word), (decision.ExitCode(), decision.Word()));

    [Fact]
    public void Decide_PlainFiles_ComparesTheSameItemsOnly()
    {
        var policy = GatePolicy.FromJson("""{"metric":"exact_match","margin":0.05}"""u8);
        string Line(int i, bool right) => $$"""{"id":{{i}},"correct":{{(right ? "true" : "false")}},"language":"{{(i % 2 == 0 ? "en" : "zh")}}"}""";
        var baseline = PredictionFile.Read("b.jsonl", Enumerable.Range(0, 800).Select(i => Line(i, i % 10 != 0)));
        var candidate = PredictionFile.Read("c.jsonl", Enumerable.Range(0, 800).Reverse().Select(i => Line(i, i % 10 != 1)));
        Assert.Equal(GateDecision.Fail, Gate.Decide(policy, baseline, candidate).Decision); // every loss is Chinese
        Assert.Equal(GateDecision.Pass, Gate.Decide(policy, baseline, baseline).Decision);
        var other = PredictionFile.Read("c.jsonl", Enumerable.Range(1, 800).Select(i => Line(i, true)));
        Assert.Equal(GateReasons.SuiteMismatch, Gate.Decide(policy, baseline, other).Reasons[0].Code);
    }

    [Fact]
    public void Flipped_TwoScorecards_ListsLostItemsFirst()
    {
        var (baseline, candidate) = ScorecardOf.Pair(5, 2, 3, 1);
        var flips = ScorecardDiff.Flipped(baseline, candidate, ScorecardOf.Metric);
        Assert.Equal([false, false, false, true, true], flips.Select(f => f.Won));
        Assert.Equal("00007", flips[0].Id);
    }
}
