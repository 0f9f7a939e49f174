using System.Text;

namespace Lauter.Ledger.Focus;

/// <summary>Comma-separated values as RFC 4180 writes them: fields in quotes may hold commas, line ends and doubled quotes.</summary>
internal static class Csv
{
    /// <summary>The rows, the first one included. An unquoted empty field is null, as in FOCUS; a quoted one is an empty text.</summary>
    /// <exception cref="FormatException">A quoted field does not end.</exception>
    public static IEnumerable<string?[]> Read(TextReader reader)
    {
        List<string?> row = [];
        var field = new StringBuilder();
        var (quoted, inside, line) = (false, false, 1);
        while (true)
        {
            var c = reader.Read();
            if (inside)
            {
                switch (c)
                {
                    case < 0:
                        throw new FormatException($"The quoted field that goes on in line {line} does not end.");
                    case '"' when reader.Peek() == '"':
                        _ = reader.Read();
                        field.Append('"');
                        break;
                    case '"':
                        inside = false;
                        break;
                    default:
                        line += c == '\n' ? 1 : 0;
                        field.Append((char)c);
                        break;
                }

                continue;
            }

            switch (c)
            {
                case '"' when field.Length == 0 && !quoted:
                    (quoted, inside) = (true, true);
                    break;
                case ',':
                    End();
                    break;
                case '\r' when reader.Peek() == '\n':
                    break;
                case < 0 or '\n':
                    line++;
                    if (row.Count > 0 || field.Length > 0 || quoted)
                    {
                        End();
                        yield return [.. row];
                        row.Clear();
                    }

                    if (c < 0)
                    {
                        yield break;
                    }

                    break;
                default:
                    field.Append((char)c);
                    break;
            }
        }

        void End()
        {
            row.Add(field.Length == 0 && !quoted ? null : field.ToString());
            field.Clear();
            quoted = false;
        }
    }

    /// <summary>One row with its line end.</summary>
    public static string Row(IEnumerable<string?> fields) => string.Join(',', fields.Select(Quote)) + "\r\n";

    private static string Quote(string? value) => value is null ? ""
        : value.Length > 0 && value.AsSpan().IndexOfAny(",\"\r\n") < 0 ? value
        : $"\"{value.Replace("\"", "\"\"")}\"";
}
