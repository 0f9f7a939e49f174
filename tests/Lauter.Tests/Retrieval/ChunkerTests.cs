using CsCheck;
using Lauter.Data.Export;
using Lauter.Retrieval.Chunks;

namespace Lauter.Tests.Retrieval;

public sealed class ChunkerTests
{
    [Fact]
    public void Cut_HeadingsNested_PathFollowsLevels()
    {
        var chunks = new Chunker(new ChunkOptions()).Cut(Samples.Document("# Kettle\nIntro.\n\n## Clean\nUse vinegar.\n\n### Often\nWeekly.\n\n## Store\nDry.\n"));
        Assert.Equal(["Kettle", "Kettle › Clean", "Kettle › Clean › Often", "Kettle › Store"], chunks.Select(chunk => chunk.HeadingPath));
        Assert.Equal(["Intro.", "Use vinegar.", "Weekly.", "Dry."], chunks.Select(chunk => chunk.Text));
    }

    [Fact]
    public void Cut_HashInsideFence_IsNoHeading()
    {
        var chunks = new Chunker(new ChunkOptions()).Cut(Samples.Document("# Setup\n```\n# comment\nrun\n```\nAfter.\n"));
        Assert.All(chunks, chunk => Assert.Equal("Setup", chunk.HeadingPath));
    }

    [Fact]
    public void Cut_LongTable_EveryPartHasTheHeader()
    {
        var rows = string.Join('\n', Enumerable.Range(1, 60).Select(i => $"| part {i} | {i * 10} CNY | in stock at the main warehouse |"));
        var text = "# Prices\n| Part | Price | Note |\n|---|---|---|\n" + rows + "\n";
        var chunks = new Chunker(new ChunkOptions()).Cut(Samples.Document(text));
        Assert.True(chunks.Count > 2);
        Assert.All(chunks, chunk => Assert.StartsWith("| Part | Price | Note |\n|---|---|---|\n", chunk.Text, StringComparison.Ordinal));
        Assert.All(Enumerable.Range(1, 60), i => Assert.Single(chunks, chunk => chunk.Text.Contains($"| part {i} |", StringComparison.Ordinal)));
    }

    [Fact]
    public void Cut_OnlyHeadings_AreTheText()
    {
        var chunks = new Chunker(new ChunkOptions()).Cut(Samples.Document("# Contents\n## Later\n"));
        Assert.NotEmpty(chunks);
    }

    [Fact]
    public void Cut_BlocksGiven_PageAndHeadingComeFromThem()
    {
        const string Text = "Clean\nUse vinegar.";
        const string Blocks = """[{"kind":"heading","level":1,"start":0,"length":5,"page":3},{"kind":"paragraph","level":0,"start":6,"length":12,"page":4}]""";
        var chunk = Assert.Single(new Chunker(new ChunkOptions()).Cut(Samples.Document(Text) with { Blocks = Blocks }));
        Assert.Equal(("Clean", 4, 6, 12), (chunk.HeadingPath, chunk.Page, chunk.Start, chunk.Length));
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("{}")]
    [InlineData("""[{"kind":"heading","start":5,"length":900}]""")]
    [InlineData("[1]")]
    public void Cut_UnusableBlocks_TextIsEnough(string blocks)
    {
        var chunk = Assert.Single(new Chunker(new ChunkOptions()).Cut(Samples.Document("# A\nBody.") with { Blocks = blocks }));
        Assert.Equal(("A", "Body."), (chunk.HeadingPath, chunk.Text));
    }

    /// <summary>Whatever the text: budgets hold, provenance is exact, order is kept, and no letter is lost.</summary>
    [Fact]
    public void Cut_AnyText_KeepsBudgetProvenanceAndEveryLetter()
    {
        var options = new ChunkOptions { EnglishTokens = 20, ChineseTokens = 20 };
        var line = Gen.OneOf(
            Gen.String[Gen.Char["abc .,!"], 0, 120], Gen.String[Gen.Char["清洗水壶。；"], 0, 60], Gen.String[Gen.Char["|-ab "], 0, 40],
            Gen.Const("# Heading"), Gen.Const(""), Gen.Const("|a|b|"), Gen.Const("|-|-|"), Gen.Const("```"), Gen.Const("😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀"));
        line.List[0, 12].Select(lines => string.Join('\n', lines)).Sample(
            text =>
            {
                var chunks = new Chunker(options).Cut(Samples.Document(text));
                var covered = new bool[text.Length];
                var end = 0;
                foreach (var chunk in chunks)
                {
                    Assert.True(chunk.Start >= end, "passages overlap");
                    end = chunk.Start + chunk.Length;
                    Assert.True(TokenEstimate.Of(chunk.Text) <= 21, $"{TokenEstimate.Of(chunk.Text)} tokens: {chunk.Text}");
                    Assert.EndsWith(text.Substring(chunk.Start, chunk.Length).Split('\n')[^1], chunk.Text, StringComparison.Ordinal);
                    covered.AsSpan(chunk.Start, chunk.Length).Fill(true);
                }

                foreach (var unit in TextUnit.Read(Samples.Document(text)))
                {
                    for (var i = unit.Start; i < unit.Start + unit.Length && unit.Kind != UnitKind.Heading; i++)
                    {
                        Assert.True(covered[i] || char.IsWhiteSpace(text[i]), $"'{text[i]}' at {i} was lost");
                    }
                }
            },
            iter: 2000);
    }
}
