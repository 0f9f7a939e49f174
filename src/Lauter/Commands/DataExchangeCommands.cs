using System.CommandLine;
using System.Text.Json.Nodes;
using Lauter.Data.Export.Interchange;

namespace Lauter.Commands;

/// <summary><c>lauter data export</c> and <c>lauter data import</c>: rows to and from other programs' formats.</summary>
internal static class DataExchangeCommands
{
    public static Command Export()
    {
        var input = new Argument<string>("path") { Description = "JSONL, JSON, CSV, TSV, Parquet, or a directory of these." };
        var to = new Option<string>("--to") { Description = string.Join(", ", DatasetExchange.Formats) + ".", Required = true };
        to.AcceptOnlyFromAmong([.. DatasetExchange.Formats]);
        var output = new Option<string>("--out") { Description = "The file; a directory for huggingface.", Required = true };
        var workers = Workers();
        var format = Arguments.Format();
        var command = new Command("export", "Write rows as OpenAI, ShareGPT, Alpaca or Qianfan conversations, CSV, Parquet or the Hugging Face layout.") { input, to, output, workers, format };
        command.SetAction((result, cancellation) => RunAsync(result.GetValue(input)!, result.GetValue(to)!, result.GetValue(output)!, result.GetValue(workers), result.GetValue(format) == "json", cancellation));
        return command;
    }

    public static Command Import()
    {
        var input = new Argument<string>("path") { Description = "A file in any of the formats that export writes, or a Hugging Face directory; the form is recognised." };
        var to = new Option<string>("--to") { Description = "openai: conversations become messages. jsonl: rows as they are.", DefaultValueFactory = _ => "openai" };
        to.AcceptOnlyFromAmong("openai", "jsonl");
        var output = new Option<string>("--out") { Description = "The JSONL file.", Required = true };
        var workers = Workers();
        var format = Arguments.Format();
        var command = new Command("import", "Read rows of another format into JSONL.") { input, to, output, workers, format };
        command.SetAction((result, cancellation) => RunAsync(result.GetValue(input)!, result.GetValue(to)!, result.GetValue(output)!, result.GetValue(workers), result.GetValue(format) == "json", cancellation));
        return command;
    }

    private static Option<int> Workers() => new("--workers") { Description = "Threads; the files are the same whatever their number.", DefaultValueFactory = _ => Environment.ProcessorCount };

    private static async Task<int> RunAsync(string input, string to, string output, int workers, bool json, CancellationToken cancellation)
    {
        var path = Path.GetFullPath(input);
        if (!File.Exists(path) && !Directory.Exists(path))
        {
            throw new CommandException(ExitCodes.InputMissing, $"'{path}' is neither a file nor a directory.");
        }

        ExchangeReport report;
        try
        {
            report = DatasetExchange.Export(path, to, Path.GetFullPath(output), Math.Max(1, workers), cancellation);
        }
        catch (InvalidDataException e)
        {
            throw new CommandException(ExitCodes.InputMissing, e.Message);
        }

        if (json)
        {
            Arguments.WriteJson(new JsonObject
            {
                ["rows_in"] = report.RowsIn, ["rows_out"] = report.RowsOut, ["files"] = new JsonArray([.. report.Files.Select(f => (JsonNode)f)]), ["rejected"] = new JsonArray([.. report.Rejected.Select(r => (JsonNode)r)]),
            });
        }
        else
        {
            foreach (var reject in report.Rejected.Take(20))
            {
                await System.Console.Error.WriteLineAsync($"lauter: {reject}");
            }

            System.Console.WriteLine($"{report.RowsOut} of {report.RowsIn} rows written to {string.Join(", ", report.Files)}{(report.RowsIn - report.RowsOut > 20 ? $"; {report.RowsIn - report.RowsOut - 20} more were left out" : "")}.");
        }

        return report.RowsOut > 0 || report.RowsIn == 0 ? ExitCodes.Success : ExitCodes.InputMissing;
    }
}
