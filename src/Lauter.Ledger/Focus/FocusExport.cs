using System.Globalization;
using System.Text;

namespace Lauter.Ledger;

/// <summary>
/// The ledger as cost and usage rows in the columns of FOCUS 1.2 (FinOps Open Cost and Usage Specification): one row per charge. Use whose
/// price is unknown is left out of a cost format that has no word for it, and counted in <see cref="FocusReport.UnpricedRows"/>.
/// </summary>
public static class FocusExport
{
    /// <summary>The columns, in order: the mandatory ones, and those conditional ones that apply; <c>x_</c> marks our own.</summary>
    public static IReadOnlyList<string> Columns { get; } =
    [
        "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart", "ChargeCategory", "ChargeClass",
        "ChargeDescription", "ChargeFrequency", "ChargePeriodEnd", "ChargePeriodStart", "ConsumedQuantity", "ConsumedUnit", "ContractedCost", "ContractedUnitPrice", "EffectiveCost",
        "InvoiceIssuerName", "ListCost", "ListUnitPrice", "PricingCategory", "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "ResourceId", "ServiceCategory",
        "ServiceName", "ServiceSubcategory", "SkuId", "SkuMeter", "x_Assumed", "x_MeterSource", "x_Phase",
    ];

    /// <summary>Writes the rows of an interval as CSV (RFC 4180, UTF-8, invariant numbers).</summary>
    /// <param name="ledger">The ledger.</param>
    /// <param name="project">The project's name: the billing account.</param>
    /// <param name="output">Where the CSV goes.</param>
    /// <param name="from">First instant, null = the beginning.</param>
    /// <param name="until">First instant that no longer counts, null = no end.</param>
    public static FocusReport Write(LedgerStore ledger, string project, TextWriter output, DateTimeOffset? from = null, DateTimeOffset? until = null)
    {
        output.Write(string.Join(',', Columns) + "\r\n");
        var (rows, unpriced) = (0, 0);
        foreach (var charge in ledger.Charges(from, until))
        {
            if (charge.Charge.Amount is not { } amount)
            {
                unpriced++;
                continue;
            }

            rows++;
            output.Write(string.Join(',', Row(project, charge, amount).Select(Quote)) + "\r\n");
        }

        return new FocusReport(rows, unpriced);
    }

    private static IEnumerable<string> Row(string project, ChargeRow row, Money amount)
    {
        var (unit, perUnit) = Unit(row.Charge.Meter);
        var quantity = (decimal)row.Charge.Quantity / perUnit;
        var cost = amount.Units.ToString(CultureInfo.InvariantCulture);
        var price = quantity == 0 ? "" : Math.Round(amount.Units / quantity, 12).ToString(CultureInfo.InvariantCulture);
        var month = new DateTimeOffset(row.At.UtcDateTime.Year, row.At.UtcDateTime.Month, 1, 0, 0, 0, TimeSpan.Zero);
        var local = row.Charge.Sku == MachineRate.Sku;
        var provider = local ? "Own machine" : row.CreditAccount.Split(':')[^1];
        return
        [
            cost, project, project, amount.Currency, Instant(month.AddMonths(1)), Instant(month), "Usage", "",
            $"{MeterNames.NameOf(row.Charge.Meter)} of {row.Charge.Sku}, {LedgerAccounts.NameOf(row.Phase)}", "Usage-Based", Instant(row.At.AddMilliseconds(1)), Instant(row.At),
            quantity.ToString(CultureInfo.InvariantCulture), unit, cost, price, cost,
            provider, cost, price, "Standard", quantity.ToString(CultureInfo.InvariantCulture), unit, provider, provider, row.Application ?? "project", "AI and Machine Learning",
            local ? "Lauter" : row.Charge.Sku, "Generative AI", row.Charge.Sku, MeterNames.NameOf(row.Charge.Meter),
            row.Charge.Assumed ? "true" : "false", row.Charge.Source.ToString(), LedgerAccounts.NameOf(row.Phase),
        ];
    }

    private static (string Unit, long PerUnit) Unit(Meter meter) => meter switch
    {
        Meter.CoreMicroseconds => ("Core-Hours", 3_600_000_000),
        Meter.GpuMicroseconds => ("GPU-Hours", 3_600_000_000),
        Meter.StorageMebibyteHours => ("GiB-Hours", 1_024),
        Meter.PersonSeconds => ("Hours", 3_600),
        _ => ("Tokens", 1),
    };

    private static string Instant(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static string Quote(string value)
    {
        if (value.AsSpan().IndexOfAny(",\"\r\n") < 0)
        {
            return value;
        }

        return new StringBuilder("\"").Append(value.Replace("\"", "\"\"")).Append('"').ToString();
    }
}

/// <summary>What an export holds.</summary>
/// <param name="Rows">Rows written.</param>
/// <param name="UnpricedRows">Charges left out because their price is unknown.</param>
public sealed record FocusReport(int Rows, int UnpricedRows);
