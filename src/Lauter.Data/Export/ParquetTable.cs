using System.Security.Cryptography;
using Lauter.Catalog.Objects;
using Parquet;
using Parquet.Schema;

namespace Lauter.Data.Export;

/// <summary>One column: its name, its type (string, int or double) and how a row gives its value.</summary>
internal sealed record ParquetColumn<T>(string Name, Type Type, Func<T, object> Value);

/// <summary>
/// Writes rows of one type into Parquet shards (zstd) and reads them back. A shard is made in memory and appears whole, by rename. The same
/// rows give the same bytes.
/// </summary>
/// <param name="columns">Columns in file order.</param>
/// <param name="create">Makes a row from its values, in the same order.</param>
internal sealed class ParquetTable<T>(IReadOnlyList<ParquetColumn<T>> columns, Func<object[], T> create)
{
    /// <summary>Rows in a shard, and in its only row group: about 50 MB of documents.</summary>
    private const int RowsPerShard = 20_000;

    private readonly DataField[] _fields = [.. columns.Select(c => new DataField(c.Name, c.Type, isNullable: false))];

    /// <summary>Writes <c>NAME-00000.parquet</c> and so on; no rows give one empty shard, so a reader always finds the schema.</summary>
    public TableManifest Write(string directory, string name, IReadOnlyList<T> rows)
    {
        Directory.CreateDirectory(directory);
        var shards = new List<ShardManifest>();
        for (var start = 0; start == 0 || start < rows.Count; start += RowsPerShard)
        {
            var count = Math.Min(RowsPerShard, rows.Count - start);
            var file = $"{name}-{shards.Count:D5}.parquet";
            var bytes = WriteShardAsync(rows, start, count).GetAwaiter().GetResult();
            AtomicFile.WriteAllBytes(Path.Combine(directory, file), bytes);
            shards.Add(new ShardManifest(file, count, bytes.Length, Convert.ToHexStringLower(SHA256.HashData(bytes))));
        }

        return new TableManifest(name, [.. columns.Select(c => new ColumnManifest(c.Name, TypeName(c.Type)))], rows.Count, shards);
    }

    /// <summary>Writes one file, whole, under a name of the caller's.</summary>
    public void WriteFile(string path, IReadOnlyList<T> rows) => AtomicFile.WriteAllBytes(path, WriteShardAsync(rows, 0, rows.Count).GetAwaiter().GetResult());

    /// <summary>The rows of the shards of a directory, or of single files, in order.</summary>
    public IEnumerable<T> Read(string name, params IEnumerable<string> directoriesOrFiles)
    {
        foreach (var path in directoriesOrFiles)
        {
            var files = Directory.Exists(path) ? Directory.GetFiles(path, $"{name}-*.parquet").Order(StringComparer.Ordinal) : (IEnumerable<string>)[path];
            foreach (var file in files)
            {
                foreach (var row in ReadShardAsync(file).GetAwaiter().GetResult())
                {
                    yield return row;
                }
            }
        }
    }

    private async Task<byte[]> WriteShardAsync(IReadOnlyList<T> rows, int start, int count)
    {
        using var stream = new MemoryStream();
        var options = new ParquetOptions { CompressionMethod = CompressionMethod.Zstd, CompressionLevel = System.IO.Compression.CompressionLevel.Fastest };
        await using (var writer = await ParquetWriter.CreateAsync(new ParquetSchema(_fields), stream, options))
        {
            if (count > 0)
            {
                using var group = writer.CreateRowGroup();
                for (var c = 0; c < columns.Count; c++)
                {
                    var value = columns[c].Value;
                    if (columns[c].Type == typeof(string))
                    {
                        await group.WriteAsync(_fields[c], Enumerable.Range(start, count).Select(i => (string)value(rows[i])).ToArray());
                    }
                    else if (columns[c].Type == typeof(int))
                    {
                        await group.WriteAsync<int>(_fields[c], Enumerable.Range(start, count).Select(i => (int)value(rows[i])).ToArray());
                    }
                    else
                    {
                        await group.WriteAsync<double>(_fields[c], Enumerable.Range(start, count).Select(i => (double)value(rows[i])).ToArray());
                    }
                }
            }
        }

        return stream.ToArray();
    }

    private async Task<List<T>> ReadShardAsync(string file)
    {
        using var stream = new MemoryStream(await File.ReadAllBytesAsync(file), writable: false);
        await using var reader = await ParquetReader.CreateAsync(stream);
        var rows = new List<T>();
        for (var g = 0; g < reader.RowGroupCount; g++)
        {
            using var group = reader.OpenRowGroupReader(g);
            var count = checked((int)group.RowCount);
            var data = new Func<int, object>[columns.Count];
            for (var c = 0; c < columns.Count; c++)
            {
                var field = reader.Schema.FindDataField(columns[c].Name);
                if (columns[c].Type == typeof(string))
                {
                    var values = new string?[count];
                    await group.ReadAsync(field, values.AsMemory());
                    data[c] = i => values[i] ?? "";
                }
                else if (columns[c].Type == typeof(int))
                {
                    var values = new int[count];
                    await group.ReadAsync<int>(field, values.AsMemory());
                    data[c] = i => values[i];
                }
                else
                {
                    var values = new double[count];
                    await group.ReadAsync<double>(field, values.AsMemory());
                    data[c] = i => values[i];
                }
            }

            for (var i = 0; i < count; i++)
            {
                rows.Add(create([.. data.Select(d => d(i))]));
            }
        }

        return rows;
    }

    private static string TypeName(Type type) => type == typeof(string) ? "string" : type == typeof(int) ? "int32" : "double";
}
