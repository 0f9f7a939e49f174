using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Evaluation.Humans;
using Lauter.Evaluation.Judges;

namespace Lauter.Commands;

/// <summary><c>lauter eval tasks</c>: blind tasks for people, and what they said.</summary>
internal static class EvalTasksCommand
{
    private const string KeyFile = "key.json";

    public static Command Create() => new("tasks", "Let people judge answers blindly: a page to open offline, and what they said.") { CreateTasks(), Import() };

    private static Command CreateTasks()
    {
        var answers = new Argument<string>("answers") { Description = "JSONL: id and prediction (or output, answer, text), as 'lauter eval run' writes it." };
        var against = new Option<string?>("--against") { Description = "Answers of a second candidate to the same items: raters then compare two. Without it they pass or fail one." };
        var suite = new Option<string?>("--suite") { Description = "JSONL with id, input and reference. Default: the answers carry question and reference themselves." };
        var output = new Option<string>("--out") { Description = "Directory for sheet.html and tasks.jsonl (for raters) and key.json (not for raters).", Required = true };
        var most = new Option<int>("--items") { Description = "Most items, drawn by chance.", DefaultValueFactory = _ => 200 };
        var seed = new Option<ulong?>("--seed") { Description = "Seed of draw, order and sides. Default: a random one, kept in the key." };
        var reference = new Option<bool>("--show-reference") { Description = "Show raters the reference." };
        var format = Arguments.Format();
        var command = new Command("create", "Make a blind sheet.") { answers, against, suite, output, most, seed, reference, format };
        command.SetAction(result =>
        {
            if (result.GetValue(most) < 1)
            {
                throw new CommandException(ExitCodes.Usage, "--items must be at least 1.");
            }

            var directory = Path.GetFullPath(result.GetValue(output)!);
            if (File.Exists(Path.Combine(directory, KeyFile)))
            {
                throw new CommandException(ExitCodes.InputMissing, $"{directory} already holds a key; answers to its tasks would be lost without it. Choose another --out.");
            }

            HumanTaskSet set;
            try
            {
                var (other, items) = (result.GetValue(against), result.GetValue(suite));
                set = HumanTaskSet.Create(
                    JudgeItemFile.Read(PlainFiles.Lines(result.GetValue(answers)!), items is null ? null : PlainFiles.Lines(items), other is null ? null : PlainFiles.Lines(other)),
                    other is not null, result.GetValue(most), result.GetValue(seed) ?? (ulong)Random.Shared.NextInt64(1, long.MaxValue), result.GetValue(reference));
            }
            catch (InvalidDataException e)
            {
                throw new CommandException(ExitCodes.InputMissing, e.Message);
            }

            PlainFiles.Write(Path.Combine(directory, "tasks.jsonl"), set.ToLines());
            PlainFiles.Write(Path.Combine(directory, "sheet.html"), HumanSheet.Render(set));
            PlainFiles.Write(Path.Combine(directory, KeyFile), set.ToKey().ToJsonString());
            if (result.GetValue(format) == "json")
            {
                Arguments.WriteJson(new JsonObject { ["set"] = set.Hash, ["items"] = set.Tasks.Count, ["pairs"] = set.IsPairs, ["directory"] = directory });
            }
            else
            {
                System.Console.WriteLine($"{set.Tasks.Count:N0} items, set {set.Hash[..12]}: give raters {Path.Combine(directory, "sheet.html")}; keep {KeyFile} from them");
            }

            return ExitCodes.Success;
        });
        return command;
    }

    private static Command Import()
    {
        var answers = new Argument<string[]>("answers") { Description = "The files that raters saved from the sheet.", Arity = ArgumentArity.OneOrMore };
        var key = new Option<string>("--key") { Description = "The key.json of the set.", Required = true };
        var labels = new Option<string?>("--labels") { Description = "Write labels for 'lauter eval judge --human' to this JSONL." };
        var report = new Option<string?>("--report") { Description = "Also write a Markdown report to this file." };
        var format = Arguments.Format();
        var command = new Command("import", "Unblind and count: good, same, bad with its interval, agreement of the raters.") { answers, key, labels, report, format };
        command.SetAction(result =>
        {
            HumanResult human;
            bool pairs;
            try
            {
                var file = PlainFiles.Structured(result.GetValue(key)!) as JsonObject ?? throw new InvalidDataException("The key is not a JSON object.");
                human = HumanResult.Of(file, result.GetValue(answers)!.SelectMany(PlainFiles.Lines));
                pairs = file["pairs"]!.GetValue<bool>();
            }
            catch (InvalidDataException e)
            {
                throw new CommandException(ExitCodes.InputMissing, e.Message);
            }

            if (result.GetValue(labels) is { } path)
            {
                var text = new StringBuilder();
                foreach (var (id, verdict) in human.Verdicts.Where(v => v.Value != "undecided"))
                {
                    text.Append((pairs ? new JsonObject { ["id"] = id, ["winner"] = verdict } : new JsonObject { ["id"] = id, ["human"] = verdict == "pass" }).ToJsonString()).Append('\n');
                }

                PlainFiles.Write(path, text.ToString());
            }

            if (result.GetValue(report) is { } markdown)
            {
                PlainFiles.Write(markdown, $"# What people said\n\n```\n{Text(human, pairs)}```\n");
            }

            if (result.GetValue(format) == "json")
            {
                Arguments.WriteJson(JsonSerializer.SerializeToNode(human, EvalJudgeRunCommand.Web)!);
            }
            else
            {
                System.Console.Out.Write(Text(human, pairs));
            }

            return ExitCodes.Success;
        });
        return command;
    }

    private static string Text(HumanResult human, bool pairs)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{human.Items:N0} items, {human.Missing:N0} not answered; {(pairs ? $"good {human.Good:N0}, same {human.Same:N0}, bad {human.Bad:N0}" : $"pass {human.Good:N0}, fail {human.Bad:N0}, undecided {human.Same:N0}")}\n");
        text.Append(CultureInfo.InvariantCulture, $"{(pairs ? "net win rate" : "pass rate")} {EvalCommand.Figure(human.Net)}{(human.Interval is { } i ? string.Create(CultureInfo.InvariantCulture, $" [{i.Low:0.0000}, {i.High:0.0000}]") : "")}{(human.SignP is { } p ? string.Create(CultureInfo.InvariantCulture, $", p = {p:0.0000}") : "")}\n");
        text.Append(CultureInfo.InvariantCulture, $"raters agree on {EvalCommand.Figure(human.Agreement)}, kappa {EvalCommand.Figure(human.Kappa)}, Krippendorff's alpha {EvalCommand.Figure(human.Alpha)}\n");
        foreach (var rater in human.Raters)
        {
            text.Append(CultureInfo.InvariantCulture, $"  {rater.Rater}: {rater.Answers:N0} answers{(rater.LeftInterval is { } left ? string.Create(CultureInfo.InvariantCulture, $", the left one {rater.LeftRate:0.0000} [{left.Low:0.0000}, {left.High:0.0000}]") : "")}\n");
        }

        return text.ToString();
    }
}
