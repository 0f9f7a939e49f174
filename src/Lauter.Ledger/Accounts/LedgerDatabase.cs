using Microsoft.Data.Sqlite;

namespace Lauter.Ledger;

/// <summary>
/// Opens the SQLite file of the ledger. WAL lets a second process read while one writes; <c>synchronous=FULL</c> keeps a committed lease
/// through a power failure, without which a budget could be spent twice. SQLite's own busy handler waits in steps of a few milliseconds,
/// the driver's in steps of 150 ms.
/// </summary>
internal static class LedgerDatabase
{
    public const int SchemaVersion = 2;

    private const string Schema = """
        CREATE TABLE IF NOT EXISTS entries(
          id TEXT PRIMARY KEY, at INTEGER NOT NULL, phase INTEGER NOT NULL, application TEXT, reference TEXT, description TEXT, hash TEXT NOT NULL,
          occurred INTEGER, superseded TEXT, credit TEXT, tags TEXT) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS entries_at ON entries(at);
        CREATE TABLE IF NOT EXISTS lines(
          entry TEXT NOT NULL REFERENCES entries(id), n INTEGER NOT NULL, account TEXT NOT NULL, currency TEXT, nanos INTEGER,
          meter INTEGER, quantity INTEGER, source INTEGER, sku TEXT, price_source TEXT, assumed INTEGER NOT NULL, price_nanos INTEGER, price_per INTEGER,
          PRIMARY KEY(entry, n)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS windows(
          account TEXT NOT NULL, start INTEGER NOT NULL, currency TEXT NOT NULL, spent INTEGER NOT NULL, PRIMARY KEY(account, start)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS leases(
          id TEXT PRIMARY KEY, account TEXT NOT NULL, start INTEGER NOT NULL, currency TEXT NOT NULL, granted INTEGER NOT NULL,
          holder TEXT NOT NULL) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS leases_account ON leases(account, start);
        CREATE TABLE IF NOT EXISTS wants(
          account TEXT NOT NULL, start INTEGER NOT NULL, holder TEXT NOT NULL, PRIMARY KEY(account, start, holder)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS rates(
          account TEXT PRIMARY KEY, requests INTEGER, tokens INTEGER, concurrent INTEGER, shadow INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS budgets(
          account TEXT NOT NULL, "window" TEXT NOT NULL, currency TEXT NOT NULL, nanos INTEGER NOT NULL, shadow INTEGER NOT NULL,
          PRIMARY KEY(account, "window")) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS periods(
          month TEXT NOT NULL, revision INTEGER NOT NULL, closed INTEGER NOT NULL, at INTEGER NOT NULL, who TEXT NOT NULL, reason TEXT,
          entries INTEGER NOT NULL, digest TEXT NOT NULL, PRIMARY KEY(month, revision)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS period_totals(
          month TEXT NOT NULL, revision INTEGER NOT NULL, account TEXT NOT NULL, currency TEXT NOT NULL, nanos INTEGER NOT NULL,
          PRIMARY KEY(month, revision, account, currency)) WITHOUT ROWID;
        """;

    /// <summary>What version 1 lacked.</summary>
    private const string FromVersion1 = """
        ALTER TABLE entries ADD COLUMN occurred INTEGER; ALTER TABLE entries ADD COLUMN superseded TEXT;
        ALTER TABLE entries ADD COLUMN credit TEXT; ALTER TABLE entries ADD COLUMN tags TEXT;
        ALTER TABLE lines ADD COLUMN price_nanos INTEGER; ALTER TABLE lines ADD COLUMN price_per INTEGER;
        """;

    public static SqliteConnection Open(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, DefaultTimeout = 30 }.ToString());
        try
        {
            connection.Open();
            Execute(connection, "PRAGMA busy_timeout=5000; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;");
            using var transaction = connection.BeginTransaction(deferred: false);
            var version = Scalar(connection, transaction, "PRAGMA user_version");
            if (version > SchemaVersion)
            {
                throw new LedgerException($"{path} has schema {version}, newer than this program's {SchemaVersion}: use the newer program, or another file.");
            }

            if (version == 1)
            {
                Execute(connection, FromVersion1, transaction);
            }

            Execute(connection, Schema + $"PRAGMA user_version={SchemaVersion};", transaction);
            transaction.Commit();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public static void Execute(SqliteConnection connection, string sql, SqliteTransaction? transaction = null, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using var command = Command(connection, transaction, sql, parameters);
        command.ExecuteNonQuery();
    }

    public static long Scalar(SqliteConnection connection, SqliteTransaction? transaction, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using var command = Command(connection, transaction, sql, parameters);
        return command.ExecuteScalar() is long value ? value : 0;
    }

    public static SqliteCommand Command(SqliteConnection connection, SqliteTransaction? transaction, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        var command = connection.CreateCommand();
#pragma warning disable CA2100 // every text is a constant of this room; values travel as parameters
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
