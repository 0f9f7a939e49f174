namespace Lauter.Data.Rows;

/// <summary>What kind of rows a shard is cut from.</summary>
internal enum ShardForm
{
    /// <summary>Lines of a JSONL file.</summary>
    Lines,

    /// <summary>A row group of a Parquet file.</summary>
    RowGroup,

    /// <summary>Documents: some files.</summary>
    Documents,
}

/// <summary>A piece of the input that one worker does at a time, small enough to lie in memory.</summary>
/// <param name="Index">Position among all shards.</param>
/// <param name="Form">What it is cut from.</param>
/// <param name="Files">One file, or the documents.</param>
/// <param name="Offset">First byte, or the row group.</param>
/// <param name="Length">Bytes.</param>
/// <param name="FirstLine">Line or row number of the first row, from 1.</param>
/// <param name="Key">Hash of the content and of how it is read: equal content has an equal key wherever it stands.</param>
internal sealed record RowShard(int Index, ShardForm Form, IReadOnlyList<SourceFile> Files, long Offset, int Length, long FirstLine, string Key);

/// <summary>The row before any operator: one JSON object as UTF-8, without line end.</summary>
/// <param name="Start">In the shard's bytes.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Number">Line or row number in the source, from 1.</param>
internal readonly record struct RowLine(int Start, int Length, long Number);
