using System.Security.Cryptography;
using Lauter.Data;
using Lauter.Data.Documents;
using Lauter.Data.Export;
using Lauter.Data.Operators;
using Lauter.Data.Readers;

namespace Lauter.Tests.Data;

public sealed class DocumentDatasetTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-documents-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void ReadThenClean_SmallCorpus_KeepsSpansAndDropsWhatItShould()
    {
        var files = Corpus();
        var read = DocumentDataset.Read(files, new ReaderLimits(), At("raw"), cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(1, read.Rejected["empty_file"]);
        var report = DocumentDataset.Clean(At("raw"), Recipe.BuiltIn("clean")!, At("clean"), cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(1, report.Dropped["duplicate_of"]);
        Assert.Equal(1, report.Dropped["too_short"]);
        Assert.Equal(6, report.BoilerplateLines);
        Assert.Equal(6, report.Redactions["email"]);
        var rows = ParquetDataset.ReadDocuments(At("clean")).ToList();
        Assert.Equal(5, rows.Count);
        Assert.All(rows, row =>
        {
            Assert.DoesNotContain("confidential", row.Text, StringComparison.Ordinal);
            Assert.Contains("[EMAIL]", row.Text, StringComparison.Ordinal);
            var spans = DocumentBlocks.Parse(row.Blocks);
            Assert.Equal(row.Text, string.Join("\n\n", spans.Select(s => row.Text.Substring(s.Start, s.Length))));
            Assert.StartsWith("# Part ", row.Text, StringComparison.Ordinal);
        });
        Assert.Equal("docs/0.md", rows[0].Path);
        Assert.Equal(2, rows[0].ClusterSize);
        Assert.StartsWith($"duplicate_of:{rows[0].Id}", ParquetDataset.ReadRejects(At("clean")).Single(r => r.Reason == "duplicate_of").Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Clean_OtherThreshold_UsesStoredScoresAndGivesTheSameAsWithout()
    {
        DocumentDataset.Read(Corpus(), new ReaderLimits(), At("raw"), cancellation: TestContext.Current.CancellationToken);
        Assert.False(DocumentDataset.Clean(At("raw"), Recipe.BuiltIn("clean")!, At("first"), At("cache"), cancellation: TestContext.Current.CancellationToken).ScoresReused);
        var strict = Recipe.Parse("clean", "operators: [repair_encoding, normalise, remove_navigation, remove_boilerplate_lines, redact_personal_data, drop_short: { minimum: 40 }, drop_near_duplicates: { threshold: 0.95 }]").Recipe!;
        Assert.True(DocumentDataset.Clean(At("raw"), strict, At("cached"), At("cache"), cancellation: TestContext.Current.CancellationToken).ScoresReused);
        Assert.False(DocumentDataset.Clean(At("raw"), strict, At("fresh"), cancellation: TestContext.Current.CancellationToken).ScoresReused);
        Assert.Equal(Hashes("fresh"), Hashes("cached"));
        Assert.NotEqual(Hashes("first"), Hashes("fresh"));
    }

    [Fact]
    public void DatasetJson_NamesEveryShardByHash()
    {
        DocumentDataset.Read(Corpus(), new ReaderLimits(), At("raw"), cancellation: TestContext.Current.CancellationToken);
        var manifest = DatasetManifest.Load(At("raw"))!;
        Assert.Equal("raw_documents", manifest.Kind);
        Assert.All(manifest.Tables.SelectMany(t => t.Shards), s => Assert.Equal(s.Sha256, Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(At("raw"), s.File))))));
        Assert.Equal(["id", "path", "title", "format", "language", "text", "blocks", "cluster", "cluster_size"], manifest.Tables[0].Columns.Select(c => c.Name));
    }

    private List<SourceFile> Corpus()
    {
        var topics = new[] { "kettle drains slowly when hops block the valve and the screen", "fermenter holds its temperature with a jacket of cold glycol water", "mill grinds malt between two rollers set to one millimetre", "chiller cools twenty litres of wort within eleven minutes of flow", "hub pairs with phones over radio and keeps five of them known" };
        var documents = topics.Select((t, i) => $"# Part {i}\n\nThe {t}, as every owner learns on the first day.\n\nWrite to anna@example.com about part {i} and its {t.Split(' ')[0]}.\n\nThis page is confidential and for customers only.").ToList();
        documents.Insert(0, documents[0].Replace("every owner", "every  OWNER", StringComparison.Ordinal));
        var files = documents.Select((d, i) => Write(i == 0 ? "docs/archive/0.md" : $"docs/{i - 1}.md", d)).ToList();
        files.Add(Write("docs/short.txt", "too few words"));
        files.Add(Write("docs/none.pdf", ""));
        return files;
    }

    private SourceFile Write(string relative, string text)
    {
        var path = At(relative);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return new SourceFile(relative, path);
    }

    private string At(string relative) => Path.Combine(_directory, relative);

    private SortedDictionary<string, string> Hashes(string directory) =>
        new(Directory.GetFiles(At(directory)).ToDictionary(f => Path.GetFileName(f)!, f => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(f)))));
}
