using Lauter.Data.Dedup;

namespace Lauter.Data.Export.Interchange;

/// <summary>What an export or import did.</summary>
/// <param name="RowsIn">Rows read.</param>
/// <param name="RowsOut">Rows written.</param>
/// <param name="Rejected">Rows left out, file, line and why: the first thousand of <paramref name="RowsIn"/> − <paramref name="RowsOut"/>.</param>
/// <param name="Files">What was written.</param>
public sealed record ExchangeReport(int RowsIn, int RowsOut, IReadOnlyList<string> Rejected, IReadOnlyList<string> Files);

/// <summary>
/// Rows between Lauter's JSONL and what other programs read: <c>openai</c>, <c>sharegpt</c>, <c>alpaca</c>, <c>qianfan</c>, <c>csv</c>, <c>parquet</c>,
/// <c>huggingface</c>. Members that a format has no place for are kept beside it, except in Qianfan, whose lines hold turns only. (1) The input is read in
/// batches, (2) workers parse and convert them, (3) the lines go, in order, to a temporary file, (4) from which tables are written. Memory holds some batches,
/// for Parquet a row group.
/// </summary>
public static class DatasetExchange
{
    private const int MostMessages = 1_000;

    /// <summary>Formats that can be written.</summary>
    public static IReadOnlyList<string> Formats { get; } = [.. ChatFormats.Names, "csv", "parquet", "huggingface", "jsonl"];

    /// <summary>Writes the rows of a file or directory in a format, with one worker a core.</summary>
    /// <param name="input">JSONL, JSON, CSV, TSV, Parquet, or a directory of these.</param>
    /// <param name="format">One of <see cref="Formats"/>.</param>
    /// <param name="output">A file; a directory for <c>huggingface</c>.</param>
    /// <param name="cancellation">Stops between batches; nothing is written then.</param>
    public static ExchangeReport Export(string input, string format, string output, CancellationToken cancellation = default) => Export(input, format, output, Environment.ProcessorCount, cancellation);

    /// <summary>Writes the rows of a file or directory in a format.</summary>
    /// <param name="input">JSONL, JSON, CSV, TSV, Parquet, or a directory of these.</param>
    /// <param name="format">One of <see cref="Formats"/>.</param>
    /// <param name="output">A file; a directory for <c>huggingface</c>.</param>
    /// <param name="workers">Threads, 1 or more; the files are the same whatever their number.</param>
    /// <param name="cancellation">Stops between batches; nothing is written then.</param>
    /// <exception cref="InvalidDataException">A file can't be read as rows at all.</exception>
    public static ExchangeReport Export(string input, string format, string output, int workers, CancellationToken cancellation)
    {
        var conversion = new RowConversion(format);
        var rejected = new List<string>();
        var rowsIn = 0;
        using var target = new ExchangeOutput(format, output, workers);
        foreach (var batch in OrderedMap.Run(InterchangeRows.Read(input), conversion.Convert, workers, cancellation))
        {
            target.Write(batch);
            rowsIn += batch.RowsIn;
            rejected.AddRange(batch.Rejected.Take(MostMessages - rejected.Count));
        }

        return new ExchangeReport(rowsIn, target.Rows, rejected, target.Complete(cancellation));
    }
}
