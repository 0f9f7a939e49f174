using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using Lauter.Ledger;
using Lauter.Ledger.Focus;

namespace Lauter.Commands;

/// <summary><c>lauter cost export</c> and <c>lauter cost check</c>: FOCUS out, and any FOCUS file against the specification.</summary>
internal static class CostExportCommand
{
    public static Command Create()
    {
        var (project, from, until) = (Arguments.Project(), CostOptions.From(), CostOptions.Until());
        var output = new Option<string?>("--out", "-o") { Description = "The file to write; without it standard output." };
        var focus = new Option<bool>("--focus") { Description = "FOCUS 1.2 as CSV, which is the only format.", DefaultValueFactory = _ => true };
        var hourly = new Option<bool>("--hourly") { Description = "A row an hour instead of a row a day." };
        var command = new Command("export", "Export cost and usage as FOCUS 1.2 CSV.") { project, focus, output, from, until, hourly };
        command.SetAction(result =>
        {
            using var books = CostLedger.Open(result.GetValue(project)!);
            using var file = result.GetValue(output) is { } path ? new StreamWriter(path, append: false, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) : null;
            var writer = file ?? (TextWriter)System.Console.Out;
            var report = FocusExport.Write(
                books.Ledger, books.Name, writer, CostOptions.Read(result, from), CostOptions.Read(result, until), result.GetValue(hourly) ? FocusPeriod.Hour : FocusPeriod.Day);
            System.Console.Error.WriteLine($"{report.Rows} rows of {report.Charges} charges{(report.UnpricedRows == 0 ? "" : $"; {report.UnpricedRows} charges without a known price are not in it ('lauter cost' names them)")}");
            return ExitCodes.Success;
        });
        return command;
    }

    public static Command CreateCheck()
    {
        var file = new Argument<string>("file") { Description = "A FOCUS file as CSV, of any provider; - = standard input." };
        var format = Arguments.Format();
        var command = new Command("check", "Check a FOCUS 1.2 file rule by rule.") { file, format };
        command.SetAction(result =>
        {
            var path = result.GetValue(file)!;
            using var reader = path == "-" ? null : new StreamReader(Arguments.ExistingFile(path));
            IReadOnlyList<FocusViolation> violations;
            try
            {
                violations = FocusRules.Check(reader ?? System.Console.In);
            }
            catch (FormatException e)
            {
                throw new CommandException(ExitCodes.InputMissing, $"{path}: {e.Message}");
            }

            if (result.GetValue(format) == "json")
            {
                Arguments.WriteJson(new JsonArray([.. violations.Select(v => (JsonNode)new JsonObject { ["row"] = v.Row, ["rule"] = v.Rule, ["seen"] = v.Text })]));
            }
            else
            {
                foreach (var violation in violations)
                {
                    System.Console.WriteLine($"row {violation.Row}: {violation.Rule}: {violation.Text}");
                }

                System.Console.Error.WriteLine($"{FocusRules.Names.Count} rules, {violations.Count} violations");
            }

            return violations.Count == 0 ? ExitCodes.Success : ExitCodes.VerificationFailed;
        });
        return command;
    }
}
