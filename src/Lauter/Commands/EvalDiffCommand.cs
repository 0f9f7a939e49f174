using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Lauter.Evaluation.Runs;
using Lauter.Evaluation.Statistics;

namespace Lauter.Commands;

/// <summary><c>lauter eval diff A B</c>: the items that flipped, grouped, and what the difference is worth.</summary>
internal static class EvalDiffCommand
{
    public static Command Create()
    {
        var before = new Argument<string>("before") { Description = "JSONL of item results (id with correct, score, or prediction and reference), or a scorecard." };
        var after = new Argument<string>("after") { Description = "The same items, answered by something else." };
        var metric = new Option<string?>("--metric") { Description = "The metric to compare. Default: the first both have." };
        var show = new Option<int>("--show") { Description = "Items to print of each group.", DefaultValueFactory = _ => 5 };
        var report = new Option<string?>("--report") { Description = "Also write a Markdown report to this file." };
        var format = Arguments.Format();
        var command = new Command("diff", "List the items that flipped between two runs, grouped.") { before, after, metric, show, report, format };
        command.SetAction(result => Run(
            GateCommand.Card(result.GetValue(before)!), GateCommand.Card(result.GetValue(after)!), result.GetValue(metric), Math.Max(0, result.GetValue(show)),
            result.GetValue(report), result.GetValue(format) == "json"));
        return command;
    }

    private static int Run(Scorecard before, Scorecard after, string? asked, int show, string? report, bool json)
    {
        var metric = asked ?? after.Metrics.Select(m => m.Name).FirstOrDefault(m => before.Metrics.Any(b => b.Name == m))
            ?? throw new CommandException(ExitCodes.InputMissing, $"the two have no metric in common: {Names(before)} and {Names(after)}.");
        var (left, right) = (Find(before, metric), Find(after, metric));
        if (left.Signature != right.Signature)
        {
            throw new CommandException(ExitCodes.InputMissing, $"'{metric}' was computed in two ways, so its values do not compare: '{left.Signature}' and '{right.Signature}'.");
        }

        if (before.SuiteHash != after.SuiteHash)
        {
            System.Console.Error.WriteLine("lauter: the two runs are not of the same suite (ids, clusters, languages or references differ); only items with equal ids are compared.");
        }

        var flips = ScorecardDiff.Flipped(before, after, metric);
        var earlier = before.Items.ToDictionary(i => i.Id, StringComparer.Ordinal);
        var shared = after.Items.Where(i => earlier.ContainsKey(i.Id)).ToArray();
        double[] gaps = [.. shared.Select(i => i.Scores.GetValueOrDefault(metric, double.NaN) - earlier[i.Id].Scores.GetValueOrDefault(metric, double.NaN))];
        if (gaps.Length == 0 || gaps.Any(double.IsNaN))
        {
            throw new CommandException(ExitCodes.InputMissing, gaps.Length == 0 ? "the two share no item." : $"an item has no score of '{metric}'.");
        }

        var clusters = ClusterIndex.Of(shared.Select(i => i.Cluster));
        int won = flips.Count(f => f.Won), lost = flips.Count - won;
        var (interval, p, method) = Judge(gaps, clusters, won, lost, shared.Length);
        var groups = flips.GroupBy(f => (f.Won, f.Group)).OrderBy(g => g.Key.Won).ThenByDescending(g => g.Count()).ThenBy(g => g.Key.Group, StringComparer.Ordinal).ToArray();
        if (report is not null)
        {
            PlainFiles.Write(report, Text(markdown: true));
        }

        if (json)
        {
            Arguments.WriteJson(new JsonObject
            {
                ["metric"] = metric, ["signature"] = right.Signature, ["items"] = shared.Length, ["won"] = won, ["lost"] = lost, ["difference"] = gaps.Average(),
                ["low"] = interval.Low, ["high"] = interval.High, ["p"] = p, ["method"] = method,
                ["flips"] = new JsonArray([.. flips.Select(f => (JsonNode)new JsonObject
                {
                    ["id"] = f.Id, ["won"] = f.Won, ["group"] = f.Group, ["language"] = f.Language,
                    ["before"] = f.Before.Prediction?.DeepClone(), ["after"] = f.After.Prediction?.DeepClone(), ["reference"] = f.After.Reference?.DeepClone(),
                })]),
            });
        }
        else
        {
            System.Console.Out.Write(Text(markdown: false));
        }

        return ExitCodes.Success;

        string Text(bool markdown)
        {
            var text = new StringBuilder();
            text.Append(CultureInfo.InvariantCulture, $"{(markdown ? "# What changed\n\n" : "")}{metric}: {gaps.Average():+0.0000;-0.0000;0.0000} [{interval.Low:+0.0000;-0.0000;0.0000}, {interval.High:+0.0000;-0.0000;0.0000}], p = {p:0.0000} ({method}), {shared.Length:N0} items: {won:N0} better, {lost:N0} worse\n");
            foreach (var group in groups)
            {
                text.Append(CultureInfo.InvariantCulture, $"{(markdown ? "\n## " : "")}{(group.Key.Won ? "better" : "worse")} {(group.Key.Group.Length == 0 ? "" : group.Key.Group + " ")}({group.Count():N0})\n{(markdown ? "\n" : "")}");
                foreach (var flip in group.Take(show))
                {
                    text.Append(CultureInfo.InvariantCulture, $"{(markdown ? "- " : "  ")}{flip.Id}{(flip.Language == "und" ? "" : $" ({flip.Language})")}: {flip.Before.Scores[metric]:0.###} → {flip.After.Scores[metric]:0.###}\n");
                }

                if (group.Count() > show)
                {
                    text.Append(CultureInfo.InvariantCulture, $"{(markdown ? "- " : "  ")}… and {group.Count() - show:N0} more\n");
                }
            }

            return text.ToString();
        }
    }

    /// <summary>Exact McNemar and Tango where scores are 0 or 1 and items independent, Student's test by cluster otherwise.</summary>
    private static (Interval Interval, double P, string Method) Judge(double[] gaps, ClusterIndex clusters, int won, int lost, int items)
    {
        if (!clusters.IsClustered && gaps.All(g => g is 0 or 1 or -1))
        {
            return (DifferenceIntervals.Tango(new PairedTable(0, won, lost, items - won - lost), 0.95), McNemar.Exact(won, lost), "tango, exact McNemar");
        }

        var (_, _, p, interval) = StudentTests.Paired(gaps, 0.95, clusters);
        return (interval, p, clusters.IsClustered ? $"student, {clusters.Count} clusters" : "student");
    }

    private static Lauter.Evaluation.Metrics.MetricSpec Find(Scorecard card, string metric) => card.Metrics.FirstOrDefault(m => m.Name == metric)
        ?? throw new CommandException(ExitCodes.InputMissing, $"'{card.CandidateName}' has no metric '{metric}'; it has {Names(card)}.");

    private static string Names(Scorecard card) => string.Join(", ", card.Metrics.Select(m => m.Name));
}
