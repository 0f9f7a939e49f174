using System.Globalization;
using System.Text;

namespace Helpdesk.Generator.Handbook;

/// <summary>
/// PDF pages with the same header and footer everywhere. Written by hand so that ids and dates stay out of the file. No font is
/// embedded: English uses Helvetica; Chinese uses STSong-Light with a predefined character map, as many official papers do.
/// </summary>
internal static class PdfWriter
{
    private const int Left = 64, Top = 752, Bottom = 110, Width = 470;

    /// <summary>A new page begins with each third section, so that short papers have several pages as well.</summary>
    private const int SectionsOnPage = 3;

    private sealed record Line(int Size, double X, double Y, string Text, bool Bold);

    public static byte[] Write(Page page)
    {
        var pages = Layout(page);
        var chinese = page.Language == "zh";
        var objects = new List<string>
        {
            "<< /Type /Catalog /Pages 2 0 R >>",
            $"<< /Type /Pages /Count {pages.Count} /Kids [{string.Join(' ', pages.Select((_, i) => $"{7 + (2 * i)} 0 R"))}] >>",
            chinese ? "<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H /DescendantFonts [5 0 R] >>" : "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
            chinese ? "<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H /DescendantFonts [5 0 R] >>" : "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
            "<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 4 >> /FontDescriptor 6 0 R /DW 1000 /W [1 95 500] >>",
            "<< /Type /FontDescriptor /FontName /STSong-Light /Flags 6 /FontBBox [-25 -254 1000 880] /ItalicAngle 0 /Ascent 880 /Descent -120 /CapHeight 880 /StemV 93 >>",
        };
        foreach (var (lines, i) in pages.Select((p, i) => (p, i)))
        {
            var content = new StringBuilder();
            foreach (var line in lines)
            {
                content.Append(CultureInfo.InvariantCulture, $"BT /{(line.Bold ? "F2" : "F1")} {line.Size} Tf {line.X:0.#} {line.Y:0.#} Td {Text(line.Text, chinese)} Tj ET\n");
            }

            objects.Add($"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> /Contents {8 + (2 * i)} 0 R >>");
            objects.Add($"<< /Length {content.Length} >>\nstream\n{content}endstream");
        }

        return Assemble(objects, page.Title, chinese);
    }

    private static byte[] Assemble(List<string> objects, string title, bool chinese)
    {
        objects.Add($"<< /Title {Text(chinese ? "\uFEFF" + title : title, chinese)} /Producer (Sudhaven) /CreationDate (D:20250106080000Z) >>");
        var pdf = new StringBuilder("%PDF-1.5\n%\u00E2\u00E3\u00CF\u00D3\n");
        var offsets = new List<int>();
        for (var i = 0; i < objects.Count; i++)
        {
            offsets.Add(pdf.Length);
            pdf.Append(CultureInfo.InvariantCulture, $"{i + 1} 0 obj\n{objects[i]}\nendobj\n");
        }

        var start = pdf.Length;
        pdf.Append(CultureInfo.InvariantCulture, $"xref\n0 {objects.Count + 1}\n0000000000 65535 f \n");
        foreach (var offset in offsets)
        {
            pdf.Append(CultureInfo.InvariantCulture, $"{offset:D10} 00000 n \n");
        }

        pdf.Append(CultureInfo.InvariantCulture, $"trailer\n<< /Size {objects.Count + 1} /Root 1 0 R /Info {objects.Count} 0 R >>\nstartxref\n{start}\n%%EOF\n");
        return Encoding.Latin1.GetBytes(pdf.ToString());
    }

    private static List<List<Line>> Layout(Page page)
    {
        var pages = new List<List<Line>>();
        double y = 0;
        var sections = 0;
        void Room(double height)
        {
            if (pages.Count == 0 || y - height < Bottom)
            {
                pages.Add([]);
                y = Top;
            }
        }

        void Put(string text, int size, bool bold, double indent)
        {
            foreach (var part in Wrap(text, size, Width - indent, page.Language == "zh"))
            {
                Room(size * 1.5);
                pages[^1].Add(new Line(size, Left + indent, y, part, bold));
                y -= size * 1.5;
            }
        }

        foreach (var block in page.Blocks)
        {
            switch (block)
            {
                case Heading h:
                    if (h.Level == 2 && ++sections % SectionsOnPage == 0)
                    {
                        y = 0;
                    }

                    Room(80);
                    y -= h.Level == 1 ? 0 : 10;
                    Put(h.Text, h.Level == 1 ? 20 : 15, true, 0);
                    y -= 4;
                    break;
                case Paragraph p: Put(p.Text, 12, false, 0); y -= 8; break;
                case Entry e: Put((e.Number is { } n ? $"{n}. " : "- ") + e.Text, 12, false, 16); break;
                case Table t:
                    foreach (var (row, r) in t.Rows.Select((row, r) => (row, r)))
                    {
                        Room(18);
                        pages[^1].AddRange(row.Select((c, i) => new Line(12, Left + (i * Width / row.Count), y, c, r == 0)));
                        y -= 18;
                    }

                    break;
            }
        }

        var (header, footer) = page.Language == "zh" ? ("苏德港酿造设备  客户手册2025", "苏德港  版权所有  第{0}页 共{1}页") : ("Sudhaven Brewing Equipment   Customer handbook 2025", "© 2025 Sudhaven. All rights reserved.   Page {0} of {1}");
        for (var i = 0; i < pages.Count; i++)
        {
            pages[i].Insert(0, new Line(9, Left, 806, header, false));
            pages[i].Add(new Line(9, Left, 36, string.Format(CultureInfo.InvariantCulture, footer, i + 1, pages.Count), false));
        }

        return pages;
    }

    private static IEnumerable<string> Wrap(string text, int size, double width, bool chinese)
    {
        if (chinese)
        {
            return text.Chunk((int)(width / size)).Select(c => new string(c));
        }

        var lines = new List<string> { "" };
        foreach (var word in text.Split(' '))
        {
            var longer = lines[^1].Length == 0 ? word : lines[^1] + " " + word;
            if (longer.Length * size * 0.5 > width)
            {
                lines.Add(word);
            }
            else
            {
                lines[^1] = longer;
            }
        }

        return lines;
    }

    private static string Text(string text, bool chinese) => chinese
        ? $"<{Convert.ToHexString(Encoding.BigEndianUnicode.GetBytes(text))}>"
        : $"({text.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("(", @"\(", StringComparison.Ordinal).Replace(")", @"\)", StringComparison.Ordinal)})";
}
