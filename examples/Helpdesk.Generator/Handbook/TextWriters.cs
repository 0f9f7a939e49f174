using System.Text;
using Helpdesk.Generator.Tickets;

namespace Helpdesk.Generator.Handbook;

/// <summary>Markdown, plain text and CSV, with the damage that old text files carry.</summary>
internal static class TextWriters
{
    /// <summary>Stands at the end of every Markdown and plain text file, as a publishing system leaves it.</summary>
    private const string Footer = "Sudhaven / 苏德港 · handbook@example.org · 2025-03\n";

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    public static byte[] Markdown(Page page)
    {
        var text = new StringBuilder();
        foreach (var block in page.Blocks)
        {
            switch (block)
            {
                case Heading h: text.Append('#', h.Level).Append(' ').Append(h.Text).Append("\n\n"); break;
                case Paragraph p: text.Append(p.Text).Append("\n\n"); break;
                case Entry e: text.Append(e.Number is { } n ? $"{n}. " : "- ").Append(e.Text).Append('\n'); break;
                case Table t:
                    text.Append("| ").AppendJoin(" | ", t.Rows[0]).Append(" |\n|").AppendJoin("", t.Rows[0].Select(_ => " --- |")).Append('\n');
                    foreach (var row in t.Rows.Skip(1))
                    {
                        text.Append("| ").AppendJoin(" | ", row).Append(" |\n");
                    }

                    text.Append('\n');
                    break;
            }
        }

        return Encode(page, text.Append(Footer).ToString());
    }

    public static byte[] Plain(Page page)
    {
        var text = new StringBuilder();
        foreach (var block in page.Blocks)
        {
            text.Append(block switch
            {
                Heading h => h.Level == 1 ? $"{h.Text}\n{new string('=', 24)}\n\n" : $"\n{h.Text}\n",
                Paragraph p => p.Text + "\n\n",
                Entry e => (e.Number is { } n ? $"{n}) " : "* ") + e.Text + "\n",
                Table t => string.Join('\n', t.Rows.Select(r => string.Join('\t', r))) + "\n\n",
                _ => "",
            });
        }

        return Encode(page, text.Append(Footer).ToString());
    }

    public static byte[] Csv(Page page) => Encode(page, Csv(page.Blocks.OfType<Table>().Single()));

    public static string Csv(Table table) => string.Concat(table.Rows.Select(r => string.Join(',', r.Select(Field)) + "\r\n"));

    private static string Field(string value) => value.AsSpan().ContainsAny(',', '"') ? $"\"{value.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : value;

    private static byte[] Encode(Page page, string text)
    {
        if (page.Has("wide"))
        {
            text = Copies.Widen(text);
        }

        if (page.Has("gb18030"))
        {
            return Encoding.GetEncoding("GB18030").GetBytes(text);
        }

        if (page.Has("mojibake"))
        {
            // UTF-8 taken for the Western encoding of Windows and saved as UTF-8 once more.
            return Utf8.GetBytes(Encoding.GetEncoding(1252).GetString(Utf8.GetBytes(text)));
        }

        return Utf8.GetBytes(text);
    }
}
