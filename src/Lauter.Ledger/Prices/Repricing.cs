namespace Lauter.Ledger;

/// <summary>
/// Prices history again with a corrected price book. Quantities, meters, sources and accounts stay as they are; only amounts change. The entries
/// that change are superseded by new ones (<c>ID@2</c>, <c>ID@3</c> …) and stay readable. What was settled on budgets is not touched: a limit
/// was kept by the prices known then.
/// </summary>
public static class Repricing
{
    /// <summary>Prices the entries of an interval again.</summary>
    /// <param name="store">The ledger.</param>
    /// <param name="book">The corrected book. Each entry is priced at the instant at which its work was done.</param>
    /// <param name="from">First instant, null = the beginning.</param>
    /// <param name="until">First instant that no longer counts, null = no end.</param>
    /// <param name="apply">False = only say what would change.</param>
    /// <exception cref="LedgerException">An entry that would change lies in a closed month; nothing is changed then.</exception>
    public static RepricingReport Run(LedgerStore store, PriceBook book, DateTimeOffset? from, DateTimeOffset? until, bool apply)
    {
        var changes = store.Charges(from, until).GroupBy(c => c.EntryId, StringComparer.Ordinal).Select(g => Reprice([.. g], book)).ToList();
        var changed = changes.Where(c => !c.Before.SequenceEqual(c.After)).ToList();
        if (apply)
        {
            store.Write(transaction =>
            {
                var closed = store.ClosedMonths(transaction);
                if (changed.FirstOrDefault(c => closed.Contains(LedgerMonth.Of(c.Rows[0].At))) is { } late)
                {
                    var month = LedgerMonth.Of(late.Rows[0].At);
                    throw new LedgerException($"'{late.Rows[0].EntryId}' would change in {month}, which is closed: re-open it first, or leave it out.");
                }

                foreach (var change in changed)
                {
                    store.Supersede(change.Rows[0].EntryId, change.ToEntry(), change.Rows[0].At, transaction);
                }

                return changed.Count;
            });
        }

        return new RepricingReport(
            changes.Count, changed.Count, Sum(changes.SelectMany(c => c.Before)), Sum(changes.SelectMany(c => c.After)),
            changes.Sum(c => c.Before.Zip(c.After).Count(p => p.First.Amount is null && p.Second.Amount is not null)),
            changes.Sum(c => c.After.Count(a => a.Amount is null)),
            changes.Sum(c => c.Before.Zip(c.After).Count(p => p.First.Amount is not null && p.Second.Amount is null)), apply);
    }

    /// <summary>The entry that takes the place of the one with these charges when each of them is revised.</summary>
    internal static LedgerEntry Revise(IReadOnlyList<ChargeRow> rows, Func<Charge, Charge> revise) =>
        new Change(rows, [.. rows.Select(r => r.Charge)], [.. rows.Select(r => revise(r.Charge))]).ToEntry();

    private static Change Reprice(IReadOnlyList<ChargeRow> rows, PriceBook book) => new(
        rows,
        [.. rows.Select(r => r.Charge)],
        [.. rows.Select(r => r.Charge.Meter == Meter.InvoiceDifference ? r.Charge : Same(r.Charge, book.Charge(r.Charge.Sku, r.Charge.Reading, r.Occurred ?? r.At)))]);

    /// <summary>A price that gives the same amount is no change, whatever its source is called now.</summary>
    private static Charge Same(Charge before, Charge after) => before.Amount == after.Amount && before.Assumed == after.Assumed ? before : after;

    private static List<Money> Sum(IEnumerable<Charge> charges) =>
        [.. charges.Where(c => c.Amount is not null).GroupBy(c => c.Amount!.Value.Currency, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => g.Aggregate(Money.Zero(g.Key), (sum, c) => sum + c.Amount!.Value))];

    private sealed record Change(IReadOnlyList<ChargeRow> Rows, IReadOnlyList<Charge> Before, IReadOnlyList<Charge> After)
    {
        public LedgerEntry ToEntry()
        {
            var row = Rows[0];
            var at = row.EntryId.LastIndexOf('@');
            var (root, revision) = at > 0 && int.TryParse(row.EntryId.AsSpan(at + 1), out var n) ? (row.EntryId[..at], n) : (row.EntryId, 1);
            var creditor = Rows.Select(r => r.CreditAccount).FirstOrDefault(c => c.Length > 0 && c != LedgerAccounts.Machine)
                ?? LedgerAccounts.Provider(Rows.Select(r => r.Charge.Sku).FirstOrDefault(s => s != MachineRate.Sku) ?? "unknown");
            return LedgerEntry.ForUsage($"{root}@{revision + 1}", row.Occurred ?? row.At, row.Phase, row.Application, creditor, After, row.Reference, row.Description) with { Tags = row.Tags };
        }
    }
}

/// <summary>What pricing history again changes.</summary>
/// <param name="Entries">Entries looked at.</param>
/// <param name="Changed">Entries whose amounts change.</param>
/// <param name="Before">Known cost as it was.</param>
/// <param name="After">Known cost as it is then.</param>
/// <param name="NewlyPriced">Charges whose cost was unknown and is known now.</param>
/// <param name="StillUnknown">Charges without a price, also now.</param>
/// <param name="NoLongerPriced">Charges that had a price and have none in this book: a sign that the book lacks a row.</param>
/// <param name="Applied">True when it was done.</param>
public sealed record RepricingReport(
    int Entries, int Changed, IReadOnlyList<Money> Before, IReadOnlyList<Money> After, int NewlyPriced, int StillUnknown, int NoLongerPriced, bool Applied);
