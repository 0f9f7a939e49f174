using System.Globalization;
using System.Text.Json.Nodes;
using CsCheck;
using Lauter.Ledger;
using Lauter.Ledger.Focus;
using Microsoft.Extensions.Time.Testing;

namespace Lauter.Tests.Ledger;

public sealed class FocusTests : IDisposable
{
    private static readonly DateTimeOffset At = new(2026, 3, 30, 12, 0, 0, TimeSpan.Zero);
    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-focus-").FullName;
    private int _file;

    private static readonly PriceBook Book = PriceBook.FromJson(JsonNode.Parse("""
        { "machine": { "core_hour": "0.123456789 CNY" }, "rows": [
          { "sku": "m, inc", "currency": "USD", "input": 0.15, "cache_read": 0.0375, "output": 0.6, "source": "list" },
          { "sku": "odd", "currency": "EUR", "per": 7, "input": 0.000000001, "output": 3.333333333, "storage_mebibyte_hours": 0.000000017 } ] }
        """)!.AsObject()).Book!;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Write_AnyLedger_BreaksNoRuleAndSumsToTheBill() =>
        Gen.Select(Gen.Select(Gen.Int[0, 100], Gen.Int[1, 11], Gen.Long[0, 2_000_000_000], Gen.Int[0, 3], Gen.Bool).Array[0, 40], Gen.Bool).Sample((uses, hourly) =>
        {
            using var store = NewStore();
            List<LedgerEntry> entries = [];
            for (var i = 0; i < uses.Length; i++)
            {
                var (hours, meter, quantity, product, tagged) = uses[i];
                entries.Add(LedgerEntry.ForUsage(
                    $"e{i}", At.AddHours(hours), (LedgerPhase)((i % 7) + 1), i % 3 == 0 ? null : "triage, live", LedgerAccounts.Provider("acme \"x\", inc"),
                    [Book.Charge(product switch { 0 => "m, inc", 1 => "odd", 2 => "unknown", _ => "machine" }, new MeterReading((Meter)meter, quantity, (MeterSource)((i % 5) + 1)), At.AddHours(hours))]) with
                { Tags = tagged ? new Dictionary<string, string> { ["tenant"] = "t,1", ["user"] = "用户\"1\"" } : new Dictionary<string, string>() });
            }

            store.Post(entries);
            using var csv = new StringWriter(CultureInfo.InvariantCulture);
            var report = FocusExport.Write(store, "helpdesk", csv, period: hourly ? FocusPeriod.Hour : FocusPeriod.Day);

            Assert.Empty(FocusRules.Check(new StringReader(csv.ToString())));
            var rows = Rows(csv.ToString());
            Assert.Equal(report.Rows, rows.Count);
            Assert.Equal(store.Charges().Count(c => c.Charge.Amount is null), report.UnpricedRows);
            foreach (var total in store.Bill().Total)
            {
                var mine = rows.Where(r => r["BillingCurrency"] == total.Currency).ToList();
                Assert.Equal(total.Units, mine.Sum(r => decimal.Parse(r["BilledCost"]!, CultureInfo.InvariantCulture)));

                // List cost is the exact product, billed cost the sum of charges that were rounded one by one.
                Assert.All(mine, r => Assert.InRange(
                    Math.Abs(decimal.Parse(r["BilledCost"]!, CultureInfo.InvariantCulture) - decimal.Parse(r["ListCost"]!, CultureInfo.InvariantCulture)), 0,
                    0.000000001m * decimal.Parse(r["x_Charges"]!, CultureInfo.InvariantCulture)));
            }
        }, iter: 30, threads: 1);

    [Fact]
    public void Write_KnownCharge_HasTheBooksPriceAndUnit()
    {
        using var store = NewStore();
        store.Post([Serving("a", 1_000), Serving("b", 500)]);

        var row = Assert.Single(Rows(Export(store)));

        Assert.Equal(("1000000 Tokens", "0.0015", "0.15", "0.000225"), (row["PricingUnit"], row["PricingQuantity"], row["ListUnitPrice"], row["ListCost"]));
        Assert.Equal(("1500", "Tokens", "0.000225", "2"), (row["ConsumedQuantity"], row["ConsumedUnit"], row["BilledCost"], row["x_Charges"]));
        Assert.Equal(("2026-03-30T00:00:00Z", "2026-03-31T00:00:00Z", "2026-03-01T00:00:00Z"), (row["ChargePeriodStart"], row["ChargePeriodEnd"], row["BillingPeriodStart"]));
        Assert.Equal(("acme", "triage", "m, inc/input", null), (row["ProviderName"], row["ResourceId"], row["SkuPriceId"], row["ChargeClass"]));
    }

    [Fact]
    public void Write_BookedAfterTheClose_IsACorrectionOfTheOldPeriod()
    {
        using var store = NewStore();
        new LedgerPeriods(store, new FakeTimeProvider(At.AddMonths(1))).Close("2026-03", "ada");
        store.Post(Serving("late", 1_000));
        var csv = Export(store);

        var row = Assert.Single(Rows(csv));
        Assert.Equal(("Correction", "2026-03-30T00:00:00Z", "2026-04-01T00:00:00Z"), (row["ChargeClass"], row["ChargePeriodStart"], row["BillingPeriodStart"]));
        Assert.Empty(FocusRules.Check(new StringReader(csv)));
    }

    public static TheoryData<string, string, string?> Breaches => new()
    {
        { "BilledCost.NotNull", "BilledCost", null }, { "BilledCost.NumericFormat", "BilledCost", "$3" }, { "BilledCost.NumericFormat", "BilledCost", "1e-7" }, { "BilledCost.NumericFormat", "BilledCost", "+3" },
        { "BilledCost.NumericFormat", "BilledCost", "1,234" }, { "ListCost.NumericFormat", "ListCost", "1/2" }, { "BillingCurrency.CurrencyFormat", "BillingCurrency", "dollars" },
        { "ChargePeriodStart.DateTimeFormat", "ChargePeriodStart", "2026-03-30" }, { "ChargePeriodEnd.DateTimeFormat", "ChargePeriodEnd", "2026-03-31T00:00:00+08:00" },
        { "ChargePeriodEnd.AfterStart", "ChargePeriodEnd", "2026-03-30T00:00:00Z" }, { "BillingPeriodEnd.AfterStart", "BillingPeriodEnd", "2026-03-01T00:00:00Z" },
        { "ChargePeriod.InsideBillingPeriod", "ChargePeriodEnd", "2026-04-02T00:00:00Z" }, { "ChargeCategory.AllowedValue", "ChargeCategory", "usage" }, { "ChargeClass.AllowedValue", "ChargeClass", "Fix" },
        { "ChargeFrequency.AllowedValue", "ChargeFrequency", "Daily" }, { "ServiceCategory.AllowedValue", "ServiceCategory", "AI" }, { "ServiceSubcategory.OneParent", "ServiceSubcategory", "Virtual Machines" },
        { "Null.NoEmptyText", "ResourceId", "" }, { "Null.NoEmptyText", "ResourceId", "N/A" }, { "Tags.KeyValueFormat", "Tags", "a=b" }, { "Tags.KeyValueFormat", "Tags", """{"a":{"b":1}}""" },
        { "PricingQuantity.UsageNotNull", "PricingQuantity", null }, { "PricingUnit.FollowsPricingQuantity", "PricingUnit", null }, { "PricingUnit.UnitFormat", "PricingUnit", "1k tokens" },
        { "ConsumedUnit.FollowsConsumedQuantity", "ConsumedUnit", null }, { "ConsumedQuantity.UsageNotNull", "ConsumedQuantity", "0" }, { "ConsumedQuantity.UsageOnly", "ChargeCategory", "Credit" },
        { "ListUnitPrice.UsageNotNull", "ListUnitPrice", null }, { "ListUnitPrice.NotNegative", "ListUnitPrice", "-1" }, { "ListCost.IsProduct", "ListCost", "0.000150001" }, { "ContractedCost.IsProduct", "ContractedUnitPrice", "0.150000001" },
        { "ContractedUnitPrice.TaxNull", "ChargeCategory", "Tax" }, { "PricingQuantity.TaxNull", "ChargeCategory", "Tax" }, { "ChargeFrequency.PurchaseNotUsageBased", "ChargeCategory", "Purchase" },
        { "EffectiveCost.MatchesBilledUnrelated", "ChargeCategory;EffectiveCost", "Credit;7" }, { "ListCost.MatchesBilledWithoutPrice", "ChargeCategory;ListUnitPrice;ListCost", "Adjustment;;9" },
        { "SkuMeter.NullWithoutSku", "SkuId", null }, { "SkuPriceId.UsageNotNull", "SkuPriceId", null }, { "SubAccountName.NullWithoutId", "SubAccountId", null }, { "ResourceName.NullWithoutId", "ResourceId", null },
        { "ResourceType.FollowsResourceId", "ResourceType", null }, { "PricingCategory.AllowedValue", "PricingCategory", "Cheap" }, { "PricingCategory.UsageNotNull", "PricingCategory", null },
        { "InvoiceIssuerName.NotNull", "InvoiceIssuerName", null }, { "ServiceName.NotNull", "ServiceName", null },
    };

    [Theory]
    [MemberData(nameof(Breaches))]
    public void Check_OneValueWrong_NamesTheRule(string rule, string columns, string? values)
    {
        Assert.Contains(rule, FocusRules.Names);
        using var store = NewStore();
        store.Post(Serving("a", 1_000) with { Tags = new Dictionary<string, string> { ["tenant"] = "t" } });
        var fields = Csv.Read(new StringReader(Export(store))).Last();
        foreach (var (column, value) in columns.Split(';').Zip(values?.Split(';') ?? new string?[] { null }))
        {
            fields[FocusExport.Columns.ToList().IndexOf(column)] = values is { Length: > 0 } && value?.Length == 0 ? null : value;
        }

        var violations = FocusRules.Check(new StringReader(Csv.Row(FocusExport.Columns) + Csv.Row(fields)));

        Assert.Contains(violations, v => v.Rule == rule && v.Row == 1);
    }

    [Fact]
    public void Check_Head_NamesMissingDoubledAndCustomColumns()
    {
        var rules = FocusRules.Check(new StringReader("BilledCost,BilledCost,Cost\r\n1,2\r\n")).Select(v => v.Rule).ToList();

        Assert.Equal(20, rules.Count(r => r == "Columns.MandatoryPresent"));
        Assert.Contains("Columns.Unique", rules);
        Assert.Contains("Columns.CustomPrefix", rules);
        Assert.Contains("Row.FieldCount", rules);
    }

    [Fact]
    public void Csv_AnyFields_ComeBackAsTheyWent() =>
        Gen.OneOf(Gen.Const((string?)null), Gen.OneOf(Gen.String[Gen.Char["a,\"\r\n 统"], 0, 6], Gen.Const("")).Select(s => (string?)s)).Array[1, 5].Array[1, 5].Sample(rows =>
        {
            var whole = rows.Where(r => r.Length > 1 || r[0] is not null).ToArray(); // a row of one null is an empty line
            Assert.Equal(whole, Csv.Read(new StringReader(string.Concat(whole.Select(Csv.Row)))));
        }, iter: 3_000);

    private static LedgerEntry Serving(string id, long tokens) => LedgerEntry.ForUsage(
        id, At, LedgerPhase.Serving, "triage", LedgerAccounts.Provider("acme"), [Book.Charge("m, inc", new MeterReading(Meter.UncachedInput, tokens, MeterSource.Provider), At)]);

    private static string Export(LedgerStore store)
    {
        using var csv = new StringWriter(CultureInfo.InvariantCulture);
        FocusExport.Write(store, "helpdesk", csv);
        return csv.ToString();
    }

    private static List<Dictionary<string, string?>> Rows(string csv)
    {
        var rows = Csv.Read(new StringReader(csv)).ToList();
        return [.. rows.Skip(1).Select(r => rows[0].Zip(r).ToDictionary(p => p.First!, p => p.Second))];
    }

    private LedgerStore NewStore() => new(Path.Combine(_directory, $"{_file++}.db"));
}
