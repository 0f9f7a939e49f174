using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Catalog.Objects;
using Lauter.Data.Export;
using Lauter.Data.Readers;

namespace Lauter.Data.Examples;

/// <summary>One source row before cleaning.</summary>
internal sealed record SourceExample(string Id, string Source, int Line, JsonObject Input, string Output, string? Language, bool? Reviewed, bool MayBeTested, string? GivenSplit = null);

/// <summary>Reads JSONL, JSON arrays, CSV and TSV with a header into rows. A row that lacks a field becomes a reject, never an exception.</summary>
internal static class ExampleReader
{
    public static void Read(SourceFile file, ExampleOptions options, List<SourceExample> rows, List<RejectRow> rejects, CancellationToken cancellation)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(file.FullPath);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            rejects.Add(Reject(file, 0, RejectReasons.Unreadable, e.Message, ""));
            return;
        }

        if (bytes.Length == 0)
        {
            rejects.Add(Reject(file, 0, RejectReasons.EmptyFile, "the file has no bytes.", ""));
            return;
        }

        var text = EncodingDetector.Decode(bytes).Text;
        switch (Path.GetExtension(file.RelativePath).ToLowerInvariant())
        {
            case ".csv" or ".tsv":
                ReadDelimited(file, text, options, rows, rejects, cancellation);
                break;
            case ".jsonl" or ".ndjson" or ".json":
                ReadJsonLines(file, text, options, rows, rejects, cancellation);
                break;
            case var other:
                rejects.Add(Reject(file, 0, RejectReasons.UnsupportedFormat, $"labelled rows are read from .jsonl, .csv and .tsv, not from '{other}'.", ""));
                break;
        }
    }

    private static void ReadJsonLines(SourceFile file, string text, ExampleOptions options, List<SourceExample> rows, List<RejectRow> rejects, CancellationToken cancellation)
    {
        if (text.AsSpan().TrimStart().StartsWith("["))
        {
            ReadJsonArray(file, text, options, rows, rejects);
            return;
        }

        var line = 0;

        // Only at line feeds: JSON strings may hold U+2028 and U+0085, which other line readers take for line ends.
        foreach (var range in text.AsSpan().Split('\n'))
        {
            cancellation.ThrowIfCancellationRequested();
            line++;
            var span = text.AsSpan(range);
            if (span.IsWhiteSpace())
            {
                continue;
            }

            try
            {
                if (JsonNode.Parse(span.ToString()) is JsonObject row)
                {
                    Add(file, line, row, options, rows, rejects);
                }
                else
                {
                    rejects.Add(Reject(file, line, RejectReasons.Unreadable, "the line is not a JSON object.", span.ToString()));
                }
            }
            catch (Exception e) when (e is JsonException or ArgumentException)
            {
                rejects.Add(Reject(file, line, RejectReasons.Unreadable, $"the line is not valid JSON: {e.Message}", span.ToString()));
            }
        }
    }

    private static void ReadJsonArray(SourceFile file, string text, ExampleOptions options, List<SourceExample> rows, List<RejectRow> rejects)
    {
        try
        {
            var position = 0;
            foreach (var item in JsonNode.Parse(text)!.AsArray())
            {
                position++;
                if (item is JsonObject row)
                {
                    Add(file, position, (JsonObject)row.DeepClone(), options, rows, rejects);
                }
                else
                {
                    rejects.Add(Reject(file, position, RejectReasons.Unreadable, "the item is not a JSON object.", item?.ToJsonString() ?? "null"));
                }
            }
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            rejects.Add(Reject(file, 0, RejectReasons.Unreadable, $"the file is not valid JSON: {e.Message}", ""));
        }
    }

    private static void ReadDelimited(SourceFile file, string text, ExampleOptions options, List<SourceExample> rows, List<RejectRow> rejects, CancellationToken cancellation)
    {
        var table = DelimitedText.Parse(text, DelimitedText.SniffDelimiter(text));
        if (table.Count == 0)
        {
            rejects.Add(Reject(file, 0, RejectReasons.EmptyFile, "the file has no rows.", ""));
            return;
        }

        var header = table[0];
        for (var i = 1; i < table.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            var row = new JsonObject();
            for (var c = 0; c < header.Count && c < table[i].Count; c++)
            {
                var value = table[i][c];
                row[header[c].Trim()] = value is "true" or "false" ? JsonValue.Create(value == "true") : JsonValue.Create(value);
            }

            Add(file, i + 1, row, options, rows, rejects);
        }
    }

    private static void Add(SourceFile file, int line, JsonObject row, ExampleOptions options, List<SourceExample> rows, List<RejectRow> rejects)
    {
        var id = row[options.IdField] switch
        {
            JsonValue v when v.TryGetValue<string>(out var s) && s.Length > 0 => s,
            JsonValue v when v.TryGetValue<long>(out var n) => n.ToString(),
            _ => Rejects.IdOf(file.RelativePath, line.ToString()),
        };
        foreach (var field in options.InputFields.Concat(options.OutputFields))
        {
            if (row[field] is null)
            {
                rejects.Add(Rejects.Row(id, file.RelativePath, line, "read", RejectReasons.MissingField, $"the row has no field '{field}'; it has {string.Join(", ", row.Select(f => f.Key))}.", row.ToJsonString()));
                return;
            }
        }

        var input = new JsonObject(options.InputFields.Select(f => KeyValuePair.Create(f, row[f]?.DeepClone())));
        var output = new JsonObject(options.OutputFields.Select(f => KeyValuePair.Create(f, row[f]?.DeepClone())));
        var language = row[options.LanguageField] is JsonValue l && l.TryGetValue<string>(out var name) && name is "en" or "zh" ? row[options.LanguageField]!.GetValue<string>() : null;
        rows.Add(new SourceExample(id, file.RelativePath, line, input, Encoding.UTF8.GetString(CanonicalJson.Serialize(output)), language, Flag(row, options.ReviewedField),
            options.Split.TestWhere is not { } where || Flag(row, where) == true,
            options.SplitField is { } part ? row[part]?.ToString() : null));
    }

    private static bool? Flag(JsonObject row, string field) => row[field] is JsonValue v && v.TryGetValue<bool>(out var flag) ? flag : null;

    private static RejectRow Reject(SourceFile file, int line, string reason, string detail, string text) =>
        Rejects.Row(Rejects.IdOf(file.RelativePath, line.ToString()), file.RelativePath, line, "read", reason, detail, text);
}
