using System.Text.Json;
using Lauter.Evaluation.Statistics;
using Lauter.Tests.Support;

namespace Lauter.Tests.Evaluation;

public sealed class PairedResamplingTests
{
    [Fact]
    public void SacrebleuP_ReferenceResamples_GivesReferenceP()
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(SharedData.Require("golden/metrics/sacrebleu.json")));
        foreach (var c in document.RootElement.GetProperty("cases_paired_explicit").EnumerateArray())
        {
            var observed = c.Number("system_score") - c.Number("baseline_score");
            double[] bootstrap = [.. c.Numbers("bootstrap_system_scores").Zip(c.Numbers("bootstrap_baseline_scores"), (s, b) => s - b)];
            double[] randomised = [.. c.Numbers("ar_scores_a").Zip(c.Numbers("ar_scores_b"), (a, b) => a - b)];
            Golden.Close(c.Number("p_bootstrap"), PairedResampling.SacrebleuBootstrapP(observed, bootstrap), 1e-9, "bootstrap");
            Golden.Close(c.Number("p_ar"), PairedResampling.SacrebleuRandomisationP(observed, randomised), 1e-9, "randomisation");
        }
    }

    [Theory]
    [InlineData(30, 12, 200)]
    [InlineData(18, 15, 300)]
    [InlineData(5, 0, 60)]
    public void Randomisation_RightOrWrong_AgreesWithExactMcNemar(int b, int c, int n)
    {
        var differences = Differences(b, c, n);
        var p = PairedResampling.Randomisation(differences, ClusterIndex.Of(Enumerable.Range(0, n)), 40_000, seed: 1);
        Golden.Close(McNemar.Exact(b, c), p, 0.01, $"b={b} c={c}");
    }

    [Fact]
    public void Bootstrap_ManyItems_AgreesWithTangoAndRepeats()
    {
        var differences = Differences(60, 30, 600);
        var clusters = ClusterIndex.Of(Enumerable.Range(0, 600));
        var (interval, p) = PairedResampling.Bootstrap(differences, clusters, 20_000, 0.95, seed: 1);
        var tango = DifferenceIntervals.Tango(new PairedTable(400, 60, 30, 110), 0.95);
        Golden.Close(tango.Low, interval.Low, 0.003, "low");
        Golden.Close(tango.High, interval.High, 0.003, "high");
        Golden.Close(McNemar.MidP(60, 30), p, 0.003, "p");
        Assert.Equal((interval, p), PairedResampling.Bootstrap(differences, clusters, 20_000, 0.95, seed: 1));
        Assert.NotEqual(interval, PairedResampling.Bootstrap(differences, clusters, 20_000, 0.95, seed: 2).Interval);
    }

    private static double[] Differences(int b, int c, int n) => [.. Enumerable.Range(0, n).Select(i => i < b ? 1.0 : i < b + c ? -1 : 0)];
}
