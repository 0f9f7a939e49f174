using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace Lauter.Traces;

/// <summary>Inserts traces with statements that are prepared once.</summary>
internal sealed class TraceWriter : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly SqliteCommand _trace;
    private readonly SqliteCommand _settlement;
    private readonly SqliteCommand _row;
    private readonly SqliteCommand _text;
    private readonly SqliteCommand _open;
    private readonly SqliteCommand _end;

    public TraceWriter(SqliteConnection connection)
    {
        _connection = connection;

        // A lost request whose real end turns up after all (a directory that was away) gives way to it.
        _trace = Prepare(
            """
            INSERT INTO traces(id, started, application, release, tenant, outcome, status, duration_us, body, key, user, error, nanos, currency, cost_unknown)
            VALUES($id, $started, $application, $release, $tenant, $outcome, $status, $duration, $body, $key, $user, $error, $nanos, $currency, $unknown)
            ON CONFLICT(id) DO UPDATE SET outcome = excluded.outcome, status = excluded.status, duration_us = excluded.duration_us, body = excluded.body,
              error = excluded.error, nanos = excluded.nanos, currency = excluded.currency, cost_unknown = excluded.cost_unknown
            WHERE traces.outcome = 6 AND excluded.outcome <> 6
            """,
            "$id", "$started", "$application", "$release", "$tenant", "$outcome", "$status", "$duration", "$body", "$key", "$user", "$error", "$nanos", "$currency", "$unknown");
        _settlement = Prepare(
            "INSERT INTO settlements VALUES($trace, $lease, $nanos) ON CONFLICT(lease, trace) DO UPDATE SET nanos = excluded.nanos", "$trace", "$lease", "$nanos");
        _row = Prepare("INSERT OR IGNORE INTO trace_rows(trace) VALUES($id)", "$id");
        _text = Prepare("INSERT INTO trace_text(rowid, body) VALUES(last_insert_rowid(), $text)", "$text");
        _open = Prepare("SELECT EXISTS (SELECT 1 FROM begun)");
        _end = Prepare("DELETE FROM begun WHERE id = $id", "$id");
    }

    public void Write(IReadOnlyList<TraceRecord> traces, SqliteTransaction transaction)
    {
        _open.Transaction = transaction;
        var open = _open.ExecuteScalar() is 1L;
        foreach (var trace in traces)
        {
            var id = TraceStore.Name(trace.Id);
            if (open)
            {
                Run(_end, transaction, id);
            }

            var columns = TraceDatabase.Columns(trace);
            if (Run(
                _trace, transaction, id, trace.Started.ToUnixTimeMilliseconds(), trace.Application, trace.Release, trace.Tenant, (int)trace.Outcome, trace.Status,
                (long)trace.Duration.TotalMicroseconds, JsonSerializer.Serialize(trace, TraceJson.Relaxed.TraceRecord), columns[0].Value, columns[1].Value, columns[2].Value,
                columns[3].Value, columns[4].Value, columns[5].Value) == 0)
            {
                continue; // known
            }

            foreach (var settlement in trace.Settlements)
            {
                Run(_settlement, transaction, id, settlement.LeaseId, settlement.NanoUnits);
            }

            if (TraceDatabase.TextOf(trace) is { } text && Run(_row, transaction, id) > 0)
            {
                Run(_text, transaction, text);
            }
        }
    }

    public void Dispose()
    {
        foreach (var command in (SqliteCommand[])[_trace, _settlement, _row, _text, _open, _end])
        {
            command.Dispose();
        }
    }

    private SqliteCommand Prepare(string sql, params string[] parameters)
    {
        var command = TraceDatabase.Command(_connection, null, sql);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(new SqliteParameter { ParameterName = parameter });
        }

        return command;
    }

    private static int Run(SqliteCommand command, SqliteTransaction transaction, params ReadOnlySpan<object?> values)
    {
        command.Transaction = transaction;
        for (var i = 0; i < values.Length; i++)
        {
            command.Parameters[i].Value = values[i] ?? DBNull.Value;
        }

        return command.ExecuteNonQuery();
    }
}
