using System.Buffers;
using System.Text;
using System.Text.Json;
using Parquet;
using Parquet.Schema;

namespace Lauter.Data.Tables;

/// <summary>
/// Parquet files with flat columns as JSON Lines and back. Written columns take the type that all their values share: string, int64, double
/// or boolean; anything else, nested values too, is stored as its JSON text. Row groups of 20,000 rows or 48 MiB, zstd.
/// </summary>
internal static class ParquetRows
{
    private const int RowsPerGroup = 20_000;

    /// <summary>A group ends earlier when its lines have grown to this: long rows must not fill the memory.</summary>
    private const int BytesPerGroup = 48 << 20;

    /// <summary>What all values of a column have in common.</summary>
    internal enum ColumnType
    {
        Unknown,
        Boolean,
        Integer,
        Number,
        Text,
        Json,
    }

    /// <summary>Batches of lines, a row group each.</summary>
    public static IEnumerable<LineBatch> Read(string path)
    {
        using var stream = File.OpenRead(path);
        var reader = ParquetReader.CreateAsync(stream).GetAwaiter().GetResult();
        try
        {
            var line = 1;
            for (var g = 0; g < reader.RowGroupCount; g++)
            {
                var (bytes, rows) = GroupAsync(reader, g, path).GetAwaiter().GetResult();
                yield return new LineBatch(bytes.Array!, bytes.Count, line);
                line += rows;
            }
        }
        finally
        {
            reader.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    /// <summary>Reads the lines twice: for the columns, then for the values.</summary>
    public static void Write(string jsonLines, string path) => Write(jsonLines, path, ColumnsOf([jsonLines]));

    /// <summary>Writes the lines with columns that other files may share.</summary>
    public static void Write(string jsonLines, string path, IReadOnlyList<(string Name, ColumnType Type)> columns) => WriteAsync(jsonLines, path, columns).GetAwaiter().GetResult();

    /// <summary>Columns that hold the rows of all <paramref name="files"/>, in the order in which members are first seen.</summary>
    public static IReadOnlyList<(string Name, ColumnType Type)> ColumnsOf(IEnumerable<string> files)
    {
        var columns = new List<(string Name, ColumnType Type)>();
        foreach (var (row, _) in files.SelectMany(JsonLines.Read).SelectMany(b => b.Lines()))
        {
            Learn(row, columns);
        }

        return columns;
    }

    private static void Learn(ReadOnlyMemory<byte> line, List<(string Name, ColumnType Type)> columns)
    {
        using var document = JsonDocument.Parse(line);
        foreach (var property in document.RootElement.EnumerateObject())
        {
            var seen = property.Value.ValueKind switch
            {
                JsonValueKind.String => ColumnType.Text,
                JsonValueKind.True or JsonValueKind.False => ColumnType.Boolean,
                JsonValueKind.Number => property.Value.TryGetInt64(out _) ? ColumnType.Integer : ColumnType.Number,
                JsonValueKind.Null => ColumnType.Unknown,
                _ => ColumnType.Json,
            };
            var at = columns.FindIndex(c => c.Name == property.Name);
            if (at < 0)
            {
                columns.Add((property.Name, seen));
            }
            else
            {
                columns[at] = (property.Name, Join(columns[at].Type, seen));
            }
        }
    }

    private static ColumnType Join(ColumnType a, ColumnType b) => (a, b) switch
    {
        _ when a == b => a,
        (ColumnType.Unknown, _) => b,
        (_, ColumnType.Unknown) => a,
        (ColumnType.Integer, ColumnType.Number) or (ColumnType.Number, ColumnType.Integer) => ColumnType.Number,
        _ => ColumnType.Json,
    };

    private static async Task WriteAsync(string jsonLines, string path, IReadOnlyList<(string Name, ColumnType Type)> columns)
    {
        var fields = columns.Select(c => new DataField(c.Name, TypeOf(c.Type), isNullable: true)).ToArray();
        var options = new ParquetOptions { CompressionMethod = CompressionMethod.Zstd, CompressionLevel = System.IO.Compression.CompressionLevel.Fastest };
        var temporary = path + ".part";
        await using (var stream = File.Create(temporary))
        await using (var writer = await ParquetWriter.CreateAsync(new ParquetSchema(fields), stream, options))
        {
            foreach (var chunk in Groups(jsonLines))
            {
                using var group = writer.CreateRowGroup();
                for (var c = 0; c < columns.Count; c++)
                {
                    var values = chunk.Select(d => d.RootElement.TryGetProperty(columns[c].Name, out var v) && v.ValueKind != JsonValueKind.Null ? v : (JsonElement?)null);
                    switch (columns[c].Type)
                    {
                        case ColumnType.Boolean:
                            await group.WriteAsync<bool>(fields[c], values.Select(v => v?.GetBoolean()).ToArray());
                            break;
                        case ColumnType.Integer:
                            await group.WriteAsync<long>(fields[c], values.Select(v => v?.GetInt64()).ToArray());
                            break;
                        case ColumnType.Number:
                            await group.WriteAsync<double>(fields[c], values.Select(v => v?.GetDouble()).ToArray());
                            break;
                        case ColumnType.Json:
                            await group.WriteAsync(fields[c], values.Select(v => v?.GetRawText()!).ToArray());
                            break;
                        default:
                            await group.WriteAsync(fields[c], values.Select(v => v?.GetString()!).ToArray());
                            break;
                    }
                }

                foreach (var document in chunk)
                {
                    document.Dispose();
                }
            }
        }

        File.Move(temporary, path, overwrite: true);
    }

    private static IEnumerable<List<JsonDocument>> Groups(string jsonLines)
    {
        var group = new List<JsonDocument>();
        long bytes = 0;
        foreach (var (line, _) in JsonLines.Read(jsonLines).SelectMany(b => b.Lines()))
        {
            group.Add(JsonDocument.Parse(line.ToArray()));
            bytes += line.Length;
            if (group.Count == RowsPerGroup || bytes >= BytesPerGroup)
            {
                yield return group;
                (group, bytes) = ([], 0);
            }
        }

        if (group.Count > 0)
        {
            yield return group;
        }
    }

    private static Type TypeOf(ColumnType type) => type switch
    {
        ColumnType.Boolean => typeof(bool),
        ColumnType.Integer => typeof(long),
        ColumnType.Number => typeof(double),
        _ => typeof(string),
    };

    /// <summary>The rows of one row group as lines, each with a line feed.</summary>
    public static async Task<(ArraySegment<byte> Bytes, int Rows)> GroupAsync(ParquetReader reader, int number, string path)
    {
        using var group = reader.OpenRowGroupReader(number);
        var count = checked((int)group.RowCount);
        var columns = new List<(JsonEncodedText Name, Action<Utf8JsonWriter, int> Write)>();
        foreach (var field in reader.Schema.GetDataFields())
        {
            if (field.Path.Length > 1 || field.IsArray)
            {
                throw new InvalidDataException($"{path}: the column '{field.Path}' is nested; only flat columns can be read. Write nested values as JSON text.");
            }

            columns.Add((JsonEncodedText.Encode(field.Name, System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping), await ColumnAsync(group, field, count, path)));
        }

        var buffer = new ArrayBufferWriter<byte>(1 << 20);
        using var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        for (var i = 0; i < count; i++)
        {
            writer.Reset();
            writer.WriteStartObject();
            foreach (var (name, write) in columns)
            {
                writer.WritePropertyName(name);
                write(writer, i);
            }

            writer.WriteEndObject();
            writer.Flush();
            buffer.Write("\n"u8);
        }

        return (new ArraySegment<byte>(buffer.WrittenSpan.ToArray()), count);
    }

    private static async Task<Action<Utf8JsonWriter, int>> ColumnAsync(ParquetRowGroupReader group, DataField field, int count, string path)
    {
        if (field.ClrType == typeof(string) || field.ClrType == typeof(ReadOnlyMemory<char>))
        {
            var values = new string?[count];
            await group.ReadAsync(field, values.AsMemory());
            return (w, i) => w.WriteStringValue(values[i]);
        }

        if (field.ClrType == typeof(int))
        {
            return Of<int>(await ValuesAsync<int>(group, field, count), (w, v) => w.WriteNumberValue(v));
        }

        if (field.ClrType == typeof(long))
        {
            return Of<long>(await ValuesAsync<long>(group, field, count), (w, v) => w.WriteNumberValue(v));
        }

        if (field.ClrType == typeof(double))
        {
            return Of<double>(await ValuesAsync<double>(group, field, count), (w, v) => Number(w, v));
        }

        if (field.ClrType == typeof(float))
        {
            return Of<float>(await ValuesAsync<float>(group, field, count), (w, v) => Number(w, v));
        }

        if (field.ClrType == typeof(bool))
        {
            return Of<bool>(await ValuesAsync<bool>(group, field, count), (w, v) => w.WriteBooleanValue(v));
        }

        throw new InvalidDataException($"{path}: the column '{field.Name}' has the type {field.ClrType.Name}; string, int32, int64, float, double and boolean can be read.");
    }

    private static async Task<T?[]> ValuesAsync<T>(ParquetRowGroupReader group, DataField field, int count) where T : struct
    {
        var values = new T?[count];
        if (field.IsNullable)
        {
            await group.ReadAsync<T>(field, values.AsMemory());
            return values;
        }

        var plain = new T[count];
        await group.ReadAsync<T>(field, plain.AsMemory());
        return [.. plain.Select(v => (T?)v)];
    }

    private static Action<Utf8JsonWriter, int> Of<T>(T?[] values, Action<Utf8JsonWriter, T> write) where T : struct => (w, i) =>
    {
        if (values[i] is { } value)
        {
            write(w, value);
        }
        else
        {
            w.WriteNullValue();
        }
    };

    /// <summary>JSON has no NaN and no infinities.</summary>
    private static void Number(Utf8JsonWriter writer, double value)
    {
        if (double.IsFinite(value))
        {
            writer.WriteNumberValue(value);
        }
        else
        {
            writer.WriteNullValue();
        }
    }
}
