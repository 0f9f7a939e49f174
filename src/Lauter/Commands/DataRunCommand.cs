using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Lauter.Console.Reports;
using Lauter.Data.Export;
using Lauter.Data.Rows;
using Lauter.Hosting;

namespace Lauter.Commands;

/// <summary><c>lauter data run</c>: a recipe over plain files.</summary>
internal static class DataRunCommand
{
    public static Command Create()
    {
        var recipe = DataRecipes.Recipe();
        var input = DataRecipes.Input();
        var output = new Option<string>("--out") { Description = "Directory of the result. A run that finds its own finished shards there goes on after them.", Required = true };
        var workers = new Option<int>("--workers") { Description = "Threads; the result is the same whatever their number.", DefaultValueFactory = _ => Environment.ProcessorCount };
        var to = new Option<string>("--to") { Description = "Form of the rows: jsonl keeps every member, parquet has id, text, language and fields.", DefaultValueFactory = _ => "jsonl" };
        to.AcceptOnlyFromAmong("jsonl", "parquet");
        var cache = new Option<string?>("--cache") { Description = "Folder of measured numbers and edited texts that later runs use again. Default: .lauter/cache in the output." };
        var noCache = new Option<bool>("--no-cache") { Description = "Keep no cache." };
        var scores = new Option<bool>("--scores") { Description = "Write the measured numbers of every row as scores-*.parquet." };
        var text = DataRecipes.TextField();
        var id = DataRecipes.IdField();
        var language = new Option<string>("--language") { Description = "Language that report.html shows first: en or zh-CN. The file holds both.", DefaultValueFactory = _ => "en" };
        language.AcceptOnlyFromAmong("en", "zh-CN");
        var format = Arguments.Format();
        var quiet = Arguments.Quiet();
        var command = new Command("run", "Run a recipe over JSONL, Parquet or documents: kept rows, rejects with reasons, report.json, and report.html for people.")
        {
            recipe, input, output, workers, to, cache, noCache, scores, text, id, language, format, quiet,
        };
        command.SetAction(async (result, cancellation) =>
        {
            var directory = Path.GetFullPath(result.GetValue(output)!);
            var json = result.GetValue(format) == "json";
            var options = new RowRunOptions
            {
                Recipe = DataRecipes.Load(result.GetValue(recipe)!),
                Inputs = DataRecipes.Inputs(result.GetValue(input)!),
                OutputDirectory = directory,
                Workers = result.GetValue(workers) is > 0 and var count ? count : throw new CommandException(ExitCodes.Usage, $"--workers {result.GetValue(workers)}: at least one is needed."),
                Format = result.GetValue(to) == "parquet" ? RowFormat.Parquet : RowFormat.Jsonl,
                TextField = result.GetValue(text)!,
                IdField = result.GetValue(id)!,
                CacheDirectory = result.GetValue(noCache) ? null : Path.GetFullPath(result.GetValue(cache) ?? Path.Combine(directory, ".lauter", "cache")),
                WriteScores = result.GetValue(scores),
            };
            var report = await DataRecipes.GuardAsync(RowRun.RunAsync(options, DataRecipes.Progress(json || result.GetValue(quiet)), cancellation));
            var page = Path.Combine(directory, "report.html");
            await File.WriteAllTextAsync(page, await DataReport.RenderAsync(DataViews.Of(Path.GetFileName(directory), DatasetOverview.Read(directory)), result.GetValue(language)), cancellation);
            if (json)
            {
                Arguments.WriteJson(ToJson(report));
            }
            else
            {
                Write(report, directory);
            }

            return ExitCodes.Success;
        });
        return command;
    }

    private static JsonObject ToJson(RowReport report) => new()
    {
        ["rows_in"] = report.RowsIn, ["rows_out"] = report.RowsOut, ["text_bytes"] = report.TextBytes, ["dropped"] = Json(report.Dropped), ["dropped_by"] = Json(report.DroppedBy),
        ["by_language"] = Json(report.ByLanguage), ["changed"] = Json(report.Changed), ["redactions"] = Json(report.Redactions), ["shards"] = report.Shards, ["shards_reused"] = report.ShardsReused,
        ["texts_read"] = report.TextsRead, ["edits_done"] = report.EditsDone, ["measures_taken"] = report.MeasuresTaken, ["seconds"] = report.Elapsed.TotalSeconds,
    };

    private static JsonObject Json(IReadOnlyDictionary<string, long> counts) => new(counts.Select(c => KeyValuePair.Create(c.Key, (JsonNode?)c.Value)));

    private static void Write(RowReport report, string directory)
    {
        var seconds = Math.Max(0.001, report.Elapsed.TotalSeconds);
        System.Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{report.RowsIn:N0} rows in, {report.RowsOut:N0} kept ({Share(report.RowsOut, report.RowsIn)}), {report.TextBytes / 1e6:N1} MB of text in {seconds:N1} s ({report.TextBytes / 1e6 / seconds:N1} MB/s)."));
        if (report.ShardsReused > 0)
        {
            System.Console.WriteLine($"{report.ShardsReused} of {report.Shards} shards were finished before.");
        }

        Table("dropped because of", report.Dropped, report.RowsIn);
        Table("texts changed by", report.Changed, report.RowsIn);
        Table("personal data replaced", report.Redactions, 0);
        Table("kept, by language", report.ByLanguage, report.RowsOut);
        System.Console.WriteLine($"Rows, rejects, report.json and report.html are in {directory}.");
    }

    private static void Table(string title, IReadOnlyDictionary<string, long> counts, long whole)
    {
        if (counts.Values.All(v => v == 0))
        {
            return;
        }

        System.Console.WriteLine($"\n{title}");
        foreach (var (name, count) in counts.Where(c => c.Value != 0).OrderByDescending(c => c.Value).ThenBy(c => c.Key, StringComparer.Ordinal))
        {
            System.Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {name,-40} {count,10:N0}  {(whole > 0 ? Share(count, whole) : "")}"));
        }
    }

    private static string Share(long part, long whole) => string.Create(CultureInfo.InvariantCulture, $"{(whole == 0 ? 0 : 100.0 * part / whole):0.0} %");
}
