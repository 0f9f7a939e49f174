using System.CommandLine;
using System.Text.Json.Nodes;
using Lauter.Data.Splits;

namespace Lauter.Commands;

/// <summary><c>lauter data split</c>: rows into train, validation and test by cluster.</summary>
internal static class DataSplitCommand
{
    public static Command Create()
    {
        var input = new Argument<string>("file") { Description = "A JSONL or Parquet file, of any size." };
        var output = new Option<string>("--out") { Description = "Directory of train.jsonl, validation.jsonl, test.jsonl and split.json.", Required = true };
        var test = new Option<double>("--test") { Description = "Share of the test part.", DefaultValueFactory = _ => 0.1 };
        var validation = new Option<double>("--validation") { Description = "Share of the validation part.", DefaultValueFactory = _ => 0.1 };
        var group = new Option<string[]>("--group") { Description = "Members whose equal values keep rows in one part.", DefaultValueFactory = _ => [] };
        var stratify = new Option<string?>("--stratify") { Description = "Member whose values have the same share in every part." };
        var earlier = new Option<string?>("--earlier") { Description = "Output of an earlier split: its rows keep their parts." };
        var threshold = new Option<double>("--threshold") { Description = "Jaccard similarity from which two texts stay in one part, 0.5 to 1.", DefaultValueFactory = _ => 0.7 };
        var text = DataRecipes.TextField();
        var workers = new Option<int>("--workers") { Description = "Threads; the result is the same whatever their number.", DefaultValueFactory = _ => Environment.ProcessorCount };
        var format = Arguments.Format();
        var command = new Command("split", "Split rows so that no near-copy and no group spans two parts; says how much still leaks.") { input, output, test, validation, group, stratify, earlier, threshold, text, workers, format };
        command.SetAction((result, cancellation) =>
        {
            var path = Path.GetFullPath(result.GetValue(input)!);
            if (!File.Exists(path))
            {
                throw new CommandException(ExitCodes.InputMissing, $"the file {path} was not found.");
            }

            var (testShare, validationShare) = (result.GetValue(test), result.GetValue(validation));
            if (testShare is < 0 or > 0.9 || validationShare is < 0 or > 0.9 || testShare + validationShare >= 1 || result.GetValue(threshold) is < 0.5 or > 1)
            {
                throw new CommandException(ExitCodes.Usage, $"--test {testShare} and --validation {validationShare} must each be from 0 to 0.9 and leave something to train on; --threshold must be from 0.5 to 1.");
            }

            var report = RowSplit.Run(
                new RowSplitOptions
                {
                    Input = path, OutputDirectory = Path.GetFullPath(result.GetValue(output)!), Test = testShare, Validation = validationShare, GroupFields = result.GetValue(group)!,
                    StratifyField = result.GetValue(stratify), Earlier = result.GetValue(earlier), Threshold = result.GetValue(threshold), TextField = result.GetValue(text)!, Workers = Math.Max(1, result.GetValue(workers)),
                },
                cancellation);
            if (result.GetValue(format) == "json")
            {
                Arguments.WriteJson(new JsonObject { ["rows"] = Json(report.Rows), ["components"] = report.Components, ["conflicts"] = report.Conflicts, ["held_out"] = report.HeldOut, ["leaks"] = Json(report.Leaks), ["strata"] = Json(report.Strata), ["unreadable"] = report.Unreadable });
            }
            else
            {
                System.Console.WriteLine($"{string.Join(", ", report.Rows.Select(r => $"{r.Key} {r.Value}"))} rows in {report.Components} sets of near-copies and groups{(report.Unreadable > 0 ? $"; {report.Unreadable} lines are no rows" : "")}.");
                System.Console.WriteLine($"Of {report.HeldOut} test rows, with a training row at least so alike: {string.Join(", ", report.Leaks.Select(l => $"{l.Key}: {l.Value}"))}.");
            }

            return Task.FromResult(ExitCodes.Success);
        });
        return command;
    }

    private static JsonObject Json(IReadOnlyDictionary<string, int> counts) => new(counts.Select(c => KeyValuePair.Create(c.Key, (JsonNode?)c.Value)));
}
