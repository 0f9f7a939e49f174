using System.Globalization;
using System.Text;

namespace Lauter.Releases.Gates;

/// <summary>A verdict as Markdown: for a pull request or a release note. The same bytes for the same verdict.</summary>
public static class GateMarkdown
{
    /// <summary>The report, ending with a line feed.</summary>
    public static string Render(GateVerdict verdict)
    {
        var text = new StringBuilder();
        Line($"# Gate: {Word(verdict.Decision)}");
        Line("");
        Line(Escape($"{Asked(verdict.Policy)}. Suite {verdict.SuiteName} (`{verdict.SuiteHash[..Math.Min(12, verdict.SuiteHash.Length)]}`), {verdict.Items:N0} items"
            + (verdict.Clusters > 0 && verdict.Clusters < verdict.Items ? $" in {verdict.Clusters:N0} clusters." : ".")));
        Line("");
        Line("## Why");
        Line("");
        foreach (var reason in verdict.Reasons)
        {
            Line($"- `{reason.Code}` {Escape(reason.Text)}");
        }

        if (verdict.Effect is { } effect)
        {
            Line("");
            Line("## The figures");
            Line("");
            Line("| what | figure |");
            Line("|---|---|");
            if (verdict.Baseline is { } baseline)
            {
                Row("baseline", $"{baseline.Name}: {Percent(baseline.Value)}");
                Row("candidate", $"{verdict.Candidate.Name}: {Percent(verdict.Candidate.Value)}");
                Row("difference", $"{GateTexts.Points(effect)} [{GateTexts.Points(verdict.Low!.Value)}, {GateTexts.Points(verdict.High!.Value)}] at {Number(verdict.Confidence)}{(verdict.P is null ? "" : verdict.P < 0.0001 ? ", p < 0.0001" : $", p = {Number(verdict.P)}")}");
                if (verdict.HasCounts)
                {
                    Row("items won / lost / equal", $"{verdict.CandidateOnly:N0} / {verdict.BaselineOnly:N0} / {verdict.BothRight + verdict.BothWrong:N0}");
                }

                Row("power of this comparison", $"{Number(verdict.AchievedPower)} (planned {Number(verdict.Policy.Power)})");
            }
            else
            {
                Row("candidate", $"{verdict.Candidate.Name}: {Percent(effect)} [{Percent(verdict.Low)}, {Percent(verdict.High)}] at {Number(verdict.Confidence)}");
            }

            Row("items needed for the planned power", verdict.ItemsNeeded?.ToString("N0", CultureInfo.InvariantCulture) ?? "more items would not help");
            Row("method", verdict.Method ?? "");
            Row("metric", verdict.Signature ?? "");
        }

        Table("Strata", "stratum | items | difference | interval | decision", verdict.Strata.Select(s =>
            $"{s.Stratum} | {s.Items:N0} | {GateTexts.Points(s.Effect)} | [{GateTexts.Points(s.Low)}, {GateTexts.Points(s.High)}] | {(s.Regressed ? "regressed" : "kept")}"));
        Table("Guardrails", "metric | difference | interval | margin | decision", verdict.Guardrails?.Select(g =>
            $"{g.Metric} | {GateTexts.Points(g.Effect)} | [{GateTexts.Points(g.Low)}, {GateTexts.Points(g.High)}] | {GateTexts.Points(-g.Margin)} | {Word(g.Decision)}"));
        Table("Limits", "limit | measured | bounds | allowed | decision", verdict.Limits?.Select(l =>
            $"{l.Limit} | {Number(l.Value)} | [{Number(l.Low)}, {Number(l.High)}] | {Number(l.Allowed)} | {Word(l.Decision)}"));
        Table("Question banks", "bank | passed | rate | asked | lower bound (95 %) | confidence | decision", verdict.Banks?.Select(b =>
            $"{b.Bank} | {b.Passed:N0} of {b.Items:N0} | {Percent(b.Rate)} | {Percent(b.MinimumRate)} | {Percent(b.Low)} | {Percent(b.Confidence)} | {Word(b.Decision)}"));
        return text.ToString();

        void Line(string line) => text.Append(line).Append('\n');

        void Row(string what, string figure) => Line($"| {what} | {Escape(figure)} |");

        void Table(string title, string head, IEnumerable<string>? rows)
        {
            var lines = rows?.ToArray() ?? [];
            if (lines.Length == 0)
            {
                return;
            }

            Line("");
            Line($"## {title}");
            Line("");
            Line($"| {head} |");
            Line("|" + string.Concat(Enumerable.Repeat("---|", head.Count(c => c == '|') + 1)));
            foreach (var row in lines)
            {
                Line($"| {row} |");
            }
        }
    }

    private static string Word(GateDecision decision) => decision.Word().Replace('_', ' ');

    private static string Asked(GatePolicy policy) => policy.Kind switch
    {
        GateKind.NonInferiority => string.Create(CultureInfo.InvariantCulture, $"{policy.Metric} at most {policy.Margin * 100:0.##} points worse, alpha {policy.Alpha}"),
        GateKind.Superiority => string.Create(CultureInfo.InvariantCulture, $"{policy.Metric} better, alpha {policy.Alpha}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{policy.Metric} at least {policy.Minimum * 100:0.##} %, alpha {policy.Alpha}"),
    };

    private static string Percent(double? share) => share is { } value ? GateTexts.Percent(value) : "?";

    private static string Number(double? value) => value?.ToString("0.####", CultureInfo.InvariantCulture) ?? "?";

    private static string Escape(string text) => text.Replace("|", "\\|").Replace('\n', ' ');
}
