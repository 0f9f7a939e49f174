using System.Text;
using System.Text.Json.Nodes;
using Lauter.Catalog.Objects;

namespace Lauter.Data.Export.Interchange;

/// <summary>What an export or import did.</summary>
/// <param name="RowsIn">Rows read.</param>
/// <param name="RowsOut">Rows written.</param>
/// <param name="Rejected">Rows left out: file, line and why.</param>
/// <param name="Files">What was written.</param>
public sealed record ExchangeReport(int RowsIn, int RowsOut, IReadOnlyList<string> Rejected, IReadOnlyList<string> Files);

/// <summary>
/// Rows between Lauter's JSONL and what other programs read: <c>openai</c>, <c>sharegpt</c>, <c>alpaca</c>, <c>qianfan</c>, <c>csv</c>, <c>parquet</c>,
/// <c>huggingface</c>. Members that a format has no place for are kept beside it, except in Qianfan, whose lines hold turns only. Holds the rows in memory.
/// </summary>
public static class DatasetExchange
{
    /// <summary>Formats that can be written.</summary>
    public static IReadOnlyList<string> Formats { get; } = [.. ChatFormats.Names, "csv", "parquet", "huggingface", "jsonl"];

    /// <summary>Writes the rows of a file or directory in a format.</summary>
    /// <param name="input">JSONL, JSON, CSV, TSV, Parquet, or a directory of these.</param>
    /// <param name="format">One of <see cref="Formats"/>.</param>
    /// <param name="output">A file; a directory for <c>huggingface</c>.</param>
    /// <param name="cancellation">Stops between rows.</param>
    public static ExchangeReport Export(string input, string format, string output, CancellationToken cancellation = default)
    {
        var rows = new List<JsonNode>();
        var rejected = new List<string>();
        var count = 0;
        foreach (var row in InterchangeRows.Read(input, cancellation))
        {
            count++;
            try
            {
                rows.Add(Convert(row.Value ?? throw new InterchangeFault(row.Fault ?? "the row is empty."), format));
            }
            catch (Exception e) when (e is InterchangeFault or InvalidOperationException or FormatException)
            {
                rejected.Add($"{row.Source}:{row.Number}: {e.Message}");
            }
        }

        var files = format switch
        {
            "csv" => Csv(output, rows),
            "parquet" => Parquet(output, rows),
            "huggingface" => HuggingFace(output, rows),
            _ => Lines(output, rows),
        };
        return new ExchangeReport(count, rows.Count, rejected, files);
    }

    private static JsonNode Convert(JsonNode row, string format)
    {
        var chat = ChatFormats.Detect(row);
        if (ChatFormats.Names.Contains(format))
        {
            return ChatFormats.Write(format, chat is null ? FromPlain(row) : ChatFormats.Read(chat, row));
        }

        // Tables and plain JSONL take rows as they are; a Qianfan line is a list and becomes messages.
        return row is JsonArray && chat is not null ? ChatFormats.Write("openai", ChatFormats.Read(chat, row)) : row is JsonObject ? row : throw new InterchangeFault("the row is not a JSON object.");
    }

    /// <summary>Rows of question and answer under the usual names, and Lauter's own examples (input and output as JSON objects).</summary>
    private static Conversation FromPlain(JsonNode row)
    {
        if (row is JsonObject o)
        {
            foreach (var (question, answer) in new[] { ("prompt", "response"), ("prompt", "completion"), ("question", "answer"), ("input", "output") })
            {
                if (o[question] is { } q && o[answer] is { } a)
                {
                    var others = new JsonObject(o.Where(m => m.Key != question && m.Key != answer && m.Key != "system").Select(m => KeyValuePair.Create(m.Key, m.Value?.DeepClone())));
                    return Conversation.Of((string?)o["system"], [(Text(q), Text(a))], others);
                }
            }
        }

        throw new InterchangeFault("the row is no conversation: it has neither messages, conversations, instruction and output, nor a question with an answer.");
    }

    private static string Text(JsonNode value) => value is JsonValue v && v.TryGetValue<string>(out var text) ? text : TableExport.ToLine(value);

    private static List<string> Lines(string output, List<JsonNode> rows)
    {
        var text = new StringBuilder();
        foreach (var row in rows)
        {
            text.Append(TableExport.ToLine(row)).Append('\n');
        }

        AtomicFile.WriteAllBytes(output, Encoding.UTF8.GetBytes(text.ToString()));
        return [output];
    }

    private static List<string> Csv(string output, List<JsonNode> rows)
    {
        TableExport.WriteCsv(output, [.. rows.Cast<JsonObject>()]);
        return [output];
    }

    private static List<string> Parquet(string output, List<JsonNode> rows)
    {
        TableExport.WriteParquet(output, [.. rows.Cast<JsonObject>()]);
        return [output];
    }

    /// <summary><c>README.md</c> with the configuration that <c>datasets.load_dataset</c> reads, and a Parquet file for each part.</summary>
    private static List<string> HuggingFace(string output, List<JsonNode> rows)
    {
        var files = new List<string>();
        var card = new StringBuilder("---\nconfigs:\n- config_name: default\n  data_files:\n");
        string[] known = ["train", "validation", "test"];
        foreach (var part in rows.Cast<JsonObject>().GroupBy(r => (string?)r["split"] is { Length: > 0 } s ? s : "train").OrderBy(g => Array.IndexOf(known, g.Key) is >= 0 and var i ? i : known.Length).ThenBy(g => g.Key, StringComparer.Ordinal))
        {
            var name = string.Concat(part.Key.Select(c => char.IsAsciiLetterOrDigit(c) || c == '_' ? c : '_'));
            var file = Path.Combine(output, "data", $"{name}-00000-of-00001.parquet");
            var data = part.ToList();
            foreach (var row in data)
            {
                row.Remove("split");
            }

            TableExport.WriteParquet(file, data);
            files.Add(file);
            card.Append($"  - split: {name}\n    path: data/{name}-*.parquet\n");
        }

        var readme = Path.Combine(output, "README.md");
        AtomicFile.WriteAllBytes(readme, Encoding.UTF8.GetBytes(card.Append("---\n").ToString()));
        files.Add(readme);
        return files;
    }
}
