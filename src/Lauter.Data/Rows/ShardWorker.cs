using System.Text.Json.Nodes;
using Lauter.Catalog.Objects;
using Lauter.Data.Export;
using Lauter.Data.Redaction;

namespace Lauter.Data.Rows;

/// <summary>
/// Does whole shards: reads, runs the program over each row, writes rows, rejects and scores, and last the shard's state, whose presence says that the
/// shard is done. Not thread-safe: one for each worker.
/// </summary>
internal sealed class ShardWorker
{
    private readonly RowRunOptions _options;
    private readonly string _signature;
    private readonly RowPipeline _pipeline;
    private readonly RowSelection? _selection;
    private readonly List<RowPiece> _pieces = [];
    private readonly RunLayout _layout;
    private readonly bool _drawsKeys;
    private readonly ShardBuffer _buffer = new();
    private readonly RowWriter _data;
    private readonly ParquetTable<(string Id, string Language, double[] Values)>? _scores;

    public ShardWorker(RowRunOptions options, RunLayout layout, string signature, LineFrequencies? frequencies, bool drawsKeys, RowSelection? selection = null)
    {
        (_options, _layout, _signature, _drawsKeys) = (options, layout, signature, drawsKeys);
        _selection = selection;
        _pipeline = new RowPipeline(options.Recipe, options.TextField, options.IdField, frequencies);
        _data = new RowWriter(drawsKeys ? RowFormat.Jsonl : options.Format, options.TextField, options.IdField);
        if (options.WriteScores)
        {
            _scores = new ParquetTable<(string, string, double[])>(
                [
                    new("id", typeof(string), r => r.Item1), new("language", typeof(string), r => r.Item2),
                    .. _pipeline.Last.Plan.Columns.Select((c, i) => new ParquetColumn<(string, string, double[])>(c, typeof(double), r => r.Item3[i])),
                ],
                _ => throw new NotSupportedException("Scores are read with the manifest's schema."));
        }
    }

    public RowPipeline Pipeline => _pipeline;

    public async Task<Tally> RunAsync(RowShard shard, CancellationToken cancellation)
    {
        var rows = await ShardReader.ReadAsync(shard, _options.TextField, cancellation, _buffer);
        return Run(shard, rows, cancellation);
    }

    private Tally Run(RowShard shard, ShardRows rows, CancellationToken cancellation)
    {
        var cache = _options.CacheDirectory is null ? null : RowCache.Open(_options.CacheDirectory, shard.Key);
        var tally = new Tally { RowsIn = rows.Lines.Count + rows.Rejects.Count };
        _data.Clear();
        var rejects = new List<RejectRow>(rows.Rejects);
        var scores = new List<(string, string, double[])>();
        var keys = _drawsKeys ? new KeptRows() : null;
        var picks = _selection?.Open(_pipeline.Last.Plan);
        foreach (var program in _pipeline.Programs)
        {
            Array.Clear(program.Changed);
            program.Redactions.Clear();
        }

        var bytesBefore = _pipeline.Programs[0].TextBytes;
        foreach (var reject in rows.Rejects)
        {
            Tally.Count(tally.Dropped, reject.Reason);
            Tally.Count(tally.DroppedBy, reject.Stage);
        }

        var source = shard.Files[0].RelativePath;
        for (var i = 0; i < rows.Lines.Count; i++)
        {
            if ((i & 255) == 0)
            {
                cancellation.ThrowIfCancellationRequested();
            }

            var place = rows.Lines[i];
            var line = rows.Bytes.AsMemory(place.Start, place.Length);
            try
            {
                _pipeline.Run(line, () => Rejects.IdOf(source, place.Number.ToString(System.Globalization.CultureInfo.InvariantCulture)), cache, _pieces);
            }
            catch (RowFault fault)
            {
                Tally.Count(tally.Dropped, fault.Reason);
                Tally.Count(tally.DroppedBy, "read");
                rejects.Add(Rejects.Row(
                    Rejects.IdOf(source, place.Number.ToString(System.Globalization.CultureInfo.InvariantCulture)), source, Position(place), "read", fault.Reason, fault.Message,
                    System.Text.Encoding.UTF8.GetString(line.Span[..Math.Min(line.Length, 4_000)])));
                continue;
            }

            foreach (var (row, outcome) in _pieces)
            {
                string Text() => outcome.Text ?? _pipeline.Last.OriginalText(row.Span, outcome);
                if (outcome.Values.Length == _pipeline.Last.Plan.Columns.Count)
                {
                    tally.Measure(_pipeline.Last.Plan, outcome.Language, outcome.Values);
                    if (_scores is not null)
                    {
                        scores.Add((outcome.Id, outcome.Language, outcome.Values));
                    }
                }

                if (outcome.Verdict is { } drop)
                {
                    Tally.Count(tally.Dropped, drop.Reason);
                    Tally.Count(tally.DroppedBy, drop.Operator);
                    rejects.Add(Rejects.Row(outcome.Id, source, Position(place), drop.Operator, drop.Reason, drop.Detail, Text()));
                    continue;
                }

                tally.RowsOut++;
                Tally.Count(tally.ByLanguage, outcome.Language);
                _data.Add(row.Span, outcome, Text);
                keys?.Add(outcome.Id, outcome.Language, Position(place));
                picks?.Add(row, outcome, Position(place));
            }
        }

        tally.TextBytes = _pipeline.Programs[0].TextBytes - bytesBefore;
        foreach (var program in _pipeline.Programs)
        {
            for (var i = 0; i < program.Changed.Length; i++)
            {
                Tally.Count(tally.Changed, program.EditNames[i], program.Changed[i]);
            }

            foreach (var (kind, count) in program.Redactions)
            {
                Tally.Count(tally.Redactions, PersonalData.NameOf(kind), count);
            }
        }

        cache?.Save(4L * Math.Max(rows.Bytes.Length, 1 << 20));
        _data.Save(_drawsKeys ? _layout.Part(shard.Index) : _layout.Data(shard.Index));
        RowWriter.SaveRejects(_options.Format, _layout.Rejects(shard.Index), rejects);
        _scores?.WriteFile(_layout.Scores(shard.Index), scores);
        keys?.Save(_layout.Keys(shard.Index));
        picks?.Save(_selection!.PathOf(shard.Index));

        // Last: a shard without this file was not finished and is done again.
        AtomicFile.WriteAllBytes(_layout.State(shard.Index), CanonicalJson.Serialize(new JsonObject { ["signature"] = _signature, ["shard"] = shard.Key, ["first"] = shard.FirstLine, ["source"] = source, ["tally"] = tally.ToJson() }));
        return tally;
    }

    private static int Position(RowLine place) => (int)Math.Min(int.MaxValue, place.Number);
}
