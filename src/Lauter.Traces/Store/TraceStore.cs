using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Ledger;
using Microsoft.Data.Sqlite;

namespace Lauter.Traces;

/// <summary>
/// Traces and feedback in one SQLite file, for the console, for iterations and for the bill. Writing is idempotent by id.
/// </summary>
/// <remarks>Safe for threads and for several processes on one machine.</remarks>
public sealed class TraceStore : IDisposable
{
    private const int SchemaVersion = 1;

    private const string Schema = """
        CREATE TABLE IF NOT EXISTS traces(
          id TEXT PRIMARY KEY, started INTEGER NOT NULL, application TEXT NOT NULL, release TEXT, tenant TEXT NOT NULL, outcome INTEGER NOT NULL,
          status INTEGER NOT NULL, duration_us INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS traces_started ON traces(started);
        CREATE INDEX IF NOT EXISTS traces_application ON traces(application, started);
        CREATE INDEX IF NOT EXISTS traces_release ON traces(release, started);
        CREATE TABLE IF NOT EXISTS settlements(trace TEXT NOT NULL, lease TEXT NOT NULL, nanos INTEGER NOT NULL, PRIMARY KEY(lease, trace)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS feedback(
          id TEXT PRIMARY KEY, trace TEXT NOT NULL, at INTEGER NOT NULL, rating INTEGER, corrected INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS feedback_trace ON feedback(trace);
        CREATE INDEX IF NOT EXISTS feedback_at ON feedback(at);
        """;

    private readonly SqliteConnection _connection;
    private readonly Lock _gate = new();

    /// <param name="path">The file, by custom <c>.lauter/traces.db</c>; created when missing.</param>
    /// <exception cref="InvalidDataException">A newer program wrote it.</exception>
    public TraceStore(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, DefaultTimeout = 30 }.ToString());
        try
        {
            _connection.Open();
            // FULL: a segment is deleted right after the commit, so the commit must be on the disk.
            using var mode = Command("PRAGMA busy_timeout=5000; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;");
            mode.ExecuteNonQuery();
            using var command = Command("PRAGMA user_version;");
            if (command.ExecuteScalar() is long version && version > SchemaVersion)
            {
                throw new InvalidDataException($"{path} has schema {version}, newer than this program's {SchemaVersion}: use the newer program, or another file.");
            }

            using var create = Command($"BEGIN IMMEDIATE; {Schema} PRAGMA user_version={SchemaVersion}; COMMIT;");
            create.ExecuteNonQuery();
        }
        catch
        {
            _connection.Dispose();
            throw;
        }
    }

    /// <summary>Adds what is not there yet, all or nothing.</summary>
    public void Write(IReadOnlyList<TraceRecord> traces, IReadOnlyList<FeedbackRecord> feedback)
    {
        if (traces.Count == 0 && feedback.Count == 0)
        {
            return;
        }

        lock (_gate)
        {
            using var transaction = _connection.BeginTransaction(deferred: false);
            foreach (var trace in traces)
            {
                using var insert = Command(
                    "INSERT OR IGNORE INTO traces VALUES($id, $started, $application, $release, $tenant, $outcome, $status, $duration, $body)", transaction,
                    ("$id", Name(trace.Id)), ("$started", trace.Started.ToUnixTimeMilliseconds()), ("$application", trace.Application), ("$release", trace.Release),
                    ("$tenant", trace.Tenant), ("$outcome", (int)trace.Outcome), ("$status", trace.Status), ("$duration", (long)trace.Duration.TotalMicroseconds),
                    ("$body", JsonSerializer.Serialize(trace, TraceJson.Relaxed.TraceRecord)));
                insert.ExecuteNonQuery();
                foreach (var settlement in trace.Settlements)
                {
                    using var settle = Command(
                        "INSERT OR IGNORE INTO settlements VALUES($trace, $lease, $nanos)", transaction,
                        ("$trace", Name(trace.Id)), ("$lease", settlement.LeaseId), ("$nanos", settlement.NanoUnits));
                    settle.ExecuteNonQuery();
                }
            }

            foreach (var record in feedback)
            {
                using var insert = Command(
                    "INSERT OR IGNORE INTO feedback VALUES($id, $trace, $at, $rating, $corrected, $body)", transaction,
                    ("$id", Name(record.Id)), ("$trace", Name(record.TraceId)), ("$at", record.At.ToUnixTimeMilliseconds()), ("$rating", record.Rating),
                    ("$corrected", record.Correction is null ? 0 : 1), ("$body", JsonSerializer.Serialize(record, TraceJson.Relaxed.FeedbackRecord)));
                insert.ExecuteNonQuery();
            }

            transaction.Commit();
        }
    }

    /// <summary>One trace, or null.</summary>
    public TraceRecord? Find(Guid id) => Query("SELECT body FROM traces WHERE id = $id", Trace, ("$id", Name(id))).FirstOrDefault();

    /// <summary>The feedback on one trace, oldest first.</summary>
    public IReadOnlyList<FeedbackRecord> FeedbackOn(Guid traceId) =>
        Query("SELECT body FROM feedback WHERE trace = $id ORDER BY at, id", Feedback, ("$id", Name(traceId)));

    /// <summary>The newest traces, newest first.</summary>
    /// <param name="count">At most this many, up to 10,000.</param>
    /// <param name="application">Only of this application; null = all.</param>
    /// <param name="outcome">Only with this outcome; null = all.</param>
    /// <param name="tenant">Only of this tenant; null = all.</param>
    /// <param name="before">Only those that started earlier; the way to the next page.</param>
    public IReadOnlyList<TraceRecord> Recent(
        int count, string? application = null, TraceOutcome? outcome = null, string? tenant = null, DateTimeOffset? before = null) => Query(
        """
        SELECT body FROM traces WHERE ($application IS NULL OR application = $application) AND ($outcome IS NULL OR outcome = $outcome)
          AND ($tenant IS NULL OR tenant = $tenant) AND started < $before ORDER BY started DESC, id DESC LIMIT $count
        """,
        Trace, ("$application", application), ("$outcome", outcome is null ? null : (int)outcome), ("$tenant", tenant),
        ("$before", before?.ToUnixTimeMilliseconds() ?? long.MaxValue), ("$count", Math.Clamp(count, 0, 10_000)));

    /// <summary>How many requests of each application ended how, with their mean duration.</summary>
    public IReadOnlyList<TraceCount> Counts(DateTimeOffset? from = null, DateTimeOffset? until = null) => Query(
        "SELECT application, outcome, COUNT(*), AVG(duration_us) FROM traces WHERE started >= $from AND started < $until GROUP BY 1, 2 ORDER BY 1, 2",
        r => new TraceCount(r.GetString(0), (TraceOutcome)r.GetInt32(1), r.GetInt64(2), TimeSpan.FromMicroseconds(r.GetDouble(3))), Interval(from, until));

    /// <summary>What a bill needs to know about each application's answers: a correction counts once, however often it was given.</summary>
    public IReadOnlyList<ApplicationUse> Use(DateTimeOffset? from = null, DateTimeOffset? until = null) => Query(
        """
        SELECT t.application, COUNT(*), SUM(t.outcome = 1), SUM(t.outcome = 1 AND f.corrected = 1), SUM(t.outcome = 1 AND f.corrected = 0 AND f.rating < 0)
        FROM traces t LEFT JOIN (
          SELECT trace, MAX(corrected) AS corrected,
            (SELECT rating FROM feedback l WHERE l.trace = g.trace AND l.rating IS NOT NULL ORDER BY l.at DESC, l.id DESC LIMIT 1) AS rating
          FROM feedback g GROUP BY trace) f ON f.trace = t.id
        WHERE t.started >= $from AND t.started < $until GROUP BY 1 ORDER BY 1
        """,
        r => new ApplicationUse(r.GetString(0), r.GetInt64(1), r.GetInt64(2), Number(r, 3), Number(r, 4)), Interval(from, until));

    /// <summary>What became of the requests to one release. A correction counts once, however often it was given.</summary>
    public ReleaseUse UseOf(string release)
    {
        var counts = Query(
            """
            SELECT SUM(t.outcome = 1), SUM(t.outcome = 3), SUM(t.outcome = 1 AND f.corrected = 1), SUM(t.outcome = 1 AND f.corrected = 0 AND f.rating < 0)
            FROM traces t LEFT JOIN (
              SELECT trace, MAX(corrected) AS corrected,
                (SELECT rating FROM feedback l WHERE l.trace = g.trace AND l.rating IS NOT NULL ORDER BY l.at DESC, l.id DESC LIMIT 1) AS rating
              FROM feedback g GROUP BY trace) f ON f.trace = t.id
            WHERE t.release = $release
            """,
            r => (Answered: Number(r, 0), Failed: Number(r, 1), Corrected: Number(r, 2), Bad: Number(r, 3)), ("$release", release))[0];
        Money? cost = null;
        var known = counts.Answered + counts.Failed > 0;
        foreach (var trace in Query("SELECT body FROM traces WHERE release = $release", Trace, ("$release", release)))
        {
            if (trace.Charges.Count == 0)
            {
                continue;
            }

            known &= trace.Cost is { } one && (cost is null || cost.Value.Currency == one.Currency);
            cost = known ? (cost is null ? trace.Cost : cost + trace.Cost) : null;
        }

        return new ReleaseUse(counts.Answered, counts.Failed, counts.Corrected, counts.Bad, known ? cost : null);
    }

    /// <summary>The last correction of each trace of <paramref name="application"/> that was given since <paramref name="since"/>, oldest first.</summary>
    public IReadOnlyList<Correction> Corrections(string application, DateTimeOffset? since = null) => Query(
        """
        SELECT t.body, f.body FROM feedback f JOIN traces t ON t.id = f.trace
        WHERE t.application = $application AND f.corrected = 1 AND f.at >= $since
          AND NOT EXISTS (SELECT 1 FROM feedback n WHERE n.trace = f.trace AND n.corrected = 1 AND (n.at > f.at OR (n.at = f.at AND n.id > f.id)))
        ORDER BY f.at, f.id
        """,
        r => new Correction(
            JsonSerializer.Deserialize(r.GetString(0), TraceJson.Relaxed.TraceRecord)!, JsonSerializer.Deserialize(r.GetString(1), TraceJson.Relaxed.FeedbackRecord)!),
        ("$application", application), ("$since", since?.ToUnixTimeMilliseconds() ?? long.MinValue));

    /// <summary>
    /// How requests of <paramref name="application"/> ended that a release answered or failed to answer, in the order in which they ended.
    /// </summary>
    /// <param name="application">The application.</param>
    /// <param name="since">Only requests that came in then or later.</param>
    /// <param name="after">Only those that ended later than this one of an earlier call; null = from the beginning.</param>
    /// <param name="count">At most this many.</param>
    public IReadOnlyList<ReleaseOutcomeRow> ReleaseOutcomes(string application, DateTimeOffset since, ReleaseOutcomeRow? after, int count) => Query(
        """
        SELECT id, release, outcome, started, started * 1000 + duration_us AS ended, json_extract(body, '$.unit') FROM traces
        WHERE application = $application AND started >= $since AND outcome IN (1, 3) AND release IS NOT NULL
          AND (started * 1000 + duration_us, id) > ($ended, $id) ORDER BY ended, id LIMIT $count
        """,
        r => new ReleaseOutcomeRow(
            r.GetString(0), r.GetString(1), (TraceOutcome)r.GetInt32(2), DateTimeOffset.FromUnixTimeMilliseconds(r.GetInt64(3)), r.GetInt64(4), r.IsDBNull(5) ? null : r.GetString(5)),
        ("$application", application), ("$since", since.ToUnixTimeMilliseconds()), ("$ended", after?.EndedMicroseconds ?? long.MinValue), ("$id", after?.Id ?? ""), ("$count", count));

    /// <summary>The first rating or correction of each trace of <paramref name="application"/> that a release answered, in the order in which it was given.</summary>
    /// <param name="application">The application.</param>
    /// <param name="since">Only requests that came in then or later.</param>
    /// <param name="after">Only feedback given later than this one of an earlier call; null = from the beginning.</param>
    /// <param name="count">At most this many.</param>
    public IReadOnlyList<ReleaseFeedbackRow> ReleaseFeedback(string application, DateTimeOffset since, ReleaseFeedbackRow? after, int count) => Query(
        """
        SELECT f.id, t.release, f.corrected = 1 OR f.rating < 0, t.started, f.at, json_extract(t.body, '$.unit') FROM feedback f JOIN traces t ON t.id = f.trace
        WHERE t.application = $application AND t.started >= $since AND t.release IS NOT NULL AND (f.corrected = 1 OR f.rating <> 0)
          AND NOT EXISTS (SELECT 1 FROM feedback e WHERE e.trace = f.trace AND (e.corrected = 1 OR e.rating <> 0) AND (e.at, e.id) < (f.at, f.id))
          AND (f.at, f.id) > ($at, $id) ORDER BY f.at, f.id LIMIT $count
        """,
        r => new ReleaseFeedbackRow(
            r.GetString(0), r.GetString(1), r.GetInt64(2) != 0, DateTimeOffset.FromUnixTimeMilliseconds(r.GetInt64(3)), r.GetInt64(4), r.IsDBNull(5) ? null : r.GetString(5)),
        ("$application", application), ("$since", since.ToUnixTimeMilliseconds()), ("$at", after?.AtMilliseconds ?? long.MinValue), ("$id", after?.Id ?? ""), ("$count", count));

    /// <summary>What was settled on each of the leases; leases without a settlement are absent.</summary>
    public IReadOnlyDictionary<string, long> SettledByLease(IReadOnlyList<string> leaseIds)
    {
        Dictionary<string, long> settled = new(StringComparer.Ordinal);
        foreach (var lease in leaseIds)
        {
            foreach (var sum in Query("SELECT SUM(nanos) FROM settlements WHERE lease = $lease", r => r.IsDBNull(0) ? (long?)null : r.GetInt64(0), ("$lease", lease)))
            {
                if (sum is { } nanos)
                {
                    settled[lease] = nanos;
                }
            }
        }

        return settled;
    }

    /// <summary>
    /// Removes traces that started before <paramref name="until"/>, with their feedback. Postings in the ledger stay, and so do the amounts settled
    /// on leases: a budget's window may be longer than the traces are kept.
    /// </summary>
    /// <returns>How many traces were removed.</returns>
    public int Expire(DateTimeOffset until)
    {
        lock (_gate)
        {
            using var transaction = _connection.BeginTransaction(deferred: false);
            var at = ("$until", (object?)until.ToUnixTimeMilliseconds());
            using var children = Command("DELETE FROM feedback WHERE trace IN (SELECT id FROM traces WHERE started < $until)", transaction, at);
            children.ExecuteNonQuery();

            using var traces = Command("DELETE FROM traces WHERE started < $until", transaction, at);
            var removed = traces.ExecuteNonQuery();
            transaction.Commit();
            return removed;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _connection.Dispose();

    private static string Name(Guid id) => id.ToString("N");

    private static TraceRecord Trace(SqliteDataReader reader) => JsonSerializer.Deserialize(reader.GetString(0), TraceJson.Relaxed.TraceRecord)!;

    private static FeedbackRecord Feedback(SqliteDataReader reader) => JsonSerializer.Deserialize(reader.GetString(0), TraceJson.Relaxed.FeedbackRecord)!;

    private static long Number(SqliteDataReader reader, int column) => reader.IsDBNull(column) ? 0 : reader.GetInt64(column);

    private static (string, object?)[] Interval(DateTimeOffset? from, DateTimeOffset? until) =>
        [("$from", from?.ToUnixTimeMilliseconds() ?? long.MinValue), ("$until", until?.ToUnixTimeMilliseconds() ?? long.MaxValue)];

    private List<T> Query<T>(string sql, Func<SqliteDataReader, T> read, params (string Name, object? Value)[] parameters)
    {
        lock (_gate)
        {
            using var command = Command(sql, null, parameters);
            using var reader = command.ExecuteReader();
            List<T> rows = [];
            while (reader.Read())
            {
                rows.Add(read(reader));
            }

            return rows;
        }
    }

    private SqliteCommand Command(string sql, SqliteTransaction? transaction = null, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        var command = _connection.CreateCommand();
#pragma warning disable CA2100 // every text is a constant of this class; values travel as parameters
        command.CommandText = sql;
#pragma warning restore CA2100
        command.Transaction = transaction;
        foreach (var (name, value) in parameters)
        {
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        }

        return command;
    }
}

/// <summary>Requests of one application with one outcome.</summary>
public sealed record TraceCount(string Application, TraceOutcome Outcome, long Requests, TimeSpan MeanDuration);

/// <summary>What became of the requests to one release.</summary>
/// <param name="Answered">Answered requests.</param>
/// <param name="Failed">Failed requests.</param>
/// <param name="Corrected">Answers that somebody corrected.</param>
/// <param name="RatedBad">Answers that somebody rated bad and did not correct.</param>
/// <param name="Cost">What serving them cost; null when a part of it is unknown, or in two currencies.</param>
public sealed record ReleaseUse(long Answered, long Failed, long Corrected, long RatedBad, Money? Cost)
{
    /// <summary>Answers that nobody corrected or rated bad.</summary>
    public long Accepted => Answered - Corrected - RatedBad;
}

/// <summary>How one request to a release ended.</summary>
/// <param name="Id">The trace, 32 hexadecimal digits.</param>
/// <param name="Release">The release that served it.</param>
/// <param name="Outcome">Answered or failed.</param>
/// <param name="Started">When it came in.</param>
/// <param name="EndedMicroseconds">When it ended, microseconds since 1970.</param>
/// <param name="Unit">See <see cref="TraceRecord.Unit"/>.</param>
public sealed record ReleaseOutcomeRow(string Id, string Release, TraceOutcome Outcome, DateTimeOffset Started, long EndedMicroseconds, string? Unit);

/// <summary>What was said about one answer of a release.</summary>
/// <param name="Id">The feedback, 32 hexadecimal digits.</param>
/// <param name="Release">The release that answered.</param>
/// <param name="Bad">True for a correction or a bad rating, false for a good one.</param>
/// <param name="Started">When the request came in.</param>
/// <param name="AtMilliseconds">When the feedback was given, milliseconds since 1970.</param>
/// <param name="Unit">See <see cref="TraceRecord.Unit"/>.</param>
public sealed record ReleaseFeedbackRow(string Id, string Release, bool Bad, DateTimeOffset Started, long AtMilliseconds, string? Unit);

/// <summary>An answer and what it should have been.</summary>
/// <param name="Trace">The request; <see cref="TraceRecord.Input"/> holds the fields of the input.</param>
/// <param name="Feedback">The feedback; its <see cref="FeedbackRecord.Correction"/> is not null.</param>
public sealed record Correction(TraceRecord Trace, FeedbackRecord Feedback);
