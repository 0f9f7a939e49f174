using Lauter.Evaluation.Statistics;
using Lauter.Releases.Drift;

namespace Lauter.Tests.Releases;

public sealed class DriftWatchTests
{
    [Fact]
    public void Compare_NothingDrifted_AlarmsAtItsRateOverAllFeaturesTogether()
    {
        const int Trials = 200;
        var random = new SeededRandom(41);
        var alarms = 0;
        for (var t = 0; t < Trials; t++)
        {
            alarms += DriftWatch.Compare(Windows(random, shift: 0, rows: 120), 0.05, (ulong)t).Alarm ? 1 : 0;
        }

        Assert.True(ProportionIntervals.ClopperPearson(alarms, Trials, 0.99).Low <= 0.05, $"{alarms} alarms of {Trials}");
    }

    [Fact]
    public void Compare_ShiftedFeature_AlarmsAndNamesIt()
    {
        var report = DriftWatch.Compare(Windows(new SeededRandom(42), shift: 0.3, rows: 400), 0.01);
        Assert.True(report.Alarm);
        Assert.Equal(("all", "length", "ks"), (report.Findings[0].Slice, report.Findings[0].Feature, report.Findings[0].Test));
        Assert.True(report.Findings[0].Psi > report.Findings[0].PsiThreshold);
    }

    [Fact]
    public void Compare_ValuesGoneMissing_AlarmsOnTheirShare()
    {
        var full = new Feature("length", FeatureKind.Number, Numbers: [.. Enumerable.Range(0, 200).Select(i => (double?)(i % 17))]);
        var gaps = full with { Numbers = [.. full.Numbers!.Select((v, i) => i % 3 == 0 ? null : v)] };
        var report = DriftWatch.Compare([("all", full, gaps)]);
        Assert.Contains(report.Findings, f => f.Feature == "length (missing)" && f.Alarm);
    }

    [Fact]
    public void Compare_TooFewRows_SaysNothing()
    {
        var few = new Feature("length", FeatureKind.Number, Numbers: [1, 2, 3]);
        Assert.Equal(["all: length"], DriftWatch.Compare([("all", few, few)]).TooSmall);
    }

    private static IEnumerable<(string, Feature, Feature)> Windows(SeededRandom random, double shift, int rows)
    {
        yield return ("all", Number(0), Number(shift));
        yield return ("all", Label(), Label());
        yield return ("all", Vector(), Vector());

        Feature Number(double by) => new("length", FeatureKind.Number, Numbers: [.. Enumerable.Range(0, rows).Select(_ => (double?)(random.NextDouble() + by))]);
        Feature Label() => new("intent", FeatureKind.Label, Labels: [.. Enumerable.Range(0, rows).Select(_ => $"l{random.NextInt(6)}")]);
        Feature Vector() => new("embedding", FeatureKind.Vector, Vectors: [.. Enumerable.Range(0, Math.Min(rows, 40)).Select(_ => new[] { random.NextDouble(), random.NextDouble() })]);
    }
}
