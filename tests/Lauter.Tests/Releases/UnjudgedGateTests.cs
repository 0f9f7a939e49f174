using Lauter.Evaluation.Runs;
using Lauter.Releases.Gates;

namespace Lauter.Tests.Releases;

/// <summary>A judge that could not be read decides nothing: neither a pass nor a fail rests on its silence.</summary>
public sealed class UnjudgedGateTests
{
    private const string Signature = "judge|task:score|model:m|version:0123456789ab";

    [Fact]
    public void Decide_JudgeThatNeverParses_IsInsufficient()
    {
        var verdict = Decide(_ => Row(1), _ => null);
        Assert.Equal((GateDecision.InsufficientEvidence, GateReasons.Unanswered), (verdict.Decision, verdict.Reasons[0].Code));
        Assert.Equal(GateDecision.InsufficientEvidence, Decide(_ => null, _ => Row(1)).Decision);
    }

    [Fact]
    public void Decide_FewUnreadVerdicts_CountAgainstTheCandidateOnBothSides()
    {
        var whole = Decide(i => Row(i % 10 == 0 ? 0 : 1), i => Row(i % 10 == 0 ? 0 : 1));
        var candidate = Decide(i => Row(i % 10 == 0 ? 0 : 1), i => i % 100 == 1 ? null : Row(i % 10 == 0 ? 0 : 1));
        var baseline = Decide(i => i % 100 == 10 ? null : Row(i % 10 == 0 ? 0 : 1), i => Row(i % 10 == 0 ? 0 : 1));
        Assert.Equal((0, -0.01, -0.01), (whole.Effect!.Value, Math.Round(candidate.Effect!.Value, 9), Math.Round(baseline.Effect!.Value, 9)));
    }

    [Fact]
    public void Decide_FailThatRestsOnUnreadVerdicts_IsInsufficient()
    {
        // Shown to be worse by more than a point only if the 18 unread verdicts are all taken for losses.
        var resting = Decide(_ => Row(1), i => i % 55 == 0 ? null : Row(i % 100 == 1 ? 0 : 1), margin: 0.015);
        Assert.Equal((GateDecision.InsufficientEvidence, GateReasons.Unjudged), (resting.Decision, resting.Reasons[0].Code));
        Assert.Equal(GateDecision.Fail, Decide(_ => Row(1), i => i % 55 == 0 ? null : Row(i % 10 == 1 ? 0 : 1), margin: 0.015).Decision);
    }

    private static string? Row(int score) => $"{score}";

    private static GateVerdict Decide(Func<int, string?> baseline, Func<int, string?> candidate, double margin = 0.02) => Gate.Decide(
        new GatePolicy { Metric = "score", Margin = margin }, Card("old", baseline), Card("new", candidate));

    private static Scorecard Card(string name, Func<int, string?> score) => PredictionFile.Read(name, Enumerable.Range(0, 1_000).Select(i =>
        $$"""{"id":"{{i:0000}}","score":{{score(i) ?? "null"}},"signature":"{{Signature}}"{{(score(i) is null ? ",\"failure\":\"unjudged\"" : "")}}}"""));
}
