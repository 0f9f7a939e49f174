using System.Text;

namespace Lauter.Data.Readers;

/// <summary>CSV and its cousins (RFC 4180, with the usual liberties): quoted fields may hold delimiters, doubled quotes and line ends. Pure.</summary>
public static class DelimitedText
{
    private static readonly char[] Delimiters = [',', ';', '\t', '|'];

    /// <summary>The delimiter that gives the most rows the same number of fields, more than one; a comma when none does.</summary>
    public static char SniffDelimiter(string text)
    {
        var sample = text.Length > 65_536 ? text[..65_536] : text;
        var best = ',';
        var bestScore = 0.0;
        foreach (var delimiter in Delimiters)
        {
            var widths = Parse(sample, delimiter, maximumRows: 200).Select(r => r.Count).ToList();
            if (widths.Count == 0)
            {
                continue;
            }

            var common = widths.GroupBy(w => w).OrderByDescending(g => g.Count()).ThenByDescending(g => g.Key).First();
            var score = common.Key < 2 ? 0 : ((double)common.Count() / widths.Count) + (Math.Min(common.Key, 20) * 0.001);
            if (score > bestScore)
            {
                (best, bestScore) = (delimiter, score);
            }
        }

        return best;
    }

    /// <summary>All rows; ragged rows keep their own length; lines without any character are left out.</summary>
    public static List<List<string>> Parse(string text, char delimiter, int maximumRows = int.MaxValue)
    {
        var rows = new List<List<string>>();
        var row = new List<string>();
        var field = new StringBuilder();
        var quoted = false;
        var wasQuoted = false;
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (quoted)
            {
                if (c != '"')
                {
                    field.Append(c);
                }
                else if (i + 1 < text.Length && text[i + 1] == '"')
                {
                    field.Append('"');
                    i++;
                }
                else
                {
                    quoted = false;
                }
            }
            else if (c == '"' && field.Length == 0)
            {
                (quoted, wasQuoted) = (true, true);
            }
            else if (c == delimiter)
            {
                row.Add(field.ToString());
                field.Clear();
            }
            else if (c is '\n' or '\r')
            {
                if (c == '\r' && i + 1 < text.Length && text[i + 1] == '\n')
                {
                    i++;
                }

                EndRow(rows, row, field, wasQuoted);
                (row, wasQuoted) = ([], false);
                if (rows.Count >= maximumRows)
                {
                    return rows;
                }
            }
            else
            {
                field.Append(c);
            }
        }

        EndRow(rows, row, field, wasQuoted);
        return rows;
    }

    private static void EndRow(List<List<string>> rows, List<string> row, StringBuilder field, bool wasQuoted)
    {
        if (row.Count > 0 || field.Length > 0 || wasQuoted)
        {
            row.Add(field.ToString());
            rows.Add(row);
        }

        field.Clear();
    }
}
