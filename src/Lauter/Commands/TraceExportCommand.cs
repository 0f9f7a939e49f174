using System.CommandLine;
using System.Text;
using Lauter.Traces.Export;
using Lauter.Traces.Search;

namespace Lauter.Commands;

/// <summary><c>lauter trace export</c>.</summary>
internal static class TraceExportCommand
{
    public static Command Create()
    {
        var (project, conditions) = (Arguments.Project(), new TraceConditions());
        var form = new Option<string>("--as") { Description = "jsonl, parquet, otlp (OpenTelemetry GenAI spans, OTLP JSON lines) or prometheus.", DefaultValueFactory = _ => "jsonl" };
        form.AcceptOnlyFromAmong("jsonl", "parquet", "otlp", "prometheus");
        var output = new Option<string?>("--out", "-o") { Description = "The file to write; without it standard output (not for parquet)." };
        var texts = new Option<bool>("--texts") { Description = "Write requests and answers too. They may hold personal data." };
        var words = new Option<string?>("--words") { Description = "Words that must all occur in request, answer or input." };
        var command = new Command("export", "Export requests, oldest first, for other tools.") { project, form, output, texts, words };
        conditions.AddTo(command);
        command.SetAction(async (result, cancellationToken) =>
        {
            var (path, kind, withTexts) = (result.GetValue(output), result.GetValue(form), result.GetValue(texts));
            if (path is null && kind == "parquet")
            {
                throw new CommandException(ExitCodes.Usage, "a Parquet file cannot be written to standard output: name it with --out.");
            }

            using var books = CostLedger.Open(result.GetValue(project)!);
            var query = conditions.Read(result) with { Text = result.GetValue(words) };
            if (query.Fields.FirstOrDefault(f => !TraceQuery.IsPath(f.Key)) is { Key: { } wrong })
            {
                throw new CommandException(ExitCodes.Usage, $"--where: '{wrong}' is not the path of a field such as input.intent.");
            }

            var traces = books.Traces.Read(query);
            await using var stream = path is null ? System.Console.OpenStandardOutput() : File.Create(path);
            var count = kind switch
            {
                "parquet" => await TraceParquet.WriteAsync(traces, stream, withTexts, cancellationToken),
                "otlp" => TraceOtlp.Write(traces, books.Traces.FeedbackOn, stream, books.Name, withTexts),
                "prometheus" => Prometheus(stream),
                _ => TraceJsonLines.Write(traces, stream, withTexts),
            };
            await System.Console.Error.WriteLineAsync($"{count} requests");
            return ExitCodes.Success;

            int Prometheus(Stream to)
            {
                var seen = 0;
                to.Write(Encoding.UTF8.GetBytes(TracePrometheus.Render(traces.Select(t =>
                {
                    seen++;
                    return t;
                }))));
                return seen;
            }
        });
        return command;
    }
}
