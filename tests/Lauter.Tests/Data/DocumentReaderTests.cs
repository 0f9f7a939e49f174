using System.IO.Compression;
using System.Text;
using CsCheck;
using Lauter.Data.Readers;
using Lauter.Tests.Support;

namespace Lauter.Tests.Data;

public sealed class DocumentReaderTests
{
    [Theory]
    [InlineData("a.pdf", "", "empty_file")]
    [InlineData("a.pdf", "not a pdf", "unreadable")]
    [InlineData("a.docx", "PK\u0003\u0004 broken", "unreadable")]
    [InlineData("a.zip", "PK", "unreadable")]
    [InlineData("a.exe", "MZ", "unsupported_format")]
    [InlineData("a.txt", "  \n ", "empty_file")]
    [InlineData("a.html", "<html><body><script>x</script></body></html>", "empty_file")]
    public void Read_BadInput_IsARejectWithAReason(string name, string content, string reason)
    {
        var result = Read(name, Encoding.Latin1.GetBytes(content));
        Assert.Empty(result.Documents);
        Assert.Equal(reason, Assert.Single(result.Rejects).Reason);
    }

    [Fact]
    public void Read_ZipBomb_IsRejectedBeforeItIsUnpacked()
    {
        var bomb = Zip(("a.txt", new byte[40 << 20]));
        Assert.Equal("zip_bomb", Assert.Single(Read("bomb.zip", bomb).Rejects).Reason);
        Assert.Equal("zip_bomb", Assert.Single(Read("bomb.docx", bomb).Rejects).Reason);
        Assert.Equal("zip_bomb", Assert.Single(Read("many.zip", Zip([.. Enumerable.Range(0, 30).Select(i => ($"{i}.txt", "text"u8.ToArray()))]), new ReaderLimits { MaximumZipEntries = 20 }).Rejects).Reason);
        var nested = Zip(("x.txt", "some words in a file"u8.ToArray()));
        for (var i = 0; i < 8; i++)
        {
            nested = Zip(("inner.zip", nested));
        }

        Assert.Equal("zip_bomb", Assert.Single(Read("nested.zip", nested).Rejects).Reason);
    }

    [Fact]
    public void Read_DocxWithDtd_IsRejected()
    {
        var docx = Docx("<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\">]><w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:body><w:p><w:r><w:t>&a;</w:t></w:r></w:p></w:body></w:document>");
        Assert.Equal("unreadable", Assert.Single(Read("dtd.docx", docx).Rejects).Reason);
    }

    [Fact]
    public void Read_DocxWithOutlineLevelsOnly_FindsTheHeadings()
    {
        var docx = Docx("""
            <w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>
            <w:p><w:pPr><w:outlineLvl w:val="0"/></w:pPr><w:r><w:t>安装</w:t></w:r></w:p>
            <w:p><w:pPr><w:outlineLvl w:val="1"/></w:pPr><w:r><w:t>Legs</w:t></w:r></w:p>
            <w:p><w:r><w:t>Screw them in.</w:t></w:r><w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>
            <w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val="2"/></w:tcPr><w:p><w:r><w:t>Head</w:t></w:r></w:p></w:tc></w:tr><w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>b</w:t></w:r></w:p></w:tc></w:tr></w:tbl>
            </w:body></w:document>
            """);
        var document = Assert.Single(Read("wps.docx", docx).Documents);
        Assert.Equal("# 安装\n\n## Legs\n\nScrew them in.\n\n| Head | Head |\n| --- | --- |\n| a | b |", document.ToMarkdown());
        Assert.Equal("安装", document.Title);
    }

    [Fact]
    public void Read_HtmlPage_MarksNavigationAndKeepsContent()
    {
        var html = """
            <html><head><title>T</title></head><body><nav><a>Home</a> <a>Shop</a></nav><div class="cookie-banner">We use cookies</div>
            <main><h1>Pump</h1><p>It <b>howls</b>.<br>Loudly.</p><ul><li>one<ul><li>two</li></ul></li></ul>
            <table><tr><th rowspan=2>a</th><th>b</th></tr><tr><td>c</td></tr></table><pre><code class="language-js">let a  = 1;</code></pre></main>
            <footer>Imprint</footer></body></html>
            """;
        var document = Assert.Single(Read("a.html", Encoding.UTF8.GetBytes(html)).Documents);
        Assert.Equal("# Pump\n\nIt howls.\nLoudly.\n\n- one\n  - two\n\n| a | b |\n| --- | --- |\n| a | c |\n\n```js\nlet a  = 1;\n```", string.Join("\n\n", document.Blocks.Where(b => b.Kind != BlockKinds.Navigation).Select(b => b.Text)));
        Assert.Equal(3, document.Blocks.Count(b => b.Kind == BlockKinds.Navigation));
    }

    [Fact]
    public void Read_MailWithAttachment_GivesBoth()
    {
        var result = DocumentReader.ReadFile(Path.Combine(SharedData.Require("data/documents"), "eml_with_attachment.eml"), cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(["eml_with_attachment.eml", "eml_with_attachment.eml!test.txt"], result.Documents.Select(d => d.Path));
        Assert.Contains("Hello Bob,", result.Documents[0].ToMarkdown(), StringComparison.Ordinal);
        Assert.Contains("dummy content", result.Documents[1].ToMarkdown(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gb18030")]
    [InlineData("big5")]
    [InlineData("utf-16")]
    [InlineData("utf-8")]
    public void Read_ChineseTextInAnyEncoding_IsDecoded(string encoding)
    {
        var text = "這個產品的問題，我們會在三天之內為您處理。請您先檢查機器的溫度，然後再聯繫我們的服務人員。";
        var encoded = (CodePagesEncodingProvider.Instance.GetEncoding(encoding) ?? Encoding.GetEncoding(encoding)).GetBytes(text);
        Assert.Equal(text, Assert.Single(Read("a.txt", encoded).Documents).ToMarkdown());
    }

    [Fact]
    public void Read_RandomBytes_NeverThrows()
    {
        var extensions = DocumentReader.Extensions.ToArray();
        Gen.Select(Gen.Int[0, extensions.Length - 1], Gen.Byte.Array[0, 400]).Sample((e, bytes) => Read("x" + extensions[e], bytes) is var r && r.Documents.Count + r.Rejects.Count > 0, iter: 300);
    }

    [Fact]
    public void Read_DamagedRealFiles_NeverThrows()
    {
        var files = Directory.GetFiles(SharedData.Require("data/documents")).Where(f => new FileInfo(f).Length < 60_000 && !f.EndsWith("expected.md", StringComparison.Ordinal)).Select(f => (Name: Path.GetFileName(f), Bytes: File.ReadAllBytes(f))).ToArray();
        Gen.Select(Gen.Int[0, files.Length - 1], Gen.Select(Gen.Double[0, 1], Gen.Byte).Array[1, 6], Gen.Double[0.2, 1]).Sample(
            (f, changes, cut) =>
            {
                var bytes = files[f].Bytes[..(int)(files[f].Bytes.Length * cut)];
                foreach (var (at, value) in changes)
                {
                    bytes[(int)(at * (bytes.Length - 1))] = value;
                }

                var result = Read(files[f].Name, bytes);
                return result.Documents.Count + result.Rejects.Count > 0;
            },
            iter: 100);
    }

    private static ReadResult Read(string name, byte[] bytes, ReaderLimits? limits = null) => DocumentReader.Read(name, bytes, limits ?? new ReaderLimits(), TestContext.Current.CancellationToken);

    private static byte[] Docx(string document) => Zip(("word/document.xml", Encoding.UTF8.GetBytes(document)));

    private static byte[] Zip(params (string Name, byte[] Content)[] entries)
    {
        using var memory = new MemoryStream();
        using (var archive = new ZipArchive(memory, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, content) in entries)
            {
                using var stream = archive.CreateEntry(name).Open();
                stream.Write(content);
            }
        }

        return memory.ToArray();
    }
}
