using System.Globalization;
using System.Text;

namespace Lauter.Releases.Gates;

/// <summary>A verdict as text for a terminal or a log: English, no colours, the same bytes for the same verdict.</summary>
public static class GateReport
{
    private const int Width = 61;

    /// <summary>Lines joined by <c>\n</c>, the last one included.</summary>
    public static string Render(GateVerdict verdict)
    {
        var text = new StringBuilder();
        Line($"{Word(verdict.Decision)}  {Asked(verdict.Policy)}");
        Line($"suite {verdict.SuiteName} ({verdict.SuiteHash[..Math.Min(12, verdict.SuiteHash.Length)]}), {verdict.Items:N0} items"
            + (verdict.Clusters > 0 && verdict.Clusters < verdict.Items ? $" in {verdict.Clusters:N0} clusters (design effect {verdict.DesignEffect:0.00})" : ""));
        if (verdict.Baseline is { } baseline)
        {
            Line($"  baseline  {Side(baseline)}");
        }

        Line($"  candidate {Side(verdict.Candidate)}");
        if (verdict.Effect is { } effect && verdict.Baseline is not null)
        {
            Line($"  difference {GateTexts.Points(effect)} [{GateTexts.Points(verdict.Low!.Value)}, {GateTexts.Points(verdict.High!.Value)}] at {verdict.Confidence:0.###} ({verdict.Method}){(verdict.P is { } p ? $", p = {p:0.0000}" : "")}");
            if (verdict.HasCounts)
            {
                Line($"  items won {verdict.CandidateOnly:N0}, lost {verdict.BaselineOnly:N0}, both right {verdict.BothRight:N0}, both wrong {verdict.BothWrong:N0}");
            }

            Line($"  {Picture(verdict)}");
            Line($"  power of this comparison {verdict.AchievedPower:0.00}, planned {verdict.Policy.Power:0.00}"
                + (verdict.ItemsNeeded is { } needed ? $"; {needed:N0} items for the planned power" : ""));
        }
        else if (verdict.Effect is { } value)
        {
            Line($"  value {GateTexts.Percent(value)} [{GateTexts.Percent(verdict.Low!.Value)}, {GateTexts.Percent(verdict.High!.Value)}] at {verdict.Confidence:0.###} ({verdict.Method})");
        }

        foreach (var stratum in verdict.Strata)
        {
            Line($"  {stratum.Stratum}: {GateTexts.Points(stratum.Effect)} [{GateTexts.Points(stratum.Low)}, {GateTexts.Points(stratum.High)}], {stratum.Items:N0} items"
                + $"{(verdict.HasCounts ? $", won {stratum.CandidateOnly:N0}, lost {stratum.BaselineOnly:N0}" : "")}{(stratum.Regressed ? "  REGRESSED" : "")}");
        }

        foreach (var rail in verdict.Guardrails ?? [])
        {
            Line($"  guardrail {rail.Metric}: {GateTexts.Points(rail.Effect)} [{GateTexts.Points(rail.Low)}, {GateTexts.Points(rail.High)}], margin {GateTexts.Points(-rail.Margin)}  {Word(rail.Decision)}");
        }

        foreach (var limit in verdict.Limits ?? [])
        {
            Line($"  limit {limit.Limit}: {Figure(limit.Value)} [{Figure(limit.Low)}, {Figure(limit.High)}], allowed {Figure(limit.Allowed)}  {Word(limit.Decision)}");
        }

        foreach (var bank in verdict.Banks ?? [])
        {
            Line($"  bank {bank.Bank}: {bank.Passed:N0} of {bank.Items:N0} passed, {Share(bank.Rate)} (asked {GateTexts.Percent(bank.MinimumRate)}), "
                + $"true rate at least {Share(bank.Low)} with 95 %, confidence that it is reached {Share(bank.Confidence)}  {Word(bank.Decision)}");
        }

        foreach (var reason in verdict.Reasons)
        {
            Line($"{reason.Code}: {reason.Text}");
        }

        return text.ToString();

        void Line(string line) => text.Append(line).Append('\n');
    }

    private static string Word(GateDecision decision) => decision.Word().Replace('_', ' ').ToUpperInvariant();

    private static string Figure(double? value) => value?.ToString("0.####", CultureInfo.InvariantCulture) ?? "?";

    private static string Share(double? value) => value is { } share ? GateTexts.Percent(share) : "?";

    private static string Asked(GatePolicy policy) => policy.Kind switch
    {
        GateKind.NonInferiority => string.Create(CultureInfo.InvariantCulture, $"{policy.Metric} at most {policy.Margin * 100:0.##} points worse, alpha {policy.Alpha}"),
        GateKind.Superiority => string.Create(CultureInfo.InvariantCulture, $"{policy.Metric} better, alpha {policy.Alpha}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{policy.Metric} at least {policy.Minimum * 100:0.##} %, alpha {policy.Alpha}"),
    };

    private static string Side(GateSide side) =>
        $"{side.Name} ({side.Kind}) {(side.Value is { } value ? GateTexts.Percent(value) : "no value")}{(side.Unanswered > 0 ? $", {side.Unanswered} unanswered" : "")}";

    /// <summary>The interval on a line: <c>|</c> no difference, <c>!</c> the margin, <c>[--o--]</c> the interval.</summary>
    private static string Picture(GateVerdict verdict)
    {
        double low = verdict.Low!.Value, high = verdict.High!.Value, effect = verdict.Effect!.Value;
        var margin = verdict.Policy.Kind == GateKind.NonInferiority ? -verdict.Policy.Margin : 0;
        var reach = new[] { Math.Abs(low), Math.Abs(high), Math.Abs(margin), 0.001 }.Max() * 1.1;
        var line = new char[Width];
        Array.Fill(line, '·');
        for (var i = At(low); i <= At(high); i++)
        {
            line[i] = '-';
        }

        line[At(0)] = '|';
        line[At(margin)] = margin == 0 ? '|' : '!';
        line[At(low)] = '[';
        line[At(high)] = ']';
        line[At(effect)] = 'o';
        return string.Create(CultureInfo.InvariantCulture, $"{-reach * 100,6:0.0} {new string(line)} {reach * 100:+0.0}");

        int At(double value) => (int)Math.Round((value + reach) / (2 * reach) * (Width - 1));
    }
}
