using System.Text;

namespace Lauter.Data.Readers;

/// <summary>Cells → Markdown table: the first row is the header, ragged rows are filled, pipes are escaped, line ends become blanks. Pure.</summary>
internal static class MarkdownTable
{
    public static string Render(IReadOnlyList<IReadOnlyList<string>> rows)
    {
        var filled = rows.Where(r => r.Any(c => !string.IsNullOrWhiteSpace(c))).ToList();
        if (filled.Count == 0)
        {
            return "";
        }

        var width = filled.Max(r => LastFilled(r) + 1);
        var builder = new StringBuilder();
        for (var r = 0; r < filled.Count; r++)
        {
            builder.Append('|');
            for (var c = 0; c < width; c++)
            {
                var cell = c < filled[r].Count ? DocumentBuilder.OneLine(filled[r][c]).Replace("|", "\\|", StringComparison.Ordinal) : "";
                builder.Append(' ').Append(cell).Append(" |");
            }

            if (r == 0)
            {
                builder.Append('\n').Append('|').Insert(builder.Length, " --- |", width);
            }

            if (r < filled.Count - 1)
            {
                builder.Append('\n');
            }
        }

        return builder.ToString();
    }

    private static int LastFilled(IReadOnlyList<string> row)
    {
        for (var c = row.Count - 1; c >= 0; c--)
        {
            if (!string.IsNullOrWhiteSpace(row[c]))
            {
                return c;
            }
        }

        return 0;
    }
}
