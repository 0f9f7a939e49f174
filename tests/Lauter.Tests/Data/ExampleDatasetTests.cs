using System.Security.Cryptography;
using Lauter.Data;
using Lauter.Data.Examples;
using Lauter.Data.Export;
using Lauter.Data.Operators;
using Lauter.Data.Splits;

namespace Lauter.Tests.Data;

public sealed class ExampleDatasetTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-examples-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Build_CopiesAndConflicts_KeepsOneRowAndTheReviewedLabel()
    {
        var report = Build(
            """
            {"id":"a","reviewed":true,"text":"The pump of my brewing kettle does not start any more, mail me at anna@example.com","intent":"pump"}
            {"id":"b","reviewed":false,"text":"The pump of my brewing kettle does not start any more!! mail me at anna@example.com","intent":"pump"}
            {"id":"c","reviewed":false,"text":"The pump of my brewing kettle does not start anymore, mail me at anna@example.com","intent":"invoice"}
            {"id":"d","reviewed":false,"text":"請問發票什麼時候可以開給我們公司？","intent":"invoice"}
            {"id":"e","reviewed":false,"text":"请问发票什么时候可以开给我们公司？","intent":"pump"}
            {"id":"f","text":"no label"}
            not json
            """);

        var rows = ParquetDataset.ReadExamples(_directory).ToList();
        var row = Assert.Single(rows);
        Assert.Equal("a", row.Id);
        Assert.Equal(3, row.ClusterSize);
        Assert.Contains("[EMAIL]", row.Text, StringComparison.Ordinal);
        Assert.Equal("""{"intent":"pump"}""", row.Output);
        Assert.Equal(7, report.RowsIn);
        var reasons = ParquetDataset.ReadRejects(_directory).ToDictionary(r => r.Id.Length == 1 ? r.Id : r.Position.ToString(), r => r.Reason);
        Assert.Equal("duplicate_of", reasons["b"]);
        Assert.Equal("conflicting_labels", reasons["c"]);
        Assert.Equal("conflicting_labels", reasons["d"]);
        Assert.Equal("conflicting_labels", reasons["e"]);
        Assert.Equal("missing_field", reasons["f"]);
        Assert.Equal("unreadable", reasons["7"]);
    }

    [Fact]
    public void Build_Twice_WritesTheSameBytes()
    {
        var lines = string.Join('\n', Enumerable.Range(0, 300).Select(i => $$"""{"id":"r{{i}}","reviewed":{{(i % 2 == 0 ? "true" : "false")}},"text":"row {{i}} {{Convert.ToHexString(SHA256.HashData([(byte)i, (byte)(i >> 8)]))}}","intent":"k{{i % 5}}"}"""));
        Build(lines);
        var first = Hashes();
        Build(lines);
        Assert.Equal(first, Hashes());
    }

    [Fact]
    public void Build_TestWhere_PutsOnlyReviewedClustersIntoTestAndMeetsTheShare()
    {
        var lines = string.Join('\n', Enumerable.Range(0, 2000).Select(i => $$"""{"id":"r{{i}}","reviewed":{{(i % 2 == 0 ? "true" : "false")}},"text":"row {{i}} {{Convert.ToHexString(SHA256.HashData([(byte)i, (byte)(i >> 8)]))}}","intent":"k{{i % 5}}"}"""));
        Build(lines, new SplitOptions(0.2, 0.1, "reviewed"));
        var rows = ParquetDataset.ReadExamples(_directory).ToList();
        Assert.All(rows.Where(r => r.Split == SplitNames.Test), r => Assert.Equal(0, int.Parse(r.Id[1..]) % 2));
        Assert.InRange(rows.Count(r => r.Split == SplitNames.Test), 0.17 * rows.Count, 0.23 * rows.Count);
        Assert.InRange(rows.Count(r => r.Split == SplitNames.Validation), 0.07 * rows.Count, 0.13 * rows.Count);
    }

    private Dictionary<string, string> Hashes() =>
        Directory.GetFiles(_directory).Where(f => !f.EndsWith(".jsonl", StringComparison.Ordinal)).ToDictionary(f => Path.GetFileName(f)!, f => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(f))));

    private ExampleReport Build(string lines, SplitOptions? split = null)
    {
        var source = Path.Combine(_directory, "rows.jsonl");
        File.WriteAllText(source, lines);
        return ExampleDataset.Build(
            [new SourceFile("rows.jsonl", source)],
            new ExampleOptions { InputFields = ["text"], OutputFields = ["intent"], Recipe = Recipe.BuiltIn("tickets"), Split = split ?? new SplitOptions() },
            _directory,
            cancellation: TestContext.Current.CancellationToken);
    }
}
