using System.Text.Json.Nodes;
using Lauter.Ledger;

namespace Lauter.Tests.Ledger;

public sealed class PriceBookTests
{
    [Fact]
    public void Find_DatedRows_AnswersThePriceOfTheDay()
    {
        var book = Read("""
            { "rows": [
              { "sku": "m", "currency": "USD", "from": "2026-01-01", "until": "2026-07-01", "input": 0.15, "output": 0.60 },
              { "sku": "m", "currency": "USD", "from": "2026-07-01", "input": 0.10, "output": 0.40 } ] }
            """);

        Assert.Null(book.Find("m", Meter.UncachedInput, Day(2025, 12, 31)));
        Assert.Equal(150_000_000, book.Find("m", Meter.UncachedInput, Day(2026, 6, 30))!.NanoUnits);
        Assert.Equal(100_000_000, book.Find("m", Meter.UncachedInput, Day(2026, 7, 1))!.NanoUnits);
        Assert.Null(book.Find("m", Meter.CacheRead, Day(2026, 7, 1)));
    }

    [Fact]
    public void Charge_UnknownPrice_IsNullNotZero()
    {
        var charge = PriceBook.Default.Charge("nobody-knows", new MeterReading(Meter.TextOutput, 5, MeterSource.Provider), Day(2026, 1, 1));

        Assert.Null(charge.Amount);
        Assert.Equal(5, charge.Quantity);
    }

    [Fact]
    public void Charge_CoreTime_UsesTheAssumedRateAndSaysSo()
    {
        var charge = PriceBook.Default.Charge("any", new MeterReading(Meter.CoreMicroseconds, 3_600_000_000, MeterSource.Local), Day(2026, 1, 1));

        Assert.Equal(MachineRate.BuiltInAssumption.CoreHour, charge.Amount);
        Assert.True(charge.Assumed);
        Assert.InRange(MachineRate.BuiltInAssumption.CoreHour.Units, 0.05m, 0.15m);
    }

    [Theory]
    [InlineData("USD", "USD")]
    [InlineData("EUR", "EUR")]
    [InlineData("CNY", "CNY")]
    [InlineData("JPY", "CNY")]
    public void FromJson_NoMachineStated_AssumesOneInTheProjectsCurrency(string currency, string expected)
    {
        var machine = PriceBook.FromJson(null, currency).Book!.Machine;

        Assert.True(machine.Assumed);
        Assert.Equal(expected, machine.CoreHour.Currency);
    }

    [Fact]
    public void FromJson_MachineParts_GiveTheCoreHour()
    {
        var book = Read("""{ "machine": { "cores": 2, "purchase": "8766 CNY", "life_years": 1, "watts": 1000, "kilowatt_hour": "1 CNY", "people_hours_month": 0, "people_hour": "0 CNY" } }""");

        Assert.Equal("1.00 CNY", book.Machine.CoreHour.ToString()); // (1 + 1) CNY an hour over 2 cores
        Assert.False(book.Machine.Assumed);
    }

    [Fact]
    public void FromJson_ManyFaults_ReportsAllWithKeyAndValue()
    {
        var result = PriceBook.FromJson(JsonNode.Parse("""
            { "rowz": [], "machine": { "core_hour": "cheap" }, "rows": [
              { "sku": "m", "currency": "dollars", "inptu": 1 },
              { "sku": "m", "currency": "USD", "from": "2026-02-01", "until": "2026-01-01", "per": 0.5, "input": -1 } ] }
            """)!.AsObject());

        Assert.Null(result.Book);
        foreach (var part in (string[])["prices.rowz", "prices.machine.core_hour: \"cheap\"", "rows[0].currency: 'dollars'", "rows[0].inptu", "rows[1].until", "rows[1].per", "rows[1].input: -1"])
        {
            Assert.Contains(result.Faults, f => f.Contains(part, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void FromJson_OverlappingRows_IsAFault() => Assert.Contains(
        "until",
        PriceBook.FromJson(JsonNode.Parse("""{ "rows": [ { "sku": "m", "currency": "USD", "input": 1 }, { "sku": "m", "currency": "USD", "from": "2026-01-01", "input": 2 } ] }""")!.AsObject()).Faults.Single(),
        StringComparison.Ordinal);

    private static PriceBook Read(string json)
    {
        var result = PriceBook.FromJson(JsonNode.Parse(json)!.AsObject());
        Assert.Empty(result.Faults);
        return result.Book!;
    }

    private static DateTimeOffset Day(int year, int month, int day) => new(year, month, day, 0, 0, 0, TimeSpan.Zero);
}
