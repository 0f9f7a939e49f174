using System.Buffers;
using System.Text.Json;
using Lauter.Catalog.Objects;
using Lauter.Data.Export;

namespace Lauter.Data.Rows;

/// <summary>Rows of a shard on their way to a file: JSON lines, or columns for Parquet. Files appear whole, by rename.</summary>
internal sealed class RowWriter(RowFormat format, string textField, string idField)
{
    private static readonly JsonWriterOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    private static readonly ParquetTable<(string Id, string Text, string Language, string Fields)> Table = new(
        [
            new("id", typeof(string), r => r.Id), new("text", typeof(string), r => r.Text), new("language", typeof(string), r => r.Language), new("fields", typeof(string), r => r.Fields),
        ],
        v => ((string)v[0], (string)v[1], (string)v[2], (string)v[3]));

    private readonly ArrayBufferWriter<byte> _lines = new(1 << 20);
    private readonly List<(string, string, string, string)> _columns = [];
    private readonly ArrayBufferWriter<byte> _scratch = new(1 << 12);

    /// <summary>Rows added.</summary>
    public int Count { get; private set; }

    /// <param name="line">The row as it came.</param>
    /// <param name="outcome">What became of it.</param>
    /// <param name="text">Its text after the edits.</param>
    public void Add(ReadOnlySpan<byte> line, RowOutcome outcome, Func<string> text)
    {
        Count++;
        if (format == RowFormat.Parquet)
        {
            _columns.Add((outcome.Id, text(), outcome.Language, Fields(line)));
            return;
        }

        if (outcome.IsChanged)
        {
            _lines.Write(line[..outcome.TextStart]);
            using (var writer = new Utf8JsonWriter(_lines, Relaxed))
            {
                writer.WriteStringValue(text());
            }

            _lines.Write(line[(outcome.TextStart + outcome.TextLength)..]);
        }
        else
        {
            _lines.Write(line);
        }

        _lines.Write("\n"u8);
    }

    /// <summary>Writes the file and forgets the rows.</summary>
    public void Save(string pathWithoutExtension)
    {
        if (format == RowFormat.Parquet)
        {
            Table.WriteFile(pathWithoutExtension + ".parquet", _columns);
        }
        else
        {
            AtomicFile.WriteAllBytes(pathWithoutExtension + ".jsonl", _lines.WrittenSpan);
        }

        Clear();
    }

    /// <summary>Forgets the rows of a shard that was not finished.</summary>
    public void Clear()
    {
        _lines.ResetWrittenCount();
        _columns.Clear();
        Count = 0;
    }

    /// <summary>Writes dropped rows.</summary>
    public static void SaveRejects(RowFormat format, string pathWithoutExtension, List<RejectRow> rejects)
    {
        if (format == RowFormat.Parquet)
        {
            ParquetDataset.WriteRejectFile(pathWithoutExtension + ".parquet", rejects);
            return;
        }

        var lines = new ArrayBufferWriter<byte>(1 << 16);
        using var writer = new Utf8JsonWriter(lines, Relaxed);
        foreach (var row in rejects)
        {
            writer.Reset();
            writer.WriteStartObject();
            writer.WriteString("id", row.Id);
            writer.WriteString("source", row.Source);
            writer.WriteNumber("position", row.Position);
            writer.WriteString("stage", row.Stage);
            writer.WriteString("reason", row.Reason);
            writer.WriteString("detail", row.Detail);
            writer.WriteString("text", row.Text);
            writer.WriteEndObject();
            writer.Flush();
            lines.Write("\n"u8);
        }

        AtomicFile.WriteAllBytes(pathWithoutExtension + ".jsonl", lines.WrittenSpan);
    }

    /// <summary>The members of a row other than id and text, as one JSON object.</summary>
    private string Fields(ReadOnlySpan<byte> line)
    {
        _scratch.ResetWrittenCount();
        using (var writer = new Utf8JsonWriter(_scratch, Relaxed))
        {
            var reader = new Utf8JsonReader(line);
            reader.Read();
            writer.WriteStartObject();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals(textField) || reader.ValueTextEquals(idField))
                {
                    reader.Read();
                    reader.Skip();
                    continue;
                }

                writer.WritePropertyName(reader.GetString()!);
                reader.Read();
                var start = (int)reader.TokenStartIndex;
                reader.Skip();
                writer.WriteRawValue(line[start..(int)reader.BytesConsumed], skipInputValidation: true);
            }

            writer.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(_scratch.WrittenSpan);
    }
}
