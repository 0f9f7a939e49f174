namespace Lauter.Data.Readers;

/// <summary>
/// Plain text → paragraphs at blank lines. A line underlined by <c>===</c> or <c>---</c> is a heading, and so is a short single line of the
/// form "1.2 Name", 第…章 or 一、… that stands alone.
/// </summary>
internal static class PlainTextReader
{
    public static void Read(ReadContext context, DocumentBuilder builder, string text)
    {
        var start = 0;
        while (start < text.Length)
        {
            var end = EndOfParagraph(text, start);
            Add(builder, text[start..end], start);
            start = end;
            while (start < text.Length && text[start] is '\n' or '\r')
            {
                start++;
            }
        }
    }

    private static int EndOfParagraph(string text, int start)
    {
        var i = start;
        while (i < text.Length)
        {
            var lineEnd = text.AsSpan(i).IndexOfAny('\n', '\r') is >= 0 and var at ? i + at : text.Length;
            if (i > start && text.AsSpan(i, lineEnd - i).IsWhiteSpace())
            {
                return i;
            }

            i = lineEnd;
            if (i < text.Length)
            {
                i += text[i] == '\r' && i + 1 < text.Length && text[i + 1] == '\n' ? 2 : 1;
            }
        }

        return text.Length;
    }

    private static void Add(DocumentBuilder builder, string paragraph, int start)
    {
        var lines = paragraph.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n').Trim('\n').Split('\n');
        if (lines.Length >= 2 && IsUnderline(lines[1]) && !string.IsNullOrWhiteSpace(lines[0]))
        {
            builder.Heading(lines[1].TrimStart()[0] == '=' ? 1 : 2, lines[0], start, paragraph.Length);
            builder.Paragraph(string.Join('\n', lines[2..]), start, paragraph.Length);
        }
        else if (lines.Length == 1 && HeadingLevel(lines[0].Trim()) is > 0 and var level)
        {
            builder.Heading(level, lines[0], start, paragraph.Length);
        }
        else
        {
            builder.Paragraph(string.Join('\n', lines.Select(l => l.TrimEnd(' ', '\t'))), start, paragraph.Length);
        }
    }

    private static bool IsUnderline(string line) => line.Trim() is { Length: >= 3 } t && (t.All(c => c == '=') || t.All(c => c == '-'));

    private static int HeadingLevel(string line)
    {
        if (line.Length is < 2 or > 60 || line[^1] is '.' or '。' or ',' or '，' or ';' or '；' or ':' or '：')
        {
            return 0;
        }

        if (line[0] == '第' && line.AsSpan(0, Math.Min(6, line.Length)).IndexOfAny('章', '节', '節') > 0)
        {
            return line.AsSpan(0, Math.Min(6, line.Length)).Contains('章') ? 1 : 2;
        }

        if ("一二三四五六七八九十".Contains(line[0], StringComparison.Ordinal) && line.AsSpan(0, Math.Min(4, line.Length)).Contains('、'))
        {
            return 2;
        }

        var digits = 0;
        var level = 1;
        var i = 0;
        while (i < line.Length && (char.IsAsciiDigit(line[i]) || line[i] == '.'))
        {
            digits += char.IsAsciiDigit(line[i]) ? 1 : 0;
            level += line[i] == '.' && i + 1 < line.Length && char.IsAsciiDigit(line[i + 1]) ? 1 : 0;
            i++;
        }

        return digits is > 0 and <= 6 && i < line.Length && line[i] == ' ' && i + 1 < line.Length && char.IsLetter(line[i + 1]) ? level : 0;
    }
}
