using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace Lauter.Ledger;

/// <summary>Inserts entries with statements that are prepared once: a posting is four small rows, and parsing SQL for each cost more than storing it.</summary>
internal sealed class LedgerWriter : IDisposable
{
    private static readonly LedgerJson Relaxed = new(new JsonSerializerOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    private readonly SqliteConnection _connection;
    private readonly SqlStatement _entry;
    private readonly SqlStatement _line;

    public LedgerWriter(SqliteConnection connection)
    {
        _connection = connection;
        _entry = new SqlStatement(
            connection,
            """
            INSERT OR IGNORE INTO entries(id, at, phase, application, reference, description, hash, occurred, credit, tags)
            VALUES($id, $at, $phase, $application, $reference, $description, $hash, $occurred, $credit, $tags)
            """,
            "$id", "$at", "$phase", "$application", "$reference", "$description", "$hash", "$occurred", "$credit", "$tags");
        _line = new SqlStatement(
            connection,
            """
            INSERT INTO lines(entry, n, account, currency, nanos, meter, quantity, source, sku, price_source, assumed, price_nanos, price_per)
            VALUES($entry, $n, $account, $currency, $nanos, $meter, $quantity, $source, $sku, $price, $assumed, $price_nanos, $price_per)
            """,
            "$entry", "$n", "$account", "$currency", "$nanos", "$meter", "$quantity", "$source", "$sku", "$price", "$assumed", "$price_nanos", "$price_per");
    }

    /// <summary>Adds an entry, booked at <paramref name="at"/>.</summary>
    /// <returns>False when it was already there.</returns>
    /// <exception cref="LedgerException">The id stands for other use.</exception>
    public bool Insert(LedgerEntry entry, DateTimeOffset at, SqliteTransaction transaction)
    {
        var hash = entry.ContentHash();
        var occurred = entry.At.ToUnixTimeMilliseconds();
        var booked = at.ToUnixTimeMilliseconds();
        var added = _entry.Run(
            transaction, entry.Id, booked, (int)entry.Phase, entry.Application, entry.Reference, entry.Description, hash, booked == occurred ? null : occurred,
            entry.CreditAccount, entry.Tags.Count == 0 ? null : JsonSerializer.Serialize(
                entry.Tags.OrderBy(t => t.Key, StringComparer.Ordinal).ToDictionary(t => t.Key, t => t.Value), Relaxed.DictionaryStringString));
        if (added == 0)
        {
            return IsSame(entry, hash, transaction)
                ? false
                : throw new LedgerException($"Entry '{entry.Id}' was already posted with other lines: a correction needs an id of its own.");
        }

        for (var n = 0; n < entry.Lines.Count; n++)
        {
            var (line, charge) = (entry.Lines[n], entry.Lines[n].Charge);
            _line.Run(
                transaction, entry.Id, n, line.Account, line.Amount?.Currency, line.Amount?.NanoUnits, charge is null ? null : (int)charge.Meter, charge?.Quantity,
                charge is null ? null : (int)charge.Source, charge?.Sku, charge?.PriceSource, charge?.Assumed == true ? 1 : 0, charge?.PriceNanoUnits, charge?.PricePer);
        }

        return true;
    }

    public void Dispose()
    {
        _entry.Dispose();
        _line.Dispose();
    }

    /// <summary>True when the stored entry is this one, or the same use at the prices of its day.</summary>
    private bool IsSame(LedgerEntry entry, string hash, SqliteTransaction transaction)
    {
        using (var existing = LedgerDatabase.Command(_connection, transaction, "SELECT hash FROM entries WHERE id = $id", ("$id", entry.Id)))
        {
            if (existing.ExecuteScalar() as string == hash)
            {
                return true;
            }
        }

        using var lines = LedgerDatabase.Command(
            _connection, transaction,
            "SELECT meter, quantity, source, sku FROM lines WHERE entry = $id AND meter IS NOT NULL ORDER BY n", ("$id", entry.Id));
        using var reader = lines.ExecuteReader();
        List<(int, long, int, string)> stored = [];
        while (reader.Read())
        {
            stored.Add((reader.GetInt32(0), reader.GetInt64(1), reader.GetInt32(2), reader.GetString(3)));
        }

        return stored.Count > 0
            && stored.SequenceEqual(entry.Lines.Where(l => l.Charge is not null).Select(l => ((int)l.Charge!.Meter, l.Charge.Quantity, (int)l.Charge.Source, l.Charge.Sku)));
    }
}
