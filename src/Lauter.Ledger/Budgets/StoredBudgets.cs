using Microsoft.Data.Sqlite;

namespace Lauter.Ledger.Budgets;

/// <summary>
/// Limits that a person set by hand, kept in the ledger's file: a running gateway takes them over within a second. They take the place of the
/// project file's for the same account and window; removing one gives that one back.
/// </summary>
public sealed class StoredBudgets : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly Lock _gate = new();

    /// <param name="ledgerPath">The ledger's file.</param>
    public StoredBudgets(string ledgerPath) => _connection = LedgerDatabase.Open(ledgerPath);

    /// <summary>Every limit on money.</summary>
    public IReadOnlyList<Budget> Budgets
    {
        get
        {
            lock (_gate)
            {
                return Read(_connection);
            }
        }
    }

    /// <summary>Every limit on rates.</summary>
    public IReadOnlyList<RateLimit> Rates
    {
        get
        {
            lock (_gate)
            {
                return ReadRates(_connection);
            }
        }
    }

    /// <summary>Sets a limit, or changes the one of the same account and window.</summary>
    public void Set(Budget budget) => Write(
        "INSERT OR REPLACE INTO budgets VALUES($account, $window, $currency, $nanos, $shadow)", ("$account", budget.Account),
        ("$window", BudgetWindows.NameOf(budget.Window)), ("$currency", budget.Limit.Currency), ("$nanos", budget.Limit.NanoUnits), ("$shadow", budget.Shadow ? 1 : 0));

    /// <summary>Sets the rates of an account.</summary>
    public void Set(RateLimit rate) => Write(
        "INSERT OR REPLACE INTO rates VALUES($account, $requests, $tokens, $concurrent, $shadow)", ("$account", rate.Account), ("$requests", rate.RequestsPerMinute),
        ("$tokens", rate.TokensPerMinute), ("$concurrent", rate.Concurrent), ("$shadow", rate.Shadow ? 1 : 0));

    /// <summary>Removes the limit of one window.</summary>
    /// <returns>False when there is none.</returns>
    public bool Remove(string account, BudgetWindow window) =>
        Write("DELETE FROM budgets WHERE account = $account AND \"window\" = $window", ("$account", account), ("$window", BudgetWindows.NameOf(window))) > 0;

    /// <summary>Removes every limit of an account, its rates included.</summary>
    /// <returns>How many there were.</returns>
    public int RemoveAll(string account) =>
        Write("DELETE FROM budgets WHERE account = $account", ("$account", account)) + Write("DELETE FROM rates WHERE account = $account", ("$account", account));

    /// <inheritdoc/>
    public void Dispose() => _connection.Dispose();

    internal static List<Budget> Read(SqliteConnection connection)
    {
        using var command = LedgerDatabase.Command(connection, null, "SELECT account, \"window\", currency, nanos, shadow FROM budgets ORDER BY account, \"window\"");
        using var reader = command.ExecuteReader();
        List<Budget> budgets = [];
        while (reader.Read())
        {
            // A window that only a newer program knows cannot be kept by this one; it says so instead of ignoring a limit.
            budgets.Add(BudgetWindows.TryParse(reader.GetString(1), out var window)
                ? new Budget(reader.GetString(0), new Money(reader.GetInt64(3), reader.GetString(2)), window, reader.GetInt64(4) != 0)
                : throw new LedgerException($"The budget of {reader.GetString(0)} has the unknown window '{reader.GetString(1)}': remove it, or use the newer program."));
        }

        return budgets;
    }

    internal static List<RateLimit> ReadRates(SqliteConnection connection)
    {
        using var command = LedgerDatabase.Command(connection, null, "SELECT account, requests, tokens, concurrent, shadow FROM rates ORDER BY account");
        using var reader = command.ExecuteReader();
        List<RateLimit> rates = [];
        while (reader.Read())
        {
            rates.Add(new RateLimit(reader.GetString(0))
            {
                RequestsPerMinute = Number(1), TokensPerMinute = Number(2), Concurrent = (int?)Number(3), Shadow = reader.GetInt64(4) != 0,
            });
        }

        return rates;

        long? Number(int column) => reader.IsDBNull(column) ? null : reader.GetInt64(column);
    }

    private int Write(string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        lock (_gate)
        {
            using var command = LedgerDatabase.Command(_connection, null, sql, parameters);
            return command.ExecuteNonQuery();
        }
    }
}
