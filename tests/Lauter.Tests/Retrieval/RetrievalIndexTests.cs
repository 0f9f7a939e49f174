using Lauter.Data.Export;
using Lauter.Retrieval;

namespace Lauter.Tests.Retrieval;

public sealed class RetrievalIndexTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("lauter-index-");

    private static DocumentRow[] Documents =>
    [
        Samples.Document("# Kettle\n## Cleaning\nDescale the kettle with vinegar once a month.\n\n## Warranty\nTwo years from purchase.\n", "kettle"),
        Samples.Document("# Grinder\nThe grinder makes coarse and fine powder.\n", "grinder"),
        Samples.Document("# 水壶\n## 清洗\n每月用白醋清洗水壶一次。\n\n## 保修\n自购买之日起两年。\n", "shuihu", "zh"),
        Samples.Document("", "empty"),
    ];

    [Theory]
    [InlineData("how do I descale it with vinegar?", "kettle", "Kettle › Cleaning")]
    [InlineData("怎么清洗水壶", "shuihu", "水壶 › 清洗")]
    [InlineData("怎麼清洗水壺", "shuihu", "水壶 › 清洗")]
    public async Task Search_AfterReopening_FindsThePassage(string query, string document, string headings)
    {
        await BuildAsync(_directory.FullName);
        var hits = await RetrievalIndex.Open(_directory.FullName, new HashEmbedder()).SearchAsync(query, 3, TestContext.Current.CancellationToken);
        Assert.Equal((document, headings), (hits[0].DocumentId, hits[0].HeadingPath));
        Assert.Equal(1, hits[0].Bm25Rank);
    }

    [Fact]
    public async Task Build_Twice_SameBytes()
    {
        string first = Path.Combine(_directory.FullName, "1"), second = Path.Combine(_directory.FullName, "2");
        var report = await BuildAsync(first);
        await BuildAsync(second);
        Assert.Equal((4, 1, 5), (report.Documents, report.EmptyDocuments, report.Chunks));
        foreach (var file in Directory.GetFiles(first))
        {
            Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(Path.Combine(second, Path.GetFileName(file))));
        }
    }

    [Theory]
    [InlineData("index.json")]
    [InlineData("chunks.jsonl.gz")]
    [InlineData("postings.bm25")]
    [InlineData("vectors.f32")]
    public async Task Open_FileCutOrMissing_NamesIt(string name)
    {
        await BuildAsync(_directory.FullName);
        var path = Path.Combine(_directory.FullName, name);
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..^7]);
        Assert.Contains(name, Assert.Throws<RetrievalException>(() => RetrievalIndex.Open(_directory.FullName, new HashEmbedder())).Message, StringComparison.Ordinal);
        File.Delete(path);
        Assert.Contains(name, Assert.Throws<RetrievalException>(() => RetrievalIndex.Open(_directory.FullName, new HashEmbedder())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Open_OtherEmbedder_IsRefused()
    {
        await BuildAsync(_directory.FullName);
        var fault = Assert.Throws<RetrievalException>(() => RetrievalIndex.Open(_directory.FullName, new HashEmbedder(64, "another")));
        Assert.Contains("another", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Search_EmptyQueryOrNoDocuments_NothingFound()
    {
        await RetrievalIndex.BuildAsync([], new IndexOptions(), new HashEmbedder(), _directory.FullName, null, TestContext.Current.CancellationToken);
        var index = RetrievalIndex.Open(_directory.FullName, new HashEmbedder());
        Assert.Empty(await index.SearchAsync("kettle", 3, TestContext.Current.CancellationToken));
    }

    public void Dispose() => _directory.Delete(recursive: true);

    private static Task<IndexReport> BuildAsync(string directory) =>
        RetrievalIndex.BuildAsync(Documents, new IndexOptions(), new HashEmbedder(), directory, null, TestContext.Current.CancellationToken);
}
