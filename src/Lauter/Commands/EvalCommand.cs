using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Lauter.Evaluation.Metrics;
using Lauter.Evaluation.Metrics.Users;
using Lauter.Evaluation.Runs;

namespace Lauter.Commands;

/// <summary><c>lauter eval</c>: measuring alone, on plain files.</summary>
internal static class EvalCommand
{
    public static Command Create() => new("eval", "Score answers, run a suite against an endpoint, show what changed between two runs.")
    {
        Score(), EvalRunCommand.Create(), EvalDiffCommand.Create(), EvalJudgeRunCommand.Create(), EvalJudgeCommand.Create(), EvalTasksCommand.Create(), EvalSuiteCommand.Create(),
        EvalContaminationCommand.Create(), Metrics(),
    };

    private static Command Score()
    {
        var metrics = new Argument<string[]>("metric") { Description = "Metrics such as bleu, bleu:tok=zh, answer_f1, ndcg:k=10; 'lauter eval metrics' lists them. None: the usual ones for text.", Arity = ArgumentArity.ZeroOrMore };
        var predictions = new Option<string>("--predictions") { Description = "JSONL with id and prediction (or output, answer, text).", Required = true };
        var references = new Option<string?>("--references") { Description = "JSONL with id and reference or references; optional cluster and language. Default: the predictions hold their own." };
        var confidence = new Option<double>("--confidence") { Description = "Confidence of the intervals.", DefaultValueFactory = _ => 0.95 };
        var resamples = new Option<int>("--resamples") { Description = "Bootstrap resamples.", DefaultValueFactory = _ => 1_000 };
        var seed = new Option<ulong>("--seed") { Description = "Seed of the bootstrap.", DefaultValueFactory = _ => 1 };
        var items = new Option<string?>("--items") { Description = "Write each item's score to this JSONL, ready for 'lauter gate decide' and 'lauter eval diff'. Takes one metric." };
        var report = new Option<string?>("--report") { Description = "Also write a Markdown report to this file." };
        var expressions = new Option<string[]>("--expression") { Description = "NAME=C# over prediction, reference, references, language, words(text), matches(text, pattern), field(\"a.b\"): true, false or 0 to 1. May be repeated." };
        var scorers = new Option<string[]>("--scorer") { Description = "NAME=URL of a service that scores rows (docs/howto/add-a-metric.md). May be repeated." };
        var version = new Option<string>("--scorer-version") { Description = "The services' version, for the signature.", DefaultValueFactory = _ => "1" };
        var format = Arguments.Format();
        var command = new Command("score", "Score predictions against references.") { metrics, predictions, references, expressions, scorers, version, confidence, resamples, seed, items, report, format };
        command.SetAction(async (result, cancellationToken) =>
        {
            string[] own = [.. result.GetValue(expressions) ?? []], services = [.. result.GetValue(scorers) ?? []];
            var names = result.GetValue(metrics) is { Length: > 0 } given ? given : own.Length + services.Length > 0 ? [] : [.. MetricCatalogue.TextDefaults];
            List<IMetric> parsed = [.. names.Select(Parse), .. own.Select(Expression)];
            if (result.GetValue(items) is not null && parsed.Count + services.Length != 1)
            {
                throw new CommandException(ExitCodes.Usage, $"--items takes one metric, {parsed.Count + services.Length} were named.");
            }

            Require(result.GetValue(confidence) is >= 0.5 and < 1, "--confidence must lie from 0.5 to below 1.");
            Require(result.GetValue(resamples) is >= 100 and <= 1_000_000, "--resamples must lie from 100 to 1,000,000.");
            var rows = Read(result.GetValue(predictions)!, result.GetValue(references));
            parsed.AddRange(await ServicesAsync(services, result.GetValue(version)!, rows, cancellationToken));
            var scores = new List<MetricScore>();
            foreach (var metric in parsed)
            {
                var (values, table) = Measure(metric, rows, result.GetValue(confidence), result.GetValue(resamples), result.GetValue(seed));
                scores.AddRange(values);
                if (result.GetValue(items) is { } path)
                {
                    WriteItems(path, rows, table);
                }
            }

            if (result.GetValue(report) is { } file)
            {
                PlainFiles.Write(file, Markdown(scores));
            }

            Print(scores, result.GetValue(format) == "json");
            return ExitCodes.Success;
        });
        return command;
    }

    private static ExpressionMetric Expression(string text)
    {
        var at = text.IndexOf('=', StringComparison.Ordinal);
        Require(at > 0, $"--expression {text}: write NAME=EXPRESSION.");
        try
        {
            return ExpressionMetric.Parse(text[..at].Trim(), text[(at + 1)..]);
        }
        catch (FormatException e)
        {
            throw new CommandException(ExitCodes.Usage, e.Message);
        }
    }

    private static async Task<List<IMetric>> ServicesAsync(string[] services, string version, IReadOnlyList<MetricRow> rows, CancellationToken cancellationToken)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(120) };
        var metrics = new List<IMetric>();
        foreach (var service in services)
        {
            var at = service.IndexOf('=', StringComparison.Ordinal);
            Require(at > 0, $"--scorer {service}: write NAME=URL.");
            var (metric, fault) = await new HttpScorer(http, service[..at].Trim(), EndpointLimits.Address(service[(at + 1)..]), version).ScoreAsync(rows, cancellationToken);
            if (fault is not null)
            {
                await System.Console.Error.WriteLineAsync($"lauter: the service of '{metric.Name}' failed, its rows are unusable: {fault}");
            }

            metrics.Add(metric);
        }

        return metrics;
    }

    private static Command Metrics()
    {
        var format = Arguments.Format();
        var command = new Command("metrics", "List the metrics with their options and the rows they take.") { format };
        command.SetAction(result =>
        {
            if (result.GetValue(format) == "json")
            {
                Arguments.WriteJson(new JsonArray([.. MetricCatalogue.Entries.Select(e => (JsonNode)new JsonObject { ["name"] = e.Name, ["options"] = e.Options, ["rows"] = e.Rows, ["summary"] = e.Words })]));
                return ExitCodes.Success;
            }

            foreach (var entry in MetricCatalogue.Entries)
            {
                System.Console.WriteLine($"{entry.Name,-18} {entry.Words}");
                System.Console.WriteLine($"{"",-18} prediction | reference: {entry.Rows}{(entry.Options.Length == 0 ? "" : $"   options: {entry.Options}")}");
            }

            return ExitCodes.Success;
        });
        return command;
    }

    internal static IMetric Parse(string text)
    {
        try
        {
            return MetricCatalogue.Parse(text);
        }
        catch (FormatException e)
        {
            throw new CommandException(ExitCodes.Usage, e.Message);
        }
    }

    internal static IReadOnlyList<MetricRow> Read(string predictions, string? references)
    {
        try
        {
            var rows = RowFile.Read(PlainFiles.Lines(predictions), references is null ? null : PlainFiles.Lines(references));
            return rows.Count > 0 ? rows : throw new CommandException(ExitCodes.InputMissing, $"{references ?? predictions} holds no rows.");
        }
        catch (InvalidDataException e)
        {
            throw new CommandException(ExitCodes.InputMissing, e.Message);
        }
    }

    internal static (IReadOnlyList<MetricScore> Scores, MetricTable Table) Measure(IMetric metric, IReadOnlyList<MetricRow> rows, double confidence, int resamples, ulong seed)
    {
        try
        {
            return MetricScore.Of(metric, rows, confidence, resamples, seed);
        }
        catch (InvalidDataException e)
        {
            throw new CommandException(ExitCodes.InputMissing, e.Message);
        }
    }

    internal static void Print(IReadOnlyList<MetricScore> scores, bool json)
    {
        if (json)
        {
            Arguments.WriteJson(new JsonArray([.. scores.Select(s => (JsonNode)new JsonObject
            {
                ["metric"] = s.Metric, ["signature"] = s.Signature, ["stratum"] = s.Stratum, ["value"] = s.Value, ["low"] = s.Low, ["high"] = s.High,
                ["interval"] = s.Interval, ["items"] = s.Items, ["clusters"] = s.Clusters, ["unusable"] = s.Unusable, ["higherIsBetter"] = s.HigherIsBetter,
            })]));
            return;
        }

        var width = scores.Max(s => s.Metric.Length + (s.Stratum == "all" ? 0 : s.Stratum.Length + 1)) + 1;
        foreach (var s in scores)
        {
            System.Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{(s.Stratum == "all" ? s.Metric : $"{s.Metric} {s.Stratum}").PadRight(width)} {Figure(s.Value),9}  [{Figure(s.Low)}, {Figure(s.High)}]  {s.Items:N0} items{(s.Clusters < s.Items ? $" in {s.Clusters:N0} clusters" : "")}{(s.Unusable > 0 ? $", {s.Unusable:N0} UNUSABLE" : "")}"));
            System.Console.WriteLine($"{"".PadRight(width)} {s.Signature}  ({s.Interval})");
        }
    }

    internal static string Markdown(IReadOnlyList<MetricScore> scores)
    {
        var text = new StringBuilder("# Scores\n\n| metric | stratum | value | interval | items | unusable | signature |\n|---|---|---|---|---|---|---|\n");
        foreach (var s in scores)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {s.Metric} | {s.Stratum} | {Figure(s.Value)} | [{Figure(s.Low)}, {Figure(s.High)}] | {s.Items:N0} | {s.Unusable:N0} | `{s.Signature.Replace("|", "\\|")}` |\n");
        }

        return text.ToString();
    }

    internal static void WriteItems(string path, IReadOnlyList<MetricRow> rows, MetricTable table)
    {
        if (table.ItemScores is not { } scores)
        {
            throw new CommandException(ExitCodes.Usage, $"{table.Name} has no score for single items.");
        }

        // Scores on a scale of 100 (BLEU, chrF) become shares; the signature says so. What can exceed its scale cannot.
        var scale = scores.Any(s => s > 1) ? 100 : 1;
        if (scores.Any(s => !(s >= 0 && s <= scale)))
        {
            throw new CommandException(ExitCodes.Usage, $"{table.Name} has scores outside 0 to {scale}, which a gate cannot take.");
        }

        var signature = scale == 1 ? table.Signature : $"{table.Signature}|by_item|scale:0.01";
        var lines = new StringBuilder();
        for (var i = 0; i < rows.Count; i++)
        {
            var line = new JsonObject
            {
                ["id"] = rows[i].Id, ["score"] = (table.HigherIsBetter ? scores[i] : scale - scores[i]) / scale, ["signature"] = table.HigherIsBetter ? signature : $"{signature}|reversed",
                ["cluster"] = rows[i].Cluster, ["language"] = rows[i].Language,
            };
            if (rows[i].Failure is { } failure)
            {
                line["failure"] = failure;
            }

            lines.Append(line.ToJsonString()).Append('\n');
        }

        PlainFiles.Write(path, lines.ToString());
    }

    internal static string Figure(double? value) => value?.ToString("0.0000", CultureInfo.InvariantCulture) ?? "none";

    private static void Require(bool holds, string message)
    {
        if (!holds)
        {
            throw new CommandException(ExitCodes.Usage, message);
        }
    }
}
