using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Data.Sqlite;

namespace Lauter.Ledger;

/// <summary>
/// Month-end. Closing records every account's total and a digest of every entry of the month; afterwards nothing is booked into it: what
/// arrives late is booked at the beginning of the next open month and keeps the instant at which it was done. Re-opening lifts that and keeps the
/// record; closing again gives the same total and digest unless something was booked in between.
/// </summary>
/// <remarks>Safe for concurrent use.</remarks>
public sealed class LedgerPeriods(LedgerStore store, TimeProvider time)
{
    /// <summary>Closes a month that is over. Does nothing when it is closed.</summary>
    /// <param name="month">As <c>2026-03</c>.</param>
    /// <param name="who">The person who closes it.</param>
    /// <exception cref="LedgerException">The month is not over, or the text is no month.</exception>
    public LedgerPeriod Close(string month, string who)
    {
        var (from, until) = LedgerMonth.Parse(month);
        if (until > time.GetUtcNow())
        {
            throw new LedgerException($"{month} is not over: it can be closed from {until:yyyy-MM-dd} 00:00 UTC on.");
        }

        return store.Write(transaction =>
        {
            if (Last(month, transaction) is { Closed: true } closed)
            {
                return closed;
            }

            var period = Measure(month, from, until, transaction) with { Closed = true, At = time.GetUtcNow(), Who = who };
            Insert(period, transaction);
            return period;
        });
    }

    /// <summary>Lets entries be booked into a closed month again. Does nothing when it is open.</summary>
    /// <param name="month">As <c>2026-03</c>.</param>
    /// <param name="who">The person who re-opens it.</param>
    /// <param name="reason">Why; it is kept.</param>
    /// <exception cref="LedgerException">The month was never closed.</exception>
    public LedgerPeriod Reopen(string month, string who, string reason) => store.Write(transaction =>
    {
        var last = Last(month, transaction) ?? throw new LedgerException($"{month} was never closed.");
        if (!last.Closed)
        {
            return last;
        }

        var period = last with { Revision = last.Revision + 1, Closed = false, At = time.GetUtcNow(), Who = who, Reason = reason };
        Insert(period, transaction);
        return period;
    });

    /// <summary>Everything that was ever closed and re-opened, oldest first.</summary>
    public IReadOnlyList<LedgerPeriod> History() => [.. store
        .Query("SELECT month FROM periods GROUP BY month ORDER BY month", r => r.GetString(0))
        .SelectMany(month => Read(month, null))
        .OrderBy(p => p.At).ThenBy(p => p.Month, StringComparer.Ordinal).ThenBy(p => p.Revision)];

    /// <summary>The closed months whose entries are no longer those that were closed; each sentence names the month and both digests.</summary>
    public IReadOnlyList<string> Verify() => store.Write<IReadOnlyList<string>>(transaction =>
    {
        List<string> faults = [];
        foreach (var month in store.ClosedMonths(transaction).Order(StringComparer.Ordinal))
        {
            var (from, until) = LedgerMonth.Parse(month);
            var (then, now) = (Last(month, transaction)!, Measure(month, from, until, transaction));
            if (then.Digest != now.Digest || !then.Totals.SequenceEqual(now.Totals))
            {
                faults.Add($"{month} was closed with {then.Entries} entries, digest {then.Digest[..12]}; it now has {now.Entries}, digest {now.Digest[..12]}.");
            }
        }

        return faults;
    });

    private LedgerPeriod Measure(string month, DateTimeOffset from, DateTimeOffset until, SqliteTransaction transaction)
    {
        (string, object?)[] interval = [("$from", from.ToUnixTimeMilliseconds()), ("$until", until.ToUnixTimeMilliseconds())];
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        digest.AppendData(Encoding.UTF8.GetBytes(month));
        var entries = store.Query(
            "SELECT at || ' ' || id || ' ' || hash FROM entries WHERE superseded IS NULL AND at >= $from AND at < $until ORDER BY at, id", r => r.GetString(0), transaction, interval);
        foreach (var entry in entries)
        {
            digest.AppendData(Encoding.UTF8.GetBytes("\n" + entry));
        }

        var totals = store.Query(
            """
            SELECT l.account, l.currency, SUM(l.nanos) FROM lines l JOIN entries e ON e.id = l.entry
            WHERE l.nanos IS NOT NULL AND e.superseded IS NULL AND e.at >= $from AND e.at < $until GROUP BY 1, 2 ORDER BY 1, 2
            """,
            r => new AccountBalance(r.GetString(0), new Money(r.GetInt64(2), r.GetString(1))), transaction, interval);
        return new LedgerPeriod(month, (Last(month, transaction)?.Revision ?? 0) + 1, false, default, "", null, entries.Count, Convert.ToHexStringLower(digest.GetHashAndReset()), totals);
    }

    private LedgerPeriod? Last(string month, SqliteTransaction? transaction) => Read(month, transaction).LastOrDefault();

    private List<LedgerPeriod> Read(string month, SqliteTransaction? transaction)
    {
        var periods = store.Query(
            "SELECT revision, closed, at, who, reason, entries, digest FROM periods WHERE month = $month ORDER BY revision",
            r => new LedgerPeriod(
                month, r.GetInt32(0), r.GetInt64(1) != 0, LedgerStore.Instant(r, 2), r.GetString(3), LedgerStore.Text(r, 4), r.GetInt32(5), r.GetString(6), []),
            transaction, ("$month", month));
        return [.. periods.Select(period => period with
        {
            Totals = store.Query(
                "SELECT account, currency, nanos FROM period_totals WHERE month = $month AND revision = $revision ORDER BY 1, 2",
                r => new AccountBalance(r.GetString(0), new Money(r.GetInt64(2), r.GetString(1))), transaction, ("$month", month), ("$revision", period.Revision)),
        })];
    }

    private void Insert(LedgerPeriod period, SqliteTransaction transaction)
    {
        store.Execute(
            "INSERT INTO periods VALUES($month, $revision, $closed, $at, $who, $reason, $entries, $digest)", transaction, ("$month", period.Month), ("$revision", period.Revision),
            ("$closed", period.Closed ? 1 : 0), ("$at", period.At.ToUnixTimeMilliseconds()), ("$who", period.Who), ("$reason", period.Reason), ("$entries", period.Entries),
            ("$digest", period.Digest));
        foreach (var total in period.Totals)
        {
            store.Execute(
                "INSERT INTO period_totals VALUES($month, $revision, $account, $currency, $nanos)", transaction, ("$month", period.Month), ("$revision", period.Revision),
                ("$account", total.Account), ("$currency", total.Balance.Currency), ("$nanos", total.Balance.NanoUnits));
        }
    }
}

/// <summary>One closing or re-opening of a month.</summary>
/// <param name="Month">As <c>2026-03</c>.</param>
/// <param name="Revision">1 for the first closing, then one more each time.</param>
/// <param name="Closed">False for a re-opening.</param>
/// <param name="At">When.</param>
/// <param name="Who">The person.</param>
/// <param name="Reason">Why it was re-opened; null for a closing.</param>
/// <param name="Entries">Entries of the month.</param>
/// <param name="Digest">SHA-256 over them, in hexadecimal.</param>
/// <param name="Totals">Every account's sum in the month.</param>
public sealed record LedgerPeriod(
    string Month, int Revision, bool Closed, DateTimeOffset At, string Who, string? Reason, int Entries, string Digest, IReadOnlyList<AccountBalance> Totals)
{
    /// <summary>What the month cost, per currency: the sum of its expense accounts.</summary>
    public IReadOnlyList<Money> Cost => [.. Totals.Where(t => t.Account.StartsWith("expense:", StringComparison.Ordinal))
        .GroupBy(t => t.Balance.Currency, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal)
        .Select(g => g.Aggregate(Money.Zero(g.Key), (sum, t) => sum + t.Balance))];
}

/// <summary>Months in UTC, written <c>2026-03</c>.</summary>
public static class LedgerMonth
{
    /// <summary>The month of an instant.</summary>
    public static string Of(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM", CultureInfo.InvariantCulture);

    /// <summary>First instant of the month, and of the next.</summary>
    /// <exception cref="LedgerException">The text is no month.</exception>
    public static (DateTimeOffset From, DateTimeOffset Until) Parse(string month) =>
        DateTimeOffset.TryParseExact(month, "yyyy-MM", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var from)
            ? (from, from.AddMonths(1))
            : throw new LedgerException($"'{month}' is not a month such as 2026-03.");

    /// <summary>The instant itself, or the beginning of the first month after it that is not closed.</summary>
    internal static DateTimeOffset FirstOpen(DateTimeOffset at, HashSet<string> closed)
    {
        while (closed.Count > 0 && closed.Contains(Of(at)))
        {
            at = Parse(Of(at)).Until;
        }

        return at;
    }
}
