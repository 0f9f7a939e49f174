using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Data.Dedup;
using Lauter.Data.Tables;

namespace Lauter.Data.Export.Interchange;

/// <summary>Rows with any members as CSV (RFC 4180), UTF-8 with a byte order mark, which Excel needs to read Chinese; nested values as JSON text.</summary>
internal static class CsvFile
{
    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>What makes a cell need quotes: also what other programs take for a delimiter.</summary>
    private static readonly SearchValues<char> Special = SearchValues.Create(",;\t|\"\r\n");

    /// <summary>Writes the rows of a JSON Lines file.</summary>
    /// <param name="lines">JSON objects.</param>
    /// <param name="columns">Every member that occurs, in the order of the columns.</param>
    /// <param name="path">The CSV file.</param>
    /// <param name="workers">Threads; changes no result.</param>
    /// <param name="cancellation">Stops between batches.</param>
    public static void Write(string lines, IReadOnlyList<string> columns, string path, int workers, CancellationToken cancellation)
    {
        var temporary = path + ".tmp";
        using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 18))
        {
            var head = new StringBuilder("\uFEFF");
            Append(head, columns);
            file.Write(Encoding.UTF8.GetBytes(head.ToString()));
            foreach (var bytes in OrderedMap.Run(JsonLines.Read(lines), b => Render(b, columns), workers, cancellation))
            {
                file.Write(bytes);
            }

            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
    }

    internal static string ToLine(JsonNode row) => row.ToJsonString(Relaxed);

    private static byte[] Render(LineBatch batch, IReadOnlyList<string> columns)
    {
        var text = new StringBuilder(batch.Length);
        foreach (var (line, _) in batch.Lines())
        {
            var row = JsonNode.Parse(line.Span)!.AsObject();
            Append(text, columns.Select(c => TextOf(row[c])));
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static void Append(StringBuilder text, IEnumerable<string> cells)
    {
        var (start, count) = (text.Length, 0);
        foreach (var cell in cells)
        {
            text.Append(count++ > 0 ? "," : "");
            if (cell.AsSpan().IndexOfAny(Special) >= 0 || cell is [' ', ..] or [.., ' '])
            {
                text.Append('"').Append(cell.Replace("\"", "\"\"", StringComparison.Ordinal)).Append('"');
            }
            else
            {
                text.Append(cell);
            }
        }

        // A row of one empty cell would be a blank line, and those are no rows.
        text.Append(text.Length == start ? "\"\"" : "").Append("\r\n");
    }

    private static string TextOf(JsonNode? value) => value switch
    {
        null => "",
        JsonValue v when v.TryGetValue<string>(out var text) => text,
        _ => value.ToJsonString(Relaxed),
    };
}
