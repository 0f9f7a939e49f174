using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Lauter.Data.Tables;

/// <summary>Writes a row again with some of its strings changed. Not thread-safe: one for each worker.</summary>
internal sealed class JsonEdit : IDisposable
{
    private readonly ArrayBufferWriter<byte> _buffer = new(1 << 16);
    private readonly Utf8JsonWriter _writer;

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
        var changed = false;
        _buffer.ResetWrittenCount();
        _writer.Reset();
        try
        {
            var reader = new Utf8JsonReader(line.Span);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return false;
            }

            _writer.WriteStartObject();
            var field = "";
            while (reader.Read())
            {
                switch (reader.TokenType)
                {
                    case JsonTokenType.PropertyName:
                        var name = reader.GetString()!;
                        field = reader.CurrentDepth == 1 ? name : field;
                        _writer.WritePropertyName(name);
                        break;
                    case JsonTokenType.String:
                        var value = reader.GetString()!;
                        var edited = edit(field, value);
                        changed |= !ReferenceEquals(edited, value) && edited != value;
                        _writer.WriteStringValue(edited);
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
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Broken JSON, or a string with lone surrogates: the caller rejects the line by its number.
            return false;
        }

        _writer.Flush();
        row = changed ? _buffer.WrittenSpan : line.Span;
        return true;
    }

    public void Dispose() => _writer.Dispose();
}
