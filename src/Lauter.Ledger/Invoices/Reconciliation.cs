using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Lauter.Ledger.Invoices;

/// <summary>One part of an invoice beside the same part of the ledger.</summary>
/// <param name="Day">The day, or null when the invoice names none.</param>
/// <param name="Sku">The product, or null.</param>
/// <param name="Meter">The meter, or null.</param>
/// <param name="Billed">What the invoice says.</param>
/// <param name="Booked">What the ledger says.</param>
/// <param name="BilledQuantity">Base units by the invoice; null when it names none.</param>
/// <param name="BookedQuantity">Base units by the ledger.</param>
/// <param name="Unknown">Charges of the ledger without a known cost in this part: lost or unmeasured requests, or no price.</param>
/// <param name="Reason">Why the two differ, as far as they tell; null when they agree.</param>
public sealed record ReconciliationRow(
    string? Day, string? Sku, Meter? Meter, Money Billed, Money Booked, long? BilledQuantity, long BookedQuantity, int Unknown, string? Reason)
{
    /// <summary>Invoice less ledger.</summary>
    public Money Difference => Billed - Booked;
}

/// <summary>
/// Compares a provider's invoice with what the ledger owes that provider, at the finest detail that the invoice has: day, product, meter. Nothing is ever
/// corrected silently: <see cref="Apply"/> books each difference as an entry of its own and settles the charges whose cost was unknown.
/// </summary>
/// <param name="Creditor">The provider's account.</param>
/// <param name="Rows">Parts, those that agree included.</param>
public sealed record Reconciliation(string Creditor, IReadOnlyList<ReconciliationRow> Rows)
{
    /// <summary>Invoice less ledger, per currency.</summary>
    public IReadOnlyList<Money> Difference => [.. Rows.GroupBy(r => r.Billed.Currency, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal)
        .Select(g => g.Aggregate(Money.Zero(g.Key), (sum, r) => sum + r.Difference))];

    /// <summary>True when every part agrees to the nano-unit and nothing is unknown.</summary>
    public bool Agrees => Rows.All(r => r.Reason is null);

    /// <summary>Compares.</summary>
    /// <param name="store">The ledger.</param>
    /// <param name="invoice">The invoice, without faults.</param>
    /// <param name="creditor">The provider's account, see <see cref="LedgerAccounts.Provider"/>.</param>
    /// <param name="from">First instant of the ledger that counts, null = the first day of the invoice.</param>
    /// <param name="until">First instant that no longer counts, null = the end of the last day of the invoice.</param>
    public static Reconciliation Of(LedgerStore store, Invoice invoice, string creditor, DateTimeOffset? from = null, DateTimeOffset? until = null)
    {
        var days = invoice.Lines.Select(l => l.Day).OfType<string>().Order(StringComparer.Ordinal).ToList();
        var booked = store.Charges(new LedgerFilter
        {
            From = from ?? (days.Count > 0 ? Parse(days[0]) : null),
            Until = until ?? (days.Count > 0 ? Parse(days[^1]).AddDays(1) : null),
            Values = new Dictionary<LedgerDimension, string> { [LedgerDimension.Creditor] = creditor },
        }).Where(c => c.Charge.Meter is not (Meter.InvoiceDifference or Meter.ReusedTokens)).ToList();
        var (byDay, bySku, byMeter) = (invoice.Lines.All(l => l.Day is not null), invoice.Lines.All(l => l.Sku is not null), invoice.Lines.All(l => l.Meter is not null));
        Part KeyOf(string? day, string? sku, Meter? meter, string currency) => new(byDay ? day : null, bySku ? sku : null, byMeter ? meter : null, currency);

        var ours = booked.GroupBy(c => KeyOf(DayOf(c), c.Charge.Sku, c.Charge.Meter, c.Charge.Amount?.Currency ?? "")).ToDictionary(g => g.Key, g => g.ToList());
        var theirs = invoice.Lines.GroupBy(l => KeyOf(l.Day, l.Sku, l.Meter, l.Amount.Currency)).ToDictionary(g => g.Key, g => g.ToList());
        return new Reconciliation(creditor, [.. theirs.Keys.Union(ours.Keys.Where(k => k.Currency.Length > 0))
            .OrderBy(k => k.Day, StringComparer.Ordinal).ThenBy(k => k.Sku, StringComparer.Ordinal).ThenBy(k => k.Meter).ThenBy(k => k.Currency, StringComparer.Ordinal)
            .Select(key => Compare(key, theirs.GetValueOrDefault(key) ?? [], ours.GetValueOrDefault(key) ?? [], ours.GetValueOrDefault(key with { Currency = "" }) ?? []))]);
    }

    /// <summary>
    /// Books the invoice: for each part that differs one entry with the difference, and the charges of these parts whose cost was unknown become known as
    /// part of it. Idempotent by the invoice's name.
    /// </summary>
    /// <param name="store">The ledger.</param>
    /// <param name="name">The invoice's number.</param>
    /// <param name="time">The clock, for an invoice that names no days.</param>
    /// <returns>How many entries were new.</returns>
    /// <exception cref="LedgerException">A charge with unknown cost lies in a closed month, or the invoice was booked with other differences.</exception>
    public int Apply(LedgerStore store, string name, TimeProvider time)
    {
        var parts = Rows.Where(r => r.Reason is not null).ToList();
        var unknown = parts.Where(p => p.Unknown > 0).SelectMany(p => store.Charges(new LedgerFilter
        {
            From = p.Day is null ? null : Parse(p.Day),
            Until = p.Day is null ? null : Parse(p.Day).AddDays(1),
            Values = Values(p),
        })).Where(c => c.Charge.Amount is null).Select(c => c.EntryId).ToHashSet(StringComparer.Ordinal);
        var added = store.Post([.. parts.Where(p => p.Difference.NanoUnits != 0).Select(p => LedgerEntry.ForUsage(
            $"invoice/{name}/{Hash($"{Creditor}|{p.Day}|{p.Sku}|{p.Meter}|{p.Billed.Currency}")}", p.Day is null ? time.GetUtcNow() : Parse(p.Day), LedgerPhase.Serving, null, Creditor,
            [new Charge(Meter.InvoiceDifference, 0, MeterSource.Provider, p.Sku ?? "invoice", p.Difference, $"invoice {name}")], $"invoice {name}",
            $"invoice {name}: {p.Reason}"))]);
        var settled = unknown.Count == 0 ? [] : store.Charges().Where(c => unknown.Contains(c.EntryId)).GroupBy(c => c.EntryId, StringComparer.Ordinal).ToList();
        store.Write(transaction =>
        {
            var closed = store.ClosedMonths(transaction);
            foreach (var group in settled)
            {
                if (closed.Contains(LedgerMonth.Of(group.First().At)))
                {
                    throw new LedgerException($"'{group.Key}' has an unknown cost and lies in {LedgerMonth.Of(group.First().At)}, which is closed: re-open it first.");
                }

                var currency = parts.First(p => p.Unknown > 0).Billed.Currency;
                store.Supersede(group.Key, Repricing.Revise([.. group], c => c.Amount is null ? c with { Amount = Money.Zero(currency), PriceSource = $"billed with invoice {name}" } : c), group.First().At, transaction);
            }

            return 0;
        });
        return added;
    }

    private Dictionary<LedgerDimension, string> Values(ReconciliationRow part)
    {
        var values = new Dictionary<LedgerDimension, string> { [LedgerDimension.Creditor] = Creditor };
        if (part.Sku is not null)
        {
            values[LedgerDimension.Sku] = part.Sku;
        }

        if (part.Meter is { } meter)
        {
            values[LedgerDimension.Meter] = MeterNames.NameOf(meter);
        }

        return values;
    }

    private static ReconciliationRow Compare(Part key, List<InvoiceLine> theirs, List<ChargeRow> ours, List<ChargeRow> unknown)
    {
        var billed = theirs.Aggregate(Money.Zero(key.Currency), (sum, l) => sum + l.Amount);
        var booked = ours.Aggregate(Money.Zero(key.Currency), (sum, c) => sum + c.Charge.Amount!.Value);
        var quantity = theirs.Count > 0 && theirs.All(l => l.Quantity is not null) ? theirs.Sum(l => l.Quantity) : null;
        var counted = ours.Concat(unknown).Sum(c => c.Charge.Quantity);
        var missing = unknown.Count(c => c.Charge.Source == MeterSource.Missing);
        var reason = unknown.Count > missing ? $"{unknown.Count - missing} charges have no price here"
            : missing > 0 ? $"{missing} readings are missing here: requests that were lost or not measured"
            : billed == booked ? null
            : theirs.Count == 0 ? "the invoice does not have it"
            : ours.Count == 0 ? "nothing of it is booked here"
            : quantity is { } q && q != counted ? $"the invoice has {q - counted:+#,0;-#,0} base units more"
            : quantity is not null ? "the same use at another price"
            : Math.Abs((billed - booked).NanoUnits) <= ours.Count ? "rounding: each charge here is rounded to 0.000000001"
            : "the amounts differ";
        return new ReconciliationRow(key.Day, key.Sku, key.Meter, billed, booked, quantity, counted, unknown.Count, reason);
    }

    private static string DayOf(ChargeRow row) => (row.Occurred ?? row.At).UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static DateTimeOffset Parse(string day) => DateTimeOffset.ParseExact(day, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..16];

    private sealed record Part(string? Day, string? Sku, Meter? Meter, string Currency);
}
