using System.Text.Json;
using Lauter.Evaluation.Statistics;

namespace Lauter.Tests.Evaluation;

/// <summary>Tests that may be looked at any time: values against references, promises by counting.</summary>
public sealed class SequentialTests
{
    [Fact]
    public void Sprt_RecordedSequences_GivesRecordedRatiosAndDecisions()
    {
        foreach (var c in Golden.Shared("gates.json").Items("cases_sprt"))
        {
            double p0 = c.Number("p0"), p1 = c.Number("p1"), alpha = c.Number("alpha"), beta = c.Number("beta");
            var test = new Sprt(p0, p1, alpha, beta);
            Golden.Close(c.Number("upper"), test.Upper, 1e-12, "upper");
            Golden.Close(c.Number("lower"), test.Lower, 1e-12, "lower");
            var expected = c.Numbers("llr");
            var observations = c.Integers("observations");
            int? decidedAt = null;
            for (var i = 0; i < observations.Length; i++)
            {
                var decision = test.Add(observations[i] == 1);
                Golden.Close(expected[i], test.LogRatio, 1e-9, $"ratio {i}");
                decidedAt ??= decision == SequentialDecision.Continue ? null : i + 1;
            }

            Assert.Equal(c.GetProperty("decided_at") is { ValueKind: JsonValueKind.Number } at ? at.GetInt32() : null, decidedAt);
            var (underNull, underAlternative) = Sprt.ExpectedItems(p0, p1, alpha, beta);
            Golden.Close(c.Number("expected_n_h0"), underNull, 1e-9, "n under null");
            Golden.Close(c.Number("expected_n_h1"), underAlternative, 1e-9, "n under alternative");
        }
    }

    [Fact]
    public void AlwaysValid_RecordedSums_GivesRecordedEvidence()
    {
        var file = Golden.Shared("gates.json");
        foreach (var c in file.Items("cases_msprt"))
        {
            Golden.Close(c.Number("log_lr"), AlwaysValid.MixtureLogRatio(c.Number("mean"), c.Number("variance"), c.Number("n"), c.Number("tau2"), c.Number("null")), 1e-9, c.ToString());
        }

        foreach (var c in file.Items("cases_beta_binomial"))
        {
            double s = c.Number("successes"), n = c.Number("n"), a = c.Number("prior_a"), b = c.Number("prior_b");
            Golden.Close(c.Number("log_e"), AlwaysValid.BetaBinomialLogE(s, n, c.Number("p0"), a, b), 1e-9, $"e {c}");
            foreach (var (member, alpha) in new[] { ("cs95", 0.05), ("cs99", 0.01) })
            {
                if (c.TryGetProperty(member, out _))
                {
                    Golden.Close(c.Numbers(member), AlwaysValid.BetaBinomialSequence(s, n, alpha, a, b), 1e-8, $"{member} {c}");
                }
            }
        }

        foreach (var c in file.Items("cases_asymptotic_cs"))
        {
            Golden.Close(c.Number("margin"), AlwaysValid.AsymptoticMargin(c.Number("n"), c.Number("variance"), c.Number("alpha"), c.Number("rho")), 1e-9, c.ToString());
        }

        Assert.Equal(0.296341, AlwaysValid.DefaultTightness(0.05), 1e-6);
    }

    [Fact]
    public void RoganGladen_RecordedRates_GivesRecordedCorrection()
    {
        foreach (var c in Golden.Shared("gates.json").Items("cases_rogan_gladen"))
        {
            var corrected = JudgeCorrection.RoganGladen(
                c.Number("judge_pass_rate"), c.Number("n"), c.Number("specificity"), c.Number("m0"), c.Number("sensitivity"), c.Number("m1"));
            if (c.GetProperty("theta").ValueKind == JsonValueKind.Null)
            {
                Assert.Null(corrected);
                continue;
            }

            Golden.Close(c.Number("theta"), corrected!.Value.Rate, 1e-9, "rate");
            Golden.Close(c.Number("theta_clipped"), corrected.Value.Clipped, 1e-9, "clipped");
            Golden.Close(c.Number("se"), corrected.Value.Error, 1e-9, "error");
            Golden.Close(c.Numbers("ci95"), corrected.Value.Plain(0.95), 1e-9, "interval");
        }
    }

    [Fact]
    public void LangReiczigel_GoodJudgeFewLabels_CoversWhereThePlainIntervalDoesNot()
    {
        const double Truth = 0.95, Specificity = 0.9, Sensitivity = 0.98;
        const int Trials = 2_000, Items = 400, Negatives = 30, Positives = 60;
        var random = new SeededRandom(11);
        int covered = 0, plainCovered = 0;
        for (var t = 0; t < Trials; t++)
        {
            double passes = Draw(Items, (Truth * Sensitivity) + ((1 - Truth) * (1 - Specificity))), fails = Draw(Negatives, Specificity), right = Draw(Positives, Sensitivity);
            covered += JudgeCorrection.LangReiczigel(passes, Items, fails, Negatives, right, Positives, 0.95) is { } interval && interval.Contains(Truth) ? 1 : 0;
            plainCovered += JudgeCorrection.RoganGladen(passes / Items, Items, fails / Negatives, Negatives, right / Positives, Positives) is { } plain
                && plain.Plain(0.95).Contains(Truth) ? 1 : 0;
        }

        Assert.True(covered >= 0.94 * Trials, $"covered {covered} of {Trials}");
        Assert.True(plainCovered < covered, $"plain {plainCovered}, corrected {covered}");

        double Draw(int n, double p) => Enumerable.Range(0, n).Count(_ => random.NextDouble() < p);
    }

    [Fact]
    public void BettingTest_LookedAtEveryTime_RejectsATrueNullAtMostAlpha()
    {
        const int Trials = 2_000;
        var random = new SeededRandom(12);
        var rejected = 0;
        for (var t = 0; t < Trials; t++)
        {
            // Differences of right answers, exactly at the null mean of 0.02.
            var test = new BettingTest(0.02, -1);
            for (var i = 0; i < 500 && !test.Rejects(0.05); i++)
            {
                var u = random.NextDouble();
                test.Add(u < 0.12 ? 1 : u < 0.22 ? -1 : 0);
            }

            rejected += test.Rejects(0.05) ? 1 : 0;
        }

        Assert.True(ProportionIntervals.ClopperPearson(rejected, Trials, 0.99).Low <= 0.05, $"rejected {rejected} of {Trials}");
    }

    [Fact]
    public void BettingTest_ClearEffect_RejectsSoonAndKeepsItsP()
    {
        var test = new BettingTest(0, -1);
        for (var i = 0; i < 60; i++)
        {
            test.Add(i % 3 == 0 ? 0 : 1);
        }

        Assert.True(test.Rejects(0.05));
        var p = test.P;
        test.Add(-1);
        Assert.Equal(p, test.P);
    }
}
