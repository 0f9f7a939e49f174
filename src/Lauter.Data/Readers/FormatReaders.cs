using System.IO.Compression;

namespace Lauter.Data.Readers;

/// <summary>Reads one document, or the parts of a container, into the context.</summary>
internal delegate void FormatReader(ReadContext context, string path, ReadOnlyMemory<byte> bytes, int depth);

/// <summary>Which reader serves which extension. A new format is a class and a line here.</summary>
internal static class FormatReaders
{
    public static readonly Dictionary<string, FormatReader> ByExtension = new(StringComparer.Ordinal)
    {
        [".md"] = Text("md", MarkdownReader.Read),
        [".markdown"] = Text("md", MarkdownReader.Read),
        [".txt"] = Text("txt", PlainTextReader.Read),
        [".html"] = Text("html", HtmlReader.Read),
        [".htm"] = Text("html", HtmlReader.Read),
        [".csv"] = Text("csv", DelimitedReader.Read),
        [".tsv"] = Text("tsv", DelimitedReader.Read),
        [".docx"] = Office("docx", DocxReader.Read),
        [".xlsx"] = Office("xlsx", XlsxReader.Read),
        [".pptx"] = Office("pptx", PptxReader.Read),
        [".pdf"] = PdfReader.Read,
        [".eml"] = MailReader.Read,
        [".zip"] = ReadZip,
    };

    private static FormatReader Text(string format, Action<ReadContext, DocumentBuilder, string> read) => (context, path, bytes, _) =>
    {
        var builder = new DocumentBuilder(context);
        var text = format == "html" ? HtmlReader.Decode(bytes) : EncodingDetector.Decode(bytes).Text;
        read(context, builder, text);
        Add(context, builder.Build(path, format));
    };

    private static FormatReader Office(string format, Action<ReadContext, DocumentBuilder, OfficePackage> read) => (context, path, bytes, _) =>
    {
        if (bytes.Span.StartsWith<byte>([0xD0, 0xCF, 0x11, 0xE0]))
        {
            throw new ReaderFault(RejectReasons.Unreadable, "it is encrypted, or of the binary Office format before 2007: save it without a password as " + format + ".");
        }

        var builder = new DocumentBuilder(context);
        using var package = new OfficePackage(context, bytes);
        builder.Title = package.Title();
        read(context, builder, package);
        Add(context, builder.Build(path, format));
    };

    internal static void Add(ReadContext context, SourceDocument? document)
    {
        if (document is not null)
        {
            context.Documents.Add(document);
        }
    }

    private static void ReadZip(ReadContext context, string path, ReadOnlyMemory<byte> bytes, int depth)
    {
        using var archive = context.OpenZip(bytes);
        foreach (var entry in archive.Entries.OrderBy(e => e.FullName, StringComparer.Ordinal))
        {
            if (entry.FullName.EndsWith('/') || entry.FullName.StartsWith("__MACOSX/", StringComparison.Ordinal))
            {
                continue;
            }

            // The name is only shown, never used as a path, so "../" in it does no harm.
            DocumentReader.ReadInto(context, $"{path}!{entry.FullName.Replace('\\', '/')}", context.ReadEntry(entry), depth + 1);
        }
    }
}
