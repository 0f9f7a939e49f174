using System.Text.Json.Nodes;
using Lauter.Evaluation.Statistics;
using Lauter.Ledger;
using Lauter.Releases.Drift;
using Lauter.Traces;

namespace Lauter.Tests.Releases;

public sealed class TraceFeaturesTests(ITestOutputHelper output)
{
    [Fact]
    public void Compare_WindowsOfTheSameTraffic_SeldomAlarm()
    {
        const int runs = 100;
        var random = new SeededRandom(21);
        var alarms = Enumerable.Range(0, runs).Count(_ => DriftWatch.Compare(TraceFeatures.Slices(Window(random), Window(random)), 0.01).Alarm);
        output.WriteLine($"seed 21: {alarms} alarms in {runs} windows without drift, stated rate 1 %");
        Assert.InRange(alarms, 0, 4); // 1 % of 100 and three standard errors of it
    }

    [Fact]
    public void Compare_ChineseAnswersChange_NamesTheSliceAndTheField()
    {
        var random = new SeededRandom(22);
        var before = Window(random);
        var after = Window(random, chineseIntent: "other");
        var report = DriftWatch.Compare(TraceFeatures.Slices(before, after), 0.01);
        Assert.Contains(report.Findings, f => f is { Alarm: true, Slice: "language=zh", Feature: "output.intent" });
        Assert.DoesNotContain(report.Findings, f => f is { Alarm: true, Slice: "language=en" });
    }

    [Fact]
    public void Compare_FailuresSlownessAndComplaints_AreSeen()
    {
        var random = new SeededRandom(23);
        var report = DriftWatch.Compare(TraceFeatures.Slices(Window(random), Window(random, failed: 0.3, slower: 3, bad: 0.3)), 0.01);
        var alarms = report.Findings.Where(f => f is { Alarm: true, Slice: "all" }).Select(f => f.Feature).ToList();
        Assert.Contains("outcome", alarms);
        Assert.Contains("time.ms", alarms);
        Assert.Contains("feedback", alarms);
        Assert.DoesNotContain("input.length", alarms);
    }

    [Fact]
    public void Slices_AnswersThatAreTextOrBroken_GiveNoOutputFeature()
    {
        var trace = Trace("hello", "just text", 10, failed: false) with { Response = "{ not json" };
        var slices = TraceFeatures.Slices([(trace, null)], [(trace with { Response = """{"long":"%"}""".Replace("%", new string('x', 80), StringComparison.Ordinal) }, null)]);
        Assert.DoesNotContain(slices, s => s.Reference.Name.StartsWith("output.", StringComparison.Ordinal));
    }

    private static List<(TraceRecord, bool?)> Window(SeededRandom random, string chineseIntent = "repair", double failed = 0.02, double slower = 1, double bad = 0.05) =>
    [
        .. Enumerable.Range(0, 200).Select(_ =>
        {
            var chinese = random.NextDouble() < 0.4;
            var text = (chinese ? "订单还没有到" : "my order has not arrived ") + new string(chinese ? '吧' : 'a', random.NextInt(40));
            var intent = random.NextDouble() < 0.3 ? "refund" : chinese ? chineseIntent : "repair";
            bool? said = random.NextDouble() < bad ? true : random.NextDouble() < 0.1 ? false : null;
            return (Trace(text, $$"""{"intent":"{{intent}}"}""", slower * (15 + (20 * random.NextDouble())), random.NextDouble() < failed), said);
        }),
    ];

    private static TraceRecord Trace(string text, string response, double milliseconds, bool failed) => new()
    {
        Id = Guid.CreateVersion7(), Route = "chat.completions", Application = "triage", Release = "triage-1", Tenant = "default", KeyId = "k", Started = DateTimeOffset.UnixEpoch,
        Duration = TimeSpan.FromMilliseconds(milliseconds), Outcome = failed ? TraceOutcome.Failed : TraceOutcome.Answered, Status = failed ? 502 : 200,
        Input = new JsonObject { ["text"] = text }, Response = failed ? null : response,
        Charges = [new Charge(Meter.CoreMicroseconds, (long)(milliseconds * 1000), MeterSource.Local, MachineRate.Sku, new Money((long)milliseconds, "CNY"), "test")],
    };
}
