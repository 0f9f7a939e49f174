using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Catalog.Objects;
using Lauter.Data.Tables;

namespace Lauter.Data.Export.Interchange;

/// <summary>Rows with any members as a table: columns in the order in which members are first seen, nested values as JSON text.</summary>
internal static class TableExport
{
    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>CSV as RFC 4180 has it, UTF-8 with a byte order mark, which Excel needs to read Chinese.</summary>
    public static void WriteCsv(string path, IReadOnlyList<JsonObject> rows)
    {
        var columns = Columns(rows);
        var text = new StringBuilder("\uFEFF");
        text.AppendJoin(',', columns.Select(Cell)).Append("\r\n");
        foreach (var row in rows)
        {
            text.AppendJoin(',', columns.Select(c => Cell(TextOf(row[c])))).Append("\r\n");
        }

        AtomicFile.WriteAllBytes(path, Encoding.UTF8.GetBytes(text.ToString()));
    }

    /// <summary>Parquet with the type that all values of a column share.</summary>
    public static void WriteParquet(string path, IReadOnlyList<JsonObject> rows)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var lines = path + ".part.jsonl";
        try
        {
            File.WriteAllLines(lines, rows.Select(ToLine));
            ParquetRows.Write(lines, path);
        }
        finally
        {
            File.Delete(lines);
        }
    }

    internal static string ToLine(JsonNode row) => row.ToJsonString(Relaxed);

    private static string TextOf(JsonNode? value) => value switch
    {
        null => "",
        JsonValue v when v.TryGetValue<string>(out var text) => text,
        _ => value.ToJsonString(Relaxed),
    };

    private static string Cell(string text) =>
        text.AsSpan().IndexOfAny(",\"\r\n") >= 0 || text is [' ', ..] or [.., ' '] ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;

    private static List<string> Columns(IReadOnlyList<JsonObject> rows) => [.. rows.SelectMany(r => r.Select(m => m.Key)).Distinct(StringComparer.Ordinal)];
}
