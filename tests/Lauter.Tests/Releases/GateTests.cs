using Lauter.Evaluation.Candidates;
using Lauter.Evaluation.Runs;
using Lauter.Evaluation.Statistics;
using Lauter.Releases.Gates;

namespace Lauter.Tests.Releases;

public sealed class GateTests
{
    private static readonly GatePolicy NonInferiority = new() { Metric = ScorecardOf.Metric, Margin = 0.03 };
    private static readonly GatePolicy Superiority = NonInferiority with { Kind = GateKind.Superiority };

    [Theory]
    [InlineData(900, 30, 30, 40, GateDecision.Pass, GateReasons.NonInferior)]
    [InlineData(900, 10, 80, 10, GateDecision.Fail, GateReasons.WorseThanMargin)]
    [InlineData(180, 8, 8, 4, GateDecision.InsufficientEvidence, GateReasons.IntervalTooWide)]
    [InlineData(900, 20, 50, 30, GateDecision.InsufficientEvidence, GateReasons.IntervalTooWide)]
    public void Decide_NonInferiority_HasThreeOutcomes(int both, int onlyCandidate, int onlyBaseline, int neither, GateDecision decision, string code)
    {
        var (baseline, candidate) = ScorecardOf.Pair(both, onlyCandidate, onlyBaseline, neither);
        var verdict = Gate.Decide(NonInferiority, baseline, candidate);
        Assert.Equal((decision, code), (verdict.Decision, verdict.Reasons[0].Code));
        Assert.Equal((onlyCandidate, onlyBaseline), (verdict.CandidateOnly, verdict.BaselineOnly));
        Assert.Equal((onlyCandidate - onlyBaseline) / (double)(both + onlyCandidate + onlyBaseline + neither), verdict.Effect!.Value, 12);
    }

    [Theory]
    [InlineData(500, 80, 20, 100, GateDecision.Pass, GateReasons.Superior)]
    [InlineData(500, 20, 80, 100, GateDecision.Fail, GateReasons.NotBetter)]
    [InlineData(500, 40, 30, 100, GateDecision.InsufficientEvidence, GateReasons.IntervalTooWide)]
    [InlineData(10, 4, 0, 1, GateDecision.InsufficientEvidence, GateReasons.IntervalTooWide)]
    public void Decide_Superiority_HasThreeOutcomes(int both, int onlyCandidate, int onlyBaseline, int neither, GateDecision decision, string code)
    {
        var (baseline, candidate) = ScorecardOf.Pair(both, onlyCandidate, onlyBaseline, neither);
        var verdict = Gate.Decide(Superiority, baseline, candidate);
        Assert.Equal((decision, code), (verdict.Decision, verdict.Reasons[0].Code));
        Assert.Equal(McNemar.Exact(onlyCandidate, onlyBaseline), verdict.P);
    }

    [Fact]
    public void Decide_TooFewItems_NamesANumberThatIsEnough()
    {
        var (baseline, candidate) = ScorecardOf.Pair(180, 10, 10, 0);
        var verdict = Gate.Decide(NonInferiority, baseline, candidate);
        Assert.Equal(GateDecision.InsufficientEvidence, verdict.Decision);
        Assert.Equal(747, verdict.ItemsNeeded);
        Assert.Contains("747", verdict.Reasons[0].Text);
        Assert.InRange(verdict.AchievedPower!.Value, 0.2, 0.5);
    }

    [Fact]
    public void Decide_CandidateLooksWorseThanTheMargin_NamesNoNumber()
    {
        var (baseline, candidate) = ScorecardOf.Pair(180, 4, 12, 4);
        var verdict = Gate.Decide(NonInferiority, baseline, candidate);
        Assert.Equal(GateDecision.InsufficientEvidence, verdict.Decision);
        Assert.Null(verdict.ItemsNeeded);
    }

    public static TheoryData<string, string> Broken => new()
    {
        { "other suite", GateReasons.SuiteMismatch },
        { "other signature", GateReasons.SignatureMismatch },
        { "no metric", GateReasons.MetricMissing },
        { "item without a score", GateReasons.MetricMissing },
        { "NaN", GateReasons.ScoreInvalid },
        { "half", GateReasons.ScoreInvalid },
        { "empty", GateReasons.NoItems },
        { "item missing", GateReasons.ItemsMismatch },
        { "item too many", GateReasons.ItemsMismatch },
        { "item twice", GateReasons.ItemsMismatch },
        { "candidate did not answer", GateReasons.Unanswered },
        { "baseline did not answer", GateReasons.Unanswered },
        { "few clusters", GateReasons.TooFewClusters },
    };

    [Theory]
    [MemberData(nameof(Broken))]
    public void Decide_BrokenEvidence_IsInsufficientNeverPass(string fault, string code)
    {
        // As it stands, this candidate passes both kinds of gate.
        var (baseline, candidate) = ScorecardOf.Pair(800, 150, 5, 45);
        foreach (var policy in new[] { NonInferiority, Superiority })
        {
            Assert.Equal(GateDecision.Pass, Gate.Decide(policy, baseline, candidate).Decision);
            var (b, c) = Break(fault, baseline, candidate);
            var verdict = Gate.Decide(policy, b, c);
            Assert.Equal((GateDecision.InsufficientEvidence, code), (verdict.Decision, verdict.Reasons[0].Code));
            Assert.NotEqual(0, verdict.Decision.ExitCode());
            Assert.Equal(verdict.ToBytes(), GateVerdict.FromBytes(verdict.ToBytes()).ToBytes());
        }
    }

    private static (Scorecard Baseline, Scorecard Candidate) Break(string fault, Scorecard baseline, Scorecard candidate)
    {
        IReadOnlyList<ItemOutcome> Score(double score) =>
            [candidate.Items[0] with { Scores = new Dictionary<string, double> { [ScorecardOf.Metric] = score } }, .. candidate.Items.Skip(1)];
        Scorecard Silent(Scorecard card) => card with { Items = [.. card.Items.Select((item, i) => i % 20 == 0 ? item with { Failure = FailureKinds.Error } : item)] };
        Scorecard Clustered(Scorecard card) => card with { Items = [.. card.Items.Select((item, i) => item with { Cluster = $"{i % 10}" })] };
        return fault switch
        {
            "other suite" => (baseline, candidate with { SuiteHash = "suite-b" }),
            "other signature" => (baseline, ScorecardOf.Items("new", candidate.Items, signature: "exact_match(intent)|v:2")),
            "no metric" => (baseline with { Metrics = [] }, candidate),
            "item without a score" => (baseline, candidate with { Items = [candidate.Items[0] with { Scores = new Dictionary<string, double>() }, .. candidate.Items.Skip(1)] }),
            "NaN" => (baseline, candidate with { Items = Score(double.NaN) }),
            "half" => (baseline, candidate with { Items = Score(0.5) }),
            "empty" => (baseline with { Items = [] }, candidate with { Items = [] }),
            "item missing" => (baseline, candidate with { Items = [.. candidate.Items.Take(900)] }),
            "item too many" => (baseline with { Items = [.. baseline.Items.Take(999)] }, candidate),
            "item twice" => (baseline, candidate with { Items = [.. candidate.Items.Take(999), candidate.Items[0]] }),
            "candidate did not answer" => (baseline, Silent(candidate)),
            "baseline did not answer" => (Silent(baseline), candidate),
            "few clusters" => (Clustered(baseline), Clustered(candidate)),
            _ => throw new ArgumentOutOfRangeException(nameof(fault), fault, null),
        };
    }

    [Fact]
    public void Decide_FewFailedItems_CountAgainstTheCandidateOnBothSides()
    {
        var (baseline, candidate) = ScorecardOf.Pair(500, 0, 0, 500);
        var broken = baseline with { Items = [.. baseline.Items.Select((item, i) => i >= 995 ? item with { Failure = FailureKinds.Error } : item)] };
        var failing = candidate with { Items = [.. candidate.Items.Select((item, i) => i < 5 ? item with { Failure = FailureKinds.Timeout } : item)] };
        var verdict = Gate.Decide(NonInferiority, broken, failing);
        Assert.Equal((0, 10), (verdict.CandidateOnly, verdict.BaselineOnly));
        Assert.Equal((5, 5), (verdict.Baseline!.Unanswered, verdict.Candidate.Unanswered));
    }

    [Fact]
    public void Decide_WorseOnlyInChinese_FailsByTheStratum()
    {
        // 1,000 English items, where the candidate wins 20, and 300 Chinese ones, where it loses 30: overall within the margin.
        ItemOutcome Item(int i, bool right) => ScorecardOf.Item(i, right, i < 1000 ? "en" : "zh");
        var baseline = ScorecardOf.Items("live", Enumerable.Range(0, 1300).Select(i => Item(i, i >= 40)));
        var candidate = ScorecardOf.Items("new", Enumerable.Range(0, 1300).Select(i => Item(i, i >= 20 && i < 1270)));
        var verdict = Gate.Decide(NonInferiority, baseline, candidate);
        Assert.Equal((GateDecision.Fail, GateReasons.StratumRegressed), (verdict.Decision, verdict.Reasons[0].Code));
        Assert.Equal(["language=zh"], verdict.Strata.Where(s => s.Regressed).Select(s => s.Stratum));
        Assert.Equal(GateDecision.Pass, Gate.Decide(NonInferiority with { Strata = [] }, baseline, candidate).Decision);
    }

    [Fact]
    public void Decide_StratumMargin_AsksForEvidenceInEachStratum()
    {
        ItemOutcome Item(int i) => ScorecardOf.Item(i, i % 10 != 0, i < 1500 ? "en" : "zh");
        var (baseline, candidate) = (ScorecardOf.Items("live", Enumerable.Range(0, 1540).Select(Item)), ScorecardOf.Items("new", Enumerable.Range(0, 1540).Select(Item)));
        Assert.Equal(GateDecision.Pass, Gate.Decide(NonInferiority, baseline, candidate).Decision);
        var verdict = Gate.Decide(NonInferiority with { StratumMargin = 0.05 }, baseline, candidate);
        Assert.Equal((GateDecision.InsufficientEvidence, GateReasons.StratumUncertain), (verdict.Decision, verdict.Reasons[0].Code));
        Assert.Contains("language=zh", verdict.Reasons[0].Text);
    }

    [Fact]
    public void Decide_CopiesOfItems_AreNoEvidence()
    {
        // 60 items pass nothing; ten copies of each, told to the gate as clusters, still pass nothing. Told as independent items they would.
        Scorecard Of(string name, Func<int, bool> right, bool clustered) => ScorecardOf.Items(
            name, Enumerable.Range(0, 600).Select(i => ScorecardOf.Item(i, right(i / 10), cluster: clustered ? $"{i / 10}" : null)));
        bool Live(int i) => i % 10 != 0;
        bool New(int i) => i % 10 != 1;
        var margin = NonInferiority with { Margin = 0.06 };
        Assert.Equal(GateDecision.Pass, Gate.Decide(margin, Of("live", Live, false), Of("new", New, false)).Decision);
        var verdict = Gate.Decide(margin, Of("live", Live, true), Of("new", New, true));
        Assert.Equal(GateDecision.InsufficientEvidence, verdict.Decision);
        Assert.InRange(verdict.DesignEffect, 9, 11);
    }

    [Theory]
    [InlineData(950, 1000, GateDecision.Pass, GateReasons.MinimumReached)]
    [InlineData(905, 1000, GateDecision.InsufficientEvidence, GateReasons.MinimumUncertain)]
    [InlineData(860, 1000, GateDecision.Fail, GateReasons.BelowMinimum)]
    public void DecideMinimum_Value_IsJudgedByItsBound(int right, int items, GateDecision decision, string code)
    {
        var card = ScorecardOf.Items("passages", Enumerable.Range(0, items).Select(i => ScorecardOf.Item(i, i < right)));
        var verdict = Gate.DecideMinimum(new GatePolicy { Kind = GateKind.Minimum, Metric = ScorecardOf.Metric, Minimum = 0.9 }, card);
        Assert.Equal((decision, code), (verdict.Decision, verdict.Reasons[0].Code));
        Assert.Null(verdict.Baseline);
    }

    [Fact]
    public void DecideMinimum_BrokenEvidence_IsInsufficientNeverPass()
    {
        var policy = new GatePolicy { Kind = GateKind.Minimum, Metric = ScorecardOf.Metric, Minimum = 0.5 };
        Scorecard Card(Func<int, ItemOutcome> item, int n = 500) => ScorecardOf.Items("passages", Enumerable.Range(0, n).Select(item));
        Assert.Equal(GateDecision.Pass, Gate.DecideMinimum(policy, Card(i => ScorecardOf.Item(i, true))).Decision);
        Assert.Equal(GateReasons.NoItems, Code(Card(i => ScorecardOf.Item(i, true), 0)));
        Assert.Equal(GateReasons.MetricMissing, Code(Card(i => ScorecardOf.Item(i, true)) with { Metrics = [] }));
        Assert.Equal(GateReasons.ItemsMismatch, Code(Card(i => ScorecardOf.Item(i % 499, true))));
        Assert.Equal(GateReasons.TooFewClusters, Code(Card(i => ScorecardOf.Item(i, true, cluster: $"{i % 5}"))));
        Assert.Equal(GateReasons.Unanswered, Code(Card(i => ScorecardOf.Item(i, true, failure: i % 10 == 0 ? FailureKinds.Error : null))));

        string Code(Scorecard card)
        {
            var verdict = Gate.DecideMinimum(policy, card);
            Assert.Equal(GateDecision.InsufficientEvidence, verdict.Decision);
            return verdict.Reasons[0].Code;
        }
    }

    [Fact]
    public void Decide_FaultyPolicy_ThrowsWithEveryFault()
    {
        var (baseline, candidate) = ScorecardOf.Pair(10, 1, 1, 1);
        var policy = new GatePolicy { Metric = " ", Margin = 0, Alpha = double.NaN, Power = 1, MaximumUnanswered = -1 };
        var fault = Assert.Throws<ArgumentException>(() => Gate.Decide(policy, baseline, candidate));
        Assert.All(new[] { "metric", "margin", "alpha", "power", "maximumUnanswered" }, key => Assert.Contains(key + ":", fault.Message));
    }

    [Fact]
    public void Decide_SameScorecards_GivesTheSameBytes()
    {
        var (baseline, candidate) = ScorecardOf.Pair(900, 30, 30, 40);
        Assert.Equal(Gate.Decide(NonInferiority, baseline, candidate).ToBytes(), Gate.Decide(NonInferiority, baseline, candidate).ToBytes());
    }
}
