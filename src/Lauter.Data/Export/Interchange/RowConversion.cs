using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lauter.Data.Export.Interchange;

/// <summary>A batch in the new format: JSON lines by part (all in one part unless the format has several), and what was left out.</summary>
internal sealed class ConvertedBatch
{
    private const int MostMessages = 1_000;

    public SortedDictionary<string, (ArrayBufferWriter<byte> Lines, int Rows)> Parts { get; } = new(StringComparer.Ordinal);

    /// <summary>Members in the order in which they are first seen, for tables.</summary>
    public List<string> Columns { get; } = [];

    public int RowsIn { get; set; }

    /// <summary>The first thousand reasons.</summary>
    public List<string> Rejected { get; } = [];

    public void Reject(ForeignRow row, string reason)
    {
        if (Rejected.Count < MostMessages)
        {
            Rejected.Add($"{row.Source}:{row.Number}: {reason}");
        }
    }
}

/// <summary>Turns rows into rows of another format. Thread-safe.</summary>
/// <param name="format">One of <see cref="DatasetExchange.Formats"/>.</param>
internal sealed class RowConversion(string format)
{
    private static readonly JsonWriterOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public ConvertedBatch Convert(ForeignBatch batch)
    {
        var converted = new ConvertedBatch();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var row in batch.Rows)
        {
            converted.RowsIn++;
            try
            {
                var value = Convert(row.Value ?? throw new InterchangeFault(row.Fault ?? "the row is empty."));
                var part = format == "huggingface" ? TakePart((JsonObject)value) : "";
                var (lines, rows) = converted.Parts.TryGetValue(part, out var known) ? known : (new ArrayBufferWriter<byte>(1 << 16), 0);
                using (var writer = new Utf8JsonWriter(lines, Relaxed))
                {
                    value.WriteTo(writer);
                }

                lines.Write("\n"u8);
                converted.Parts[part] = (lines, rows + 1);
                if (format == "csv")
                {
                    converted.Columns.AddRange(((JsonObject)value).Select(m => m.Key).Where(seen.Add));
                }
            }
            catch (Exception e) when (e is InterchangeFault or InvalidOperationException or FormatException)
            {
                converted.Reject(row, e.Message);
            }
        }

        return converted;
    }

    private static string TakePart(JsonObject row)
    {
        var part = row["split"] is JsonValue v && v.TryGetValue<string>(out var name) && name.Length > 0 ? name : "train";
        row.Remove("split");
        return string.Concat(part.Select(c => char.IsAsciiLetterOrDigit(c) || c == '_' ? c : '_'));
    }

    private JsonNode Convert(JsonNode row)
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

    private static string Text(JsonNode value) => value is JsonValue v && v.TryGetValue<string>(out var text) ? text : CsvFile.ToLine(value);
}
