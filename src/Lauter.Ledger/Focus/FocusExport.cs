using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Lauter.Ledger.Focus;

namespace Lauter.Ledger;

/// <summary>How much time one row of an export covers.</summary>
public enum FocusPeriod
{
    /// <summary>One hour in UTC.</summary>
    Hour,

    /// <summary>One day in UTC.</summary>
    Day,
}

/// <summary>
/// The ledger as cost and usage rows in the columns of FOCUS 1.2 (FinOps Open Cost and Usage Specification). Charges of one period that differ in nothing
/// but their quantity make one row. <c>BilledCost</c> is what the ledger booked, where every charge is rounded to 10⁻⁹ units; <c>ListCost</c> and
/// <c>ContractedCost</c> are the product of unit price and quantity, as the specification asks. Use whose price is unknown is left out of a cost format
/// that has no word for it, and counted in <see cref="FocusReport.UnpricedRows"/>. What was booked after its month had been closed is a
/// <c>Correction</c>. <see cref="FocusRules"/> checks the result.
/// </summary>
public static class FocusExport
{
    /// <summary>Decimal places of a quantity that does not end, such as a core-hour.</summary>
    private const int QuantityPlaces = 12;

    private static readonly LedgerJson Relaxed = new(new JsonSerializerOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    /// <summary>The columns, in order: the mandatory and recommended ones, and those conditional ones that apply; <c>x_</c> marks our own.</summary>
    public static IReadOnlyList<string> Columns { get; } =
    [
        "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart", "ChargeCategory", "ChargeClass",
        "ChargeDescription", "ChargeFrequency", "ChargePeriodEnd", "ChargePeriodStart", "ConsumedQuantity", "ConsumedUnit", "ContractedCost", "ContractedUnitPrice", "EffectiveCost",
        "InvoiceIssuerName", "ListCost", "ListUnitPrice", "PricingCategory", "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "ResourceId", "ResourceName",
        "ResourceType", "ServiceCategory", "ServiceName", "ServiceSubcategory", "SkuId", "SkuMeter", "SkuPriceId", "SubAccountId", "SubAccountName", "Tags",
        "x_Assumed", "x_Charges", "x_MeterSource", "x_Phase",
    ];

    /// <summary>Writes the rows of an interval as CSV (RFC 4180, UTF-8, invariant numbers), in memory no more than one day at a time.</summary>
    /// <param name="ledger">The ledger.</param>
    /// <param name="project">The project's name: the billing account.</param>
    /// <param name="output">Where the CSV goes.</param>
    /// <param name="from">First instant, null = the beginning.</param>
    /// <param name="until">First instant that no longer counts, null = no end.</param>
    /// <param name="period">What a row covers.</param>
    public static FocusReport Write(
        LedgerStore ledger, string project, TextWriter output, DateTimeOffset? from = null, DateTimeOffset? until = null, FocusPeriod period = FocusPeriod.Day)
    {
        output.Write(Csv.Row(Columns));
        var (rows, unpriced, charges) = (0, 0, 0);
        if (ledger.Span() is not { } span)
        {
            return new FocusReport(0, 0);
        }

        var (first, last) = (Max(from, span.First), Min(until, span.Last.AddMilliseconds(1)));
        for (var day = first; day < last; day = NextDay(day))
        {
            var known = ledger.Charges(day, Min(last, NextDay(day))).Where(c => c.Charge.Quantity > 0 || c.Charge.Amount is null or { NanoUnits: not 0 }).ToList();
            unpriced += known.Count(c => c.Charge.Amount is null);
            foreach (var group in known.Where(c => c.Charge.Amount is not null).GroupBy(c => KeyOf(c, period)))
            {
                output.Write(Csv.Row(Row(project, group.Key, [.. group], period)));
                (rows, charges) = (rows + 1, charges + group.Count());
            }
        }

        return new FocusReport(rows, unpriced) { Charges = charges };
    }

    private static RowKey KeyOf(ChargeRow row, FocusPeriod period)
    {
        var (charge, tags) = (row.Charge, row.Tags.OrderBy(t => t.Key, StringComparer.Ordinal).ToDictionary(t => t.Key, t => t.Value));
        return new RowKey(
            StartOf(row.Occurred ?? row.At, period), LedgerMonth.Of(row.At), row.Occurred is not null, row.Phase, row.Application, charge.Sku, charge.Meter, charge.Source, charge.Amount!.Value.Currency,
            charge.PriceNanoUnits, charge.PricePer, charge.Assumed, row.CreditAccount, tags.Count == 0 ? null : JsonSerializer.Serialize(tags, Relaxed.DictionaryStringString),
            row.Tags.GetValueOrDefault("tenant"));
    }

    private static IEnumerable<string?> Row(string project, RowKey key, List<ChargeRow> charges, FocusPeriod period)
    {
        var (unit, perUnit) = Unit(key.Meter);
        var adjustment = key.Meter == Meter.InvoiceDifference;
        var quantity = charges.Sum(c => (decimal)c.Charge.Quantity);
        var billed = charges.Aggregate(Money.Zero(key.Currency), (sum, c) => sum + c.Charge.Amount!.Value).Units;

        // A unit is what the price book's row buys; a price that was not recorded follows from cost and quantity.
        var (pricingUnit, perPrice, price) = key.PriceNanos is { } nanos && key.PricePer is { } per
            ? per % perUnit == 0 && per > perUnit ? ($"{per / perUnit} {unit}", (decimal)per, nanos / (decimal)Money.NanosPerUnit) : (unit, (decimal)perUnit, nanos / (decimal)per * perUnit / Money.NanosPerUnit)
            : (unit, (decimal)perUnit, quantity == 0 ? 0 : Math.Round(billed / (quantity / perUnit), 18));
        var priced = Math.Round(quantity / perPrice, QuantityPlaces);
        var product = adjustment ? billed : priced * price;
        var (from, until) = LedgerMonth.Parse(key.Month);
        var local = key.Sku == MachineRate.Sku;
        var provider = local ? "Own machine" : key.Creditor.Split(':')[^1];
        var (category, subcategory) = local ? ("Compute", "Other (Compute)") : ("AI and Machine Learning", "Generative AI");
        var meter = MeterNames.NameOf(key.Meter);
        var sku = adjustment ? null : $"{key.Sku}/{meter}";
        return
        [
            Number(billed), project, project, key.Currency, Instant(until), Instant(from), adjustment ? "Adjustment" : "Usage", key.Late ? "Correction" : null,
            adjustment ? charges[0].Description ?? $"difference to an invoice of {provider}" : $"{meter} of {key.Sku}, {LedgerAccounts.NameOf(key.Phase)}",
            adjustment ? "One-Time" : "Usage-Based", Instant(EndOf(key.Start, period)), Instant(key.Start),
            adjustment ? null : Number(Math.Round(quantity / perUnit, QuantityPlaces)), adjustment ? null : unit, Number(product), adjustment ? null : Number(price), Number(billed),
            provider, Number(product), adjustment ? null : Number(price), adjustment ? null : "Standard", adjustment ? null : Number(priced), adjustment ? null : pricingUnit,
            provider, provider, key.Application, key.Application, key.Application is null ? null : "Application", category, local ? "Lauter" : key.Sku, subcategory,
            sku, sku is null ? null : meter, sku, key.Tenant, key.Tenant, key.Tags,
            key.Assumed ? "true" : "false", Number(charges.Count), key.Source.ToString(), LedgerAccounts.NameOf(key.Phase),
        ];
    }

    private static (string Unit, long PerUnit) Unit(Meter meter) => meter switch
    {
        Meter.CoreMicroseconds => ("Core-Hours", MachineRate.MicrosecondsPerHour),
        Meter.GpuMicroseconds => ("GPU-Hours", MachineRate.MicrosecondsPerHour),
        Meter.StorageMebibyteHours => ("GiB-Hours", 1_024),
        Meter.PersonSeconds => ("Hours", 3_600),
        _ => ("Tokens", 1),
    };

    private static DateTimeOffset StartOf(DateTimeOffset at, FocusPeriod period)
    {
        var utc = at.UtcDateTime;
        return new DateTimeOffset(period == FocusPeriod.Hour ? utc.Date.AddHours(utc.Hour) : utc.Date, TimeSpan.Zero);
    }

    private static DateTimeOffset EndOf(DateTimeOffset start, FocusPeriod period) => period == FocusPeriod.Hour ? start.AddHours(1) : start.AddDays(1);

    private static DateTimeOffset NextDay(DateTimeOffset at) => new DateTimeOffset(at.UtcDateTime.Date, TimeSpan.Zero).AddDays(1);

    private static DateTimeOffset Max(DateTimeOffset? one, DateTimeOffset two) => one > two ? one.Value : two;

    private static DateTimeOffset Min(DateTimeOffset? one, DateTimeOffset two) => one < two ? one.Value : two;

    private static string Instant(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static string Number(decimal value) => value.ToString("0.############################", CultureInfo.InvariantCulture);

    private sealed record RowKey(
        DateTimeOffset Start, string Month, bool Late, LedgerPhase Phase, string? Application, string Sku, Meter Meter, MeterSource Source, string Currency, long? PriceNanos, long? PricePer,
        bool Assumed, string Creditor, string? Tags, string? Tenant);
}

/// <summary>What an export holds.</summary>
/// <param name="Rows">Rows written.</param>
/// <param name="UnpricedRows">Charges left out because their price is unknown.</param>
public sealed record FocusReport(int Rows, int UnpricedRows)
{
    /// <summary>Charges that the rows sum up.</summary>
    public int Charges { get; init; }
}
