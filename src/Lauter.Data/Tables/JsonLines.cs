using System.Text.Json;

namespace Lauter.Data.Tables;

/// <summary>Whole lines of a JSON Lines file: the work of one worker at a time.</summary>
/// <param name="Bytes">Holds the lines; only the first <paramref name="Length"/> bytes count.</param>
/// <param name="Length">Bytes in use.</param>
/// <param name="FirstLine">Number of the first line, from 1.</param>
internal sealed record LineBatch(byte[] Bytes, int Length, int FirstLine)
{
    /// <summary>Lines that are not blank, with their numbers.</summary>
    public IEnumerable<(ReadOnlyMemory<byte> Line, int Number)> Lines()
    {
        var number = FirstLine;
        for (var start = 0; start < Length; number++)
        {
            var rest = Bytes.AsSpan(start, Length - start);
            var end = rest.IndexOf((byte)'\n');
            var length = end < 0 ? rest.Length : end;
            var line = Bytes.AsMemory(start, length > 0 && rest[length - 1] == '\r' ? length - 1 : length);
            start += length + 1;
            if (line.Span.ContainsAnyExcept((byte)' ', (byte)'\t'))
            {
                yield return (line, number);
            }
        }
    }
}

/// <summary>Reads JSON Lines in portions of whole lines, so that workers parse them and memory stays bounded.</summary>
internal static class JsonLines
{
    private const int BatchBytes = 1 << 20;

    /// <summary>Longest line; a longer one is a fault of the file.</summary>
    private const int LongestLine = 1 << 29;

    /// <exception cref="InvalidDataException">A line is longer than 512 MiB.</exception>
    public static IEnumerable<LineBatch> Read(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1, FileOptions.SequentialScan);
        var buffer = new byte[BatchBytes];
        var (held, line, first) = (0, 1, true);
        while (true)
        {
            var read = file.Read(buffer, held, buffer.Length - held);
            if (first && read >= 3 && buffer.AsSpan().StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]))
            {
                buffer.AsSpan(3, read - 3).CopyTo(buffer);
                read -= 3;
            }

            first = false;
            held += read;
            var end = read == 0 ? held : buffer.AsSpan(0, held).LastIndexOf((byte)'\n') + 1;
            if (end == 0 && read > 0)
            {
                if (held == buffer.Length)
                {
                    Array.Resize(ref buffer, held < LongestLine ? 2 * held : throw new InvalidDataException($"{path}: line {line} is longer than {LongestLine >> 20} MiB; JSON Lines has one row on each line."));
                }

                continue;
            }

            if (end > 0)
            {
                var next = new byte[Math.Max(BatchBytes, held - end)];
                buffer.AsSpan(end, held - end).CopyTo(next);
                yield return new LineBatch(buffer, end, line);
                line += buffer.AsSpan(0, end).Count((byte)'\n');
                (buffer, held) = (next, held - end);
            }

            if (read == 0)
            {
                yield break;
            }
        }
    }

    /// <summary>The values of top-level <paramref name="fields"/>, in their order: text of strings, JSON of others, null where a field is missing. Null for a line that is no object.</summary>
    public static string?[]? Fields(ReadOnlyMemory<byte> line, IReadOnlyList<string> fields)
    {
        try
        {
            var reader = new Utf8JsonReader(line.Span);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return null;
            }

            var values = new string?[fields.Count];
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var field = -1;
                for (var i = 0; i < fields.Count && field < 0; i++)
                {
                    field = reader.ValueTextEquals(fields[i]) ? i : -1;
                }

                reader.Read();
                if (field >= 0)
                {
                    values[field] = ValueOf(ref reader, line);
                }
                else
                {
                    reader.Skip();
                }
            }

            return reader.TokenType == JsonTokenType.EndObject && !reader.Read() ? values : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Broken JSON, or a string with lone surrogates: the caller rejects the line by its number.
            return null;
        }
    }

    private static string? ValueOf(ref Utf8JsonReader reader, ReadOnlyMemory<byte> line)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.String:
                return reader.GetString();
            case JsonTokenType.Null:
                return null;
            default:
                var start = (int)reader.TokenStartIndex;
                reader.Skip();
                return System.Text.Encoding.UTF8.GetString(line.Span[start..(int)reader.BytesConsumed]);
        }
    }
}
