using System.Text.Json;
using Lauter.Evaluation.Statistics;

namespace Lauter.Tests.Evaluation;

/// <summary>What the first set of golden tests left out: adjusted p of every kind with their decisions, k-sample Anderson–Darling.</summary>
public sealed class MoreStatisticsGoldenTests
{
    private const double Tolerance = 1e-9;

    [Fact]
    public void MultipleTests_AllKinds_GiveReferencePAndDecisions()
    {
        foreach (var c in Golden.Shared("gates.json").Items("cases_multiple"))
        {
            var p = c.Reals("p");
            foreach (var (name, adjusted) in new (string, double[])[]
            {
                ("holm", MultipleTests.Holm(p)), ("hochberg", MultipleTests.Hochberg(p)), ("hommel", MultipleTests.Hommel(p)), ("bh", MultipleTests.BenjaminiHochberg(p)),
                ("by", MultipleTests.BenjaminiYekutieli(p)), ("bonferroni", MultipleTests.Bonferroni(p)),
            })
            {
                var expected = c.Reals(name);
                for (var i = 0; i < p.Length; i++)
                {
                    Golden.Close(expected[i], adjusted[i], Tolerance, $"{name} [{i}]");
                    Assert.Equal(c.GetProperty($"reject_{name}")[i].GetBoolean(), adjusted[i] <= 0.05);
                }
            }
        }

        foreach (var c in Golden.Shared("statistics.json").Items("cases_multiple"))
        {
            var p = c.Reals("p");
            Assert.All(c.Reals("sidak").Zip(MultipleTests.Sidak(p)), v => Golden.Close(v.First, v.Second, Tolerance, "sidak"));
            Assert.All(c.Reals("hommel").Zip(MultipleTests.Hommel(p)), v => Golden.Close(v.First, v.Second, Tolerance, "hommel"));
        }
    }

    [Fact]
    public void Hommel_RandomP_LiesBetweenHochbergAndPlain()
    {
        var random = new SeededRandom(3);
        for (var trial = 0; trial < 500; trial++)
        {
            double[] p = [.. Enumerable.Range(0, 1 + random.NextInt(9)).Select(_ => Math.Pow(random.NextDouble(), 3))];
            var (hommel, hochberg) = (MultipleTests.Hommel(p), MultipleTests.Hochberg(p));
            for (var i = 0; i < p.Length; i++)
            {
                Assert.True(hommel[i] >= p[i] && hommel[i] <= hochberg[i] + 1e-12, $"{string.Join(' ', p)}: {hommel[i]} against {hochberg[i]}");
            }
        }
    }

    [Fact]
    public void AndersonDarling_ReferenceSamples_GivesReferenceStatisticAndP()
    {
        var drift = Golden.Shared("drift.json");
        foreach (var c in drift.Items("cases_samples"))
        {
            double[][] samples = [c.Reals("reference"), c.Reals("current")];
            foreach (var (name, middle) in new[] { ("anderson_midrank", true), ("anderson_right", false) })
            {
                if (c.TryGetProperty(name, out var expected) && expected.ValueKind == JsonValueKind.Object)
                {
                    Same(expected.Real("statistic"), expected.Real("p_clamped"), samples, middle, $"{name} {c.Text("kind")}");
                }
            }
        }

        foreach (var c in drift.Items("cases_k_samples"))
        {
            Same(c.Real("anderson_statistic"), c.Real("p_clamped"), [.. c.Items("samples").Select(s => s.EnumerateArray().Select(v => v.GetDouble()).ToArray())], true, c.Text("name"));
        }

        foreach (var c in Golden.Shared("statistics.json").Items("cases_two_samples"))
        {
            Golden.Close(c.Real("anderson_ksamp"), AndersonDarling.KSamples([c.Reals("x"), c.Reals("y")]).Statistic, Tolerance, "two samples");
        }

        static void Same(double statistic, double p, double[][] samples, bool middle, string what)
        {
            var actual = AndersonDarling.KSamples(samples, middle);
            Golden.Close(statistic, actual.Statistic, Tolerance, what);
            Golden.Close(p, actual.P, Tolerance, $"p of {what}");
        }
    }
}
