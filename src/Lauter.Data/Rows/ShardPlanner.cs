using System.Buffers;
using System.IO.Hashing;
using System.Text;
using Lauter.Data.Readers;
using Parquet;

namespace Lauter.Data.Rows;

/// <summary>
/// Cuts inputs into shards. JSONL is cut at line ends that the content chooses (a line whose hash is 0 modulo a fixed number), not at fixed offsets, so
/// lines inserted at the front move one cut and later shards keep their keys. Memory: one block.
/// </summary>
internal static class ShardPlanner
{
    /// <summary>Shards of JSONL hold at least so many bytes, when the file does.</summary>
    internal const int Smallest = 2 << 20;

    /// <summary>At most so many times the smallest, unless one line is longer.</summary>
    private const int LargestTimes = 4;

    private const int DocumentsPerShard = 16;

    public static async Task<List<RowShard>> PlanAsync(IReadOnlyList<SourceFile> inputs, CancellationToken cancellation, int smallest = Smallest)
    {
        var shards = new List<RowShard>();
        var documents = new List<SourceFile>();
        foreach (var file in inputs)
        {
            switch (Path.GetExtension(file.FullPath).ToLowerInvariant())
            {
                case ".jsonl" or ".ndjson":
                    Flush(shards, documents);
                    CutLines(file, shards, smallest, cancellation);
                    break;
                case ".parquet":
                    Flush(shards, documents);
                    await CutRowGroupsAsync(file, shards, cancellation);
                    break;
                default:
                    documents.Add(file);
                    if (documents.Count == DocumentsPerShard)
                    {
                        Flush(shards, documents);
                    }

                    break;
            }
        }

        Flush(shards, documents);
        return shards;
    }

    private static void CutLines(SourceFile file, List<RowShard> shards, int smallest, CancellationToken cancellation)
    {
        using var stream = new FileStream(file.FullPath, FileMode.Open, FileAccess.Read, FileShare.Read, 0, FileOptions.SequentialScan);
        var buffer = ArrayPool<byte>.Shared.Rent(4 << 20);
        try
        {
            var content = new XxHash128();
            var line = new XxHash3();
            long offset = 0, start = 0, lines = 0, firstLine = 1;
            int read;
            while ((read = stream.Read(buffer)) > 0)
            {
                cancellation.ThrowIfCancellationRequested();
                var block = buffer.AsSpan(0, read);
                var at = 0;
                while (at < read)
                {
                    var end = block[at..].IndexOf((byte)'\n');
                    var part = end < 0 ? block[at..] : block.Slice(at, end + 1);
                    line.Append(part);
                    content.Append(part);
                    at += part.Length;
                    if (end < 0)
                    {
                        break;
                    }

                    lines++;
                    var length = offset + at - start;
                    if (length >= (long)LargestTimes * smallest || (length >= smallest && line.GetCurrentHashAsUInt64() % Modulus(smallest) == 0))
                    {
                        Add(length);
                        (start, firstLine) = (offset + at, lines + 1);
                    }

                    line.Reset();
                }

                offset += read;
            }

            if (offset > start)
            {
                Add(offset - start);
            }

            void Add(long length)
            {
                var key = Convert.ToHexStringLower(content.GetHashAndReset());
                shards.Add(new RowShard(shards.Count, ShardForm.Lines, [file], start, checked((int)length), firstLine, "lines-" + key));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Lines between possible cuts: a quarter of the smallest shard at 1 KB a line.</summary>
    private static ulong Modulus(int smallest) => Math.Max(8, (ulong)smallest / 4096);

    private static async Task CutRowGroupsAsync(SourceFile file, List<RowShard> shards, CancellationToken cancellation)
    {
        var hash = new XxHash128();
        await using (var content = File.OpenRead(file.FullPath))
        {
            await hash.AppendAsync(content, cancellation);
        }

        var key = Convert.ToHexStringLower(hash.GetCurrentHash());
        await using var stream = File.OpenRead(file.FullPath);
        await using var reader = await ParquetReader.CreateAsync(stream, cancellationToken: cancellation);
        long first = 1;
        for (var group = 0; group < reader.RowGroupCount; group++)
        {
            using var rows = reader.OpenRowGroupReader(group);
            shards.Add(new RowShard(shards.Count, ShardForm.RowGroup, [file], group, 0, first, $"group-{key}-{group}"));
            first += rows.RowCount;
        }
    }

    private static void Flush(List<RowShard> shards, List<SourceFile> documents)
    {
        if (documents.Count == 0)
        {
            return;
        }

        var hash = new XxHash128();
        foreach (var file in documents)
        {
            hash.Append(Encoding.UTF8.GetBytes(file.RelativePath + "\n"));
            if (File.Exists(file.FullPath))
            {
                using var content = File.OpenRead(file.FullPath);
                hash.Append(content);
            }
        }

        shards.Add(new RowShard(shards.Count, ShardForm.Documents, [.. documents], 0, 0, 1, "documents-" + Convert.ToHexStringLower(hash.GetCurrentHash())));
        documents.Clear();
    }

    /// <summary>Files below a directory, or the file itself, in the order of their paths; hidden ones, rejects and scores of an earlier run, and those that nothing can read are left out.</summary>
    public static IReadOnlyList<SourceFile> Find(string path)
    {
        if (File.Exists(path))
        {
            return [new SourceFile(Path.GetFileName(path), Path.GetFullPath(path))];
        }

        var root = Path.GetFullPath(path);
        return
        [
            .. Directory.EnumerateFiles(root, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.Hidden | FileAttributes.System })
                .Where(f => !Path.GetFileName(f).StartsWith("rejects-", StringComparison.Ordinal) && !Path.GetFileName(f).StartsWith("scores-", StringComparison.Ordinal)
                    && !Path.GetRelativePath(root, f).Split(Path.DirectorySeparatorChar).Contains(".lauter"))
                .Where(f => Path.GetExtension(f).ToLowerInvariant() is ".jsonl" or ".ndjson" or ".parquet" || DocumentReader.Extensions.Contains(Path.GetExtension(f).ToLowerInvariant()))
                .Select(f => new SourceFile(Path.GetRelativePath(root, f).Replace('\\', '/'), f))
                .OrderBy(f => f.RelativePath, StringComparer.Ordinal),
        ];
    }
}
