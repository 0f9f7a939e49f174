using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Data.Readers;
using Lauter.Data.Rows;

namespace Lauter.Data.Export.Interchange;

/// <summary>One row of a foreign file, or why it is none.</summary>
internal readonly record struct ForeignRow(string Source, long Number, JsonNode? Value, string? Fault);

/// <summary>Rows of JSONL, JSON arrays, CSV, TSV, Parquet, and directories of these (the Hugging Face layout), one after the other.</summary>
internal static class InterchangeRows
{
    public static IEnumerable<ForeignRow> Read(string path, CancellationToken cancellation)
    {
        if (!Directory.Exists(path))
        {
            return ReadFile(path, cancellation);
        }

        // The Hugging Face layout: data/train-00000-of-00001.parquet. The part becomes a member when the rows have none.
        return Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories)
            .Where(f => Path.GetExtension(f) is ".parquet" or ".jsonl" or ".csv" && !Path.GetRelativePath(path, f).StartsWith('.') && !Path.GetFileName(f).StartsWith("rejects", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .SelectMany(f => ReadFile(f, cancellation).Select(r => WithPart(r, Path.GetFileName(f))));
    }

    private static ForeignRow WithPart(ForeignRow row, string file)
    {
        var part = file.Split('-', '.')[0];
        if (row.Value is JsonObject o && !o.ContainsKey("split") && part is "train" or "validation" or "test")
        {
            ((JsonObject)row.Value!)["split"] = part;
        }

        return row;
    }

    private static IEnumerable<ForeignRow> ReadFile(string path, CancellationToken cancellation) => Path.GetExtension(path).ToLowerInvariant() switch
    {
        ".parquet" => ReadParquet(path, cancellation),
        ".csv" or ".tsv" => ReadDelimited(path),
        ".json" => ReadArray(path),
        _ => ReadLines(path, cancellation),
    };

    private static IEnumerable<ForeignRow> ReadLines(string path, CancellationToken cancellation)
    {
        var name = Path.GetFileName(path);
        long number = 0;
        foreach (var line in File.ReadLines(path))
        {
            cancellation.ThrowIfCancellationRequested();
            number++;
            if (!string.IsNullOrWhiteSpace(line))
            {
                yield return Parse(name, number, line);
            }
        }
    }

    private static IEnumerable<ForeignRow> ReadArray(string path)
    {
        var name = Path.GetFileName(path);
        JsonArray? rows = null;
        string? fault = null;
        try
        {
            rows = JsonNode.Parse(File.ReadAllBytes(path)) as JsonArray;
            fault = rows is null ? "the file is not a JSON array." : null;
        }
        catch (JsonException e)
        {
            fault = $"the file is not valid JSON: {e.Message}";
        }

        if (rows is null)
        {
            yield return new ForeignRow(name, 0, null, fault);
            yield break;
        }

        for (var i = 0; i < rows.Count; i++)
        {
            yield return new ForeignRow(name, i + 1, rows[i]?.DeepClone(), rows[i] is null ? "the row is null." : null);
        }
    }

    private static IEnumerable<ForeignRow> ReadDelimited(string path)
    {
        var text = EncodingDetector.Decode(File.ReadAllBytes(path)).Text;
        var table = DelimitedText.Parse(text, DelimitedText.SniffDelimiter(text));
        for (var i = 1; i < table.Count; i++)
        {
            var row = new JsonObject();
            for (var c = 0; c < table[0].Count && c < table[i].Count; c++)
            {
                row[table[0][c].Trim()] = table[0][c].Trim() is "messages" or "conversations" && table[i][c].StartsWith('[') ? Try(table[i][c]) : table[i][c];
            }

            yield return new ForeignRow(Path.GetFileName(path), i + 1, row, null);
        }
    }

    private static IEnumerable<ForeignRow> ReadParquet(string path, CancellationToken cancellation)
    {
        var name = Path.GetFileName(path);
        foreach (var shard in ShardPlanner.PlanAsync([new SourceFile(name, path)], cancellation).GetAwaiter().GetResult())
        {
            var rows = ShardReader.ReadAsync(shard, "text", cancellation).GetAwaiter().GetResult();
            foreach (var line in rows.Lines)
            {
                var row = Parse(name, line.Number, Encoding.UTF8.GetString(rows.Bytes, line.Start, line.Length));

                // Nested members were written as JSON texts.
                foreach (var member in new[] { "messages", "conversations", "history" })
                {
                    if (row.Value is JsonObject o && o[member] is JsonValue v && v.TryGetValue<string>(out var text) && text.StartsWith('['))
                    {
                        o[member] = Try(text);
                    }
                }

                yield return row;
            }
        }
    }

    private static JsonNode? Try(string json)
    {
        try
        {
            return JsonNode.Parse(json);
        }
        catch (JsonException)
        {
            return json;
        }
    }

    private static ForeignRow Parse(string source, long number, string line)
    {
        try
        {
            return new ForeignRow(source, number, JsonNode.Parse(line), null);
        }
        catch (JsonException e)
        {
            return new ForeignRow(source, number, null, $"the line is not valid JSON: {e.Message}");
        }
    }
}
