using System.Text.Json;
using Lauter.Ledger;
using Microsoft.Data.Sqlite;

namespace Lauter.Traces;

/// <summary>Inserts traces with statements that are prepared once.</summary>
internal sealed class TraceWriter : IDisposable
{
    private readonly SqlStatement _trace;
    private readonly SqlStatement _settlement;
    private readonly SqlStatement _row;
    private readonly SqlStatement _text;
    private readonly SqlStatement _open;
    private readonly SqlStatement _end;

    public TraceWriter(SqliteConnection connection)
    {
        // A lost request whose real end turns up after all (a directory that was away) gives way to it.
        _trace = new SqlStatement(
            connection,
            """
            INSERT INTO traces(id, started, application, release, tenant, outcome, status, duration_us, body, key, user, error, nanos, currency, cost_unknown)
            VALUES($id, $started, $application, $release, $tenant, $outcome, $status, $duration, $body, $key, $user, $error, $nanos, $currency, $unknown)
            ON CONFLICT(id) DO UPDATE SET outcome = excluded.outcome, status = excluded.status, duration_us = excluded.duration_us, body = excluded.body,
              error = excluded.error, nanos = excluded.nanos, currency = excluded.currency, cost_unknown = excluded.cost_unknown
            WHERE traces.outcome = 6 AND excluded.outcome <> 6
            """,
            "$id", "$started", "$application", "$release", "$tenant", "$outcome", "$status", "$duration", "$body", "$key", "$user", "$error", "$nanos", "$currency", "$unknown");
        _settlement = new SqlStatement(
            connection, "INSERT INTO settlements VALUES($trace, $lease, $nanos) ON CONFLICT(lease, trace) DO UPDATE SET nanos = excluded.nanos", "$trace", "$lease", "$nanos");
        _row = new SqlStatement(connection, "INSERT OR IGNORE INTO trace_rows(trace) VALUES($id)", "$id");
        _text = new SqlStatement(connection, "INSERT INTO trace_text(rowid, body) VALUES(last_insert_rowid(), $text)", "$text");
        _open = new SqlStatement(connection, "SELECT EXISTS (SELECT 1 FROM begun)");
        _end = new SqlStatement(connection, "DELETE FROM begun WHERE id = $id", "$id");
    }

    public void Write(IReadOnlyList<TraceRecord> traces, SqliteTransaction transaction)
    {
        var open = _open.First(transaction) is 1L;
        foreach (var trace in traces)
        {
            var id = TraceStore.Name(trace.Id);
            if (open)
            {
                _end.Run(transaction, id);
            }

            var columns = TraceDatabase.Columns(trace);
            if (_trace.Run(
                transaction, id, trace.Started.ToUnixTimeMilliseconds(), trace.Application, trace.Release, trace.Tenant, (int)trace.Outcome, trace.Status,
                (long)trace.Duration.TotalMicroseconds, JsonSerializer.Serialize(trace, TraceJson.Relaxed.TraceRecord), columns[0].Value, columns[1].Value, columns[2].Value,
                columns[3].Value, columns[4].Value, columns[5].Value) == 0)
            {
                continue; // known
            }

            foreach (var settlement in trace.Settlements)
            {
                _settlement.Run(transaction, id, settlement.LeaseId, settlement.NanoUnits);
            }

            if (TraceDatabase.TextOf(trace) is { } text && _row.Run(transaction, id) > 0)
            {
                _text.Run(transaction, text);
            }
        }
    }

    public void Dispose()
    {
        foreach (var command in (SqlStatement[])[_trace, _settlement, _row, _text, _open, _end])
        {
            command.Dispose();
        }
    }
}
