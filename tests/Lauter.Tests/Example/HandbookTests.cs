using System.IO.Compression;
using System.Text;
using Lauter.Data.Readers;

namespace Lauter.Tests.Example;

/// <summary>The handbook holds the formats and the dirt that its truth file lists, and every question has its document.</summary>
public sealed class HandbookTests
{
    private static readonly string[] Files = [.. Directory.EnumerateFiles(ExampleFolder.PathOf("handbook"), "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    static HandbookTests() => Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);

    [Fact]
    public void Files_AllFormats_AreThereAndSmall()
    {
        Assert.Equal([".csv", ".docx", ".eml", ".html", ".md", ".pdf", ".pptx", ".txt", ".xlsx"], Files.Select(Path.GetExtension).Distinct().Order(StringComparer.Ordinal));
        Assert.Equal(ExampleFolder.Json("truth/handbook.json").GetProperty("documents").GetInt32(), Files.Length);
        Assert.InRange(Directory.EnumerateFiles(ExampleFolder.Root, "*", SearchOption.AllDirectories).Where(f => !f.Contains(".lauter", StringComparison.Ordinal)).Sum(f => new FileInfo(f).Length), 1, 3 << 20);
    }

    [Fact]
    public void Files_EachOne_IsReadWithoutReject()
    {
        Assert.All(Files, f =>
        {
            var result = DocumentReader.ReadFile(f);
            Assert.Empty(result.Rejects);
            Assert.All(result.Documents, d => Assert.True(d.ToMarkdown().Length > 80, d.Path));
        });
    }

    [Theory]
    [InlineData("service/warranty-terms.pdf", "24 months from delivery")]
    [InlineData("zh/warranty.pdf", "企业用户12个月")]
    [InlineData("zh/bk-50-install.docx", "不少于120公斤")]
    [InlineData("kettles/bk-50-manual.docx", "30 mA")]
    [InlineData("parts/spare-parts.xlsx", "2203-11")]
    [InlineData("service/training-courses.pptx", "Operator training BK-50 and F60")]
    [InlineData("zh/valve-leak.txt", "力矩12牛米")]
    [InlineData("mail/recall-plug.eml", "SN231850")]
    public void File_Read_ShowsItsText(string path, string expected)
    {
        var documents = DocumentReader.ReadFile(ExampleFolder.PathOf("handbook/" + path)).Documents;
        Assert.Contains(expected, string.Join('\n', documents.Select(d => d.ToMarkdown())), StringComparison.Ordinal);
    }

    [Fact]
    public void Gb18030_IsNotUtf8()
    {
        foreach (var path in Dirty("gb18030"))
        {
            var bytes = File.ReadAllBytes(path);
            Assert.Throws<DecoderFallbackException>(() => new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes));
            var text = Encoding.GetEncoding("GB18030").GetString(bytes);
            Assert.Contains('。', text);
            Assert.DoesNotContain('\uFFFD', text);
        }
    }

    [Fact]
    public void OutlineDocx_HasLevelsButNoHeadingStyle()
    {
        using var zip = ZipFile.OpenRead(Dirty("outline_levels_only").Single());
        using var reader = new StreamReader(zip.GetEntry("word/document.xml")!.Open());
        var xml = reader.ReadToEnd();
        Assert.Contains("<w:outlineLvl w:val=\"1\"/>", xml, StringComparison.Ordinal);
        Assert.DoesNotContain("Heading", xml, StringComparison.Ordinal);
    }

    [Fact]
    public void Mojibake_IsThere()
    {
        Assert.Contains("â€œ", File.ReadAllText(ExampleFolder.PathOf("handbook/company/history.txt")), StringComparison.Ordinal);
        Assert.DoesNotContain("售后", File.ReadAllText(ExampleFolder.PathOf("handbook/zh/service-letter.txt")), StringComparison.Ordinal);
    }

    [Fact]
    public void Pdfs_RepeatTheirFooter_OnSeveralPages()
    {
        Assert.All(Files.Where(f => f.EndsWith(".pdf", StringComparison.Ordinal)), f =>
            Assert.True(File.ReadAllText(f, Encoding.Latin1).Split("/Type /Page ").Length > 2, $"{f} has one page"));
        Assert.Contains("Page 2 of ", File.ReadAllText(ExampleFolder.PathOf("handbook/service/warranty-terms.pdf"), Encoding.Latin1), StringComparison.Ordinal);
    }

    [Fact]
    public void Questions_EachOne_NamesAFileOfTheHandbook()
    {
        var questions = File.ReadLines(ExampleFolder.PathOf("questions.jsonl")).Select(l => System.Text.Json.JsonDocument.Parse(l).RootElement).ToList();
        Assert.True(questions.Count >= 40);
        Assert.Equal(questions.Count, questions.Select(q => q.String("id")).Distinct().Count());
        Assert.All(questions, q => Assert.True(File.Exists(ExampleFolder.PathOf(q.String("path"))), q.String("path")));
        Assert.Equal(["en", "zh"], questions.Select(q => q.String("language")).Distinct().Order(StringComparer.Ordinal));
    }

    private static IEnumerable<string> Dirty(string kind)
    {
        var paths = ExampleFolder.Json("truth/handbook.json").GetProperty("dirt").EnumerateArray().Where(d => d.String("kind") == kind).Select(d => ExampleFolder.PathOf("handbook/" + d.String("path"))).ToList();
        Assert.NotEmpty(paths);
        return paths;
    }
}
