using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Evaluation.Candidates;
using Lauter.Evaluation.Judges;
using Lauter.Evaluation.Runs;

namespace Lauter.Commands;

/// <summary><c>lauter eval judge ANSWERS --judge J.yaml --endpoint URL</c>: a model judges answers, or pairs of answers in both orders.</summary>
internal static class EvalJudgeRunCommand
{
    internal static readonly JsonSerializerOptions Web = new(JsonSerializerDefaults.Web);

    public static Command Create()
    {
        var answers = new Argument<string>("answers") { Description = "JSONL: id and prediction (or output, answer, text), as 'lauter eval run' writes it." };
        var judge = new Option<string>("--judge") { Description = "The judge, YAML or JSON: task (score, pair, rubric, reference), model, instruction; docs/howto/add-a-judge.md lists all members.", Required = true };
        var endpoint = new Option<string>("--endpoint") { Description = "Where the judge's model is served, for example http://127.0.0.1:5080/v1.", Required = true };
        var output = new Option<string>("--out") { Description = "Directory of the evidence: replies.jsonl (also the cache), verdicts.jsonl, results.jsonl for 'lauter gate decide', report.md.", Required = true };
        var suite = new Option<string?>("--suite") { Description = "JSONL with id, input and reference. Default: the answers carry question and reference themselves." };
        var against = new Option<string?>("--against") { Description = "Answers of a second candidate to the same items; needed by a judge of pairs." };
        var human = new Option<string?>("--human") { Description = "Labels of people: id with human (true or false), or winner (first, second, tie) of pairs." };
        var limits = new EndpointLimits();
        var format = Arguments.Format();
        var quiet = Arguments.Quiet();
        var command = new Command("judge", "Let a model judge answers: single scores, rubrics, against a reference, or pairs in both orders.") { answers, judge, endpoint, output, suite, against, human, format, quiet };
        limits.AddTo(command);
        command.SetAction(async (result, cancellationToken) =>
        {
            var rules = Judge(result.GetValue(judge)!);
            if (rules.Task == JudgeTask.Pair != result.GetValue(against) is not null)
            {
                throw new CommandException(ExitCodes.Usage, rules.Task == JudgeTask.Pair ? "a judge of pairs needs --against." : "--against belongs to a judge of pairs.");
            }

            var directory = Path.GetFullPath(result.GetValue(output)!);
            var items = Items(result.GetValue(answers)!, result.GetValue(suite), result.GetValue(against), result.GetValue(human), rules);
            var run = await RunAsync(rules, items, EndpointLimits.Address(result.GetValue(endpoint)!), limits, result, directory, result.GetValue(quiet), cancellationToken);
            Write(rules, run, directory);
            if (run.BudgetReached)
            {
                throw new CommandException(ExitCodes.Failure, $"the budget is over: {run.Verdicts.Count(v => v.Outcome == JudgeOutcome.NotReached)} of {items.Count} items are not judged; what was is kept in {directory}. Run again with a larger --budget to go on.");
            }

            var document = Document(rules, run);
            PlainFiles.Write(Path.Combine(directory, "report.md"), Markdown(rules, run, document));
            if (result.GetValue(format) == "json")
            {
                Arguments.WriteJson(document);
            }
            else
            {
                System.Console.Out.Write(Text(rules, run));
            }

            await System.Console.Error.WriteLineAsync($"{run.Asked} asked, {run.Cached} from the journal{(run.Spent is { } spent ? $", {spent.ToString("0.######", CultureInfo.InvariantCulture)} spent" : "")}; evidence in {directory}");
            return run.Unjudged == run.Verdicts.Count ? throw new CommandException(ExitCodes.Failure, $"no verdict could be read ({First(run)}); a gate on these results says insufficient evidence.") : ExitCodes.Success;
        });
        return command;
    }

    internal static Judge Judge(string path)
    {
        try
        {
            return JudgeFile.Read(PlainFiles.Structured(path));
        }
        catch (InvalidDataException e)
        {
            throw new CommandException(ExitCodes.ProjectInvalid, $"{path}: {e.Message}");
        }
    }

    internal static async Task<JudgeRunResult> RunAsync(
        Judge judge, IReadOnlyList<JudgeItem> items, Uri address, EndpointLimits limits, ParseResult result, string directory, bool quiet, CancellationToken cancellationToken)
    {
        using var http = limits.Client(result);
        using var journal = AnswerJournal.Open(Path.Combine(directory, "replies.jsonl"));
        try
        {
            return await JudgeRun.RunAsync(
                judge, items, new ChatEndpoint(http, JudgeRun.Options(judge, address), limits.Key(result)), journal, limits.Options(result), quiet ? null : new EndpointLimits.Counter(),
                TimeProvider.System, cancellationToken);
        }
        catch (ArgumentException e)
        {
            throw new CommandException(ExitCodes.InputMissing, e.Message);
        }
    }

    /// <summary>verdicts.jsonl for people and judge-report, results.jsonl for a gate.</summary>
    internal static void Write(Judge judge, JudgeRunResult run, string directory)
    {
        StringBuilder verdicts = new(), results = new();
        foreach (var v in run.Verdicts)
        {
            var line = new JsonObject { ["id"] = v.Item.Id, ["outcome"] = JsonSerializer.SerializeToNode(v.Outcome, Web), ["judge"] = v.Passed, ["score"] = v.Score, ["human"] = v.Item.Human };
            if (judge.Task == JudgeTask.Pair)
            {
                (line["shown"], line["swapped"], line["humanWinner"]) = (Letter(v.Shown), Letter(v.Swapped), v.Item.HumanWinner?.ToString().ToLowerInvariant());
            }

            line["criteria"] = v.Criteria is { } criteria ? new JsonArray([.. criteria.Select(c => (JsonNode)c)]) : null;
            line["detail"] = v.Detail;
            line["replies"] = new JsonArray([.. v.Replies.Select(r => (JsonNode)r)]);
            verdicts.Append(line.ToJsonString()).Append('\n');
            var row = new JsonObject { ["id"] = v.Item.Id, ["score"] = v.Score, ["signature"] = judge.Signature, ["cluster"] = v.Item.Cluster ?? v.Item.Id, ["language"] = v.Item.Language };
            if (v.Outcome != JudgeOutcome.Judged)
            {
                row["failure"] = v.Outcome == JudgeOutcome.Unanswered ? "missing" : FailureKinds.Unjudged;
            }

            results.Append(row.ToJsonString()).Append('\n');
        }

        PlainFiles.Write(Path.Combine(directory, "verdicts.jsonl"), verdicts.ToString());
        if (judge.Task != JudgeTask.Pair)
        {
            PlainFiles.Write(Path.Combine(directory, "results.jsonl"), results.ToString());
        }
    }

    internal static string Line(string name, JudgeScore s) => string.Create(
        CultureInfo.InvariantCulture,
        $"{name} {s.Measure,-6} {EvalCommand.Figure(s.Value)}  [{EvalCommand.Figure(s.Low)}, {EvalCommand.Figure(s.High)}]  {s.Items:N0} items{(s.Clusters < s.Items ? $" in {s.Clusters:N0} clusters" : "")}{(s.Unanswered > 0 ? $", {s.Unanswered:N0} unanswered" : "")}{(s.Unjudged > 0 ? $", {s.Unjudged:N0} UNJUDGED" : "")}\n{"",8}{s.Signature}  ({s.Interval})\n");

    private static JsonObject Document(Judge judge, JudgeRunResult run)
    {
        var document = new JsonObject
        {
            ["signature"] = judge.Signature, ["version"] = judge.Version, ["items"] = run.Verdicts.Count, ["unjudged"] = run.Unjudged, ["asked"] = run.Asked, ["cached"] = run.Cached, ["spent"] = run.Spent,
            ["scores"] = JsonSerializer.SerializeToNode(judge.Task == JudgeTask.Pair ? [] : JudgeScore.Of(judge, run.Verdicts), Web),
        };
        document[judge.Task == JudgeTask.Pair ? "pairs" : "trust"] = judge.Task == JudgeTask.Pair
            ? JsonSerializer.SerializeToNode(Pairs(run), Web) : JsonSerializer.SerializeToNode(Trust(run), Web);
        return document;
    }

    private static string Text(Judge judge, JudgeRunResult run) => judge.Task == JudgeTask.Pair
        ? EvalJudgeCommand.Text(Pairs(run))
        : string.Concat(JudgeScore.Of(judge, run.Verdicts).Select(s => Line(judge.Name, s))) + EvalJudgeCommand.Text(Trust(run));

    private static string Markdown(Judge judge, JudgeRunResult run, JsonObject document) =>
        $"# Judged by {judge.Name}\n\n`{judge.Signature}`\n\n```\n{Text(judge, run)}```\n\n```json\n{document.ToJsonString(new JsonSerializerOptions { WriteIndented = true })}\n```\n";

    private static JudgeReport Trust(JudgeRunResult run) => JudgeReport.Of(
        [.. run.Verdicts.Where(v => v.Outcome != JudgeOutcome.Unanswered).Select(v => new JudgedItem(v.Item.Id, v.Passed, v.Item.Human))]);

    private static PairReport Pairs(JudgeRunResult run) => PairReport.Of(
        [.. run.Verdicts.Where(v => v.Outcome != JudgeOutcome.Unanswered).Select(v => (v.Shown ?? PairWinner.Unparsed, v.Swapped ?? PairWinner.Unparsed, v.Item.HumanWinner))]);

    private static string First(JudgeRunResult run) => run.Verdicts.Select(v => v.Detail).FirstOrDefault(d => d is not null) ?? "no items";

    private static string? Letter(PairWinner? winner) => winner switch { PairWinner.First => "A", PairWinner.Second => "B", PairWinner.Tie => "TIE", _ => null };

    private static IReadOnlyList<JudgeItem> Items(string answers, string? suite, string? against, string? human, Judge judge)
    {
        try
        {
            var items = JudgeItemFile.Read(PlainFiles.Lines(answers), suite is null ? null : PlainFiles.Lines(suite), against is null ? null : PlainFiles.Lines(against), human is null ? null : PlainFiles.Lines(human));
            return items.Count == 0 ? throw new CommandException(ExitCodes.InputMissing, $"{answers} holds no items.")
                : judge.Task == JudgeTask.Reference && items.FirstOrDefault(i => i.Reference is null) is { } bare ? throw new CommandException(ExitCodes.InputMissing, $"the item '{bare.Id}' has no reference, and this judge compares with one.")
                : items;
        }
        catch (InvalidDataException e)
        {
            throw new CommandException(ExitCodes.InputMissing, e.Message);
        }
    }
}
