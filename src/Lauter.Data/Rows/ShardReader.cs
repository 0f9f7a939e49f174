using System.Text.Json;
using Lauter.Data.Export;
using Lauter.Data.Readers;
using Lauter.Data.Tables;
using Parquet;

namespace Lauter.Data.Rows;

/// <summary>The rows of a shard as JSON objects in one buffer, and what could not be read.</summary>
internal sealed record ShardRows(byte[] Bytes, List<RowLine> Lines, List<RejectRow> Rejects);

/// <summary>Shard → rows. Whatever the source, a row is one JSON object, so everything after this has one form to deal with.</summary>
internal static class ShardReader
{
    private static readonly JsonWriterOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <param name="shard">What to read.</param>
    /// <param name="textField">Member for the texts of documents.</param>
    /// <param name="cancellation">Stops between documents.</param>
    /// <param name="buffer">Of a worker that reads one shard after the other: the rows of the last one are gone. Null: new memory.</param>
    public static async Task<ShardRows> ReadAsync(RowShard shard, string textField, CancellationToken cancellation, ShardBuffer? buffer = null) => shard.Form switch
    {
        ShardForm.Lines => ReadLines(shard, buffer ?? new ShardBuffer()),
        ShardForm.RowGroup => await ReadGroupAsync(shard, cancellation),
        _ => ReadDocuments(shard, textField, cancellation),
    };

    private static ShardRows ReadLines(RowShard shard, ShardBuffer buffer)
    {
        var bytes = buffer.Of(shard.Length);
        using var file = File.OpenHandle(shard.Files[0].FullPath);
        var done = 0;
        while (done < shard.Length)
        {
            var read = RandomAccess.Read(file, bytes.AsSpan(done, shard.Length - done), shard.Offset + done);
            if (read == 0)
            {
                throw new IOException($"'{shard.Files[0].RelativePath}' became shorter while it was read.");
            }

            done += read;
        }

        return Split(bytes, shard.Length, shard.Offset == 0 && bytes.AsSpan(0, shard.Length).StartsWith("\uFEFF"u8) ? 3 : 0, shard.FirstLine);
    }

    private static ShardRows Split(byte[] bytes, int count, int start, long number)
    {
        var lines = new List<RowLine>();
        while (start < count)
        {
            var length = bytes.AsSpan(start, count - start).IndexOf((byte)'\n');
            length = length < 0 ? count - start : length;
            var line = bytes.AsSpan(start, length).Trim(" \t\r"u8);
            if (!line.IsEmpty)
            {
                lines.Add(new RowLine(start + bytes.AsSpan(start, length).IndexOf(line[0]), line.Length, number));
            }

            start += length + 1;
            number++;
        }

        return new ShardRows(bytes, lines, []);
    }

    private static async Task<ShardRows> ReadGroupAsync(RowShard shard, CancellationToken cancellation)
    {
        await using var stream = File.OpenRead(shard.Files[0].FullPath);
        await using var reader = await ParquetReader.CreateAsync(stream, cancellationToken: cancellation);
        var (bytes, _) = await ParquetRows.GroupAsync(reader, (int)shard.Offset, shard.Files[0].RelativePath);
        return Split(bytes.Array!, bytes.Count, 0, shard.FirstLine);
    }

    private static ShardRows ReadDocuments(RowShard shard, string textField, CancellationToken cancellation)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>(1 << 20);
        var lines = new List<RowLine>();
        var rejects = new List<RejectRow>();
        using var writer = new Utf8JsonWriter(buffer, Relaxed);
        var number = shard.FirstLine;
        foreach (var file in shard.Files)
        {
            cancellation.ThrowIfCancellationRequested();
            var result = DocumentReader.Read(file, new ReaderLimits(), cancellation);
            rejects.AddRange(result.Rejects);
            foreach (var document in result.Documents)
            {
                var start = buffer.WrittenCount;
                var text = string.Join("\n\n", document.Blocks.Where(b => b.Kind != BlockKinds.Navigation).Select(b => b.Text));
                writer.Reset();
                writer.WriteStartObject();
                writer.WriteString("id", Rejects.IdOf(document.Path, text));
                writer.WriteString("path", document.Path);
                writer.WriteString("title", document.Title);
                writer.WriteString("format", document.Format);
                writer.WriteString(textField, text);
                writer.WriteEndObject();
                writer.Flush();
                lines.Add(new RowLine(start, buffer.WrittenCount - start, number++));
            }
        }

        return new ShardRows(buffer.WrittenSpan.ToArray(), lines, rejects);
    }
}

/// <summary>Memory for the bytes of one shard after the other: arrays of this size are collected late, so they are used again.</summary>
internal sealed class ShardBuffer
{
    private byte[] _bytes = [];

    /// <summary>At least so many bytes; what they held before is gone.</summary>
    public byte[] Of(int length) => _bytes = _bytes.Length >= length ? _bytes : new byte[Math.Max(length, 5 * ShardPlanner.Smallest / 2)];
}
