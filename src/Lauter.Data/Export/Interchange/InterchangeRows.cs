using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Data.Tables;

namespace Lauter.Data.Export.Interchange;

/// <summary>One row of a foreign file, or why it is none.</summary>
internal readonly record struct ForeignRow(string Source, long Number, JsonNode? Value, string? Fault);

/// <summary>Some rows of a foreign file, which a worker parses when it asks for them.</summary>
/// <param name="Rows">To be enumerated once.</param>
internal sealed record ForeignBatch(IEnumerable<ForeignRow> Rows);

/// <summary>
/// Rows of JSONL, JSON arrays, CSV, TSV, Parquet, and directories of these (the Hugging Face layout), one after the other, in batches. A file is never in
/// memory as a whole.
/// </summary>
internal static class InterchangeRows
{
    private const int RowsOfBatch = 256;

    /// <summary>Members with nested values that tables keep as JSON text.</summary>
    private static readonly string[] Nested = ["messages", "conversations", "history"];

    public static IEnumerable<ForeignBatch> Read(string path)
    {
        if (!Directory.Exists(path))
        {
            return ReadFile(path, null);
        }

        // The Hugging Face layout: data/train-00000-of-00001.parquet. The part becomes a member when the rows have none.
        return Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories)
            .Where(f => Path.GetExtension(f) is ".parquet" or ".jsonl" or ".csv" && !Path.GetRelativePath(path, f).StartsWith('.') && !Path.GetFileName(f).StartsWith("rejects", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .SelectMany(f => ReadFile(f, Path.GetFileName(f).Split('-', '.')[0] is var part && part is "train" or "validation" or "test" ? part : null));
    }

    private static IEnumerable<ForeignBatch> ReadFile(string path, string? part)
    {
        var name = Path.GetFileName(path);
        return Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".parquet" => ParquetRows.Read(path).Select(b => new ForeignBatch(b.Lines().Select(l => WithPart(Unfold(Parse(name, l.Number, l.Line)), part)))),
            ".csv" or ".tsv" => ReadDelimited(path, name).Chunk(RowsOfBatch).Select(b => new ForeignBatch(b.Select(r => WithPart(Row(name, r), part)))),
            ".json" => ReadArray(path, name).Chunk(RowsOfBatch).Select(b => new ForeignBatch(b.Select(r => WithPart(r, part)))),
            _ => JsonLines.Read(path).Select(b => new ForeignBatch(b.Lines().Select(l => WithPart(Parse(name, l.Number, l.Line), part)))),
        };
    }

    private static ForeignRow WithPart(ForeignRow row, string? part)
    {
        if (part is not null && row.Value is JsonObject o && !o.ContainsKey("split"))
        {
            o["split"] = part;
        }

        return row;
    }

    private static IEnumerable<ForeignRow> ReadArray(string path, string name)
    {
        using var file = File.OpenRead(path);
        using var rows = JsonSerializer.DeserializeAsyncEnumerable<JsonNode>(file).ToBlockingEnumerable().GetEnumerator();
        for (var number = 1; ; number++)
        {
            string? fault = null;
            try
            {
                if (!rows.MoveNext())
                {
                    yield break;
                }
            }
            catch (JsonException e)
            {
                fault = number == 1 ? $"the file is not a JSON array: {e.Message}" : $"the file is not valid JSON from here on: {e.Message}";
            }

            yield return fault is null ? new ForeignRow(name, number, rows.Current, rows.Current is null ? "the row is null." : null) : new ForeignRow(name, number, null, fault);
            if (fault is not null)
            {
                yield break;
            }
        }
    }

    private static IEnumerable<(long Number, List<string> Header, List<string> Cells)> ReadDelimited(string path, string name)
    {
        List<string>? header = null;
        long number = 0;
        foreach (var cells in DelimitedRows.Read(path))
        {
            number++;
            if (header is null)
            {
                header = [.. cells.Select(c => c.Trim())];
            }
            else
            {
                yield return (number, header, cells);
            }
        }
    }

    private static ForeignRow Row(string name, (long Number, List<string> Header, List<string> Cells) line)
    {
        var row = new JsonObject();
        for (var c = 0; c < line.Header.Count && c < line.Cells.Count; c++)
        {
            row[line.Header[c]] = line.Cells[c];
        }

        return Unfold(new ForeignRow(name, line.Number, row, null));
    }

    /// <summary>Nested members of tables were written as JSON texts.</summary>
    private static ForeignRow Unfold(ForeignRow row)
    {
        foreach (var member in Nested)
        {
            if (row.Value is JsonObject o && o[member] is JsonValue v && v.TryGetValue<string>(out var text) && text.StartsWith('['))
            {
                try
                {
                    o[member] = JsonNode.Parse(text);
                }
                catch (JsonException)
                {
                    // A text that only begins like a list: it stays a text.
                }
            }
        }

        return row;
    }

    private static ForeignRow Parse(string source, long number, ReadOnlyMemory<byte> line)
    {
        try
        {
            return new ForeignRow(source, number, JsonNode.Parse(line.Span), null);
        }
        catch (JsonException e)
        {
            return new ForeignRow(source, number, null, $"the line is not valid JSON: {e.Message}");
        }
    }
}
