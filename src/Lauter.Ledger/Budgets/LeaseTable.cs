using Microsoft.Data.Sqlite;

namespace Lauter.Ledger.Budgets;

/// <summary>
/// The durable half of the leases: per window what is spent, and per lease what is granted. In each transaction
/// spent + granted ≤ limit holds, unless the budget only measures.
/// </summary>
internal sealed class LeaseTable(string path) : IDisposable
{
    private readonly SqliteConnection _connection = LedgerDatabase.Open(path);
    private readonly Lock _gate = new();

    /// <summary>Adds to a lease at least <paramref name="need"/> and if possible <paramref name="want"/>.</summary>
    /// <returns>What was added (0 = <paramref name="need"/> did not fit), and what was available.</returns>
    public (long Added, long Available) Grant(string leaseId, string holder, Budget budget, DateTimeOffset start, long need, long want)
    {
        lock (_gate)
        {
            using var transaction = _connection.BeginTransaction(deferred: false);
            var (spent, granted) = Read(transaction, budget.Key, start, exceptHolder: null);
            var available = budget.Limit.NanoUnits - spent - granted;
            var added = available >= need ? Math.Min(Math.Max(need, want), available) : budget.Shadow ? need : 0;
            if (added > 0)
            {
                LedgerDatabase.Execute(
                    _connection,
                    """
                    INSERT INTO leases(id, account, start, currency, granted, holder) VALUES($id, $account, $start, $currency, $added, $holder)
                    ON CONFLICT(id) DO UPDATE SET granted = granted + $added
                    """,
                    transaction, ("$id", leaseId), ("$account", budget.Key), ("$start", start.ToUnixTimeMilliseconds()), ("$currency", budget.Limit.Currency),
                    ("$added", added), ("$holder", holder));
            }
            else
            {
                // Tells the others that what they hold and do not need is wanted here.
                LedgerDatabase.Execute(
                    _connection, "INSERT OR REPLACE INTO wants VALUES($account, $start, $holder)", transaction, ("$account", budget.Key),
                    ("$start", start.ToUnixTimeMilliseconds()), ("$holder", holder));
            }

            transaction.Commit();
            return (added, available);
        }
    }

    /// <summary>The budgets and windows of which a holder other than <paramref name="holder"/> was refused a part since the last call.</summary>
    public HashSet<(string Account, long Start)> TakeWants(string holder)
    {
        lock (_gate)
        {
            HashSet<(string, long)> wants = [];
            if (LedgerDatabase.Scalar(_connection, null, "SELECT COUNT(*) FROM wants WHERE holder <> $h", ("$h", holder)) == 0)
            {
                return wants; // the usual case needs no write
            }

            using var command = LedgerDatabase.Command(_connection, null, "DELETE FROM wants WHERE holder <> $h RETURNING account, start", ("$h", holder));
            using var reader = command.ExecuteReader();
            while (reader.Read())
            {
                wants.Add((reader.GetString(0), reader.GetInt64(1)));
            }

            return wants;
        }
    }

    /// <summary>The limits that were set by hand.</summary>
    public IReadOnlyList<Budget> Stored()
    {
        lock (_gate)
        {
            return StoredBudgets.Read(_connection);
        }
    }

    /// <summary>The rates that were set by hand.</summary>
    public IReadOnlyList<RateLimit> StoredRates()
    {
        lock (_gate)
        {
            return StoredBudgets.ReadRates(_connection);
        }
    }

    /// <summary>Changes whenever another connection changed the file.</summary>
    public long DataVersion()
    {
        lock (_gate)
        {
            return LedgerDatabase.Scalar(_connection, null, "PRAGMA data_version");
        }
    }

    /// <summary>Sets what a lease holds to <paramref name="granted"/>, which is less than before.</summary>
    public void Shrink(string leaseId, long granted)
    {
        lock (_gate)
        {
            LedgerDatabase.Execute(_connection, "UPDATE leases SET granted = $granted WHERE id = $id", null, ("$granted", granted), ("$id", leaseId));
        }
    }

    /// <summary>Ends a lease and books what it spent. Does nothing when it has already ended.</summary>
    public void Close(string leaseId, long settled)
    {
        lock (_gate)
        {
            using var transaction = _connection.BeginTransaction(deferred: false);
            using (var find = LedgerDatabase.Command(_connection, transaction, "DELETE FROM leases WHERE id = $id RETURNING account, start, currency", ("$id", leaseId)))
            using (var reader = find.ExecuteReader())
            {
                if (!reader.Read())
                {
                    return;
                }

                var (account, start, currency) = (reader.GetString(0), reader.GetInt64(1), reader.GetString(2));
                reader.Close();
                LedgerDatabase.Execute(
                    _connection,
                    "INSERT INTO windows VALUES($account, $start, $currency, $spent) ON CONFLICT(account, start) DO UPDATE SET spent = spent + $spent",
                    transaction, ("$account", account), ("$start", start), ("$currency", currency), ("$spent", settled));
            }

            transaction.Commit();
        }
    }

    /// <summary>What is spent, and what holders other than <paramref name="exceptHolder"/> have in their leases.</summary>
    public (long Spent, long Granted) Read(Budget budget, DateTimeOffset start, string? exceptHolder)
    {
        lock (_gate)
        {
            return Read(null, budget.Key, start, exceptHolder);
        }
    }

    /// <summary>The keys of every budget that has spent or granted something in a window with this start.</summary>
    public IReadOnlyList<string> Accounts(DateTimeOffset start)
    {
        lock (_gate)
        {
            using var command = LedgerDatabase.Command(
                _connection, null, "SELECT account FROM windows WHERE start = $s UNION SELECT account FROM leases WHERE start = $s", ("$s", start.ToUnixTimeMilliseconds()));
            using var reader = command.ExecuteReader();
            List<string> accounts = [];
            while (reader.Read())
            {
                accounts.Add(reader.GetString(0));
            }

            return accounts;
        }
    }

    /// <summary>Every lease that stands.</summary>
    public IReadOnlyList<(string Id, string Holder)> All()
    {
        lock (_gate)
        {
            using var command = LedgerDatabase.Command(_connection, null, "SELECT id, holder FROM leases ORDER BY id");
            using var reader = command.ExecuteReader();
            List<(string, string)> leases = [];
            while (reader.Read())
            {
                leases.Add((reader.GetString(0), reader.GetString(1)));
            }

            return leases;
        }
    }

    public void Dispose() => _connection.Dispose();

    private (long Spent, long Granted) Read(SqliteTransaction? transaction, string account, DateTimeOffset start, string? exceptHolder)
    {
        var at = start.ToUnixTimeMilliseconds();
        return (
            LedgerDatabase.Scalar(_connection, transaction, "SELECT spent FROM windows WHERE account = $a AND start = $s", ("$a", account), ("$s", at)),
            LedgerDatabase.Scalar(
                _connection, transaction, "SELECT TOTAL_INT FROM (SELECT COALESCE(SUM(granted), 0) AS TOTAL_INT FROM leases WHERE account = $a AND start = $s AND holder <> $h)",
                ("$a", account), ("$s", at), ("$h", exceptHolder ?? "")));
    }
}
