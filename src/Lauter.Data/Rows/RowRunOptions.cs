using Lauter.Data.Operators;

namespace Lauter.Data.Rows;

/// <summary>How the kept rows are written.</summary>
public enum RowFormat
{
    /// <summary>JSON lines; a row whose text no operator changed is the source's line byte for byte.</summary>
    Jsonl,

    /// <summary>Parquet with the columns <c>id</c>, <c>text</c>, <c>language</c> and <c>fields</c> (the row's other members as one JSON object).</summary>
    Parquet,
}

/// <summary>What <see cref="RowRun"/> does.</summary>
public sealed record RowRunOptions
{
    /// <summary>Operators.</summary>
    public required Recipe Recipe { get; init; }

    /// <summary>JSONL, Parquet and document files; their order is the order of the rows.</summary>
    public required IReadOnlyList<SourceFile> Inputs { get; init; }

    /// <summary>Created when missing. A run that finds its own finished shards here goes on after them.</summary>
    public required string OutputDirectory { get; init; }

    /// <summary>Threads, from 1; the result is the same whatever their number. Default: one a core.</summary>
    public int Workers { get; init; } = Environment.ProcessorCount;

    /// <summary>Form of the kept rows.</summary>
    public RowFormat Format { get; init; } = RowFormat.Jsonl;

    /// <summary>Member of a row that holds its text.</summary>
    public string TextField { get; init; } = "text";

    /// <summary>Member of a row that holds its id; a row without it gets one derived from source and line.</summary>
    public string IdField { get; init; } = "id";

    /// <summary>Folder of measured numbers and edited texts, shared by runs with other thresholds or operators; null keeps none.</summary>
    public string? CacheDirectory { get; init; }

    /// <summary>Bytes of the smallest shard; tests use small ones.</summary>
    internal int ShardBytes { get; init; } = ShardPlanner.Smallest;

    /// <summary>Whether the measured numbers of every row are written beside the rows, as <c>scores-*.parquet</c>.</summary>
    public bool WriteScores { get; init; }
}

/// <summary>What a run did. Everything but times and reuse is also in <c>report.json</c>.</summary>
public sealed record RowReport
{
    /// <summary>Rows read, unreadable ones included.</summary>
    public required long RowsIn { get; init; }

    /// <summary>Rows kept.</summary>
    public required long RowsOut { get; init; }

    /// <summary>Bytes of UTF-8 text read.</summary>
    public required long TextBytes { get; init; }

    /// <summary>Dropped rows by reason.</summary>
    public required IReadOnlyDictionary<string, long> Dropped { get; init; }

    /// <summary>Dropped rows by operator or reader.</summary>
    public required IReadOnlyDictionary<string, long> DroppedBy { get; init; }

    /// <summary>Kept rows by language.</summary>
    public required IReadOnlyDictionary<string, long> ByLanguage { get; init; }

    /// <summary>Rows that each edit changed.</summary>
    public required IReadOnlyDictionary<string, long> Changed { get; init; }

    /// <summary>Masked personal data by kind.</summary>
    public required IReadOnlyDictionary<string, long> Redactions { get; init; }

    /// <summary>Shards of this run.</summary>
    public required int Shards { get; init; }

    /// <summary>Shards that an earlier, interrupted or equal run had finished.</summary>
    public required int ShardsReused { get; init; }

    /// <summary>Texts that were read out of their rows in this run: 0 when only thresholds changed.</summary>
    public required long TextsRead { get; init; }

    /// <summary>Edits that were computed in this run, not found in the cache.</summary>
    public required long EditsDone { get; init; }

    /// <summary>Measures that were taken in this run, not found in the cache.</summary>
    public required long MeasuresTaken { get; init; }

    /// <summary>Wall time.</summary>
    public required TimeSpan Elapsed { get; init; }
}
