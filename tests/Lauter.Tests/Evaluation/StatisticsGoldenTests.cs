using System.Text.Json;
using Lauter.Evaluation.Statistics;

namespace Lauter.Tests.Evaluation;

public sealed class StatisticsGoldenTests
{
    private const double Tolerance = 1e-9;

    [Fact]
    public void McNemar_ReferenceCounts_GivesReferenceP()
    {
        foreach (var c in Golden.Cases("statistics.json", "cases_mcnemar"))
        {
            long b = c.GetProperty("b").GetInt64(), d = c.GetProperty("c").GetInt64();
            var what = $"b={b} c={d}";
            Golden.Relative(c.Number("exact"), McNemar.Exact(b, d), Tolerance, $"exact {what}");
            if (c.GetProperty("mid").ValueKind == JsonValueKind.Number)
            {
                Golden.Relative(c.Number("mid"), McNemar.MidP(b, d), Tolerance, $"mid-p {what}");
            }

            foreach (var corrected in new[] { false, true })
            {
                var expected = c.Numbers(corrected ? "chi2_corrected" : "chi2");
                var (statistic, p) = McNemar.ChiSquared(b, d, corrected);
                Golden.Close(expected[0], statistic, Tolerance, $"chi2 {what} corrected {corrected}");
                Golden.Relative(expected[1], p, Tolerance, $"chi2 p {what} corrected {corrected}");
            }

            var table = new PairedTable(0, b, d, c.GetProperty("n").GetInt64() - b - d);
            Golden.Close(c.Numbers("tango95"), DifferenceIntervals.Tango(table, 0.95), Tolerance, $"tango95 {what}");
            Golden.Close(c.Numbers("tango90"), DifferenceIntervals.Tango(table, 0.90), Tolerance, $"tango90 {what}");
        }
    }

    [Fact]
    public void PairedDifference_ReferenceTables_GivesReferenceIntervals()
    {
        foreach (var c in Golden.Cases("gates.json", "cases_paired_difference"))
        {
            var table = new PairedTable(c.GetProperty("a").GetInt64(), c.GetProperty("b").GetInt64(), c.GetProperty("c").GetInt64(), c.GetProperty("d").GetInt64());
            Golden.Close(c.Number("difference"), table.Difference, Tolerance, table.ToString());
            Golden.Relative(c.Number("mcnemar_exact"), McNemar.Exact(table.OnlyFirst, table.OnlySecond), Tolerance, $"exact {table}");
            Golden.Relative(c.Number("mcnemar_mid"), McNemar.MidP(table.OnlyFirst, table.OnlySecond), Tolerance, $"mid-p {table}");
            foreach (var level in new[] { 90, 95, 99 })
            {
                var confidence = level / 100.0;
                Golden.Close(c.Numbers($"wald{level}"), DifferenceIntervals.WaldPaired(table, confidence), Tolerance, $"wald{level} {table}");
                Golden.Close(c.Numbers($"bonett_price{level}"), DifferenceIntervals.BonettPrice(table, confidence), Tolerance, $"bonett_price{level} {table}");
                Golden.Close(c.Numbers($"tango{level}"), DifferenceIntervals.Tango(table, confidence), 1e-8, $"tango{level} {table}");
                Golden.Close(c.Numbers($"newcombe10_{level}"), DifferenceIntervals.NewcombePaired(table, confidence), Tolerance, $"newcombe{level} {table}");
                Golden.Close(c.Numbers($"newcombe10cc_{level}"), DifferenceIntervals.NewcombePaired(table, confidence, correctPhi: true), Tolerance, $"newcombe cc {level} {table}");
            }
        }
    }

    [Fact]
    public void Proportion_ReferenceCounts_GivesReferenceIntervals()
    {
        foreach (var (c, confidence, exact, wald) in Golden.Cases("statistics.json", "cases_proportion").Select(c => (c, 0.95, "beta", "normal"))
            .Concat(Golden.Cases("gates.json", "cases_proportion").Select(c => (c, 1 - c.Number("alpha"), "clopper_pearson", "wald"))))
        {
            double x = c.Number("count"), n = c.Number("n");
            var what = $"{x} of {n} at {confidence}";
            Golden.Close(c.Numbers("wilson"), ProportionIntervals.Wilson(x, n, confidence), Tolerance, $"wilson {what}");
            Golden.Close(c.Numbers(exact), ProportionIntervals.ClopperPearson(x, n, confidence), Tolerance, $"clopper-pearson {what}");
            Golden.Close(c.Numbers("jeffreys"), ProportionIntervals.Jeffreys(x, n, confidence), Tolerance, $"jeffreys {what}");
            Golden.Close(c.Numbers("agresti_coull"), ProportionIntervals.AgrestiCoull(x, n, confidence), Tolerance, $"agresti-coull {what}");
            Golden.Close(c.Numbers(wald), ProportionIntervals.Wald(x, n, confidence), Tolerance, $"wald {what}");
        }
    }

    [Fact]
    public void Newcombe_IndependentProportions_GivesReferenceIntervals()
    {
        foreach (var c in Golden.Cases("statistics.json", "cases_two_proportions"))
        {
            var interval = DifferenceIntervals.Newcombe(c.Number("count1"), c.Number("n1"), c.Number("count2"), c.Number("n2"), 0.95);
            Golden.Close(c.Numbers("newcombe"), interval, Tolerance, c.ToString());
        }
    }

    [Theory]
    [InlineData("statistics.json", "fdr_bh", false)]
    [InlineData("gates.json", "bh", true)]
    public void MultipleTests_ReferenceP_GivesReferenceAdjustedP(string file, string falseDiscovery, bool hochberg)
    {
        foreach (var c in Golden.Cases(file, "cases_multiple"))
        {
            var p = c.Numbers("p");
            Same(c.Numbers("holm"), MultipleTests.Holm(p), "holm");
            Same(c.Numbers("bonferroni"), MultipleTests.Bonferroni(p), "bonferroni");
            Same(c.Numbers(falseDiscovery), MultipleTests.BenjaminiHochberg(p), "bh");
            if (hochberg)
            {
                Same(c.Numbers("hochberg"), MultipleTests.Hochberg(p), "hochberg");
            }
        }

        static void Same(double[] expected, double[] actual, string what)
        {
            Assert.Equal(expected.Length, actual.Length);
            for (var i = 0; i < expected.Length; i++)
            {
                Golden.Close(expected[i], actual[i], Tolerance, $"{what} [{i}]");
            }
        }
    }

    [Fact]
    public void ClusteredErrors_ReferenceScores_GivesReferenceErrors()
    {
        foreach (var c in Golden.Cases("statistics.json", "cases_clustered"))
        {
            var (scores, clusters) = (c.Numbers("scores"), ClusterIndex.Of(c.Integers("clusters")));
            Golden.Close(c.Number("se"), ClusteredErrors.Independent(scores), Tolerance, "independent");
            Golden.Close(c.Number("se_clustered"), ClusteredErrors.Clustered(scores, clusters), Tolerance, "clustered");
        }

        foreach (var c in Golden.Cases("gates.json", "cases_cluster"))
        {
            var (scores, clusters) = (c.Numbers("scores"), ClusterIndex.Of(c.Integers("clusters")));
            Golden.Close(c.Number("se_iid"), ClusteredErrors.Independent(scores), Tolerance, "independent");
            Golden.Close(c.Number("se_miller"), ClusteredErrors.Clustered(scores, clusters), Tolerance, "miller");
            Golden.Close(c.Number("se_cr0"), ClusteredErrors.Sandwich(scores, clusters, correct: false), Tolerance, "cr0");
            Golden.Close(c.Number("se_cr1"), ClusteredErrors.Sandwich(scores, clusters), Tolerance, "cr1");
        }
    }

    [Fact]
    public void SampleSize_ReferenceCases_GivesReferenceN()
    {
        foreach (var c in Golden.Cases("gates.json", "cases_sample_size_paired"))
        {
            var n = c.GetProperty("kind").GetString() == "superiority"
                ? SampleSize.Superiority(c.Number("discordance"), c.Number("delta"), c.Number("alpha_two_sided"), c.Number("power"))
                : SampleSize.NonInferiority(c.Number("discordance"), c.Number("margin"), c.Number("alpha_one_sided"), c.Number("power"));
            Golden.Relative(c.Number("n_raw"), n, Tolerance, c.ToString());
            Assert.Equal(c.GetProperty("n").GetInt64(), (long)Math.Ceiling(n));
        }

        foreach (var c in Golden.Cases("gates.json", "cases_sample_size_unpaired"))
        {
            var (p1, p2, alpha, power) = (c.Number("p1"), c.Number("p2"), c.Number("alpha_two_sided"), c.Number("power"));
            Golden.Relative(c.Number("n_per_arm_unpooled"), SampleSize.UnpairedPerArm(p1, p2, alpha, power), Tolerance, "unpooled");
            Golden.Relative(c.Number("n_per_arm_pooled_null"), SampleSize.UnpairedPerArmPooled(p1, p2, alpha, power), Tolerance, "pooled");
        }
    }

    [Fact]
    public void McNemarPower_FullEnumeration_GivesReferencePower()
    {
        foreach (var c in Golden.Cases("gates.json", "cases_power"))
        {
            var n = c.GetProperty("n").GetInt32();
            var (discordance, delta, alpha) = (c.Number("discordance"), c.Number("delta"), c.Number("alpha"));
            Golden.Relative(c.Number("power_mcnemar_exact"), SampleSize.McNemarPower(n, discordance, delta, alpha, McNemar.Exact), Tolerance, $"exact {c}");
            Golden.Relative(c.Number("power_mcnemar_mid"), SampleSize.McNemarPower(n, discordance, delta, alpha, McNemar.MidP), Tolerance, $"mid {c}");
            Golden.Relative(c.Number("power_mcnemar_chi2"), SampleSize.McNemarPower(n, discordance, delta, alpha, (b, d) => McNemar.ChiSquared(b, d).P), Tolerance, $"chi2 {c}");
        }
    }

    [Fact]
    public void Bca_ReferenceDistribution_GivesReferenceInterval()
    {
        foreach (var c in Golden.Cases("gates.json", "cases_bca"))
        {
            var x = c.Numbers("x");
            var statistic = Statistic(c.GetProperty("statistic").GetString()!);
            var sorted = c.Numbers("bootstrap_distribution").Order().ToArray();
            double[] jackknife = [.. Enumerable.Range(0, x.Length).Select(i => statistic([.. x.Where((_, j) => j != i)]))];
            Golden.Close(c.Number("estimate"), statistic(x), Tolerance, "estimate");
            Golden.Close(c.Numbers("BCa"), Bootstrap.Bca(sorted, statistic(x), jackknife, 0.95), Tolerance, c.GetProperty("statistic").GetString()!);
            Golden.Close(c.Numbers("percentile"), new Interval(Bootstrap.Quantile(sorted, 0.025), Bootstrap.Quantile(sorted, 0.975)), Tolerance, "percentile");
        }

        static Func<double[], double> Statistic(string name) => name switch
        {
            "mean" => x => x.Average(),
            "median" => x => Bootstrap.Quantile(x.Order().ToArray(), 0.5),
            "std_ddof1" => x => Math.Sqrt(x.Sum(v => (v - x.Average()) * (v - x.Average())) / (x.Length - 1)),
            _ => throw new ArgumentOutOfRangeException(nameof(name), name, null),
        };
    }

    [Fact]
    public void Percentile_OwnResamples_AgreesWithReferenceWithinItsTolerance()
    {
        foreach (var c in Golden.Cases("statistics.json", "cases_bootstrap"))
        {
            if (c.GetProperty("statistic").GetString() != "mean")
            {
                continue;
            }

            var x = c.Numbers("x");
            var clusters = ClusterIndex.Of(Enumerable.Range(0, x.Length));
            var interval = Bootstrap.Percentile(clusters, 100_000, 0.95, 1, members => Mean(x, members));
            Golden.Close(c.Numbers("percentile"), interval, c.Number("tolerance"), "percentile");
        }

        static double Mean(double[] x, ReadOnlySpan<int> members)
        {
            double sum = 0;
            foreach (var member in members)
            {
                sum += x[member];
            }

            return sum / members.Length;
        }
    }
}
