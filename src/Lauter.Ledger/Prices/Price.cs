using System.Text.Json.Serialization;

namespace Lauter.Ledger;

/// <summary>One row of a price book: what a meter of a product costs during an interval.</summary>
/// <param name="Sku">What is priced: a provider's model or service as the project names it.</param>
/// <param name="Meter">Which use is priced.</param>
/// <param name="NanoUnits">Nano-units of <paramref name="Currency"/> for <paramref name="Per"/> base units.</param>
/// <param name="Per">Base units that <paramref name="NanoUnits"/> buys, at least 1 (1,000,000 tokens is the custom).</param>
/// <param name="Currency">Three capital letters.</param>
/// <param name="From">First instant at which the price holds.</param>
/// <param name="Until">First instant at which it no longer holds; null = still valid.</param>
/// <param name="Source">Where the price was read: an address, a contract, an invoice.</param>
public sealed record Price(string Sku, Meter Meter, long NanoUnits, long Per, string Currency, DateTimeOffset From, DateTimeOffset? Until, string Source)
{
    /// <summary>True when the price holds at <paramref name="at"/>.</summary>
    public bool HoldsAt(DateTimeOffset at) => From <= at && (Until is null || at < Until);

    /// <summary>The cost of <paramref name="quantity"/> base units.</summary>
    public Money For(long quantity) => Money.ForQuantity(quantity, NanoUnits, Per, Currency);
}

/// <summary>A reading with its price.</summary>
/// <param name="Meter">What was used.</param>
/// <param name="Quantity">How much, in base units.</param>
/// <param name="Source">Where the number comes from.</param>
/// <param name="Sku">What was priced; <see cref="MachineRate.Sku"/> for local work.</param>
/// <param name="Amount">The cost, or null when no price is known or nothing was measured: unknown is not zero.</param>
/// <param name="PriceSource">Where the price was read, or null.</param>
/// <param name="Assumed">True when the price is a built-in assumption that nobody confirmed for this machine.</param>
/// <param name="PriceNanoUnits">The price that was applied: nano-units for <paramref name="PricePer"/> base units; null = none, or not recorded.</param>
/// <param name="PricePer">Base units that <paramref name="PriceNanoUnits"/> buys.</param>
public sealed record Charge(
    Meter Meter, long Quantity, MeterSource Source, string Sku, Money? Amount, string? PriceSource = null, bool Assumed = false, long? PriceNanoUnits = null,
    long? PricePer = null)
{
    /// <summary>The total of the known amounts, or null when any of the charges has no amount or the currencies differ.</summary>
    public static Money? Total(IReadOnlyList<Charge> charges)
    {
        if (charges.Count == 0 || charges.Any(c => c.Amount is null) || charges.Any(c => c.Amount!.Value.Currency != charges[0].Amount!.Value.Currency))
        {
            return null;
        }

        return charges.Aggregate(Money.Zero(charges[0].Amount!.Value.Currency), (sum, c) => sum + c.Amount!.Value);
    }

    /// <summary>The reading without its price.</summary>
    [JsonIgnore]
    public MeterReading Reading => new(Meter, Quantity, Source);
}
