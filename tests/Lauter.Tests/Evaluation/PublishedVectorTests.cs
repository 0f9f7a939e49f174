using System.Text.Json.Nodes;
using Lauter.Evaluation.Judges;
using Lauter.Evaluation.Metrics;
using Lauter.Evaluation.Metrics.Classes;
using Lauter.Evaluation.Metrics.Rankings;
using Lauter.Evaluation.Metrics.Texts;
using Lauter.Evaluation.Statistics;

namespace Lauter.Tests.Evaluation;

/// <summary>Values and traps published with the methods, by hand and small: each can be checked with a pencil.</summary>
public sealed class PublishedVectorTests
{
    [Fact]
    public void Wilson_PublishedCounts()
    {
        Near((0.82563, 0.94477), ProportionIntervals.Wilson(90, 100, 0.95), 1e-5);
        Near((0.91915, 0.96947), ProportionIntervals.Wilson(285, 300, 0.95), 1e-5);
        Near((0.87985, 0.91709), ProportionIntervals.Wilson(900, 1_000, 0.95), 1e-5);
        Near((0.98736, 1), ProportionIntervals.Wilson(300, 300, 0.95), 1e-5);
    }

    [Fact]
    public void McNemarAndTango_PublishedCounts()
    {
        Assert.Equal(0.0385742, McNemar.Exact(10, 2), 1e-7);
        Assert.Equal(0.0224609, McNemar.MidP(10, 2), 1e-7);
        Assert.Equal(5.3333, McNemar.ChiSquared(10, 2).Statistic, 1e-4);
        Assert.Equal(4.0833, McNemar.ChiSquared(10, 2, corrected: true).Statistic, 1e-4);
        Assert.Equal(0.153860, McNemar.Exact(25, 15), 1e-6);
        Assert.Equal(4.43e-6, McNemar.Exact(121, 59), 1e-8);
        Near((0.030865, 0.218064), DifferenceIntervals.Tango(new PairedTable(0, 40, 20, 100), 0.95), 1e-6);
        Near((0.032111, 0.217888), DifferenceIntervals.WaldPaired(new PairedTable(0, 40, 20, 100), 0.95), 1e-6);
        Near((-0.028620, 0.133471), DifferenceIntervals.Tango(new PairedTable(0, 10, 5, 85), 0.95), 1e-6);

        // At D = 0 Tango's statistic is McNemar's z, and 0/0 is 0.
        Assert.Equal(Math.Sqrt(McNemar.ChiSquared(10, 2).Statistic), DifferenceIntervals.TangoStatistic(new PairedTable(0, 10, 2, 88), 0), 1e-12);
        Assert.Equal(0, DifferenceIntervals.TangoStatistic(new PairedTable(50, 0, 0, 50), 0));
    }

    [Fact]
    public void SampleSize_PublishedUnpairedArms()
    {
        Assert.Equal(2_943, Math.Ceiling(SampleSize.UnpairedPerArmPooled(0.80, 0.77, 0.05, 0.8)), 1.0);
        Assert.Equal(3_841, Math.Ceiling(SampleSize.UnpairedPerArmPooled(0.90, 0.88, 0.05, 0.8)), 1.0);
        Assert.Equal(2_213, Math.Ceiling(SampleSize.UnpairedPerArmPooled(0.95, 0.93, 0.05, 0.8)), 1.0);
    }

    [Fact]
    public void Sequential_PublishedBoundsAndEvidence()
    {
        var sprt = new Sprt(0.95, 0.90, 0.05, 0.10);
        Assert.Equal((2.890372, -2.251292), (Math.Round(sprt.Upper, 6), Math.Round(sprt.Lower, 6)));
        sprt.Add(success: false);
        Assert.Equal(0.693147, sprt.LogRatio, 1e-6);
        sprt.Add(success: true);
        Assert.Equal(0.693147 - 0.054067, sprt.LogRatio, 1e-6);
        Assert.Equal((119.0, 115.0), Sprt.ExpectedItems(0.95, 0.90, 0.05, 0.10) is var n ? (Math.Round(n.UnderNull), Math.Round(n.UnderAlternative)) : default);
        Assert.Equal(3.278722, Math.Exp(AlwaysValid.MixtureLogRatio(0.05, 0.2, 400, 0.0025)), 1e-6);
        Assert.Equal(88.738354, Math.Exp(AlwaysValid.MixtureLogRatio(0.05, 0.2, 1_000, 0.0025)), 1e-6);
        Assert.Equal(4_221.690372, Math.Exp(AlwaysValid.BetaBinomialLogE(60, 80, 0.5)), 1e-5);
        Assert.Equal(0.468424, Math.Exp(AlwaysValid.BetaBinomialLogE(30, 50, 0.5)), 1e-6);
        Near((0.861633, 0.931220), AlwaysValid.BetaBinomialSequence(900, 1_000, 0.05), 1e-6);
        Assert.Equal(0.296341, AlwaysValid.DefaultTightness(0.05), 1e-6);
        double[] margins = [.. ((double[])[100, 500, 1_000, 10_000]).Select(k => Math.Round(AlwaysValid.AsymptoticMargin(k, 0.25, 0.05), 6))];
        Assert.Equal([0.161333, 0.067994, 0.048838, 0.016911], margins);
    }

    [Fact]
    public void Peeking_ZTestAtEveryLook_MultipliesItsError()
    {
        // The trap behind "looks": ten looks at a nominal 5 % err 19 % of the time.
        var random = new SeededRandom(9);
        const int trials = 2_000, looks = 10, each = 50;
        var fooled = 0;
        for (var trial = 0; trial < trials; trial++)
        {
            double sum = 0;
            var found = false;
            for (var look = 1; look <= looks && !found; look++)
            {
                for (var i = 0; i < each; i++)
                {
                    sum += random.NextDouble() < 0.5 ? 1 : -1;
                }

                found = Math.Abs(sum) / Math.Sqrt(look * each) > 1.959964;
            }

            fooled += found ? 1 : 0;
        }

        Assert.InRange(fooled / (double)trials, 0.16, 0.22);
    }

    [Fact]
    public void Drift_PublishedDistances_AndTheNoiseOfPsi()
    {
        long[] reference = [10, 20, 30, 25, 15], current = [5, 15, 30, 30, 20];
        Assert.Equal(0.0725416, Distances.Psi(reference, current), 1e-7);
        Assert.Equal(0.1137526, Math.Sqrt(Distances.JensenShannon(reference, current) / Math.Log(2)), 1e-7);

        // "Above 0.1 is drift" is noise below some 340 rows a side: the threshold depends on n.
        Assert.Equal(0.169, DriftTests.PsiThreshold(10, 200, 200, 0.05), 1e-3);
        Assert.Equal(0.034, DriftTests.PsiThreshold(10, 1_000, 1_000, 0.05), 1e-3);
        Assert.True(DriftTests.PsiThreshold(10, 330, 330, 0.05) > 0.1 && DriftTests.PsiThreshold(10, 350, 350, 0.05) < 0.1);
    }

    [Fact]
    public void Rouge_OfficialExamples()
    {
        var rouge = new Rouge();
        Assert.Equal((1, 1.0 / 3, 0.5), rouge.N(1, "testing", "testing one two") is var r ? (r.Precision, r.Recall, r.F1) : default);
        Assert.Equal(2 / 3.0, rouge.N(2, "testing one", "testing one two").F1, 12);
        Assert.Equal(0.8, rouge.L("testing one", "testing one two").F1, 12);
        Assert.Equal(0.8, rouge.L("testing two", "testing one two").F1, 12);

        // Trap: the English tokens keep [a-z0-9] only, so equal Chinese texts score 0; the Chinese form does not.
        Assert.Equal(0, rouge.N(1, "退货流程", "退货流程").F1);
        Assert.Equal(1, new Rouge(RougeTokens.Characters).N(1, "退货流程", "退货流程").F1);
    }

    [Fact]
    public void Answers_SameTextTwoF1_TellsWhySignaturesDiffer()
    {
        // 0.30769 by words as they stand, 0 after SQuAD's normaliser has deleted every "the".
        string[] words = "the the the the the the the".Split(' '), reference = "the cat is on the mat".Split(' ');
        Assert.Equal(0.30769, Lauter.Evaluation.Metrics.AnswerScores.F1(words, reference), 1e-5);
        Assert.Equal(0, Lauter.Evaluation.Metrics.AnswerScores.F1(string.Join(' ', words), [string.Join(' ', reference)], chinese: false));
    }

    [Fact]
    public void Bleu_PublishedSentence_WithFloor() => Assert.Equal(
        22.3606797749979, new Bleu { Tokenizer = "none", Smoothing = BleuSmoothing.Floor, SmoothingValue = 0.01, EffectiveOrder = false }.Sentence("this is a fest", "this is a test"), 1e-9);

    [Fact]
    public void Kappa_SamePercentAgreement_DifferentKappa()
    {
        Assert.Equal(0.40, Kappa(20, 5, 10, 15), 12);
        Assert.Equal(0.130435, Kappa(45, 15, 25, 15), 1e-6);
        Assert.Equal(0.259259, Kappa(25, 35, 5, 35), 1e-6);

        static double Kappa(int a, int b, int c, int d)
        {
            var matrix = new ConfusionMatrix(2);
            matrix.Add(0, 0, a);
            matrix.Add(0, 1, b);
            matrix.Add(1, 0, c);
            matrix.Add(1, 1, d);
            return matrix.Kappa();
        }
    }

    [Fact]
    public void Ranking_ScoresOfAnotherOrder_ChangeTheGain()
    {
        var truth = new Dictionary<string, double>(StringComparer.Ordinal) { ["a"] = 10, ["b"] = 0, ["c"] = 0, ["d"] = 1, ["e"] = 5 };
        Assert.Equal(0.6956940444, Ndcg([0.1, 0.2, 0.3, 4, 70], int.MaxValue), 1e-9);
        Assert.Equal(0.4936801914, Ndcg([0.05, 1.1, 1, 0.5, 0], int.MaxValue), 1e-9);
        Assert.Equal(0.3520241101, Ndcg([0.05, 1.1, 1, 0.5, 0], 4), 1e-9);

        double Ndcg(double[] scores, int k) => new Ranking(Ranking.Order(truth.Keys.Zip(scores).ToDictionary(p => p.First, p => p.Second, StringComparer.Ordinal)), truth).Ndcg(Gain.Linear, k);
    }

    [Fact]
    public void Judge_OutOfRangeOrMissingVerdict_IsNoScore()
    {
        // A 7B judge of a well-known library returned -1, and its mean took it in.
        Assert.Null(JudgeReplies.Score("SCORE: -1"));
        Assert.Null(JudgeReplies.Score("SCORE: 0"));
        Assert.Null(JudgeReplies.Score("SCORE: NaN"));
        Assert.Equal(PairWinner.Unparsed, JudgeReplies.Winner("WINNER: both"));
    }

    [Fact]
    public void Metrics_NotANumberFromOutside_IsNeverAScore()
    {
        var table = MetricCatalogue.Parse("perplexity:unit=tokens").Measure([new MetricRow { Id = "1", Prediction = JsonNode.Parse("""{"logprob":"NaN","tokens":3}""") }]);
        Assert.Equal(1, table.Unusable);
    }

    private static void Near((double Low, double High) expected, Interval actual, double tolerance)
    {
        Assert.Equal(expected.Low, actual.Low, tolerance);
        Assert.Equal(expected.High, actual.High, tolerance);
    }
}
