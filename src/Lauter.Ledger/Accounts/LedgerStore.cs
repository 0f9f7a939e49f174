using Microsoft.Data.Sqlite;

namespace Lauter.Ledger;

/// <summary>
/// The double-entry ledger in one SQLite file. Posting is idempotent by entry id, so whoever is unsure whether an entry arrived posts it
/// again. Safe for threads, and for several processes on one machine.
/// </summary>
public sealed class LedgerStore : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly Lock _gate = new();

    /// <param name="path">The file, by custom <c>.lauter/ledger.db</c>; created when missing.</param>
    public LedgerStore(string path) => _connection = LedgerDatabase.Open(path);

    /// <summary>Posts one entry.</summary>
    /// <returns>False when the same entry was already there.</returns>
    /// <exception cref="LedgerException">It does not balance, or its id stands for other content.</exception>
    public bool Post(LedgerEntry entry) => Post([entry]) == 1;

    /// <summary>Posts all entries or, when one is refused, none.</summary>
    /// <returns>How many were new.</returns>
    /// <exception cref="LedgerException">One does not balance, or its id stands for other content.</exception>
    public int Post(IReadOnlyList<LedgerEntry> entries)
    {
        foreach (var entry in entries)
        {
            if (entry.Fault() is { } fault)
            {
                throw new LedgerException(fault);
            }
        }

        lock (_gate)
        {
            using var transaction = _connection.BeginTransaction(deferred: false);
            var added = entries.Count(entry => Insert(entry, transaction));
            transaction.Commit();
            return added;
        }
    }

    /// <summary>The balance of every account and currency. Over all accounts the balances of a currency sum to zero.</summary>
    public IReadOnlyList<AccountBalance> Balances(DateTimeOffset? from = null, DateTimeOffset? until = null) => Query(
        "SELECT l.account, l.currency, SUM(l.nanos) FROM lines l JOIN entries e ON e.id = l.entry WHERE l.nanos IS NOT NULL AND e.at >= $from AND e.at < $until GROUP BY 1, 2 ORDER BY 1, 2",
        r => new AccountBalance(r.GetString(0), new Money(r.GetInt64(2), r.GetString(1))),
        from, until);

    /// <summary>The newest entries, newest first: the drill-down behind a total.</summary>
    public IReadOnlyList<LedgerEntryRow> Recent(int count, DateTimeOffset? from = null, DateTimeOffset? until = null) => Query(
        $"""
        SELECT e.id, e.at, e.phase, e.application, e.reference, e.description,
          (SELECT group_concat(currency || ':' || total) FROM (SELECT currency, SUM(nanos) AS total FROM lines WHERE entry = e.id AND nanos > 0 GROUP BY currency)),
          (SELECT COUNT(*) FROM lines WHERE entry = e.id AND nanos IS NULL)
        FROM entries e WHERE e.at >= $from AND e.at < $until ORDER BY e.at DESC, e.id DESC LIMIT {Math.Clamp(count, 0, 10_000)}
        """,
        r => new LedgerEntryRow(
            r.GetString(0), DateTimeOffset.FromUnixTimeMilliseconds(r.GetInt64(1)), (LedgerPhase)r.GetInt32(2), Text(r, 3), Text(r, 4), Text(r, 5),
            [.. (Text(r, 6) ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries).Select(p => new Money(long.Parse(p[4..]), p[..3]))], r.GetInt32(7)),
        from, until);

    /// <summary>Every charge of an interval, oldest first: the rows behind every total.</summary>
    public IReadOnlyList<ChargeRow> Charges(DateTimeOffset? from = null, DateTimeOffset? until = null) => Query(
        """
        SELECT e.id, e.at, e.phase, e.application, l.meter, l.quantity, l.source, l.sku, l.currency, l.nanos, l.price_source, l.assumed,
          COALESCE((SELECT account FROM lines c WHERE c.entry = e.id AND c.meter IS NULL AND (c.account = 'machine:local') = (l.sku = 'machine') LIMIT 1), '')
        FROM lines l JOIN entries e ON e.id = l.entry WHERE l.meter IS NOT NULL AND e.at >= $from AND e.at < $until ORDER BY e.at, e.id, l.n
        """,
        r => new ChargeRow(
            r.GetString(0), DateTimeOffset.FromUnixTimeMilliseconds(r.GetInt64(1)), (LedgerPhase)r.GetInt32(2), Text(r, 3),
            new Charge(
                (Meter)r.GetInt32(4), r.GetInt64(5), (MeterSource)r.GetInt32(6), r.GetString(7), r.IsDBNull(9) ? null : new Money(r.GetInt64(9), r.GetString(8)), Text(r, 10),
                r.GetInt64(11) != 0),
            r.GetString(12)),
        from, until);

    /// <summary>Sums of use: what a bill is made of.</summary>
    internal IReadOnlyList<UseRow> Use(DateTimeOffset? from, DateTimeOffset? until) => Query(
        """
        SELECT e.phase, e.application, l.meter, l.sku, l.currency, SUM(l.nanos), SUM(l.quantity), MAX(l.assumed), l.source = 5, COUNT(*), MAX(CASE WHEN l.assumed THEN l.price_source END)
        FROM lines l JOIN entries e ON e.id = l.entry WHERE l.meter IS NOT NULL AND e.at >= $from AND e.at < $until
        GROUP BY e.phase, e.application, l.meter, l.sku, l.currency, l.source = 5 ORDER BY 1, 2, 3, 4, 5
        """,
        r => new UseRow(
            (LedgerPhase)r.GetInt32(0), Text(r, 1), (Meter)r.GetInt32(2), r.GetString(3),
            r.IsDBNull(4) ? null : new Money(r.GetInt64(5), r.GetString(4)), r.GetInt64(6), Text(r, 10), r.GetInt64(8) != 0, r.GetInt64(9)),
        from, until);

    /// <summary>The bill of an interval; see <see cref="Lauter.Ledger.Bill"/>.</summary>
    /// <param name="applications">What the traces say about each application's answers.</param>
    /// <param name="from">First instant, null = the beginning.</param>
    /// <param name="until">First instant that no longer counts, null = no end.</param>
    public Bill Bill(IReadOnlyList<ApplicationUse>? applications = null, DateTimeOffset? from = null, DateTimeOffset? until = null) =>
        Lauter.Ledger.Bill.Of(Use(from, until), applications ?? [], from, until);

    /// <inheritdoc/>
    public void Dispose() => _connection.Dispose();

    private bool Insert(LedgerEntry entry, SqliteTransaction transaction)
    {
        var hash = entry.ContentHash();
        using (var insert = LedgerDatabase.Command(
            _connection, transaction, "INSERT OR IGNORE INTO entries VALUES($id, $at, $phase, $application, $reference, $description, $hash)",
            ("$id", entry.Id), ("$at", entry.At.ToUnixTimeMilliseconds()), ("$phase", (int)entry.Phase), ("$application", entry.Application),
            ("$reference", entry.Reference), ("$description", entry.Description), ("$hash", hash)))
        {
            if (insert.ExecuteNonQuery() == 0)
            {
                using var existing = LedgerDatabase.Command(_connection, transaction, "SELECT hash FROM entries WHERE id = $id", ("$id", entry.Id));
                return existing.ExecuteScalar() as string == hash
                    ? false
                    : throw new LedgerException($"Entry '{entry.Id}' was already posted with other lines: a correction needs an id of its own.");
            }
        }

        for (var n = 0; n < entry.Lines.Count; n++)
        {
            var line = entry.Lines[n];
            LedgerDatabase.Execute(
                _connection, "INSERT INTO lines VALUES($entry, $n, $account, $currency, $nanos, $meter, $quantity, $source, $sku, $price, $assumed)", transaction,
                ("$entry", entry.Id), ("$n", n), ("$account", line.Account), ("$currency", line.Amount?.Currency), ("$nanos", line.Amount?.NanoUnits),
                ("$meter", line.Charge is null ? null : (int)line.Charge.Meter), ("$quantity", line.Charge?.Quantity),
                ("$source", line.Charge is null ? null : (int)line.Charge.Source), ("$sku", line.Charge?.Sku), ("$price", line.Charge?.PriceSource),
                ("$assumed", line.Charge?.Assumed == true ? 1 : 0));
        }

        return true;
    }

    private List<T> Query<T>(string sql, Func<SqliteDataReader, T> read, DateTimeOffset? from, DateTimeOffset? until)
    {
        lock (_gate)
        {
            using var command = LedgerDatabase.Command(
                _connection, null, sql,
                ("$from", from?.ToUnixTimeMilliseconds() ?? long.MinValue), ("$until", until?.ToUnixTimeMilliseconds() ?? long.MaxValue));
            using var reader = command.ExecuteReader();
            List<T> rows = [];
            while (reader.Read())
            {
                rows.Add(read(reader));
            }

            return rows;
        }
    }

    private static string? Text(SqliteDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
}

/// <summary>The balance of one account in one currency.</summary>
public sealed record AccountBalance(string Account, Money Balance);

/// <summary>One entry in a listing.</summary>
/// <param name="Id">Its id.</param>
/// <param name="At">When the work was done, to the millisecond.</param>
/// <param name="Phase">The part of the flywheel.</param>
/// <param name="Application">The application, or null.</param>
/// <param name="Reference">Run, step or trace.</param>
/// <param name="Description">One line for a person.</param>
/// <param name="Amounts">What was debited, per currency.</param>
/// <param name="UnpricedLines">How many lines have no known price.</param>
public sealed record LedgerEntryRow(
    string Id, DateTimeOffset At, LedgerPhase Phase, string? Application, string? Reference, string? Description, IReadOnlyList<Money> Amounts, int UnpricedLines);

/// <summary>One charge in the ledger.</summary>
/// <param name="EntryId">The entry that booked it.</param>
/// <param name="At">When the work was done, to the millisecond.</param>
/// <param name="Phase">The part of the flywheel.</param>
/// <param name="Application">The application, or null for the project as a whole.</param>
/// <param name="Charge">What was used and what it cost.</param>
/// <param name="CreditAccount">Who is paid.</param>
public sealed record ChargeRow(string EntryId, DateTimeOffset At, LedgerPhase Phase, string? Application, Charge Charge, string CreditAccount);

internal sealed record UseRow(
    LedgerPhase Phase, string? Application, Meter Meter, string Sku, Money? Amount, long Quantity, string? Assumed, bool Missing, long Lines);
