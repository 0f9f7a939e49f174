using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Ledger;
using Lauter.Traces.Search;
using Microsoft.Data.Sqlite;

namespace Lauter.Traces;

/// <summary>
/// Traces and feedback in one SQLite file, for the console, for iterations and for the bill. Writing is idempotent by id.
/// </summary>
/// <remarks>Safe for threads and for several processes on one machine.</remarks>
public sealed class TraceStore : IDisposable
{
    /// <summary>Traces <c>t</c> with what was said about each, <c>f</c>: whether it was ever corrected, and its last rating.</summary>
    private const string TracesWithFeedback = """
        traces t LEFT JOIN (
          SELECT trace, MAX(corrected) AS corrected,
            (SELECT rating FROM feedback l WHERE l.trace = g.trace AND l.rating IS NOT NULL ORDER BY l.at DESC, l.id DESC LIMIT 1) AS rating
          FROM feedback g GROUP BY trace) f ON f.trace = t.id
        """;

    /// <summary>A silent request of a trial. The route is the second member of a body, so its beginning is enough and the rest need not be read.</summary>
    private const string Mirrored = """instr(substr(t.body, 1, 80), '"route":"mirror"') > 0""";

    private readonly SqliteConnection _connection;
    private readonly TraceWriter _writer;
    private readonly Lock _gate = new();

    /// <param name="path">The file, by custom <c>.lauter/traces.db</c>; created when missing.</param>
    /// <exception cref="InvalidDataException">A newer program wrote it.</exception>
    public TraceStore(string path)
    {
        _connection = TraceDatabase.Open(path);
        _writer = new TraceWriter(_connection);
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
            _writer.Write(traces, transaction);
            foreach (var record in feedback)
            {
                TraceDatabase.Execute(
                    _connection, transaction, "INSERT OR IGNORE INTO feedback VALUES($id, $trace, $at, $rating, $corrected, $body)",
                    ("$id", Name(record.Id)), ("$trace", Name(record.TraceId)), ("$at", record.At.ToUnixTimeMilliseconds()), ("$rating", record.Rating),
                    ("$corrected", record.Correction is null ? 0 : 1), ("$body", JsonSerializer.Serialize(record, TraceJson.Relaxed.FeedbackRecord)));
            }

            transaction.Commit();
        }
    }

    /// <summary>Adds requests of a writer that began and have not ended yet.</summary>
    internal void Write(IReadOnlyList<BegunRecord> begun, string writer)
    {
        if (begun.Count == 0)
        {
            return;
        }

        lock (_gate)
        {
            using var transaction = _connection.BeginTransaction(deferred: false);
            foreach (var record in begun)
            {
                TraceDatabase.Execute(
                    _connection, transaction, "INSERT OR IGNORE INTO begun SELECT $id, $writer, $body WHERE NOT EXISTS (SELECT 1 FROM traces WHERE id = $id)",
                    ("$id", Name(record.Id)), ("$writer", writer), ("$body", JsonSerializer.Serialize(record, TraceJson.Relaxed.BegunRecord)));
            }

            transaction.Commit();
        }
    }

    /// <summary>The writers that began something which has not ended.</summary>
    internal IReadOnlyList<string> OpenWriters() => Query("SELECT DISTINCT writer FROM begun ORDER BY writer", r => r.GetString(0));

    /// <summary>What a writer began and has not ended.</summary>
    internal IReadOnlyList<BegunRecord> Open(string writer) =>
        Query("SELECT body FROM begun WHERE writer = $writer ORDER BY id", r => JsonSerializer.Deserialize(r.GetString(0), TraceJson.Relaxed.BegunRecord)!, ("$writer", writer));

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

    /// <summary>The traces that <paramref name="query"/> means, newest first.</summary>
    /// <param name="query">Which.</param>
    /// <param name="count">At most this many, up to 10,000.</param>
    /// <exception cref="FormatException">The path of a field is none.</exception>
    public IReadOnlyList<TraceRecord> Search(TraceQuery query, int count)
    {
        var (where, parameters) = query.ToSql();
        return Query(
            $"SELECT t.body FROM traces t WHERE {where} ORDER BY t.started DESC, t.id DESC LIMIT $count", Trace, [.. parameters, ("$count", Math.Clamp(count, 0, 10_000))]);
    }

    /// <summary>Every trace that <paramref name="query"/> means, oldest first, with few of them in memory at a time. What is written meanwhile may or may not be among them.</summary>
    /// <exception cref="FormatException">The path of a field is none.</exception>
    public IEnumerable<TraceRecord> Read(TraceQuery query)
    {
        const int Page = 500;
        var (where, parameters) = query.ToSql();
        for (var (started, id) = (long.MinValue, ""); ;)
        {
            var page = Query(
                $"SELECT t.body, t.started, t.id FROM traces t WHERE {where} AND (t.started, t.id) > ($after, $id) ORDER BY t.started, t.id LIMIT {Page}",
                r => (Trace: Trace(r), Started: r.GetInt64(1), Id: r.GetString(2)), [.. parameters, ("$after", started), ("$id", id)]);
            foreach (var row in page)
            {
                yield return row.Trace;
            }

            if (page.Count < Page)
            {
                yield break;
            }

            (started, id) = (page[^1].Started, page[^1].Id);
        }
    }

    /// <summary>How many requests of each application ended how, with their mean duration.</summary>
    public IReadOnlyList<TraceCount> Counts(DateTimeOffset? from = null, DateTimeOffset? until = null) => Query(
        "SELECT application, outcome, COUNT(*), AVG(duration_us) FROM traces WHERE started >= $from AND started < $until GROUP BY 1, 2 ORDER BY 1, 2",
        r => new TraceCount(r.GetString(0), (TraceOutcome)r.GetInt32(1), r.GetInt64(2), TimeSpan.FromMicroseconds(r.GetDouble(3))), Interval(from, until));

    /// <summary>What a bill needs to know about each application's answers: a correction counts once, however often it was given.</summary>
    public IReadOnlyList<ApplicationUse> Use(DateTimeOffset? from = null, DateTimeOffset? until = null) => Query(
        $"""
        SELECT t.application, COUNT(*), SUM(t.outcome = 1), SUM(t.outcome = 1 AND f.corrected = 1), SUM(t.outcome = 1 AND f.corrected = 0 AND f.rating < 0)
        FROM {TracesWithFeedback}
        WHERE t.started >= $from AND t.started < $until AND NOT {Mirrored} GROUP BY 1 ORDER BY 1
        """,
        r => new ApplicationUse(r.GetString(0), r.GetInt64(1), r.GetInt64(2), Number(r, 3), Number(r, 4)), Interval(from, until));

    /// <summary>What became of the requests to one release. A correction counts once, however often it was given.</summary>
    public ReleaseUse UseOf(string release)
    {
        var counts = Query(
            $"""
            SELECT SUM(t.outcome = 1), SUM(t.outcome = 3), SUM(t.outcome = 1 AND f.corrected = 1), SUM(t.outcome = 1 AND f.corrected = 0 AND f.rating < 0)
            FROM {TracesWithFeedback}
            WHERE t.release = $release AND NOT {Mirrored}
            """,
            r => (Answered: Number(r, 0), Failed: Number(r, 1), Corrected: Number(r, 2), Bad: Number(r, 3)), ("$release", release))[0];
        var sums = Query(
            "SELECT currency, SUM(nanos), SUM(cost_unknown) FROM traces WHERE release = $release AND (nanos IS NOT NULL OR cost_unknown = 1) GROUP BY 1",
            r => (Amount: r.IsDBNull(0) ? (Money?)null : new Money(r.GetInt64(1), r.GetString(0)), Unknown: r.GetInt64(2)), ("$release", release));
        var cost = counts.Answered + counts.Failed > 0 && sums.Count == 1 && sums[0].Unknown == 0 ? sums[0].Amount : null;
        return new ReleaseUse(counts.Answered, counts.Failed, counts.Corrected, counts.Bad, cost);
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
        $"""
        SELECT id, release, outcome, started, started * 1000 + duration_us AS ended, json_extract(body, '$.unit') FROM traces t
        WHERE application = $application AND started >= $since AND outcome IN (1, 3) AND release IS NOT NULL AND NOT {Mirrored}
          AND (started * 1000 + duration_us, id) > ($ended, $id) ORDER BY ended, id LIMIT $count
        """,
        r => new ReleaseOutcomeRow(
            r.GetString(0), r.GetString(1), (TraceOutcome)r.GetInt32(2), DateTimeOffset.FromUnixTimeMilliseconds(r.GetInt64(3)), r.GetInt64(4), r.IsDBNull(5) ? null : r.GetString(5)),
        ("$application", application), ("$since", since.ToUnixTimeMilliseconds()), ("$ended", after?.EndedMicroseconds ?? long.MinValue), ("$id", after?.Id ?? ""), ("$count", count));

    /// <summary>Requests of <paramref name="application"/> that were mirrored to a release, each beside the caller's own, oldest first.</summary>
    /// <param name="application">The application.</param>
    /// <param name="since">Only mirrored requests that began then or later.</param>
    /// <param name="count">At most this many.</param>
    public IReadOnlyList<MirroredRow> Mirrors(string application, DateTimeOffset since, int count) => Query(
        $"""
        SELECT t.release, o.outcome, t.outcome, json_extract(t.body, '$.agrees'), o.duration_us, t.duration_us, t.nanos, t.currency, t.cost_unknown
        FROM traces t JOIN traces o ON o.id = replace(json_extract(t.body, '$.parent'), '-', '')
        WHERE t.application = $application AND t.started >= $since AND t.release IS NOT NULL AND t.outcome IN (1, 3) AND o.outcome IN (1, 3) AND {Mirrored}
        ORDER BY t.started, t.id LIMIT $count
        """,
        r => new MirroredRow(
            r.GetString(0), (TraceOutcome)r.GetInt32(1), (TraceOutcome)r.GetInt32(2), r.IsDBNull(3) ? null : r.GetInt64(3) != 0,
            TimeSpan.FromMicroseconds(r.GetInt64(4)), TimeSpan.FromMicroseconds(r.GetInt64(5)),
            r.GetInt64(8) != 0 ? null : r.IsDBNull(6) ? null : new Money(r.GetInt64(6), r.GetString(7))),
        ("$application", application), ("$since", since.ToUnixTimeMilliseconds()), ("$count", count));

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
    public int Expire(DateTimeOffset until) => Expire(until, application: null);

    /// <summary>As <see cref="Expire(DateTimeOffset)"/>, for one application.</summary>
    /// <param name="until">First instant that is kept.</param>
    /// <param name="application">Only of this application; null = all.</param>
    public int Expire(DateTimeOffset until, string? application) => InBatches(
        "SELECT id FROM traces WHERE started < $until AND ($application IS NULL OR application = $application) ORDER BY started LIMIT 500",
        (id, transaction) =>
        {
            RemoveText(id, transaction);
            TraceDatabase.Execute(_connection, transaction, "DELETE FROM feedback WHERE trace = $id", ("$id", id));
            TraceDatabase.Execute(_connection, transaction, "DELETE FROM traces WHERE id = $id", ("$id", id));
        },
        ("$until", until.ToUnixTimeMilliseconds()), ("$application", application));

    /// <summary>
    /// Removes the texts of traces that started before <paramref name="until"/>: request, answer, input, and the comments and corrections on them. What they
    /// used, cost and how they ended stays.
    /// </summary>
    /// <param name="until">First instant whose texts are kept.</param>
    /// <param name="application">Only of this application; null = all.</param>
    /// <returns>How many traces had texts.</returns>
    public int ExpireTexts(DateTimeOffset until, string? application = null) => InBatches(
        """
        SELECT id FROM traces WHERE started < $until AND ($application IS NULL OR application = $application) AND COALESCE(json_extract(body, '$.redacted'), 0) = 0
        ORDER BY started LIMIT 500
        """,
        RedactOne, ("$until", until.ToUnixTimeMilliseconds()), ("$application", application));

    /// <summary>Removes the texts of these traces for good, from the file's free pages and its log too; see <see cref="ExpireTexts"/>.</summary>
    /// <returns>How many of them there are.</returns>
    public int Redact(IReadOnlyList<Guid> ids)
    {
        lock (_gate)
        {
            using (var transaction = _connection.BeginTransaction(deferred: false))
            {
                var found = ids.Select(Name).Where(id => Exists(id, transaction)).ToList();
                foreach (var id in found)
                {
                    RedactOne(id, transaction);
                }

                transaction.Commit();
                if (found.Count == 0)
                {
                    return 0;
                }

                ids = [.. found.Select(Guid.Parse)];
            }

            TraceDatabase.Execute(_connection, null, "PRAGMA wal_checkpoint(TRUNCATE)");
            return ids.Count;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _writer.Dispose();
            _connection.Dispose();
        }
    }

    internal static string Name(Guid id) => id.ToString("N");

    private static TraceRecord Trace(SqliteDataReader reader) => JsonSerializer.Deserialize(reader.GetString(0), TraceJson.Relaxed.TraceRecord)!;

    private static FeedbackRecord Feedback(SqliteDataReader reader) => JsonSerializer.Deserialize(reader.GetString(0), TraceJson.Relaxed.FeedbackRecord)!;

    private static long Number(SqliteDataReader reader, int column) => reader.IsDBNull(column) ? 0 : reader.GetInt64(column);

    private static (string, object?)[] Interval(DateTimeOffset? from, DateTimeOffset? until) =>
        [("$from", from?.ToUnixTimeMilliseconds() ?? long.MinValue), ("$until", until?.ToUnixTimeMilliseconds() ?? long.MaxValue)];

    private bool Exists(string id, SqliteTransaction transaction)
    {
        using var command = TraceDatabase.Command(_connection, transaction, "SELECT 1 FROM traces WHERE id = $id", ("$id", id));
        return command.ExecuteScalar() is not null;
    }

    private void RedactOne(string id, SqliteTransaction transaction)
    {
        RemoveText(id, transaction);
        TraceDatabase.Execute(
            _connection, transaction, "UPDATE traces SET body = json_set(json_remove(body, '$.request', '$.response', '$.input'), '$.redacted', json('true')) WHERE id = $id", ("$id", id));
        TraceDatabase.Execute(_connection, transaction, "UPDATE feedback SET body = json_remove(body, '$.comment', '$.correction') WHERE trace = $id", ("$id", id));
    }

    private void RemoveText(string id, SqliteTransaction transaction)
    {
        TraceDatabase.Execute(_connection, transaction, "DELETE FROM trace_text WHERE rowid = (SELECT n FROM trace_rows WHERE trace = $id)", ("$id", id));
        TraceDatabase.Execute(_connection, transaction, "DELETE FROM trace_rows WHERE trace = $id", ("$id", id));
    }

    /// <summary>Works through what <paramref name="select"/> finds in short transactions: a long one would hold up the writer and grow the log.</summary>
    private int InBatches(string select, Action<string, SqliteTransaction> work, params (string Name, object? Value)[] parameters)
    {
        for (var done = 0; ;)
        {
            lock (_gate)
            {
                using var transaction = _connection.BeginTransaction(deferred: false);
                List<string> ids = [];
                using (var command = TraceDatabase.Command(_connection, transaction, select, parameters))
                using (var reader = command.ExecuteReader())
                {
                    while (reader.Read())
                    {
                        ids.Add(reader.GetString(0));
                    }
                }

                foreach (var id in ids)
                {
                    work(id, transaction);
                }

                transaction.Commit();
                done += ids.Count;
                if (ids.Count == 0)
                {
                    return done;
                }
            }
        }
    }

    private List<T> Query<T>(string sql, Func<SqliteDataReader, T> read, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        lock (_gate)
        {
            using var command = TraceDatabase.Command(_connection, null, sql, parameters);
            using var reader = command.ExecuteReader();
            List<T> rows = [];
            while (reader.Read())
            {
                rows.Add(read(reader));
            }

            return rows;
        }
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

/// <summary>A request that was mirrored to a release, beside the caller's own.</summary>
/// <param name="Release">The release that answered silently.</param>
/// <param name="CallerOutcome">How the caller's own request ended: answered or failed.</param>
/// <param name="Outcome">How the silent one ended.</param>
/// <param name="Agrees">See <see cref="TraceRecord.Agrees"/>.</param>
/// <param name="CallerDuration">How long the caller's own request took.</param>
/// <param name="Duration">How long the silent one took.</param>
/// <param name="Cost">What the silent one cost; null when unknown.</param>
public sealed record MirroredRow(
    string Release, TraceOutcome CallerOutcome, TraceOutcome Outcome, bool? Agrees, TimeSpan CallerDuration, TimeSpan Duration, Money? Cost);

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
