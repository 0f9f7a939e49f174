using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Evaluation.Suites;
using Lauter.Evaluation.Suites.Imports;

namespace Lauter.Commands;

/// <summary><c>lauter eval contamination SUITE --training T.jsonl</c>: what of a suite training has seen.</summary>
internal static class EvalContaminationCommand
{
    private static readonly string[] Names = ["id", "cluster", "language", "split", "strata", "role"];

    public static Command Create()
    {
        var suite = new Argument<string>("suite") { Description = "JSONL of the suite; all texts of its rows but references count." };
        var training = new Option<string[]>("--training") { Description = "JSONL of a training set. Name every set that the candidate saw: may be repeated.", Required = true };
        var references = new Option<bool>("--references") { Description = "Compare references too; short labels then match by chance only where they are three words or more." };
        var n = new Option<int>("--n") { Description = "Units (words, or single Han characters) that must occur in a row.", DefaultValueFactory = _ => Contamination.DefaultN };
        var clean = new Option<string?>("--clean") { Description = "Write the items that share nothing with training to this frozen suite." };
        var show = new Option<int>("--show") { Description = "Items to print.", DefaultValueFactory = _ => 10 };
        var format = Arguments.Format();
        var command = new Command("contamination", "Compare a suite with training sets: exact copies and shared word sequences.") { suite, training, references, n, clean, show, format };
        command.SetAction((result, cancellationToken) =>
        {
            if (result.GetValue(n) is < 3 or > 100)
            {
                throw new CommandException(ExitCodes.Usage, "--n must lie from 3 to 100.");
            }

            var path = PlainFiles.Existing(result.GetValue(suite)!);
            EvalSuiteCommand.Hash(path);
            ContaminationReport report;
            (JsonObject Row, int Number)[] rows;
            try
            {
                rows = [.. SuiteImport.Objects(PlainFiles.Lines(path))];
                report = Contamination.Check(
                    [.. rows.Select(r => Source(r.Row, r.Number, result.GetValue(references)))],
                    result.GetValue(training)!.SelectMany(t => SuiteImport.Objects(File.ReadLines(PlainFiles.Existing(t))).Select(r => Source(r.Row, r.Number, references: true, Path.GetFileName(t)))),
                    result.GetValue(n), cancellationToken);
                if (result.GetValue(clean) is { } target)
                {
                    var seen = report.Found.Select(f => f.Id).ToHashSet(StringComparer.Ordinal);
                    FrozenFile.Write(
                        Path.GetFullPath(target), SuiteImport.JsonLines(rows.Where(r => !seen.Contains(Name(r.Row, r.Number, null))).Select(r => r.Row.ToJsonString()), []),
                        new JsonObject { ["form"] = "clean", ["file"] = Path.GetFileName(path), ["leftOut"] = seen.Count });
                }
            }
            catch (InvalidDataException e)
            {
                throw new CommandException(ExitCodes.InputMissing, e.Message);
            }

            if (result.GetValue(format) == "json")
            {
                Arguments.WriteJson(JsonSerializer.SerializeToNode(report, EvalJudgeRunCommand.Web)!);
                return Task.FromResult(ExitCodes.Success);
            }

            System.Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{report.Overlapping:N0} of {report.Items:N0} items ({report.Rate:P2}) share {report.N} units in a row with {report.TrainingRows:N0} training rows; {report.Exact:N0} occur whole, {report.TooShort:N0} are shorter than {report.N} units{(report.TemplateNGrams > 0 ? $", {report.TemplateNGrams:N0} sequences common to many items left out" : "")}"));
            foreach (var item in report.Found.Take(Math.Max(0, result.GetValue(show))))
            {
                System.Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {item.Id}: {(item.Exact ? "whole" : $"{item.Covered:P0} covered")}, training row {item.Training}"));
            }

            return Task.FromResult(ExitCodes.Success);
        });
        return command;
    }

    private static ContaminationSource Source(JsonObject row, int number, bool references, string? file = null) => new(
        Name(row, number, file),
        [.. row.Where(m => !Names.Contains(m.Key, StringComparer.Ordinal) && (references || m.Key is not ("reference" or "references" or "output" or "answer" or "ideal"))).SelectMany(m => TextLeaves.Of(m.Value))]);

    private static string Name(JsonObject row, int number, string? file) => file is null ? row["id"]?.ToString() ?? $"line {number}" : $"{file}: {row["id"]?.ToString() ?? $"line {number}"}";
}
