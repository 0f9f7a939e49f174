using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Data.Sqlite;

namespace Lauter.Ledger;

/// <summary>
/// The double-entry ledger in one SQLite file. Posting is idempotent by entry id, so whoever is unsure whether an entry arrived posts it
/// again. Entries are never changed: re-pricing supersedes them (see <see cref="Repricing"/>), and every total counts only what is not
/// superseded. Safe for threads, and for several processes on one machine.
/// </summary>
public sealed class LedgerStore : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly LedgerWriter _writer;
    private readonly Lock _gate = new();

    /// <param name="path">The file, by custom <c>.lauter/ledger.db</c>; created when missing.</param>
    public LedgerStore(string path)
    {
        _connection = LedgerDatabase.Open(path);
        _writer = new LedgerWriter(_connection);
    }

    /// <summary>Posts one entry.</summary>
    /// <returns>False when the same entry was already there.</returns>
    /// <exception cref="LedgerException">It does not balance, or its id stands for other use.</exception>
    public bool Post(LedgerEntry entry) => Post([entry]) == 1;

    /// <summary>
    /// Posts all entries or, when one is refused, none. An entry whose month is closed is booked at the beginning of the next open month. An
    /// entry that is already there with the same use and other prices stays as it was first posted: prices of history change by re-pricing only.
    /// </summary>
    /// <returns>How many were new.</returns>
    /// <exception cref="LedgerException">One does not balance, or its id stands for other use.</exception>
    public int Post(IReadOnlyList<LedgerEntry> entries)
    {
        foreach (var entry in entries)
        {
            if (entry.Fault() is { } fault)
            {
                throw new LedgerException(fault);
            }
        }

        return Write(transaction =>
        {
            var closed = ClosedMonths(transaction);
            return entries.Count(entry => _writer.Insert(entry, LedgerMonth.FirstOpen(entry.At, closed), transaction));
        });
    }

    /// <summary>The balance of every account and currency. Over all accounts the balances of a currency sum to zero.</summary>
    public IReadOnlyList<AccountBalance> Balances(DateTimeOffset? from = null, DateTimeOffset? until = null) => Query(
        """
        SELECT l.account, l.currency, SUM(l.nanos) FROM lines l JOIN entries e ON e.id = l.entry
        WHERE l.nanos IS NOT NULL AND e.superseded IS NULL AND e.at >= $from AND e.at < $until GROUP BY 1, 2 ORDER BY 1, 2
        """,
        r => new AccountBalance(r.GetString(0), new Money(r.GetInt64(2), r.GetString(1))), Interval(from, until));

    /// <summary>The newest entries, newest first: the drill-down behind a total.</summary>
    public IReadOnlyList<LedgerEntryRow> Recent(int count, DateTimeOffset? from = null, DateTimeOffset? until = null) =>
        Entries(new LedgerFilter { From = from, Until = until }, count);

    /// <summary>The newest entries that pass <paramref name="filter"/>, newest first.</summary>
    /// <param name="filter">Which.</param>
    /// <param name="count">At most this many, up to 10,000.</param>
    public IReadOnlyList<LedgerEntryRow> Entries(LedgerFilter filter, int count)
    {
        var (where, parameters) = filter.ToSql();
        return Query(
            $"""
            SELECT e.id, e.at, e.phase, e.application, e.reference, e.description,
              (SELECT group_concat(currency || ':' || total) FROM (
                SELECT currency, SUM(nanos) AS total FROM lines WHERE entry = e.id AND meter IS NOT NULL AND nanos IS NOT NULL GROUP BY currency HAVING total <> 0)),
              (SELECT COUNT(*) FROM lines WHERE entry = e.id AND nanos IS NULL), e.tags, e.occurred
            FROM entries e WHERE EXISTS (SELECT 1 FROM lines l WHERE l.entry = e.id AND {where}) ORDER BY e.at DESC, e.id DESC LIMIT {Math.Clamp(count, 0, 10_000)}
            """,
            r => new LedgerEntryRow(
                r.GetString(0), Instant(r, 1), (LedgerPhase)r.GetInt32(2), Text(r, 3), Text(r, 4), Text(r, 5),
                [.. (Text(r, 6) ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries).Select(p => new Money(long.Parse(p[4..]), p[..3]))], r.GetInt32(7))
            {
                Tags = Tags(r, 8), Occurred = r.IsDBNull(9) ? null : Instant(r, 9),
            },
            parameters);
    }

    /// <summary>Sums of use by one dimension; what <see cref="Entries"/> then lists with the same filter.</summary>
    /// <param name="filter">What counts.</param>
    /// <param name="by">How it is split.</param>
    public IReadOnlyList<LedgerTotal> Totals(LedgerFilter filter, LedgerDimension by)
    {
        var (where, parameters) = filter.ToSql();
        return [.. Query(
            $"""
            SELECT {LedgerFilter.ColumnOf(by)}, l.currency, SUM(l.nanos), COUNT(DISTINCT e.id), SUM(l.nanos IS NULL)
            FROM lines l JOIN entries e ON e.id = l.entry WHERE {where} GROUP BY 1, 2 ORDER BY 1, 2
            """,
            r => (Key: LedgerFilter.NameOf(by, r.IsDBNull(0) ? null : r.GetValue(0)), Amount: r.IsDBNull(1) ? (Money?)null : new Money(r.GetInt64(2), r.GetString(1)), Entries: r.GetInt64(3), Unpriced: r.GetInt64(4)),
            parameters)
            .GroupBy(r => r.Key, StringComparer.Ordinal)
            .Select(g => new LedgerTotal(g.Key, [.. g.Where(r => r.Amount is not null).Select(r => r.Amount!.Value)], g.Max(r => r.Entries), g.Sum(r => r.Unpriced)))];
    }

    /// <summary>Every charge of an interval, oldest first: the rows behind every total.</summary>
    public IReadOnlyList<ChargeRow> Charges(DateTimeOffset? from = null, DateTimeOffset? until = null) => Charges(new LedgerFilter { From = from, Until = until });

    /// <summary>Every charge that passes <paramref name="filter"/>, oldest first.</summary>
    public IReadOnlyList<ChargeRow> Charges(LedgerFilter filter)
    {
        var (where, parameters) = filter.ToSql();
        return Query(
            $"""
            SELECT e.id, e.at, e.phase, e.application, l.meter, l.quantity, l.source, l.sku, l.currency, l.nanos, l.price_source, l.assumed,
              COALESCE(
                CASE WHEN l.sku = 'machine' THEN 'machine:local' ELSE e.credit END,
                (SELECT account FROM lines c WHERE c.entry = e.id AND c.meter IS NULL AND c.account <> 'machine:local' LIMIT 1), ''),
              l.price_nanos, l.price_per, e.tags, e.occurred, e.reference, e.description
            FROM lines l JOIN entries e ON e.id = l.entry WHERE {where} ORDER BY e.at, e.id, l.n
            """,
            r => new ChargeRow(
                r.GetString(0), Instant(r, 1), (LedgerPhase)r.GetInt32(2), Text(r, 3),
                new Charge(
                    (Meter)r.GetInt32(4), r.GetInt64(5), (MeterSource)r.GetInt32(6), r.GetString(7), r.IsDBNull(9) ? null : new Money(r.GetInt64(9), r.GetString(8)), Text(r, 10),
                    r.GetInt64(11) != 0, r.IsDBNull(13) ? null : r.GetInt64(13), r.IsDBNull(14) ? null : r.GetInt64(14)),
                r.GetString(12))
            {
                Tags = Tags(r, 15), Occurred = r.IsDBNull(16) ? null : Instant(r, 16), Reference = Text(r, 17), Description = Text(r, 18),
            },
            parameters);
    }

    /// <summary>First and last instant of anything booked; null when nothing is.</summary>
    public (DateTimeOffset First, DateTimeOffset Last)? Span() => Query(
        "SELECT MIN(at), MAX(at) FROM entries WHERE superseded IS NULL",
        r => r.IsDBNull(0) ? ((DateTimeOffset, DateTimeOffset)?)null : (Instant(r, 0), Instant(r, 1)))[0];

    /// <summary>The bill of an interval; see <see cref="Lauter.Ledger.Bill"/>.</summary>
    /// <param name="applications">What the traces say about each application's answers.</param>
    /// <param name="from">First instant, null = the beginning.</param>
    /// <param name="until">First instant that no longer counts, null = no end.</param>
    public Bill Bill(IReadOnlyList<ApplicationUse>? applications = null, DateTimeOffset? from = null, DateTimeOffset? until = null) =>
        Lauter.Ledger.Bill.Of(Use(from, until), applications ?? [], from, until);

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _writer.Dispose();
            _connection.Dispose();
        }
    }

    /// <summary>Sums of use: what a bill is made of.</summary>
    internal IReadOnlyList<UseRow> Use(DateTimeOffset? from, DateTimeOffset? until) => Query(
        """
        SELECT e.phase, e.application, l.meter, l.sku, l.currency, SUM(l.nanos), SUM(l.quantity), MAX(l.assumed), l.source = 5, COUNT(*), MAX(CASE WHEN l.assumed THEN l.price_source END)
        FROM lines l JOIN entries e ON e.id = l.entry WHERE l.meter IS NOT NULL AND e.superseded IS NULL AND e.at >= $from AND e.at < $until
        GROUP BY e.phase, e.application, l.meter, l.sku, l.currency, l.source = 5 ORDER BY 1, 2, 3, 4, 5
        """,
        r => new UseRow(
            (LedgerPhase)r.GetInt32(0), Text(r, 1), (Meter)r.GetInt32(2), r.GetString(3),
            r.IsDBNull(4) ? null : new Money(r.GetInt64(5), r.GetString(4)), r.GetInt64(6), Text(r, 10), r.GetInt64(8) != 0, r.GetInt64(9)),
        Interval(from, until));

    /// <summary>Runs <paramref name="work"/> in one transaction that is committed when it returns.</summary>
    internal T Write<T>(Func<SqliteTransaction, T> work)
    {
        lock (_gate)
        {
            using var transaction = _connection.BeginTransaction(deferred: false);
            var result = work(transaction);
            transaction.Commit();
            return result;
        }
    }

    /// <summary>Puts an entry into the place of another, inside a transaction of <see cref="Write"/>.</summary>
    internal void Supersede(string id, LedgerEntry replacement, DateTimeOffset at, SqliteTransaction transaction)
    {
        if (replacement.Fault() is { } fault)
        {
            throw new LedgerException(fault);
        }

        _writer.Insert(replacement, at, transaction);
        Execute("UPDATE entries SET superseded = $by WHERE id = $id", transaction, ("$by", replacement.Id), ("$id", id));
    }

    internal void Execute(string sql, SqliteTransaction transaction, params ReadOnlySpan<(string Name, object? Value)> parameters) =>
        LedgerDatabase.Execute(_connection, sql, transaction, parameters);

    /// <summary>The months (<c>2026-03</c>) that are closed now.</summary>
    internal HashSet<string> ClosedMonths(SqliteTransaction? transaction) => [.. Query(
        "SELECT month FROM periods p WHERE closed = 1 AND revision = (SELECT MAX(revision) FROM periods q WHERE q.month = p.month)", r => r.GetString(0), transaction)];

    internal List<T> Query<T>(string sql, Func<SqliteDataReader, T> read, params ReadOnlySpan<(string Name, object? Value)> parameters) => Query(sql, read, null, parameters);

    internal List<T> Query<T>(string sql, Func<SqliteDataReader, T> read, SqliteTransaction? transaction, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        lock (_gate)
        {
            using var command = LedgerDatabase.Command(_connection, transaction, sql, parameters);
            using var reader = command.ExecuteReader();
            List<T> rows = [];
            while (reader.Read())
            {
                rows.Add(read(reader));
            }

            return rows;
        }
    }

    internal static string? Text(SqliteDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    internal static DateTimeOffset Instant(SqliteDataReader reader, int column) => DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(column));

    private static (string, object?)[] Interval(DateTimeOffset? from, DateTimeOffset? until) =>
        [("$from", from?.ToUnixTimeMilliseconds() ?? long.MinValue), ("$until", until?.ToUnixTimeMilliseconds() ?? long.MaxValue)];

    private static IReadOnlyDictionary<string, string> Tags(SqliteDataReader reader, int column) =>
        Text(reader, column) is { } json ? JsonSerializer.Deserialize(json, LedgerJson.Default.DictionaryStringString)! : new Dictionary<string, string>();
}

/// <summary>The balance of one account in one currency.</summary>
public sealed record AccountBalance(string Account, Money Balance);

/// <summary>One entry in a listing.</summary>
/// <param name="Id">Its id.</param>
/// <param name="At">When it is booked, to the millisecond.</param>
/// <param name="Phase">The part of the flywheel.</param>
/// <param name="Application">The application, or null.</param>
/// <param name="Reference">Run, step or trace.</param>
/// <param name="Description">One line for a person.</param>
/// <param name="Amounts">What was debited, per currency.</param>
/// <param name="UnpricedLines">How many lines have no known price.</param>
public sealed record LedgerEntryRow(
    string Id, DateTimeOffset At, LedgerPhase Phase, string? Application, string? Reference, string? Description, IReadOnlyList<Money> Amounts, int UnpricedLines)
{
    /// <summary>See <see cref="LedgerEntry.Tags"/>.</summary>
    public IReadOnlyDictionary<string, string> Tags { get; init; } = new Dictionary<string, string>();

    /// <summary>When the work was done, if that was in a month that had been closed; else null.</summary>
    public DateTimeOffset? Occurred { get; init; }
}

/// <summary>One charge in the ledger.</summary>
/// <param name="EntryId">The entry that booked it.</param>
/// <param name="At">When it is booked, to the millisecond.</param>
/// <param name="Phase">The part of the flywheel.</param>
/// <param name="Application">The application, or null for the project as a whole.</param>
/// <param name="Charge">What was used and what it cost.</param>
/// <param name="CreditAccount">Who is paid.</param>
public sealed record ChargeRow(string EntryId, DateTimeOffset At, LedgerPhase Phase, string? Application, Charge Charge, string CreditAccount)
{
    /// <summary>See <see cref="LedgerEntry.Tags"/>.</summary>
    public IReadOnlyDictionary<string, string> Tags { get; init; } = new Dictionary<string, string>();

    /// <summary>When the work was done, if that was in a month that had been closed; else null.</summary>
    public DateTimeOffset? Occurred { get; init; }

    /// <summary>Run, step or trace.</summary>
    public string? Reference { get; init; }

    /// <summary>One line for a person.</summary>
    public string? Description { get; init; }
}

internal sealed record UseRow(
    LedgerPhase Phase, string? Application, Meter Meter, string Sku, Money? Amount, long Quantity, string? Assumed, bool Missing, long Lines);

[JsonSerializable(typeof(Dictionary<string, string>))]
internal sealed partial class LedgerJson : JsonSerializerContext;
