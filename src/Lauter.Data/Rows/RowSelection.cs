using System.Text;
using System.Text.Json.Nodes;
using Lauter.Catalog.Objects;
using Lauter.Data.Export;
using Lauter.Data.Operators;
using Lauter.Data.Operators.Measures;
using Lauter.Data.Operators.Selections;
using Lauter.Data.Operators.WholeRows;

namespace Lauter.Data.Rows;

/// <summary>
/// The selections of a recipe over a run: (1) each shard notes of every kept row its draws, groups and scores, (2) when copies are gone, the selections choose
/// one after the other among what is left, (3) each shard's file is written without the others. Holds some 40 bytes a row for each selection, no texts.
/// </summary>
internal sealed class RowSelection
{
    private readonly RowRunOptions _options;
    private readonly RunLayout _layout;
    private readonly IReadOnlyList<Selection> _selections;

    private RowSelection(RowRunOptions options, RunLayout layout, IReadOnlyList<Selection> selections) => (_options, _layout, _selections) = (options, layout, selections);

    /// <summary>Null when the recipe selects nothing.</summary>
    public static RowSelection? Of(RowRunOptions options, RunLayout layout) => Selection.Of(options.Recipe) is { Count: > 0 } selections ? new RowSelection(options, layout, selections) : null;

    /// <summary>Notes of one shard, in the order of its kept rows.</summary>
    internal sealed class Notes(IReadOnlyList<Selection> selections, MeasurePlan plan)
    {
        private readonly int[] _columns =
        [
            .. selections.Select(s => s.Column is { } column ? plan.Find(column) ?? throw new InvalidDataException($"{s.Name}: no operator of the recipe measures '{column}'; put one that does before it.") : -1),
        ];

        private readonly List<(string Id, string Language, int Position, Pick[] Picks)> _rows = [];

        /// <param name="line">The row as it came to the last edits.</param>
        /// <param name="outcome">What became of it.</param>
        /// <param name="position">Where it stood.</param>
        public void Add(ReadOnlyMemory<byte> line, RowOutcome outcome, int position)
        {
            var row = selections.Any(s => s.Field.Length > 0) ? RowOperator.TryParse(line) : null;
            _rows.Add((outcome.Id, outcome.Language, position, [.. selections.Select((s, i) => new Pick(
                RowOperator.Draw(line.Span, s.Seed), Group(s.Field, row, outcome), _columns[i] < 0 ? 0 : outcome.Values[_columns[i]]))]));
        }

        public void Save(string path)
        {
            using var stream = new MemoryStream();
            using (var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true))
            {
                foreach (var (id, language, position, picks) in _rows)
                {
                    writer.Write(id);
                    writer.Write(language);
                    writer.Write(position);
                    foreach (var pick in picks)
                    {
                        writer.Write(pick.Draw);
                        writer.Write(pick.Group);
                        writer.Write(pick.Score);
                    }
                }
            }

            AtomicFile.WriteAllBytes(path, stream.ToArray());
        }

        private static string Group(string field, JsonObject? row, RowOutcome outcome) =>
            field.Length == 0 ? "" : field == "language" && row?.ContainsKey(field) != true ? outcome.Language : row is null ? "" : RowOperator.Find(row, field)?.ToString() ?? "";
    }

    /// <summary>Opens the notes of a shard.</summary>
    public Notes Open(MeasurePlan plan) => new(_selections, plan);

    /// <summary>Where the notes of a shard lie.</summary>
    public string PathOf(int shard) => Path.Combine(_layout.Directory, ".lauter", $"picks-{shard:D5}.bin");

    /// <summary>Chooses, and writes the shards.</summary>
    /// <param name="shards">All.</param>
    /// <param name="copiesDropped">True: the rows lie in the result files already, as JSON lines; false: in the parts.</param>
    /// <param name="total">Gets the rows that go.</param>
    /// <param name="cancellation">Stops between shards.</param>
    public void Run(IReadOnlyList<RowShard> shards, bool copiesDropped, Tally total, CancellationToken cancellation)
    {
        // 2. Choose.
        var picks = _selections.Select(_ => new List<Pick>()).ToArray();
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        var first = new int[shards.Count + 1];
        for (var s = 0; s < shards.Count; s++)
        {
            foreach (var (_, note) in Rows(shards[s].Index, copiesDropped))
            {
                for (var i = 0; i < picks.Length; i++)
                {
                    names.TryAdd(note.Picks[i].Group, note.Picks[i].Group);
                    picks[i].Add(note.Picks[i] with { Group = names[note.Picks[i].Group] });
                }
            }

            first[s + 1] = picks[0].Count;
            cancellation.ThrowIfCancellationRequested();
        }

        var verdicts = Choose(picks);

        // 3. Write.
        for (var s = 0; s < shards.Count; s++)
        {
            Write(shards[s], copiesDropped, verdicts.AsSpan(first[s]..first[s + 1]), total);
            cancellation.ThrowIfCancellationRequested();
        }
    }

    private DropVerdict?[] Choose(List<Pick>[] picks)
    {
        var verdicts = new DropVerdict?[picks[0].Count];
        for (var s = 0; s < _selections.Count; s++)
        {
            var left = Enumerable.Range(0, verdicts.Length).Where(i => verdicts[i] is null).ToList();
            var stays = _selections[s].Choose([.. left.Select(i => picks[s][i])]);
            for (var k = 0; k < left.Count; k++)
            {
                if (!stays[k])
                {
                    verdicts[left[k]] = new DropVerdict(_selections[s].Name, _selections[s].Reason, _selections[s].Detail(picks[s][left[k]]));
                }
            }
        }

        return verdicts;
    }

    private void Write(RowShard shard, bool copiesDropped, ReadOnlySpan<DropVerdict?> verdicts, Tally total)
    {
        var parser = new RowParser(_options.TextField, _options.IdField, null);
        var writer = new RowWriter(_options.Format, _options.TextField, _options.IdField);
        var rejects = new List<RejectRow>();
        var at = 0;
        foreach (var (line, note) in Rows(shard.Index, copiesDropped))
        {
            string Text()
            {
                var place = parser.Find(line.Span);
                return parser.Text(line.Span, place.Start, place.Length);
            }

            if (verdicts[at++] is not { } drop)
            {
                writer.Add(line.Span, new RowOutcome(note.Id, note.Language, [], null, null, false, 0, 0), Text);
                continue;
            }

            total.RowsOut--;
            Tally.Count(total.Dropped, drop.Reason);
            Tally.Count(total.DroppedBy, drop.Operator);
            Tally.Count(total.ByLanguage, note.Language, -1);
            rejects.Add(Rejects.Row(note.Id, shard.Files[0].RelativePath, note.Position, drop.Operator, drop.Reason, drop.Detail, Text()));
        }

        writer.Save(_layout.Data(shard.Index));
        RowWriter.SaveRejects(_options.Format, Path.Combine(_layout.Directory, $"rejects-selection-{shard.Index:D5}"), rejects);
        if (copiesDropped && _options.Format == RowFormat.Parquet)
        {
            ToParquet(shard.Index);
        }
    }

    /// <summary>Copies were dropped from JSON lines, since this stage had to read them; what they left becomes what was asked for.</summary>
    private void ToParquet(int shard)
    {
        var path = _layout.DuplicateRejects(shard) + ".jsonl";
        RowWriter.SaveRejects(RowFormat.Parquet, _layout.DuplicateRejects(shard), [.. File.ReadLines(path).Select(l => JsonNode.Parse(l)!).Select(r => Rejects.Row(
            (string)r["id"]!, (string)r["source"]!, (int)r["position"]!, (string)r["stage"]!, (string)r["reason"]!, (string)r["detail"]!, (string)r["text"]!))]);
        File.Delete(path);
        File.Delete(_layout.Data(shard) + ".jsonl");
    }

    private sealed record Note(string Id, string Language, int Position, Pick[] Picks);

    /// <summary>The rows that are left, with their notes: what is left stands in the order of the notes, so one walk finds each.</summary>
    private IEnumerable<(ReadOnlyMemory<byte> Line, Note Note)> Rows(int shard, bool copiesDropped)
    {
        var kept = Lines(File.ReadAllBytes(_layout.Part(shard) + ".jsonl"));
        using var left = copiesDropped ? Lines(File.ReadAllBytes(_layout.Data(shard) + ".jsonl")).GetEnumerator() : null;
        var more = left?.MoveNext() ?? false;
        using var reader = new BinaryReader(File.OpenRead(PathOf(shard)), Encoding.UTF8);
        foreach (var line in kept)
        {
            var note = new Note(
                reader.ReadString(), reader.ReadString(), reader.ReadInt32(),
                [.. _selections.Select(_ => new Pick(reader.ReadDouble(), reader.ReadString(), reader.ReadDouble()))]);
            if (left is null)
            {
                yield return (line, note);
            }
            else if (more && left.Current.Span.SequenceEqual(line.Span))
            {
                more = left.MoveNext();
                yield return (line, note);
            }
        }
    }

    private static IEnumerable<ReadOnlyMemory<byte>> Lines(byte[] bytes)
    {
        var start = 0;
        while (start < bytes.Length)
        {
            var length = bytes.AsSpan(start).IndexOf((byte)'\n');
            yield return bytes.AsMemory(start, length);
            start += length + 1;
        }
    }
}
