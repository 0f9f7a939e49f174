using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Lauter.Data.Tables;

/// <summary>Writes a row again with some of its strings changed. Not thread-safe: one for each worker.</summary>
internal sealed class JsonEdit : IDisposable
{
    private readonly ArrayBufferWriter<byte> _buffer = new(1 << 16);
    private readonly Utf8JsonWriter _writer;
    private readonly List<string> _edited = [];

    public JsonEdit() => _writer = new Utf8JsonWriter(_buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true });

    /// <summary>
    /// The row with <paramref name="edit"/> applied to string values; the bytes of the line itself when nothing changes. Valid until the next call.
    /// </summary>
    /// <param name="line">A JSON object.</param>
    /// <param name="edit">Gets the top-level field that holds the string, at any depth, and the string.</param>
    /// <returns>False when the line is no JSON object.</returns>
    public bool TryApply(ReadOnlyMemory<byte> line, Func<string, string, string> edit, out ReadOnlySpan<byte> row)
    {
        row = line.Span;
        _edited.Clear();
        try
        {
            // Most rows change in nothing: they are read once and never written.
            if (!Edit(line.Span, edit, out var changed))
            {
                return false;
            }

            if (changed)
            {
                Write(line.Span);
                row = _buffer.WrittenSpan;
            }

            return true;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Broken JSON, or a string with lone surrogates: the caller rejects the line by its number.
            return false;
        }
    }

    private bool Edit(ReadOnlySpan<byte> line, Func<string, string, string> edit, out bool changed)
    {
        changed = false;
        var reader = new Utf8JsonReader(line);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            return false;
        }

        var field = "";
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 1)
            {
                field = reader.ValueTextEquals(field) ? field : reader.GetString()!;
            }
            else if (reader.TokenType == JsonTokenType.String)
            {
                var value = reader.GetString()!;
                var edited = edit(field, value);
                changed |= !ReferenceEquals(edited, value) && edited != value;
                _edited.Add(edited);
            }
        }

        return true;
    }

    private void Write(ReadOnlySpan<byte> line)
    {
        _buffer.ResetWrittenCount();
        _writer.Reset();
        var reader = new Utf8JsonReader(line);
        var at = 0;
        while (reader.Read())
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.PropertyName:
                    _writer.WritePropertyName(reader.GetString()!);
                    break;
                case JsonTokenType.String:
                    _writer.WriteStringValue(_edited[at++]);
                    break;
                case JsonTokenType.StartObject:
                    _writer.WriteStartObject();
                    break;
                case JsonTokenType.EndObject:
                    _writer.WriteEndObject();
                    break;
                case JsonTokenType.StartArray:
                    _writer.WriteStartArray();
                    break;
                case JsonTokenType.EndArray:
                    _writer.WriteEndArray();
                    break;
                default:
                    _writer.WriteRawValue(reader.ValueSpan, skipInputValidation: true);
                    break;
            }
        }

        _writer.Flush();
    }

    public void Dispose() => _writer.Dispose();
}
