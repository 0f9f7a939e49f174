using System.Net;
using System.Text.RegularExpressions;
using Lauter.Data.Readers;
using Lauter.Data.Text;
using Lauter.Tests.Support;

namespace Lauter.Tests.Data;

/// <summary>How much of the reference text of real documents our readers find, by format.</summary>
public sealed partial class DocumentReaderRecallTests
{
    [Theory]
    [InlineData("docx", 0.985)]
    [InlineData("html", 0.985)]
    [InlineData("xlsx", 0.98)]
    [InlineData("pptx", 0.97)]
    [InlineData("md", 0.99)]
    [InlineData("csv", 0.99)]
    [InlineData("pdf", 0.98)]
    public void Read_ReferenceDocuments_FindsTheWordsOfTheReference(string format, double floor)
    {
        var directory = SharedData.Require("data/documents");
        double found = 0, wanted = 0, extra = 0;
        foreach (var file in Directory.GetFiles(directory, "*." + format).Where(f => !f.EndsWith(".expected.md", StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            var expected = Counts(WebUtility.HtmlDecode(NotText().Replace(File.ReadAllText(file + ".expected.md"), "$1")));
            var result = DocumentReader.ReadFile(file, cancellation: TestContext.Current.CancellationToken);
            var actual = Counts(NotText().Replace(string.Join('\n', result.Documents.Select(d => d.ToMarkdown())), "$1"));
            var hit = expected.Sum(e => Math.Min(e.Value, actual.GetValueOrDefault(e.Key)));
            found += hit;
            wanted += expected.Values.Sum();
            extra += actual.Values.Sum() - hit;
            var missing = string.Join(' ', expected.Where(e => actual.GetValueOrDefault(e.Key) < e.Value).Select(e => e.Key).Take(12));
            TestContext.Current.TestOutputHelper?.WriteLine($"{Path.GetFileName(file)}: {hit}/{expected.Values.Sum()} extra {actual.Values.Sum() - hit} missing: {missing} {string.Join(';', result.Rejects.Select(r => r.Reason + " " + r.Detail))}");
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{format}: token recall {found / wanted:0.0000}, tokens beyond the reference {extra / wanted:0.000}");
        Assert.True(found / wanted >= floor, $"{format}: token recall {found / wanted:0.0000} is below {floor}.");
    }

    /// <summary>What the reference writes beside the text: comments, link targets, names of LaTeX commands, who commented when.</summary>
    [GeneratedRegex(@"<!--.*?-->|(\])\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?:\s+""[^""]*"")?\)|\\[a-zA-Z]+|\[author: [^\]]*\]:", RegexOptions.Singleline, 5000)]
    private static partial Regex NotText();

    private static Dictionary<string, int> Counts(string text) => Segmenter.Words(text).GroupBy(w => w).ToDictionary(g => g.Key, g => g.Count(), StringComparer.Ordinal);
}
