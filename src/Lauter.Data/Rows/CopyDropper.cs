using Lauter.Data.Dedup;
using Lauter.Data.Export;
using Lauter.Data.Operators;

namespace Lauter.Data.Rows;

/// <summary>
/// Drops copies across shards: (1) an index on disk takes the kept texts shard by shard and decides who stays, the first of several copies, (2) each
/// shard's part is copied without the others. The corpus never lies in memory.
/// </summary>
internal sealed class CopyDropper(RowRunOptions options, RunLayout layout, IReadOnlyList<RowShard> shards)
{
    private readonly OperatorCall? _near = options.Recipe.Find(OperatorCatalog.DropNearDuplicates);
    private readonly bool _exact = options.Recipe.Find(OperatorCatalog.DropExactDuplicates) is not null;

    public async Task RunAsync(Tally total, IProgress<DataProgress>? progress, CancellationToken cancellation)
    {
        // 1. Who stays.
        var threshold = _near?.Number("threshold") ?? 1;
        var indexed = 0;
        using var index = DuplicateIndex.Open(null, new DuplicateIndexOptions
        {
            Bands = _near is null ? null : LshBands.Default, ShingleSize = (int)(_near?.Number("size") ?? 5), Lowest = Math.Min(threshold, NearDuplicates.LowestThreshold), Workers = options.Workers,
        });
        index.Add(
            shards,
            shard =>
            {
                var documents = Documents(shard);
                progress?.Report(new DataProgress("duplicates", Interlocked.Increment(ref indexed), shards.Count));
                return documents;
            },
            cancellation);
        progress?.Report(new DataProgress("clusters", 0, 1));
        var verdicts = index.Decide(Math.Max(threshold, NearDuplicates.LowestThreshold), KeepPolicy.First);

        // 2. Copy what stays.
        var copied = 0;
        progress?.Report(new DataProgress("copies", 0, shards.Count));
        var first = new int[shards.Count + 1];
        for (var s = 0; s < shards.Count; s++)
        {
            first[s + 1] = first[s] + KeptRows.CountOf(layout.Keys(shards[s].Index));
        }

        await RowRun.InParallelAsync(
            options.Workers, Enumerable.Range(0, shards.Count).ToList(),
            () => (Parser: new RowParser(options.TextField, options.IdField, null), Writer: new RowWriter(options.Format, options.TextField, options.IdField), Buffer: new ShardBuffer()),
            (worker, s) =>
            {
                var tally = Copy(worker.Parser, worker.Writer, worker.Buffer, shards[s], verdicts, first[s], index);
                lock (total)
                {
                    total.Add(tally);
                    progress?.Report(new DataProgress("copies", ++copied, shards.Count));
                }

                cancellation.ThrowIfCancellationRequested();
                return Task.CompletedTask;
            },
            _ => { });
    }

    private List<DuplicateDocument> Documents(RowShard shard)
    {
        var parser = new RowParser(options.TextField, options.IdField, null);
        var rows = KeptRows.Load(layout.Keys(shard.Index)).Rows;
        var documents = new List<DuplicateDocument>(rows.Count);
        foreach (var line in Lines(shard, new ShardBuffer()))
        {
            documents.Add(new DuplicateDocument(rows[documents.Count].Id, Text(parser, line)));
        }

        return documents;
    }

    private Tally Copy(RowParser parser, RowWriter writer, ShardBuffer buffer, RowShard shard, DuplicateVerdicts verdicts, int first, DuplicateIndex index)
    {
        var rows = KeptRows.Load(layout.Keys(shard.Index)).Rows;
        var rejects = new List<RejectRow>();
        var tally = new Tally();
        var i = -1;
        foreach (var line in Lines(shard, buffer))
        {
            var (id, language, position) = rows[++i];
            var isCopy = verdicts.LeaderOf(first + i) != first + i;
            var verdict = isCopy ? verdicts[first + i] : default;
            isCopy = isCopy && (verdict.Exact ? _exact || _near is not null : _near is not null);
            if (!isCopy)
            {
                writer.Add(line.Span, new RowOutcome(id, language, [], null, null, false, 0, 0), () => Text(parser, line));
                continue;
            }

            var name = verdict.Exact ? OperatorCatalog.DropExactDuplicates : OperatorCatalog.DropNearDuplicates;
            tally.RowsOut--;
            Tally.Count(tally.Dropped, "duplicate_of");
            Tally.Count(tally.DroppedBy, name);
            Tally.Count(tally.ByLanguage, language, -1);
            var leader = index.IdOf(verdict.Leader);
            rejects.Add(Rejects.Row(
                id, shard.Files[0].RelativePath, position, name, "duplicate_of",
                string.Create(System.Globalization.CultureInfo.InvariantCulture, $"duplicate_of:{leader} (similarity {verdict.Similarity:0.000}, one of {verdict.ClusterSize} alike)"), Text(parser, line)));
        }

        writer.Save(layout.Data(shard.Index));
        RowWriter.SaveRejects(options.Format, layout.DuplicateRejects(shard.Index), rejects);
        return tally;
    }

    private IEnumerable<ReadOnlyMemory<byte>> Lines(RowShard shard, ShardBuffer buffer)
    {
        using var file = File.OpenHandle(layout.Part(shard.Index) + ".jsonl", options: FileOptions.SequentialScan);
        var length = checked((int)RandomAccess.GetLength(file));
        var bytes = buffer.Of(length);
        for (var done = 0; done < length;)
        {
            var read = RandomAccess.Read(file, bytes.AsSpan(done, length - done), done);
            done += read > 0 ? read : throw new IOException($"'{layout.Part(shard.Index)}.jsonl' became shorter while it was read.");
        }

        for (var start = 0; start < length;)
        {
            var end = bytes.AsSpan(start, length - start).IndexOf((byte)'\n');
            yield return bytes.AsMemory(start, end);
            start += end + 1;
        }
    }

    private static string Text(RowParser parser, ReadOnlyMemory<byte> line)
    {
        var place = parser.Find(line.Span);
        return parser.Text(line.Span, place.Start, place.Length);
    }
}
