using System.Text.Json.Nodes;
using Lauter.Evaluation.Candidates;
using Lauter.Evaluation.Metrics;
using Lauter.Evaluation.Runs;
using Lauter.Evaluation.Suites;
using Lauter.Releases.Gates;

namespace Lauter.Tests.Releases;

/// <summary>From suite to verdict with something broken on the way: whatever breaks, the gate never says pass.</summary>
public sealed class GateFaultTests
{
    private static readonly GatePolicy Policy = new() { Metric = "exact_match(label)", Margin = 0.05 };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Decide_SoundRuns_Pass() => Assert.Equal(GateDecision.Pass, Gate.Decide(Policy, await Run(SuiteOf(400), Right), await Run(SuiteOf(400), Right)).Decision);

    [Fact]
    public async Task Decide_SuiteEditedAfterFreezing_IsInsufficientAndNamesTheSuite()
    {
        var edited = SuiteOf(400, item => item.Id == "q007" ? item with { Reference = new JsonObject { ["label"] = "other" } } : item);
        var verdict = Gate.Decide(Policy, await Run(SuiteOf(400), Right), await Run(edited, Right));
        Assert.Equal(GateDecision.InsufficientEvidence, verdict.Decision);
        Assert.Contains(verdict.Reasons, r => r.Text.Contains("suite", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task Decide_CandidateOrMetricThatThrows_IsInsufficientNeverPass()
    {
        var broken = await Run(SuiteOf(400), _ => throw new InvalidOperationException("the scorer is gone"));
        Assert.Equal(GateDecision.InsufficientEvidence, Gate.Decide(Policy, await Run(SuiteOf(400), Right), broken).Decision);

        // Both broken alike would be "equal".
        Assert.Equal(GateDecision.InsufficientEvidence, Gate.Decide(Policy, broken, broken).Decision);

        // One of a hundred lost is too little to decide nothing, one of twenty is not.
        Assert.Equal(GateDecision.Pass, Gate.Decide(Policy, await Run(SuiteOf(400), Right), await Run(SuiteOf(400), i => Every(i, 100))).Decision);
        Assert.Equal(GateDecision.InsufficientEvidence, Gate.Decide(Policy, await Run(SuiteOf(400), Right), await Run(SuiteOf(400), i => Every(i, 20))).Decision);
    }

    [Fact]
    public async Task Decide_ScoresThatAreNoNumbersOrMetricsThatAreMissing_AreInsufficient()
    {
        var card = await Run(SuiteOf(400), Right);
        foreach (var bad in new[] { double.NaN, double.PositiveInfinity, 7 })
        {
            var damaged = card with { Items = [.. card.Items.Select((o, i) => i == 5 ? o with { Scores = new Dictionary<string, double>(o.Scores, StringComparer.Ordinal) { ["exact_match(label)"] = bad } } : o)] };
            Assert.Equal(GateDecision.InsufficientEvidence, Gate.Decide(Policy, card, damaged).Decision);
            Assert.Equal(GateDecision.InsufficientEvidence, Gate.Decide(Policy, damaged, card).Decision);
        }

        Assert.Equal(GateDecision.InsufficientEvidence, Gate.Decide(Policy with { Metric = "tone" }, card, card).Decision);
        Assert.Equal(GateDecision.InsufficientEvidence, Gate.Decide(Policy, card, card with { Items = [] }).Decision);
        Assert.Equal(GateDecision.InsufficientEvidence, Gate.Decide(Policy, card with { Items = [] }, card with { Items = [] }).Decision);
    }

    private static string? Right(SuiteItem item) => item.Reference.ToJsonString();

    private static string Every(SuiteItem item, int nth) =>
        int.Parse(item.Id[1..], System.Globalization.CultureInfo.InvariantCulture) % nth == 0 ? throw new InvalidOperationException("lost") : item.Reference.ToJsonString();

    private static Suite SuiteOf(int items, Func<SuiteItem, SuiteItem>? edit = null) => Suite.Create(
        "requests/test",
        Enumerable.Range(0, items).Select(i => new SuiteItem($"q{i:000}", new JsonObject { ["text"] = $"question {i}" }, new JsonObject { ["label"] = $"l{i % 7}" }, "en", $"c{i}"))
            .Select(i => edit is null ? i : edit(i)),
        MetricSpec.DefaultsFor(["label"]));

    private static Task<Scorecard> Run(Suite suite, Func<SuiteItem, string?> answer) => EvaluationRun.RunAsync(
        suite, new DelegateCandidate("candidate", CandidateKinds.Model, (item, _) => Task.FromResult(new CandidateAnswer(answer(item), null, null, TimeSpan.Zero, 0, 0))), new EvaluationOptions(), null, Cancel);
}
