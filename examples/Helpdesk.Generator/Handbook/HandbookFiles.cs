using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Helpdesk.Generator.Text;

namespace Helpdesk.Generator.Handbook;

/// <summary>Writes the handbook folder and truth/handbook.json.</summary>
internal static class HandbookFiles
{
    private static readonly JsonSerializerOptions Line = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static void Write(string folder, Dice root)
    {
        Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);
        var people = new PersonalData(Vocabulary.Load("shared.en.txt"), Vocabulary.Load("shared.zh.txt"), root.Fork("handbook"));
        var pages = PageReader.Read("handbook.en.txt", "en", people).Concat(PageReader.Read("handbook.zh.txt", "zh", people)).ToList();
        var handbook = Path.Combine(folder, "handbook");
        if (Directory.Exists(handbook))
        {
            Directory.Delete(handbook, recursive: true);
        }

        foreach (var (page, number) in pages.Select((p, i) => (p, i)))
        {
            var path = Path.Combine(handbook, page.Path);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllBytes(path, Bytes(page, number));
        }

        WriteTruth(Path.Combine(folder, "truth", "handbook.json"), pages);
    }

    private static byte[] Bytes(Page page, int number) => page.Format switch
    {
        "md" => TextWriters.Markdown(page),
        "txt" => TextWriters.Plain(page),
        "csv" => TextWriters.Csv(page),
        "html" => HtmlWriter.Write(page),
        "docx" => DocxWriter.Write(page),
        "xlsx" => XlsxWriter.Write(page),
        "pptx" => PptxWriter.Write(page),
        "eml" => EmlWriter.Write(page, number),
        "pdf" => PdfWriter.Write(page),
        _ => throw new InvalidOperationException($"{page.Path}: no writer for .{page.Format}; add one beside the others."),
    };

    /// <summary>What a cleaning run must find: near-copies, the dirt by file, and the planted personal data.</summary>
    private static void WriteTruth(string path, List<Page> pages)
    {
        var text = new StringBuilder("{\n");
        text.Append("  \"documents\": ").Append(pages.Count).Append(",\n");
        List(text, "near_copies", pages.Where(p => p.CopyOf is not null).Select(p => (object)new { path = p.Path, of = p.CopyOf }));
        List(text, "dirt", pages.SelectMany(p => Dirt(p).Select(d => (object)new { path = p.Path, kind = d })));
        List(text, "personal_data", pages.SelectMany(p => p.Planted.Select(d => (object)new { path = p.Path, kind = d.Kind, value = d.Value })), last: true);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text.Append("}\n").ToString(), new UTF8Encoding(false));
    }

    private static IEnumerable<string> Dirt(Page page)
    {
        var byFormat = page.Format switch
        {
            "html" => new[] { "navigation", "cookie_notice", "related_links", "footer" },
            "pdf" => ["repeated_header", "repeated_footer"],
            "docx" or "pptx" or "md" or "txt" => ["repeated_footer"],
            "eml" => ["mail_signature"],
            _ => [],
        };
        var byFlag = page.Flags.Select(f => f switch { "wps" => "outline_levels_only", "wide" => "full_width", _ => f });
        var traditional = page.Blocks.OfType<Heading>().Any(h => h.Text.Contains('處', StringComparison.Ordinal)) ? ["traditional_chinese"] : Array.Empty<string>();
        return byFormat.Concat(byFlag).Concat(traditional);
    }

    private static void List(StringBuilder text, string name, IEnumerable<object> items, bool last = false) =>
        text.Append("  \"").Append(name).Append("\": [\n    ").AppendJoin(",\n    ", items.Select(i => JsonSerializer.Serialize(i, Line))).Append("\n  ]").Append(last ? "\n" : ",\n");
}
