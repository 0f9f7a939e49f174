using System.CommandLine;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Evaluation.Candidates;
using Lauter.Evaluation.Judges;
using Lauter.Evaluation.Metrics;
using Lauter.Evaluation.Runs;

namespace Lauter.Commands;

/// <summary><c>lauter eval run SUITE --endpoint URL</c>: a suite against anything that speaks the OpenAI protocol.</summary>
internal static class EvalRunCommand
{
    public static Command Create()
    {
        var suite = new Argument<string>("suite") { Description = "JSONL: id, input (text, a list of messages, or an object), reference or references, optional cluster and language." };
        var endpoint = new Option<string>("--endpoint") { Description = "For example http://127.0.0.1:5080/v1.", Required = true };
        var model = new Option<string>("--model") { Description = "The model or application to ask.", Required = true };
        var output = new Option<string>("--out") { Description = "Directory of the evidence: answers.jsonl (also the cache), predictions.jsonl, report.md. Running again goes on where it stopped.", Required = true };
        var metrics = new Option<string[]>("--metric") { Description = "Metrics to score with. Default: the usual ones for text. May be repeated." };
        var system = new Option<string?>("--system") { Description = "A system message." };
        var temperature = new Option<double>("--temperature") { Description = "0 to 2.", DefaultValueFactory = _ => 0 };
        var tokens = new Option<int>("--max-tokens") { Description = "Most tokens of an answer.", DefaultValueFactory = _ => 1_024 };
        var samples = new Option<int>("--samples") { Description = "Times each question is asked; the first answer is scored, all are kept.", DefaultValueFactory = _ => 1 };
        var judge = new Option<string?>("--judge") { Description = "Also let this judge score the answers (YAML or JSON; task score, rubric or reference)." };
        var judgeEndpoint = new Option<string?>("--judge-endpoint") { Description = "Where the judge's model is served. Default: --endpoint. Prices, rate and budget hold for the judge likewise." };
        var limits = new EndpointLimits();
        var format = Arguments.Format();
        var quiet = Arguments.Quiet();
        var command = new Command("run", "Put a suite to an endpoint and score the answers.")
        {
            suite, endpoint, model, output, metrics, system, temperature, tokens, samples, judge, judgeEndpoint, format, quiet,
        };
        limits.AddTo(command);
        command.SetAction(async (result, cancellationToken) =>
        {
            var address = EndpointLimits.Address(result.GetValue(endpoint)!);
            Require(result.GetValue(samples) >= 1, "--samples must be at least 1.");
            var judgeRules = result.GetValue(judge) is { } judgePath ? EvalJudgeRunCommand.Judge(judgePath) : null;
            Require(judgeRules?.Task != JudgeTask.Pair, "a judge of pairs compares two candidates: use 'lauter eval judge --against'.");
            var parsed = (result.GetValue(metrics) is { Length: > 0 } named ? named : [.. MetricCatalogue.TextDefaults]).Select(EvalCommand.Parse).ToArray();
            EvalSuiteCommand.Hash(result.GetValue(suite)!);
            var lines = PlainFiles.Lines(result.GetValue(suite)!);
            var items = Items(result.GetValue(suite)!, lines);
            var options = new ChatEndpointOptions
            {
                Address = address, Model = result.GetValue(model)!, System = result.GetValue(system), Temperature = result.GetValue(temperature), MaximumTokens = result.GetValue(tokens),
            };
            var directory = Path.GetFullPath(result.GetValue(output)!);
            using var http = limits.Client(result);
            using var journal = AnswerJournal.Open(Path.Combine(directory, "answers.jsonl"));
            var run = await EndpointRun.RunAsync(
                items, new ChatEndpoint(http, options, limits.Key(result)), options.Key, journal,
                limits.Options(result) with { Samples = result.GetValue(samples), MaximumTokens = options.MaximumTokens },
                result.GetValue(quiet) ? null : new EndpointLimits.Counter(), TimeProvider.System, cancellationToken);

            var predictions = Predictions(run, directory);
            var json = result.GetValue(format) == "json";
            if (run.BudgetReached)
            {
                // A value over the items that happened to fit into the money would be a value of another suite.
                throw new CommandException(ExitCodes.Failure, $"the budget is over: {predictions.Count} of {items.Count} items are answered and kept in {directory}. Run again with a larger --budget to go on.");
            }

            var rows = RowFile.Read(predictions, lines);
            List<MetricScore> scores = [.. parsed.SelectMany(m => EvalCommand.Measure(m, rows, 0.95, 1_000, 1).Scores)];
            if (judgeRules is not null)
            {
                scores.AddRange(await JudgeAsync(judgeRules, predictions, lines, EndpointLimits.Address(result.GetValue(judgeEndpoint) ?? result.GetValue(endpoint)!), limits, result, Path.Combine(directory, "judge"), cancellationToken));
            }

            PlainFiles.Write(Path.Combine(directory, "report.md"), EvalCommand.Markdown(scores));
            EvalCommand.Print(scores, json);
            System.Console.Error.WriteLine($"{run.Asked} asked, {run.Cached} from the journal, {run.Answers.Count(a => a.Failure is not null)} without a usable answer{(run.Spent is { } spent ? $", {spent:0.######} spent" : "")}; evidence in {directory}");
            return ExitCodes.Success;
        });
        return command;
    }

    /// <summary>The judge's scores as rows of the report; evidence and results for a gate lie in <c>judge/</c>.</summary>
    private static async Task<IEnumerable<MetricScore>> JudgeAsync(
        Judge judge, List<string> predictions, IReadOnlyList<string> suite, Uri address, EndpointLimits limits, ParseResult result, string directory, CancellationToken cancellationToken)
    {
        IReadOnlyList<JudgeItem> items;
        try
        {
            items = JudgeItemFile.Read(predictions, suite);
        }
        catch (InvalidDataException e)
        {
            throw new CommandException(ExitCodes.InputMissing, e.Message);
        }

        var judged = await EvalJudgeRunCommand.RunAsync(judge, items, address, limits, result, directory, quiet: true, cancellationToken);
        EvalJudgeRunCommand.Write(judge, judged, directory);
        Require(!judged.BudgetReached, $"the judge's budget is over: what was judged is kept in {directory}. Run again with a larger --budget to go on.", ExitCodes.Failure);
        return JudgeScore.Of(judge, judged.Verdicts).Select(s => new MetricScore(
            $"{judge.Name}.{s.Measure}", s.Signature, "all", s.Items, s.Clusters, s.Unanswered + s.Unjudged, s.Value, s.Low, s.High, s.Interval, HigherIsBetter: true));
    }

    private static List<EndpointItem> Items(string path, IReadOnlyList<string> lines)
    {
        var items = new List<EndpointItem>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < lines.Count; i++)
        {
            if (string.IsNullOrWhiteSpace(lines[i]))
            {
                continue;
            }

            JsonObject? row;
            try
            {
                row = JsonNode.Parse(lines[i]) as JsonObject;
            }
            catch (JsonException e)
            {
                throw new CommandException(ExitCodes.InputMissing, $"{path} line {i + 1}: {e.Message}");
            }

            var (id, input) = (row?["id"]?.ToString(), row?["input"] ?? row?["messages"]);
            Require(id is { Length: > 0 } && input is not null, $"{path} line {i + 1}: an item needs an id and an input.", ExitCodes.InputMissing);
            Require(seen.Add(id!), $"{path} line {i + 1}: the id '{id}' occurs twice.", ExitCodes.InputMissing);
            items.Add(new EndpointItem(id!, input!));
        }

        Require(items.Count > 0, $"{path} holds no items.", ExitCodes.InputMissing);
        return items;
    }

    private static List<string> Predictions(EndpointRunResult run, string directory)
    {
        var lines = run.Answers.Where(a => a.Sample == 0).Select(a =>
        {
            var line = new JsonObject { ["id"] = a.Id, ["prediction"] = a.Prediction?.DeepClone(), ["latencyMs"] = a.LatencyMs };
            if (a.Failure is not null)
            {
                line["failure"] = a.Failure;
            }

            if (a.Cost is not null)
            {
                line["cost"] = a.Cost;
            }

            return line.ToJsonString();
        }).ToList();
        var text = new StringBuilder();
        lines.ForEach(l => text.Append(l).Append('\n'));
        PlainFiles.Write(Path.Combine(directory, "predictions.jsonl"), text.ToString());
        return lines;
    }

    private static void Require(bool holds, string message, int code = ExitCodes.Usage)
    {
        if (!holds)
        {
            throw new CommandException(code, message);
        }
    }
}
