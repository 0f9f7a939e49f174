using System.Text.Json.Nodes;
using Lauter.Evaluation.Metrics;
using Lauter.Evaluation.Statistics;
using Lauter.Releases.Gates;

namespace Lauter.Tests.Releases;

/// <summary>Gates on metrics of the whole set.</summary>
public sealed class CorpusGateTests
{
    private const int Resamples = 1_000;

    private static readonly string[] Words = [.. Enumerable.Range(0, 400).Select(i => $"word{i}")];
    private static readonly IMetric Bleu = MetricCatalogue.Parse("bleu");

    [Fact]
    public void Decide_Bleu_HasThreeOutcomes()
    {
        var policy = new GatePolicy { Metric = "bleu", Margin = 0.05 };
        var same = Decide(policy, 600, 0.2, 0.2);
        Assert.Equal(GateDecision.Pass, same.Decision);
        Assert.StartsWith("bootstrap|paired", same.Method);
        Assert.InRange(same.Candidate.Value!.Value, 0.2, 0.8);
        Assert.Equal(GateDecision.Fail, Decide(policy, 600, 0.2, 0.4).Decision);
        Assert.Equal(GateDecision.InsufficientEvidence, Decide(policy, 25, 0.2, 0.2).Decision);
        Assert.Equal((GateDecision.InsufficientEvidence, GateReasons.TooFewClusters), (Decide(policy, 15, 0.2, 0.2).Decision, Decide(policy, 15, 0.2, 0.2).Reasons[0].Code));
    }

    [Fact]
    public void Decide_EqualAnswers_AreNotCertain()
    {
        // No resample of equal answers differs; twenty items still say nothing about a kind that is one in twenty.
        var rows = Rows(20, 0.2, 1);
        var verdict = CorpusGate.Decide(new GatePolicy { Metric = "bleu", Margin = 0.05 }, Bleu, ("old", rows), ("new", rows), null, Resamples);
        Assert.Equal(GateDecision.InsufficientEvidence, verdict.Decision);
        Assert.InRange(verdict.Low!.Value, -0.2, -0.1);
    }

    [Fact]
    public void Decide_OneLanguageDamaged_IsStoppedByItsStratum()
    {
        MetricRow[] old = Rows(900, 0.2, 1), now = [.. Rows(900, 0.2, 2).Zip(Rows(900, 0.45, 2), (good, bad) => good.Language == "zh" ? bad : good)];
        var verdict = CorpusGate.Decide(new GatePolicy { Metric = "bleu", Margin = 0.1 }, Bleu, ("old", old), ("new", now), null, Resamples);
        Assert.Equal((GateDecision.Fail, GateReasons.StratumRegressed), (verdict.Decision, verdict.Reasons[0].Code));
        Assert.True(verdict.Strata.Single(s => s.Stratum == "language=zh").Regressed);
    }

    [Fact]
    public void Decide_OtherItemsOrUnknownAnswers_IsInsufficient()
    {
        var policy = new GatePolicy { Metric = "bleu", Margin = 0.05 };
        var rows = Rows(300, 0.2, 1);
        Assert.Equal(GateReasons.SuiteMismatch, CorpusGate.Decide(policy, Bleu, ("old", rows), ("new", rows[1..]), null, Resamples).Reasons[0].Code);
        MetricRow[] unknown = [rows[0] with { Failure = "timeout" }, .. rows[1..]];
        Assert.Equal((GateDecision.InsufficientEvidence, GateReasons.Unanswered), CorpusGate.Decide(policy, Bleu, ("old", unknown), ("new", rows), null, Resamples) is var v ? (v.Decision, v.Reasons[0].Code) : default);
        Assert.Throws<ArgumentException>(() => CorpusGate.Decide(new GatePolicy { Metric = "bleu", Kind = GateKind.Minimum, Minimum = 0.3 }, Bleu, ("old", rows), ("new", rows)));
    }

    [Fact]
    public void Decide_MetricWithItemScores_GoesByTheExactIntervals()
    {
        var rows = Rows(200, 0.2, 1);
        Assert.StartsWith("tango", CorpusGate.Decide(new GatePolicy { Metric = "exact_match:case=ignore", Strata = [] }, MetricCatalogue.Parse("exact_match:case=ignore"), ("old", rows), ("new", rows)).Method);
    }

    [Theory]
    [InlineData(60)]
    [InlineData(200)]
    public void Decide_RatioExactlyAtTheMargin_PassesAtMostAlpha(int items)
    {
        const int releases = 300;
        var policy = new GatePolicy { Metric = "ratio", Margin = 0.05, Strata = [] };
        var random = new SeededRandom((ulong)items);
        var passed = 0;
        for (var release = 0; release < releases; release++)
        {
            // Lengths vary, so this is a ratio of sums; the candidate's share is lower by exactly the margin.
            MetricRow[] old = new MetricRow[items], now = new MetricRow[items];
            for (var i = 0; i < items; i++)
            {
                int length = 2 + random.NextInt(20), was = 0, @is = 0;
                var hard = random.NextDouble() * 0.3;
                for (var w = 0; w < length; w++)
                {
                    was += random.NextDouble() < 0.7 + hard - 0.15 ? 1 : 0;
                    @is += random.NextDouble() < 0.65 + hard - 0.15 ? 1 : 0;
                }

                (old[i], now[i]) = (Row(i, was, length), Row(i, @is, length));
            }

            passed += CorpusGate.Decide(policy, new Ratio(), ("old", old), ("new", now), null, 500).Decision == GateDecision.Pass ? 1 : 0;
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{passed} of {releases} passed wrongly");
        Assert.True(ProportionIntervals.ClopperPearson(passed, releases, 0.98).Low <= policy.Alpha, $"{passed} of {releases}");

        static MetricRow Row(int i, int right, int length) => new() { Id = $"{i:000}", Prediction = new JsonArray(right, length), References = [JsonValue.Create("x")] };
    }

    private static GateVerdict Decide(GatePolicy policy, int items, double oldNoise, double newNoise) => CorpusGate.Decide(policy, Bleu, ("old", Rows(items, oldNoise, 1)), ("new", Rows(items, newNoise, 2)), null, Resamples);

    /// <summary>The same questions whatever the seed; the seed decides which words are wrong.</summary>
    private static MetricRow[] Rows(int items, double noise, ulong seed)
    {
        SeededRandom question = new(99), random = new(seed);
        return [.. Enumerable.Range(0, items).Select(i =>
        {
            string[] reference = [.. Enumerable.Range(0, 12).Select(_ => Words[question.NextInt(Words.Length)])];
            return new MetricRow
            {
                Id = $"{i:0000}", Language = i % 3 == 0 ? "zh" : "en", References = [JsonValue.Create(string.Join(' ', reference))],
                Prediction = JsonValue.Create(string.Join(' ', reference.Select(w => random.NextDouble() < noise ? "wrong" : w))),
            };
        })];
    }

    private sealed class Ratio : IMetric
    {
        public string Name => "ratio";

        public MetricTable Measure(IReadOnlyList<MetricRow> rows) =>
            new("ratio", "ratio|v:1", 2, [.. rows.SelectMany(r => new[] { r.Prediction![0]!.GetValue<int>(), (double)r.Prediction[1]!.GetValue<int>() })], s => s[0] / s[1], 0);
    }
}
