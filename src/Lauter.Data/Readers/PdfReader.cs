using System.Text;
using Lauter.Data.Text;
using UglyToad.PdfPig;
using UglyToad.PdfPig.Content;
using UglyToad.PdfPig.DocumentLayoutAnalysis;
using UglyToad.PdfPig.DocumentLayoutAnalysis.PageSegmenter;
using UglyToad.PdfPig.DocumentLayoutAnalysis.ReadingOrderDetector;
using UglyToad.PdfPig.DocumentLayoutAnalysis.WordExtractor;
using UglyToad.PdfPig.Exceptions;

namespace Lauter.Data.Readers;

/// <summary>
/// PDF → blocks: (1) letters to words to lines to blocks in reading order, (2) lines at page edges that recur from page to page become
/// navigation, (3) lines clearly larger than the body text become headings, (4) pages without decodable text ask for character recognition.
/// </summary>
internal static class PdfReader
{
    /// <summary>Share of U+FFFD and private-use characters above which the text layer is worthless.</summary>
    private const double UndecodableShare = 0.15;

    internal sealed record Line(string Text, double Size, bool Bold, double Baseline, double Left);

    internal sealed record Block(List<Line> Lines, int Page, bool AtEdge)
    {
        /// <summary>Cells when the block is a table.</summary>
        public List<List<string>>? Rows { get; init; }
    }

    public static void Read(ReadContext context, string path, ReadOnlyMemory<byte> bytes, int depth)
    {
        PdfDocument document;
        try
        {
            document = PdfDocument.Open(bytes.ToArray(), new ParsingOptions { UseLenientParsing = true, SkipMissingFonts = true });
        }
        catch (PdfDocumentEncryptedException)
        {
            throw new ReaderFault(RejectReasons.Unreadable, "it is encrypted: save it without a password.");
        }

        using (document)
        {
            var builder = new DocumentBuilder(context) { Title = document.Information.Title is { Length: > 3 } title && !title.Contains('\uFFFD') ? title : null };
            var blocks = new List<Block>();
            int letters = 0, undecodable = 0;
            for (var number = 1; number <= document.NumberOfPages; number++)
            {
                context.CheckTime();
                var page = document.GetPage(number);
                foreach (var letter in page.Letters)
                {
                    foreach (var c in letter.Value)
                    {
                        letters++;
                        undecodable += c is '\uFFFD' or (>= '\uE000' and <= '\uF8FF') ? 1 : 0;
                    }
                }

                blocks.AddRange(BlocksOf(page));
            }

            if (letters == 0)
            {
                throw new ReaderFault(RejectReasons.NeedsOcr, $"its {document.NumberOfPages} pages hold pictures but no text.");
            }

            if (undecodable > UndecodableShare * letters)
            {
                throw new ReaderFault(RejectReasons.NeedsOcr, $"{(double)undecodable / letters:P0} of its characters cannot be decoded (a font without a Unicode map).");
            }

            Emit(builder, blocks, document.NumberOfPages);
            FormatReaders.Add(context, builder.Build(path, "pdf"));
        }
    }

    private static List<Block> BlocksOf(Page page)
    {
        var words = NearestNeighbourWordExtractor.Instance.GetWords(page.Letters.Where(l => l.TextOrientation == TextOrientation.Horizontal || page.Letters.Count < 2000).ToList()).Where(w => w.Text.Trim().Length > 0).ToList();
        if (words.Count == 0)
        {
            return [];
        }

        var segments = words.Count > 20_000 ? DefaultPageSegmenter.Instance.GetBlocks(words) : DocstrumBoundingBoxes.Instance.GetBlocks(words);
        var ordered = UnsupervisedReadingOrderDetector.Instance.Get(segments);
        var result = new List<Block>();
        foreach (var segment in ordered)
        {
            foreach (var lines in Parts([.. segment.TextLines.Select(LineOf).Where(l => l.Text.Length > 0)]))
            {
                result.Add(new Block(lines, page.Number, lines[^1].Baseline > page.Height * 0.9 || lines[0].Baseline < page.Height * 0.1));
            }
        }

        return PdfTables.Detect(result);
    }

    /// <summary>Cuts a block where the size changes or the gap grows: the segmenter joins headings with text when words are long, as Chinese ones are.</summary>
    private static List<List<Line>> Parts(List<Line> lines)
    {
        var gaps = lines.Zip(lines.Skip(1), (a, b) => a.Baseline - b.Baseline).Where(g => g > 0).Order().ToList();
        var usual = gaps.Count == 0 ? double.MaxValue : gaps[gaps.Count / 4];
        var parts = new List<List<Line>>();
        foreach (var line in lines)
        {
            var last = parts.Count == 0 ? null : parts[^1][^1];
            if (last is not null && Math.Abs(last.Size - line.Size) <= 0.08 * last.Size && last.Baseline - line.Baseline <= usual * 1.4)
            {
                parts[^1].Add(line);
            }
            else
            {
                parts.Add([line]);
            }
        }

        return parts;
    }

    private static Line LineOf(TextLine line)
    {
        var text = new StringBuilder();
        foreach (var word in line.Words)
        {
            var value = word.Text;
            if (text.Length > 0 && !(IsWide(text[^1]) && IsWide(value[0])))
            {
                text.Append(' ');
            }

            text.Append(value);
        }

        var letters = line.Words.SelectMany(w => w.Letters).ToList();
        var size = letters.Count == 0 ? 0 : letters.Select(l => l.PointSize).Order().ElementAt(letters.Count / 2);
        var bold = letters.Count > 0 && letters.Count(l => l.FontName?.Contains("Bold", StringComparison.OrdinalIgnoreCase) == true || l.FontName?.Contains("Black", StringComparison.OrdinalIgnoreCase) == true) * 10 > letters.Count * 8;
        var baseline = letters.Count == 0 ? line.BoundingBox.Bottom : letters[0].StartBaseLine.Y;
        return new Line(text.ToString().Trim(), size, bold, baseline, line.BoundingBox.Left);
    }

    private static void Emit(DocumentBuilder builder, List<Block> blocks, int pages)
    {
        var recurring = Recurring(blocks, pages);
        var sizes = blocks.SelectMany(b => b.Lines).GroupBy(l => Math.Round(l.Size, 1)).Select(g => (Size: g.Key, Characters: g.Sum(l => l.Text.Length))).OrderByDescending(s => s.Characters).ToList();
        var body = sizes.Count == 0 ? 0 : sizes[0].Size;
        var headingSizes = sizes.Select(s => s.Size).Where(s => s >= body * 1.12).OrderDescending().Take(4).ToList();
        foreach (var page in blocks.GroupBy(b => b.Page))
        {
            builder.Page = page.Key;
            foreach (var block in page)
            {
                EmitBlock(builder, block, recurring, headingSizes, body);
            }
        }
    }

    private static void EmitBlock(DocumentBuilder builder, Block block, HashSet<string> recurring, List<double> headingSizes, double body)
    {
        if (block.Rows is { } rows)
        {
            builder.Table(rows);
            return;
        }

        var paragraph = new List<string>();
        void Flush()
        {
            AddText(builder, Join(paragraph));
            paragraph.Clear();
        }

        foreach (var line in block.Lines)
        {
            if (block.AtEdge && (recurring.Contains(Shape(line.Text)) || IsPageNumber(line.Text)))
            {
                Flush();
                builder.Paragraph(line.Text, navigation: true);
                continue;
            }

            var level = headingSizes.IndexOf(Math.Round(line.Size, 1)) + 1;
            var boldHeading = level == 0 && line.Bold && block.Lines.Count == 1 && line.Text.Length < 100 && line.Size >= body && line.Text.Any(char.IsLetter) && line.Text[^1] is not ('.' or ',' or ';' or '。' or '，');
            if ((level > 0 && line.Text.Length < 200 && block.Lines.Count <= 4 && line.Text.Any(char.IsLetter)) || boldHeading)
            {
                Flush();
                builder.Heading(level > 0 ? level : Math.Min(headingSizes.Count + 1, 6), line.Text);
            }
            else
            {
                paragraph.Add(line.Text);
            }
        }

        Flush();
    }

    /// <summary>Joins lines of a paragraph: a hyphen at a line's end goes when a small letter follows; between Han characters no blank.</summary>
    private static string Join(List<string> lines)
    {
        var text = new StringBuilder();

        // Chinese setting breaks lines anywhere, even inside an address of Latin letters.
        var isChinese = lines.Sum(l => l.Count(TextFolding.IsHan)) * 2 > lines.Sum(l => l.Length);
        foreach (var line in lines)
        {
            if (text.Length > 1 && text[^1] == '-' && char.IsLetter(text[^2]) && char.IsLower(line[0]))
            {
                text.Length--;
            }
            else if (text.Length > 0)
            {
                text.Append(IsItem(line) ? "\n" : isChinese || (IsWide(text[^1]) && IsWide(line[0])) ? "" : " ");
            }

            text.Append(line);
        }

        return text.ToString();
    }

    /// <summary>Lines that begin with a bullet or a number become a list, the rest a paragraph.</summary>
    private static void AddText(DocumentBuilder builder, string text)
    {
        foreach (var line in text.Split('\n'))
        {
            if (IsItem(line))
            {
                var digits = line.TakeWhile(char.IsAsciiDigit).Count();
                builder.ListItem(0, digits == 0 ? "-" : line[..(digits + 1)], line[(digits + 1)..]);
            }
            else
            {
                builder.Paragraph(line);
            }
        }
    }

    private static bool IsItem(string line)
    {
        var digits = line.TakeWhile(char.IsAsciiDigit).Count();
        return digits == 0
            ? line.Length > 1 && line[0] is '\u2022' or '\u25CF' or '\u25AA' or '\u25E6' or '\u2023'
            : digits <= 2 && line.Length > digits + 2 && line[digits] is '.' or ')' or '、' && (line[digits] == '、' || line[digits + 1] == ' ');
    }

    /// <summary>Edge lines whose shape (digits taken out) stands on more than half of the pages, at least two.</summary>
    private static HashSet<string> Recurring(List<Block> blocks, int pages) =>
    [
        .. blocks.Where(b => b.AtEdge).SelectMany(b => b.Lines.Select(l => (Shape: Shape(l.Text), b.Page))).Distinct()
            .GroupBy(l => l.Shape, StringComparer.Ordinal).Where(g => g.Count() >= 2 && g.Count() * 2 > pages).Select(g => g.Key),
    ];

    private static string Shape(string line) => string.Concat(line.Where(c => !char.IsDigit(c) && !char.IsWhiteSpace(c)));

    private static bool IsPageNumber(string line) => line.Length <= 12 && line.Any(char.IsDigit) && Shape(line).Trim('-', '–', '—', '/', '第', '页', '共', '頁', '|', '.') is "" or "Page" or "page" or "Pageof" or "of";

    private static bool IsWide(char c) => TextFolding.IsHan(c) || c is (>= '\u3000' and <= '\u30FF') or (>= '\uFF01' and <= '\uFF5E');
}
