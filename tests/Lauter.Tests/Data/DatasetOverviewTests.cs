using System.Text.Json.Nodes;
using Lauter.Data;
using Lauter.Data.Examples;
using Lauter.Data.Export;
using Lauter.Data.Operators;
using Lauter.Data.Rows;

namespace Lauter.Tests.Data;

public sealed class DatasetOverviewTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-overview-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData(RowFormat.Jsonl)]
    [InlineData(RowFormat.Parquet)]
    public async Task Read_Run_AddsUpInTheOrderOfTheRecipe(RowFormat format)
    {
        var report = await Run(format);
        var overview = DatasetOverview.Read(_directory + "/out");
        Assert.Equal((report.RowsIn, report.RowsOut), (overview.RowsIn, overview.RowsOut));
        Assert.Equal(overview.RowsOut, overview.Funnel[^1].Left);
        Assert.Equal(["read", "drop_short", "drop_exact_duplicates"], overview.Funnel.Select(f => f.Stage));
        Assert.Equal([2, 10, 30], overview.Funnel.Select(f => f.Dropped));
        Assert.Equal(report.Dropped.Values.Sum(), overview.Rejects.Sum(r => r.Count));
        Assert.All(overview.Rejects, r => Assert.Equal(Math.Min(10, r.Count), r.Samples.Count));
        Assert.Contains(overview.Histograms, h => h is { Measure: "characters", IsCount: true } && h.Bars.Sum() > 0);
    }

    [Fact]
    public async Task RejectsOf_DroppedRow_SaysWhatItCopies()
    {
        await Run(RowFormat.Jsonl);
        var reject = Assert.Single(DatasetOverview.RejectsOf(_directory + "/out", "copy 3"));
        Assert.StartsWith("duplicate_of:row 3", reject.Detail, StringComparison.Ordinal);
        Assert.Empty(DatasetOverview.RejectsOf(_directory + "/out", "row 3"));
    }

    [Fact]
    public void Read_ExamplesVersion_CountsStagesFromItsRejects()
    {
        var path = Path.Combine(_directory, "rows.jsonl");
        File.WriteAllLines(path, Enumerable.Range(0, 40).Select(i => new JsonObject { ["text"] = $"The pump number {i % 30} of hall {i % 30} does not start again today.", ["label"] = "pump" }.ToJsonString()).Append("{"));
        var report = ExampleDataset.Build(
            [new SourceFile("rows.jsonl", path)], new ExampleOptions { InputFields = ["text"], OutputFields = ["label"], Recipe = Recipe.BuiltIn("tickets")! }, _directory + "/version", cancellation: TestContext.Current.CancellationToken);
        var overview = DatasetOverview.Read(_directory + "/version");
        Assert.Equal((report.RowsIn, report.RowsOut), (overview.RowsIn, overview.RowsOut));
        Assert.Equal(overview.RowsOut, overview.Funnel[^1].Left);
    }

    private async Task<RowReport> Run(RowFormat format)
    {
        var path = Path.Combine(_directory, "in.jsonl");
        var rows = Enumerable.Range(0, 50).Select(i => Row($"row {i}", $"The pump number {i} in hall {i * 7} was cleaned in the morning and it runs again since noon of day {i * 3}."))
            .Concat(Enumerable.Range(0, 30).Select(i => Row($"copy {i}", $"the PUMP number {i} in hall {i * 7} was cleaned in the morning and it runs again since noon of day {i * 3}")))
            .Concat(Enumerable.Range(0, 10).Select(i => Row($"short {i}", $"Pump {i}.")));
        File.WriteAllLines(path, rows.Append("{\"id\":\"no text\"}").Append("no JSON"));
        return await RowRun.RunAsync(
            new RowRunOptions { Recipe = Recipe.Parse("r", "operators: [normalise, drop_short: { minimum: 10 }, drop_exact_duplicates]").Recipe!, Inputs = RowRun.FindInputs(path), OutputDirectory = _directory + "/out", Format = format },
            cancellation: TestContext.Current.CancellationToken);
    }

    private static string Row(string id, string text) => new JsonObject { ["id"] = id, ["text"] = text }.ToJsonString();
}
