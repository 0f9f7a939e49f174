using System.Text.Json;
using Lauter.Data;
using Lauter.Data.Documents;
using Lauter.Data.Examples;
using Lauter.Data.Export;
using Lauter.Data.Operators;
using Lauter.Data.Readers;
using Lauter.Data.Redaction;
using Lauter.Data.Splits;
using Lauter.Tests.Support;

namespace Lauter.Tests.Data;

/// <summary>The example's planted dirt is found: its truth files are read here and nowhere in the product.</summary>
public sealed class HelpdeskExampleTests : IDisposable
{
    private static readonly string Example = Path.Combine(SharedData.RepositoryRoot, "examples", "helpdesk");
    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-helpdesk-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Tickets_PlantedCopies_AreFoundAndNothingElse()
    {
        var report = BuildTickets();
        using var truth = Truth("tickets.json");
        var copies = truth.RootElement.GetProperty("duplicates").EnumerateArray().Select(d => (Id: d.GetProperty("id").GetString()!, Of: d.GetProperty("of").GetString()!)).ToList();
        var planted = copies.SelectMany(c => new[] { c.Id, c.Of }).ToHashSet();
        var dropped = ParquetDataset.ReadRejects(_directory).Where(r => r.Reason is "duplicate_of" or "conflicting_labels").Select(r => r.Id).ToHashSet();
        var found = copies.Count(c => dropped.Contains(c.Id) || dropped.Contains(c.Of));
        var wrong = dropped.Where(d => !planted.Contains(d)).ToList();
        Log($"copies found {found}/{copies.Count}, dropped although not planted {wrong.Count} of {dropped.Count}: {string.Join(' ', wrong.Take(10))}; missed {string.Join(' ', copies.Where(c => !dropped.Contains(c.Id) && !dropped.Contains(c.Of)).Take(10).Select(c => c.Id + "~" + c.Of))}");
        Log($"{report.RowsIn} in, {report.RowsOut} out, {report.Elapsed.TotalSeconds:0.00} s; {string.Join(", ", report.Dropped)}; {string.Join(", ", report.BySplit)}; {string.Join(", ", report.ByLanguage)}; {string.Join(", ", report.Redactions)}");
        Assert.True(found >= 0.99 * copies.Count, $"{found} of {copies.Count} planted copies were dropped.");
        Assert.True(dropped.Count - wrong.Count >= 0.95 * dropped.Count, $"{wrong.Count} of {dropped.Count} dropped rows were no planted copies.");
    }

    [Fact]
    public void Tickets_PlantedPersonalData_IsMaskedAndNothingElse()
    {
        BuildTickets();
        using var truth = Truth("tickets.json");
        var rows = ParquetDataset.ReadExamples(_directory).ToDictionary(r => r.Id, r => r.Text);
        int total = 0, masked = 0;
        foreach (var item in truth.RootElement.GetProperty("personal_data").EnumerateArray())
        {
            if (rows.TryGetValue(item.GetProperty("id").GetString()!, out var text))
            {
                total++;
                var value = item.GetProperty("value").GetString()!;
                var gone = !text.Contains(value, StringComparison.OrdinalIgnoreCase);
                masked += gone ? 1 : 0;
                if (!gone && total - masked < 12)
                {
                    Log($"not masked: {item.GetProperty("kind").GetString()} {value}");
                }
            }
        }

        var plantedIds = truth.RootElement.GetProperty("personal_data").EnumerateArray().Select(p => p.GetProperty("id").GetString()!).ToHashSet();
        var falseRows = rows.Where(r => !plantedIds.Contains(r.Key) && PersonalData.AllKinds.Any(k => r.Value.Contains(PersonalData.MaskOf(k), StringComparison.Ordinal))).ToList();
        Log($"personal data masked {masked}/{total}; rows with a mask but nothing planted {falseRows.Count}: {string.Join(" | ", falseRows.Take(5).Select(r => r.Value))}");
        Assert.True(masked >= 0.99 * total, $"{masked} of {total} planted values were masked.");
        Assert.True(falseRows.Count <= 3, $"{falseRows.Count} rows were masked without reason.");
    }

    [Fact]
    public void Handbook_Cleaned_DropsCopiesDirtAndPersonalData()
    {
        var files = Directory.GetFiles(Path.Combine(Example, "handbook"), "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Select(f => new SourceFile(Path.GetRelativePath(Example, f).Replace('\\', '/'), f)).ToList();
        Assert.SkipWhen(files.Count == 0, "skipped: the example's handbook is not there");
        var raw = Path.Combine(_directory, "raw");
        var clean = Path.Combine(_directory, "clean");
        var read = DocumentDataset.Read(files, new ReaderLimits(), raw, cancellation: TestContext.Current.CancellationToken);
        var recipe = Recipe.Parse("clean", File.ReadAllText(Path.Combine(Example, "recipes", "clean.yaml"))).Recipe!;
        var report = DocumentDataset.Clean(raw, recipe, clean, cancellation: TestContext.Current.CancellationToken);
        Log($"read {read.FilesIn} files, {read.DocumentsOut} documents, {read.Elapsed.TotalSeconds:0.00} s, rejected {string.Join(", ", read.Rejected)}; clean {report.DocumentsOut} in {report.Elapsed.TotalSeconds:0.00} s, dropped {string.Join(", ", report.Dropped)}, navigation {report.NavigationBlocks}, boilerplate {report.BoilerplateLines}, repaired {report.Repaired}, {string.Join(", ", report.Redactions)}, {string.Join(", ", report.ByLanguage)}");
        using var truth = Truth("handbook.json");
        var rows = ParquetDataset.ReadDocuments(clean).ToList();
        var rejects = ParquetDataset.ReadRejects(clean).ToList();
        foreach (var reject in rejects)
        {
            Log($"{reject.Source}: {reject.Reason} {reject.Detail}");
        }

        var copies = truth.RootElement.GetProperty("near_copies").EnumerateArray().Select(c => (Path: "handbook/" + c.GetProperty("path").GetString(), Of: "handbook/" + c.GetProperty("of").GetString())).ToList();
        var dropped = rejects.Where(r => r.Reason == "duplicate_of").Select(r => r.Source).ToHashSet();
        var found = copies.Count(c => dropped.Contains(c.Path) || dropped.Contains(c.Of));
        Log($"near-copies found {found}/{copies.Count}");
        var leaks = truth.RootElement.GetProperty("personal_data").EnumerateArray().Select(p => p.GetProperty("value").GetString()!).Where(v => rows.Exists(r => r.Text.Contains(v, StringComparison.OrdinalIgnoreCase))).ToList();
        Log($"personal data left: {string.Join(' ', leaks)}");
        Assert.Empty(leaks);
        Assert.Equal(copies.Count, found);
        Assert.Equal(copies.Count, dropped.Count);
        Assert.Empty(read.Rejected);
        foreach (var path in Directory.GetFiles(Path.Combine(Example, "handbook"), "*.html", SearchOption.AllDirectories))
        {
            var text = rows.Find(r => Path.Combine(Example, r.Path) == path)?.Text ?? "";
            Assert.DoesNotContain("cookie", text, StringComparison.OrdinalIgnoreCase);
        }

        Assert.DoesNotContain(rows, r => r.Text.Contains("â€", StringComparison.Ordinal) || r.Text.Contains('\uFFFD'));
    }

    private ExampleReport BuildTickets()
    {
        var source = Path.Combine(Example, "tickets.jsonl");
        Assert.SkipUnless(File.Exists(source), "skipped: the example's tickets are not there");
        return ExampleDataset.Build(
            [new SourceFile("tickets.jsonl", source)],
            new ExampleOptions
            {
                InputFields = ["text"], OutputFields = ["intent", "product", "urgency"], Split = new SplitOptions(0.2, 0.1, "reviewed"),
                Recipe = Recipe.BuiltIn("tickets"),
            },
            _directory,
            cancellation: TestContext.Current.CancellationToken);
    }

    private static JsonDocument Truth(string name) => JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Example, "truth", name)));

    private static void Log(string line) => TestContext.Current.TestOutputHelper?.WriteLine(line);
}
