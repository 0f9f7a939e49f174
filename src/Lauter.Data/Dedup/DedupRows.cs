using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using Lauter.Data.Tables;

namespace Lauter.Data.Dedup;

/// <summary>Rows of the input as documents; thread-safe, called by workers. Remembers which lines were no rows.</summary>
internal sealed class DedupRows(DedupRequest request)
{
    private readonly string[] _fields = [.. request.Fields, request.IdField, .. request.RankField is null ? [] : (string[])[request.RankField], .. request.Method == DedupMethod.Semantic ? (string[])[request.VectorField] : []];

    /// <summary>Line numbers of faulty lines and why.</summary>
    public ConcurrentDictionary<int, string> Faults { get; } = new();

    private readonly ConcurrentDictionary<int, int> _rowsOfBatch = new();

    /// <summary>The documents of a batch.</summary>
    public List<DuplicateDocument> Parse(LineBatch batch) => [.. ParseRows(batch).Select(r => r.Document)];

    /// <summary>The documents of a batch, and for the semantic method their vectors.</summary>
    public List<(DuplicateDocument Document, float[] Vector)> ParseRows(LineBatch batch)
    {
        var rows = Read(batch).ToList();
        _rowsOfBatch[batch.FirstLine] = rows.Count;
        return rows;
    }

    /// <summary>By the first line of a batch: how many rows stand before it. Reading the file again cuts it into the same batches.</summary>
    public Dictionary<int, int> RowsBefore()
    {
        var before = new Dictionary<int, int>(_rowsOfBatch.Count);
        var rows = 0;
        foreach (var (line, count) in _rowsOfBatch.OrderBy(b => b.Key))
        {
            before[line] = rows;
            rows += count;
        }

        return before;
    }

    private IEnumerable<(DuplicateDocument Document, float[] Vector)> Read(LineBatch batch)
    {
        foreach (var (line, number) in batch.Lines())
        {
            var values = JsonLines.Fields(line, _fields);
            var fault = values is null ? "not_json" : Array.TrueForAll(values[..request.Fields.Count], v => v is null) ? "no_text" : null;
            var vector = fault is null && request.Method == DedupMethod.Semantic ? VectorOf(values![^1]) : [];
            fault ??= vector is null ? "no_vector" : null;
            if (fault is not null)
            {
                Faults[number] = fault;
                continue;
            }

            var text = request.Fields.Count == 1 ? values![0]! : string.Join('\n', values![..request.Fields.Count].OfType<string>());
            var id = values[request.Fields.Count] ?? number.ToString(CultureInfo.InvariantCulture);
            yield return (new DuplicateDocument(id, text, request.RankField is null ? double.NaN : RankOf(values[request.Fields.Count + 1])), vector!);
        }
    }

    private static double RankOf(string? value) =>
        double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number
        : DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time.UtcTicks
        : double.NaN;

    private static float[]? VectorOf(string? json)
    {
        try
        {
            return json is null ? null : JsonSerializer.Deserialize(json, VectorJson.Default.SingleArray);
        }
        catch (JsonException)
        {
            // The caller rejects the row.
            return null;
        }
    }
}

[System.Text.Json.Serialization.JsonSerializable(typeof(float[]))]
internal sealed partial class VectorJson : System.Text.Json.Serialization.JsonSerializerContext;
