using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Data.Operators.Augmentation;
using Lauter.Evaluation.Candidates;
using Lauter.Evaluation.Runs;
using Lauter.Ledger;

namespace Lauter.Commands;

/// <summary><c>lauter data augment</c>: paraphrases of rows, or questions about them, by a configured model. Nothing else in the data room asks a provider.</summary>
internal static class DataAugmentCommand
{
    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Command Create()
    {
        var input = new Argument<string>("rows") { Description = "JSONL with a text in every row." };
        var kind = new Option<string>("--kind") { Description = "paraphrase: the same meaning in other words, the label stays. questions: questions that the text answers, answers copied from it.", Required = true };
        kind.AcceptOnlyFromAmong("paraphrase", "questions");
        var endpoint = new Option<string>("--endpoint") { Description = "Where the model is served, for example http://127.0.0.1:5080/v1.", Required = true };
        var model = new Option<string>("--model") { Description = "Its name there; also the product that the price book prices.", Required = true };
        var output = new Option<string>("--out") { Description = "Directory: rows.jsonl, rejects.jsonl, replies.jsonl (the journal: what was paid for is never asked again), costs.jsonl.", Required = true };
        var count = new Option<int>("--count") { Description = "New rows for each row, 1 to 10.", DefaultValueFactory = _ => 2 };
        var temperature = new Option<double>("--temperature") { Description = "0 to 2.", DefaultValueFactory = _ => 0.7 };
        var project = new Option<string?>("--project") { Description = "A project or gateway directory whose ledger gets the cost, priced by its price book." };
        var provider = new Option<string>("--provider") { Description = "Whom the cost is owed to, in the ledger.", DefaultValueFactory = _ => "augmentation" };
        var text = DataRecipes.TextField();
        var id = DataRecipes.IdField();
        var limits = new EndpointLimits();
        var format = Arguments.Format();
        var quiet = Arguments.Quiet();
        var command = new Command("augment", "Let a model make new rows: paraphrases, or questions with answers from the text. What it costs is recorded, and booked with --project.")
        {
            input, kind, endpoint, model, output, count, temperature, project, provider, text, id, format, quiet,
        };
        limits.AddTo(command);
        command.SetAction(async (result, cancellation) =>
        {
            if (result.GetValue(count) is not (>= 1 and <= 10) || result.GetValue(temperature) is not (>= 0 and <= 2))
            {
                throw new CommandException(ExitCodes.Usage, "--count must lie from 1 to 10, --temperature from 0 to 2.");
            }

            var asked = new Job(
                result.GetValue(kind) == "paraphrase" ? AugmentationKind.Paraphrase : AugmentationKind.Questions, result.GetValue(count), result.GetValue(model)!, result.GetValue(text)!, result.GetValue(id)!, Path.GetFullPath(result.GetValue(output)!));
            var rows = Rows(result.GetValue(input)!, asked.TextField);
            var options = new ChatEndpointOptions { Address = EndpointLimits.Address(result.GetValue(endpoint)!), Model = asked.Model, Temperature = result.GetValue(temperature), MaximumTokens = 2_048 };
            using var http = limits.Client(result);
            using var journal = AnswerJournal.Open(Path.Combine(asked.Directory, "replies.jsonl"));
            var run = await EndpointRun.RunAsync(
                [.. rows.Select((r, i) => new EndpointItem(i.ToString(System.Globalization.CultureInfo.InvariantCulture), JsonValue.Create(Augmentation.Prompt(asked.Kind, r[asked.TextField]!.GetValue<string>(), asked.Count))))],
                new ChatEndpoint(http, options, limits.Key(result)), $"augment:{result.GetValue(kind)}:{Augmentation.PromptVersion}:{options.Key}", journal, limits.Options(result) with { MaximumTokens = options.MaximumTokens },
                result.GetValue(quiet) || result.GetValue(format) == "json" ? null : new EndpointLimits.Counter(), TimeProvider.System, cancellation);
            var (made, rejected) = Write(asked, rows, run);
            var booked = Book(asked, result.GetValue(provider)!, result.GetValue(project), run);
            Report(result.GetValue(format) == "json", asked, rows.Count, made, rejected, run, booked);
            return run.BudgetReached
                ? throw new CommandException(ExitCodes.Failure, $"the budget is over: {rows.Count - run.Answers.Count} of {rows.Count} rows were not asked for; what was is kept in {asked.Directory}. Run again with a larger --budget to go on.")
                : run.Answers.Count > 0 && made == 0 ? throw new CommandException(ExitCodes.Failure, $"no reply could be used; see {Path.Combine(asked.Directory, "rejects.jsonl")}.") : ExitCodes.Success;
        });
        return command;
    }

    private sealed record Job(AugmentationKind Kind, int Count, string Model, string TextField, string IdField, string Directory);

    private static List<JsonObject> Rows(string path, string textField)
    {
        var rows = new List<JsonObject>();
        var number = 0;
        foreach (var line in PlainFiles.Lines(path))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line))
            {
                continue;
            }

            try
            {
                rows.Add(JsonNode.Parse(line) is JsonObject row && row[textField]?.GetValueKind() == JsonValueKind.String
                    ? row : throw new CommandException(ExitCodes.InputMissing, $"{path}, line {number}: the row has no text in '{textField}' (--text names another member)."));
            }
            catch (JsonException e)
            {
                throw new CommandException(ExitCodes.InputMissing, $"{path}, line {number}: {e.Message}");
            }
        }

        return rows.Count > 0 ? rows : throw new CommandException(ExitCodes.InputMissing, $"{path} holds no rows.");
    }

    private static (int Made, int Rejected) Write(Job job, List<JsonObject> rows, EndpointRunResult run)
    {
        System.Text.StringBuilder made = new(), rejects = new();
        var (taken, dropped) = (0, 0);
        var replies = run.Answers.ToDictionary(a => a.Id, StringComparer.Ordinal);
        for (var i = 0; i < rows.Count; i++)
        {
            if (!replies.TryGetValue(i.ToString(System.Globalization.CultureInfo.InvariantCulture), out var reply))
            {
                continue;
            }

            var results = reply.Failure is { } failure
                ? [new AugmentedRow(null, failure, reply.FailureDetail)]
                : Augmentation.Read(job.Kind, rows[i], reply.Prediction?.ToString() ?? "", job.Count, job.Model, job.TextField, job.IdField);
            foreach (var result in results)
            {
                if (result.Row is { } row)
                {
                    taken++;
                    made.Append(row.ToJsonString(Relaxed)).Append('\n');
                    continue;
                }

                dropped++;
                rejects.Append(new JsonObject { ["of"] = rows[i][job.IdField]?.DeepClone(), ["reason"] = result.Reason, ["detail"] = result.Detail }.ToJsonString(Relaxed)).Append('\n');
            }
        }

        PlainFiles.Write(Path.Combine(job.Directory, "rows.jsonl"), made.ToString());
        PlainFiles.Write(Path.Combine(job.Directory, "rejects.jsonl"), rejects.ToString());
        return (taken, dropped);
    }

    /// <summary>The cost of one reply. Its id is that of the question, so booking twice books once; a price that nobody knows stays unknown.</summary>
    private static LedgerEntry Entry(AnsweredItem answer, Job job, string provider, PriceBook prices)
    {
        MeterReading Reading(Meter meter, long? tokens) => new(meter, tokens ?? 0, tokens is null ? MeterSource.Missing : MeterSource.Provider);
        return LedgerEntry.ForUsage(
            $"augment:{answer.Candidate}:{answer.Item}:{answer.Sample}:{answer.At.ToUnixTimeMilliseconds()}", answer.At, LedgerPhase.Data, null, LedgerAccounts.Provider(provider),
            prices.Charge(job.Model, [Reading(Meter.UncachedInput, answer.PromptTokens), Reading(Meter.TextOutput, answer.CompletionTokens)], answer.At),
            "data augment", job.Kind == AugmentationKind.Paraphrase ? "paraphrases" : "questions from passages");
    }

    /// <summary>Records what the replies cost, earlier ones too, and posts what the ledger does not have yet.</summary>
    private static (int Posted, int Unpriced, Money? Sum) Book(Job job, string provider, string? project, EndpointRunResult run)
    {
        using var books = project is null ? null : CostLedger.Open(project);

        // A request that never reached a model used nothing; any other without a count used nobody knows how much.
        var entries = run.Answers.Where(a => a.Failure != FailureKinds.Error || a.PromptTokens is not null).Select(a => Entry(a, job, provider, books?.Prices ?? PriceBook.Default)).DistinctBy(e => e.Id).ToList();
        var lines = new System.Text.StringBuilder();
        foreach (var entry in entries)
        {
            foreach (var charge in entry.Lines.Select(l => l.Charge).OfType<Charge>())
            {
                lines.Append(new JsonObject
                {
                    ["id"] = entry.Id, ["at"] = entry.At, ["model"] = charge.Sku, ["meter"] = MeterNames.NameOf(charge.Meter), ["quantity"] = charge.Source == MeterSource.Missing ? null : charge.Quantity,
                    ["amount"] = charge.Amount?.Units, ["currency"] = charge.Amount?.Currency,
                }.ToJsonString(Relaxed)).Append('\n');
            }
        }

        PlainFiles.Write(Path.Combine(job.Directory, "costs.jsonl"), lines.ToString());
        var amounts = entries.SelectMany(e => e.Lines).Select(l => l.Charge).OfType<Charge>().Select(c => c.Amount).ToList();
        var known = amounts.OfType<Money>().GroupBy(m => m.Currency, StringComparer.Ordinal).ToList();
        return (books?.Ledger.Post(entries) ?? 0, amounts.Count(m => m is null), known is [var one] ? one.Aggregate(Money.Zero(one.Key), (sum, m) => sum + m) : null);
    }

    private static void Report(bool json, Job job, int rows, int made, int rejected, EndpointRunResult run, (int Posted, int Unpriced, Money? Sum) booked)
    {
        if (json)
        {
            Arguments.WriteJson(new JsonObject
            {
                ["rows"] = rows, ["made"] = made, ["rejected"] = rejected, ["asked"] = run.Asked, ["cached"] = run.Cached, ["spent"] = run.Spent, ["posted"] = booked.Posted,
                ["cost"] = booked.Unpriced > 0 ? null : booked.Sum?.Units, ["currency"] = booked.Unpriced > 0 ? null : booked.Sum?.Currency, ["unpriced"] = booked.Unpriced,
            });
            return;
        }

        System.Console.WriteLine($"{rows} rows, {run.Asked} asked for, {run.Cached} from the journal: {made} new rows, {rejected} not taken.");
        System.Console.WriteLine(booked.Unpriced > 0
            ? $"The cost is not known: {booked.Unpriced} meter readings have no price. State '{job.Model}' under prices.rows and name the project with --project."
            : $"Cost {booked.Sum?.ToString() ?? "0"}, {booked.Posted} postings new in the ledger.");
        System.Console.WriteLine($"Rows, rejects, replies and costs are in {job.Directory}.");
    }
}
