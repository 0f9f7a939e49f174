using System.Text.Json;
using Lauter.Evaluation.Statistics;

namespace Lauter.Tests.Evaluation;

/// <summary>Rank tests, distances and drift tests against scipy, R and scikit-learn; the alarm rates by counting.</summary>
public sealed class DistanceGoldenTests
{
    private const double Tolerance = 1e-9;

    [Fact]
    public void Counts_RecordedTables_GivesRecordedDistances()
    {
        foreach (var c in Golden.Shared("drift.json").Items("cases_binned"))
        {
            long[] r = Longs(c, "reference_counts"), k = Longs(c, "current_counts");
            var what = $"{string.Join(',', r)} | {string.Join(',', k)}";
            Golden.Close(c.Number("psi_zero_as_0001"), Distances.Psi(r, k), Tolerance, $"psi {what}");
            Golden.Same(c.Real("kl_reference_current"), Distances.KullbackLeibler(r, k), Tolerance, $"kl {what}");
            Golden.Same(c.Real("kl_current_reference"), Distances.KullbackLeibler(k, r), Tolerance, $"kl {what}");
            Golden.Close(c.Number("js_distance_e"), Math.Sqrt(Distances.JensenShannon(r, k)), Tolerance, $"js {what}");
            Golden.Close(c.Number("js_divergence_2"), Distances.JensenShannon(r, k) / Math.Log(2), Tolerance, $"js2 {what}");
            Golden.Close(c.Number("hellinger"), Distances.Hellinger(r, k), Tolerance, $"hellinger {what}");
            Golden.Close(c.Number("tvd"), Distances.TotalVariation(r, k), Tolerance, $"tvd {what}");
            if (c.TryGetProperty("chi2_two_sample", out var chi) && chi.ValueKind == JsonValueKind.Array)
            {
                var (statistic, p, degrees) = DriftTests.ChiSquared(r, k);
                Golden.Close(chi[0].GetDouble(), statistic, Tolerance, $"chi2 {what}");
                Golden.Close(chi[1].GetDouble(), p, Tolerance, $"chi2 p {what}");
                Assert.Equal(chi[2].GetInt32(), degrees);
            }

            if (r.Length > 1)
            {
                Golden.Close(c.Number("psi_noise_95"), DriftTests.PsiThreshold(r.Length, r.Sum(), k.Sum(), 0.05), Tolerance, $"noise {what}");
            }
        }

        foreach (var c in Golden.Shared("statistics.json").Items("cases_drift"))
        {
            long[] r = Longs(c, "reference_counts"), k = Longs(c, "current_counts");
            Golden.Close(c.Number("psi"), Distances.Psi(r, k), Tolerance, "psi");
            Golden.Close(c.Number("kl"), Distances.KullbackLeibler(k, r), Tolerance, "kl");
            Golden.Close(c.Number("js_distance_base2"), Math.Sqrt(Distances.JensenShannon(r, k) / Math.Log(2)), Tolerance, "js");
        }
    }

    [Fact]
    public void Samples_RecordedPairs_GivesRecordedDistances()
    {
        foreach (var c in Golden.Shared("drift.json").Items("cases_samples"))
        {
            double[] x = c.Numbers("reference"), y = c.Numbers("current"), scipy = c.Numbers("ks_exact");
            var what = $"{c.Text("kind")} {x.Length}+{y.Length}";
            var d = Distances.KolmogorovSmirnov(x, y);
            Golden.Close(scipy[0], d, Tolerance, $"ks {what}");
            Golden.Relative(scipy[1], DriftTests.KolmogorovSmirnovExact(d, x, y, ignoreTies: true), 1e-8, $"ks p {what}");

            // R subtracts from 1, so its last digits are noise far out.
            Golden.Close(c.Number("ks_exact_given_ties"), DriftTests.KolmogorovSmirnov(x, y), Tolerance, $"ks p given ties {what}");
            Golden.Close(c.Number("wasserstein"), Distances.Wasserstein(x, y), Tolerance, $"wasserstein {what}");
            Golden.Close(c.Number("energy_squared"), Distances.EnergySquared(x, y), Tolerance, $"energy {what}");
        }
    }

    [Fact]
    public void Vectors_RecordedSets_GivesRecordedMmd()
    {
        foreach (var c in Golden.Shared("drift.json").Items("cases_vectors"))
        {
            double[][] x = Vectors(c, "reference"), y = Vectors(c, "current");
            Golden.Close(c.Number("median_distance"), Distances.MedianDistance([.. x, .. y]), Tolerance, "median");
            Golden.Close(c.GetProperty("mmd_sigma_median").Number("mmd2_unbiased"), Distances.MmdSquared(x, y), Tolerance, "mmd");
            Golden.Close(c.GetProperty("mmd_sigma_one").Number("mmd2_unbiased"), Distances.MmdSquared(x, y, 1), Tolerance, "mmd 1");
        }

        static double[][] Vectors(JsonElement c, string member) => [.. c.Items(member).Select(r => r.EnumerateArray().Select(v => v.GetDouble()).ToArray())];
    }

    [Fact]
    public void Bins_RecordedEdges_GivesRecordedCounts()
    {
        foreach (var c in Golden.Shared("drift.json").Items("cases_edges"))
        {
            double[] x = c.Numbers("reference"), y = c.Numbers("current"), edges = c.Numbers("edges");
            Assert.Equal(Longs(c, "reference_counts"), DriftTests.InBins(x, edges));
            Assert.Equal(Longs(c, "current_counts"), DriftTests.InBins(y, edges));
            Golden.Close(c.Number("psi_given_edges"), Distances.Psi(DriftTests.InBins(x, edges), DriftTests.InBins(y, edges)), Tolerance, "psi");
            var deciles = c.Numbers("decile_edges");
            Golden.Close(c.Number("psi_deciles"), Distances.Psi(DriftTests.InBins(x, deciles), DriftTests.InBins(y, deciles)), Tolerance, "psi deciles");
        }
    }

    [Fact]
    public void MannWhitney_RecordedSamples_GivesRecordedP()
    {
        foreach (var c in Golden.Shared("gates.json").Items("cases_mann_whitney"))
        {
            double[] x = c.Numbers("x"), y = c.Numbers("y");
            var what = $"{x.Length}+{y.Length}";
            Golden.Close(c.Number("u1"), RankTests.MannWhitneyU(x, y), Tolerance, $"u {what}");
            Golden.Close(c.Number("cles"), RankTests.MannWhitneyU(x, y) / (x.Length * y.Length), Tolerance, $"cles {what}");
            Golden.Close(c.Number("hodges_lehmann"), RankTests.HodgesLehmann(x, y), Tolerance, $"hl {what}");
            foreach (var (alternative, name) in new[] { (Alternative.TwoSided, "two-sided"), (Alternative.Greater, "greater"), (Alternative.Less, "less") })
            {
                Golden.Close(c.Number($"asymptotic_{name}_cc"), RankTests.MannWhitney(x, y, alternative), Tolerance, $"{name} cc {what}");
                Golden.Close(c.Number($"asymptotic_{name}"), RankTests.MannWhitney(x, y, alternative, continuity: false), Tolerance, $"{name} {what}");
            }

            if (c.TryGetProperty("exact_conditional_on_ties", out var exact) && exact.ValueKind == JsonValueKind.Number)
            {
                Golden.Close(exact.GetDouble(), RankTests.MannWhitneyExact(x, y), Tolerance, $"exact {what}");
            }
        }
    }

    [Fact]
    public void PairedScores_RecordedDifferences_GivesRecordedTests()
    {
        foreach (var c in Golden.Shared("gates.json").Items("cases_paired_scores"))
        {
            var d = c.Numbers("differences");
            var (mean, error, p, interval) = StudentTests.Paired(d, 0.95);
            Golden.Close(c.Number("mean"), mean, Tolerance, "mean");
            Golden.Close(c.Number("se"), error, Tolerance, "error");
            Golden.Close(c.Number("t_p"), p, Tolerance, "t p");
            Golden.Close(c.Numbers("t_ci95"), interval, Tolerance, "t interval");
            Golden.Close(c.Number("hodges_lehmann"), RankTests.HodgesLehmann(d), Tolerance, "hl");
            Golden.Close(c.Numbers("wilcoxon_wilcox")[1], RankTests.Wilcoxon(d).P, Tolerance, "wilcoxon");
            Golden.Close(c.Numbers("wilcoxon_wilcox_cc")[1], RankTests.Wilcoxon(d, continuity: true).P, Tolerance, "wilcoxon cc");
            if (c.TryGetProperty("wilcoxon_exact_conditional", out var exact) && exact.ValueKind == JsonValueKind.Number)
            {
                Golden.Close(exact.GetDouble(), RankTests.WilcoxonExact(d), Tolerance, "wilcoxon exact");
            }

            foreach (var (name, zeros) in new[] { ("pratt", ZeroDifferences.Ranked), ("zsplit", ZeroDifferences.Split) })
            {
                foreach (var (ending, continuity) in new[] { ("", false), ("_cc", true) })
                {
                    if (c.TryGetProperty($"wilcoxon_{name}{ending}", out _))
                    {
                        var (statistic, pOfZeros) = RankTests.Wilcoxon(d, continuity, zeros);
                        Golden.Close(c.Numbers($"wilcoxon_{name}{ending}"), (statistic, pOfZeros), Tolerance, $"wilcoxon {name}{ending}");
                    }
                }
            }

            Golden.Close(c.Number("wilcoxon_pratt_exact_conditional"), RankTests.WilcoxonExact(d, ZeroDifferences.Ranked), Tolerance, "wilcoxon pratt exact");
        }
    }

    [Fact]
    public void CramerVonMises_RecordedSamples_GivesRecordedStatisticAndP()
    {
        foreach (var (file, member, first, second, name) in new[] { ("statistics.json", "cases_two_samples", "x", "y", "cramervonmises"), ("drift.json", "cases_samples", "reference", "current", "cramer_von_mises") })
        {
            var cases = Golden.Shared(file).Items(member);
            Assert.NotEmpty(cases);
            foreach (var c in cases)
            {
                Golden.Close(c.Numbers(name), CramerVonMises.TwoSamples(c.Numbers(first), c.Numbers(second), exact: false), Tolerance, $"{name} {c.Numbers(first).Length} {c.Numbers(second).Length}");
            }
        }
    }

    /// <summary>Every way to draw four of nine values: the share whose statistic is at least as large is the exact p.</summary>
    [Fact]
    public void CramerVonMises_SmallSamples_ExactPIsTheShareOfAllDraws()
    {
        double[] values = [.. Enumerable.Range(1, 9).Select(v => (double)v)];
        var statistics = Enumerable.Range(0, 1 << 9).Where(set => int.PopCount(set) == 4).Select(set =>
            (Set: set, Drawn: CramerVonMises.TwoSamples([.. values.Where((_, i) => (set >> i & 1) == 1)], [.. values.Where((_, i) => (set >> i & 1) == 0)]))).ToArray();
        Assert.Equal(126, statistics.Length);
        Assert.All(statistics, item => Assert.Equal(statistics.Count(other => other.Drawn.Statistic >= item.Drawn.Statistic - 1e-12) / 126.0, item.Drawn.P, 12));
    }

    [Fact]
    public void KolmogorovSmirnov_ResearchVector_GivesItsExactP()
    {
        Golden.Close(0.0870240, DriftTests.KolmogorovSmirnovExact(0.625, Distinct(8, 0), Distinct(8, 0.5), ignoreTies: true), 1e-6, "p");

        static double[] Distinct(int n, double shift) => [.. Enumerable.Range(0, n).Select(i => i + shift)];
    }

    [Theory]
    [InlineData(50)]
    [InlineData(1_000)]
    public void Psi_NoDrift_AlarmsAtItsRateWhereAFixedThresholdDoesNot(int rows)
    {
        const int Trials = 150;
        var random = new SeededRandom(21);
        int alarms = 0, fixedAlarms = 0;
        for (var t = 0; t < Trials; t++)
        {
            var (reference, current) = DriftTests.PooledDeciles(Draw(), Draw());
            alarms += DriftTests.Psi(reference, current, (ulong)t) <= 0.05 ? 1 : 0;
            fixedAlarms += Distances.Psi(reference, current) > 0.1 ? 1 : 0;
        }

        Assert.True(ProportionIntervals.ClopperPearson(alarms, Trials, 0.99).Low <= 0.05, $"{alarms} alarms of {Trials}");
        Assert.True(rows > 500 || fixedAlarms > 0.5 * Trials, $"a fixed threshold gave {fixedAlarms} alarms of {Trials}");

        double[] Draw() => [.. Enumerable.Range(0, rows).Select(_ => random.NextDouble())];
    }

    private static long[] Longs(JsonElement c, string member) => [.. c.Items(member).Select(v => v.GetInt64())];
}
