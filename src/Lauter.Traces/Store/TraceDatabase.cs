using System.Text;
using System.Text.Json;
using Lauter.Ledger;
using Lauter.Traces.Search;
using Microsoft.Data.Sqlite;

namespace Lauter.Traces;

/// <summary>Opens the SQLite file of the traces and brings older ones up to date.</summary>
internal static class TraceDatabase
{
    public const int SchemaVersion = 2;

    private const string Schema = """
        CREATE TABLE IF NOT EXISTS traces(
          id TEXT PRIMARY KEY, started INTEGER NOT NULL, application TEXT NOT NULL, release TEXT, tenant TEXT NOT NULL, outcome INTEGER NOT NULL,
          status INTEGER NOT NULL, duration_us INTEGER NOT NULL, body TEXT NOT NULL,
          key TEXT, user TEXT, error TEXT, nanos INTEGER, currency TEXT, cost_unknown INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS traces_started ON traces(started);
        CREATE INDEX IF NOT EXISTS traces_application ON traces(application, started);
        CREATE INDEX IF NOT EXISTS traces_release ON traces(release, started);
        CREATE TABLE IF NOT EXISTS settlements(trace TEXT NOT NULL, lease TEXT NOT NULL, nanos INTEGER NOT NULL, PRIMARY KEY(lease, trace)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS feedback(
          id TEXT PRIMARY KEY, trace TEXT NOT NULL, at INTEGER NOT NULL, rating INTEGER, corrected INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS feedback_trace ON feedback(trace);
        CREATE INDEX IF NOT EXISTS feedback_at ON feedback(at);
        CREATE TABLE IF NOT EXISTS begun(id TEXT PRIMARY KEY, writer TEXT NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS trace_rows(n INTEGER PRIMARY KEY, trace TEXT NOT NULL UNIQUE);
        CREATE VIRTUAL TABLE IF NOT EXISTS trace_text USING fts5(body, tokenize='unicode61 remove_diacritics 2');
        INSERT INTO trace_text(trace_text, rank) VALUES('secure-delete', 1);
        """;

    private const string FromVersion1 = """
        ALTER TABLE traces ADD COLUMN key TEXT; ALTER TABLE traces ADD COLUMN user TEXT; ALTER TABLE traces ADD COLUMN error TEXT;
        ALTER TABLE traces ADD COLUMN nanos INTEGER; ALTER TABLE traces ADD COLUMN currency TEXT; ALTER TABLE traces ADD COLUMN cost_unknown INTEGER NOT NULL DEFAULT 0;
        """;

    public static SqliteConnection Open(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, DefaultTimeout = 30 }.ToString());
        try
        {
            connection.Open();

            // FULL: a segment is deleted right after the commit, so the commit must be on the disk. secure_delete: a text that was removed on purpose
            // must not be readable in the file's free pages.
            Execute(connection, null, "PRAGMA busy_timeout=5000; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;");
            using var transaction = connection.BeginTransaction(deferred: false);
            using var command = Command(connection, transaction, "PRAGMA user_version");
            var version = command.ExecuteScalar() is long v ? v : 0;
            if (version > SchemaVersion)
            {
                throw new InvalidDataException($"{path} has schema {version}, newer than this program's {SchemaVersion}: use the newer program, or another file.");
            }

            if (version == 1)
            {
                Execute(connection, transaction, FromVersion1);
            }

            if (version < SchemaVersion)
            {
                Execute(connection, transaction, Schema);
                Execute(connection, transaction, $"PRAGMA user_version={SchemaVersion};");
            }

            if (version == 1)
            {
                Fill(connection, transaction);
            }

            transaction.Commit();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>What the columns beside the record say of it.</summary>
    public static (string Name, object? Value)[] Columns(TraceRecord trace)
    {
        var cost = trace.Cost;
        return
        [
            ("$key", trace.KeyId), ("$user", trace.User), ("$error", trace.ErrorCode), ("$nanos", cost?.NanoUnits), ("$currency", cost?.Currency),
            ("$unknown", trace.Charges.Count > 0 && trace.Charges.Any(c => c.Amount is null) ? 1 : 0),
        ];
    }

    /// <summary>The texts of a trace as they are searched; null when none is kept.</summary>
    public static string? TextOf(TraceRecord trace)
    {
        var text = new StringBuilder();
        JsonTexts.Append(text, trace.Request);
        JsonTexts.Append(text, trace.Response);
        JsonTexts.Append(text, trace.Input);
        return text.Length == 0 ? null : SearchText.Fold(text.ToString());
    }

    public static SqliteCommand Command(SqliteConnection connection, SqliteTransaction? transaction, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        var command = connection.CreateCommand();
#pragma warning disable CA2100 // every text is made of constants of this room; values travel as parameters
        command.CommandText = sql;
#pragma warning restore CA2100
        command.Transaction = transaction;
        foreach (var (name, value) in parameters)
        {
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        }

        return command;
    }

    public static int Execute(SqliteConnection connection, SqliteTransaction? transaction, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using var command = Command(connection, transaction, sql, parameters);
        return command.ExecuteNonQuery();
    }

    private static void Fill(SqliteConnection connection, SqliteTransaction transaction)
    {
        using var read = Command(connection, transaction, "SELECT id, body FROM traces ORDER BY id");
        using var reader = read.ExecuteReader();
        while (reader.Read())
        {
            var (id, trace) = (reader.GetString(0), JsonSerializer.Deserialize(reader.GetString(1), TraceJson.Relaxed.TraceRecord)!);
            Execute(
                connection, transaction,
                "UPDATE traces SET key = $key, user = $user, error = $error, nanos = $nanos, currency = $currency, cost_unknown = $unknown WHERE id = $id",
                [.. Columns(trace), ("$id", id)]);
            if (TextOf(trace) is { } text)
            {
                Execute(connection, transaction, "INSERT INTO trace_rows(trace) VALUES($id)", ("$id", id));
                Execute(connection, transaction, "INSERT INTO trace_text(rowid, body) VALUES(last_insert_rowid(), $text)", ("$text", text));
            }
        }
    }
}
