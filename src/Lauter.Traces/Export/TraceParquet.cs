using Lauter.Ledger;
using Parquet;
using Parquet.Schema;

namespace Lauter.Traces.Export;

/// <summary>
/// Traces as one Parquet file (zstd): a row each, flat columns that pandas and DuckDB read as they are. Token columns are null where the number is missing, and
/// the cost where it is unknown: null is not zero.
/// </summary>
public static class TraceParquet
{
    private const int RowsPerGroup = 10_000;

    private static readonly (DataField Field, Func<TraceRecord, string?>? Text, Func<TraceRecord, long?>? Number)[] Columns =
    [
        Text("id", t => t.Id.ToString("N")), Number("started_us", t => t.Started.ToUnixTimeMilliseconds() * 1_000), Text("route", t => t.Route), Text("application", t => t.Application),
        Text("release", t => t.Release), Text("model", t => t.Model), Text("tenant", t => t.Tenant), Text("key_id", t => t.KeyId), Text("user", t => t.User), Text("outcome", t => t.Outcome.ToString().ToLowerInvariant()),
        Number("status", t => t.Status), Text("finish_reason", t => t.FinishReason), Text("error_code", t => t.ErrorCode), Number("duration_us", t => (long)t.Duration.TotalMicroseconds),
        Number("time_to_first_us", t => (long?)t.TimeToFirst?.TotalMicroseconds), Number("input_tokens", t => TokenCount.Input(t)), Number("cache_read_tokens", t => TokenCount.Of(t, Meter.CacheRead)),
        Number("output_tokens", t => TokenCount.Output(t)), Number("reasoning_tokens", t => TokenCount.Of(t, Meter.ReasoningOutput)), Number("core_us", t => TokenCount.Of(t, Meter.CoreMicroseconds)),
        Number("cost_nano_units", t => t.Cost?.NanoUnits), Text("currency", t => t.Cost?.Currency), Text("request", t => t.Request), Text("response", t => t.Response), Text("input", t => t.Input?.ToJsonString()),
    ];

    /// <summary>Writes the traces, with one row group of them in memory at a time.</summary>
    /// <param name="traces">Which.</param>
    /// <param name="output">Where; it must be seekable, and stays open.</param>
    /// <param name="texts">False = request, answer and input are null.</param>
    /// <param name="cancellationToken">Stops between row groups.</param>
    /// <returns>How many.</returns>
    public static async Task<int> WriteAsync(IEnumerable<TraceRecord> traces, Stream output, bool texts = true, CancellationToken cancellationToken = default)
    {
        var count = 0;
        var options = new ParquetOptions { CompressionMethod = CompressionMethod.Zstd, CompressionLevel = System.IO.Compression.CompressionLevel.Fastest };
        await using var writer = await ParquetWriter.CreateAsync(new ParquetSchema(Columns.Select(c => c.Field).ToArray()), output, options, cancellationToken: cancellationToken);
        foreach (var rows in traces.Select(t => texts ? t : t with { Request = null, Response = null, Input = null }).Chunk(RowsPerGroup))
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var group = writer.CreateRowGroup();
            foreach (var (field, text, number) in Columns)
            {
                if (text is not null)
                {
                    await group.WriteAsync(field, rows.Select(r => text(r)!).ToArray());
                }
                else
                {
                    await group.WriteAsync<long>(field, rows.Select(r => number!(r)).ToArray(), cancellationToken: cancellationToken);
                }
            }

            count += rows.Length;
        }

        return count;
    }

    private static (DataField, Func<TraceRecord, string?>?, Func<TraceRecord, long?>?) Text(string name, Func<TraceRecord, string?> value) =>
        (new DataField(name, typeof(string), isNullable: true), value, null);

    private static (DataField, Func<TraceRecord, string?>?, Func<TraceRecord, long?>?) Number(string name, Func<TraceRecord, long?> value) =>
        (new DataField(name, typeof(long), isNullable: true), null, value);
}

/// <summary>Sums of a trace's meters; null = missing or not measured.</summary>
internal static class TokenCount
{
    /// <summary>All prompt tokens, cached ones included, as the OpenTelemetry conventions ask.</summary>
    public static long? Input(TraceRecord trace) => Sum(trace, Meter.UncachedInput, Meter.CacheRead, Meter.CacheWriteShort, Meter.CacheWriteLong, Meter.EmbeddingInput);

    /// <summary>All generated tokens, reasoning included.</summary>
    public static long? Output(TraceRecord trace) => Sum(trace, Meter.TextOutput, Meter.ReasoningOutput);

    public static long? Of(TraceRecord trace, Meter meter) => Sum(trace, meter);

    private static long? Sum(TraceRecord trace, params ReadOnlySpan<Meter> meters)
    {
        long? sum = null;
        foreach (var charge in trace.Charges)
        {
            if (meters.Contains(charge.Meter))
            {
                if (charge.Source == MeterSource.Missing)
                {
                    return null;
                }

                sum = (sum ?? 0) + charge.Quantity;
            }
        }

        return sum;
    }
}
