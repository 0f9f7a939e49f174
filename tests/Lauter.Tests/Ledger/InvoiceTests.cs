using System.Globalization;
using System.Text.Json.Nodes;
using Lauter.Ledger;
using Lauter.Ledger.Forecast;
using Lauter.Ledger.Invoices;

namespace Lauter.Tests.Ledger;

public sealed class InvoiceTests : IDisposable
{
    private static readonly DateTimeOffset March = new(2026, 3, 1, 10, 0, 0, TimeSpan.Zero);
    private static readonly string Acme = LedgerAccounts.Provider("acme");

    private static readonly PriceBook Book = PriceBook.FromJson(JsonNode.Parse(
        """{ "rows": [ { "sku": "m", "currency": "USD", "input": 3, "cache_read": 0.3, "output": 15, "source": "list" } ] }""")!.AsObject()).Book!;

    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-invoice-").FullName;
    private readonly LedgerStore _store;

    public InvoiceTests() => _store = new LedgerStore(Path.Combine(_directory, "ledger.db"));

    public void Dispose()
    {
        _store.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public void Of_OwnFocusExport_AgreesToTheNanoUnit()
    {
        for (var i = 0; i < 40; i++)
        {
            Post($"t{i}", i % 5, [new(Meter.UncachedInput, 1_001 + i, MeterSource.Provider), new(Meter.CacheRead, i, MeterSource.Provider), new(Meter.TextOutput, 77, MeterSource.Provider)]);
        }

        using var csv = new StringWriter(CultureInfo.InvariantCulture);
        FocusExport.Write(_store, "p", csv);
        var invoice = Invoice.Read(new StringReader(csv.ToString()));

        Assert.Empty(invoice.Faults);
        var reconciliation = Reconciliation.Of(_store, invoice, Acme);
        Assert.True(reconciliation.Agrees, string.Join('\n', reconciliation.Rows.Where(r => r.Reason is not null)));
        Assert.Equal(15, reconciliation.Rows.Count);
    }

    [Fact]
    public void Of_ProvidersExport_SaysWhyEachPartDiffers()
    {
        Post("same", 0, [new(Meter.UncachedInput, 1_000, MeterSource.Provider)]);
        Post("price", 1, [new(Meter.UncachedInput, 1_000, MeterSource.Provider)]);
        Post("use", 2, [new(Meter.UncachedInput, 1_000, MeterSource.Provider)]);
        Post("lost", 3, [.. ProviderUsage.Missing.Readings]);
        Post("ours", 4, [new(Meter.TextOutput, 10, MeterSource.Provider)]);
        var invoice = Invoice.Read(new StringReader("""
            usage_date_utc,model,token_type,tokens,cost_usd
            2026-03-01,m,input_tokens,1000,0.003
            2026-03-02,m,input_tokens,1000,0.004
            2026-03-03,m,input_tokens,1500,0.0045
            2026-03-04,m,input_tokens,200,0.0006
            2026-03-04,m,output_tokens,100,0.0015
            2026-03-05,m,cache_read_input_tokens,9,0.0000027
            """));

        var reconciliation = Reconciliation.Of(_store, invoice, Acme);

        Assert.Equal(
            [null, "the same use at another price", "the invoice has +500 base units more", "1 readings are missing here: requests that were lost or not measured",
             "1 readings are missing here: requests that were lost or not measured", "nothing of it is booked here", "the invoice does not have it"],
            reconciliation.Rows.Select(r => r.Reason));
        Assert.Equal(new Money(13_602_700 - 9_150_000, "USD"), Assert.Single(reconciliation.Difference));

        // Booked, the ledger is the invoice to the nano-unit, nothing is unknown any more, and booking it again changes nothing.
        Assert.Equal(6, reconciliation.Apply(_store, "INV-7", TimeProvider.System));
        Assert.Equal(new Money(13_602_700, "USD"), Assert.Single(_store.Bill().Total));
        Assert.True(_store.Bill().Complete);
        Assert.Equal(0, _store.Balances().Sum(b => b.Balance.NanoUnits));
        Assert.Equal(0, reconciliation.Apply(_store, "INV-7", TimeProvider.System));
        Assert.Equal(new Money(13_602_700, "USD"), Assert.Single(_store.Bill().Total));
        using var csv = new StringWriter(CultureInfo.InvariantCulture);
        FocusExport.Write(_store, "p", csv);
        Assert.Empty(Lauter.Ledger.Focus.FocusRules.Check(new StringReader(csv.ToString())));
    }

    [Fact]
    public void Read_TotalsWithoutDetail_AreComparedAsOne()
    {
        Post("a", 0, [new(Meter.UncachedInput, 1_000, MeterSource.Provider)]);
        Post("b", 1, [new(Meter.TextOutput, 1_000, MeterSource.Provider)]);

        var row = Assert.Single(Reconciliation.Of(_store, Invoice.Read(new StringReader("start_time,amount_value,amount_currency\n1772323200,0.0179,usd\n")), Acme, until: March.AddDays(5)).Rows, r => r.Day == "2026-03-01");

        Assert.Equal(new Money(14_900_000, "USD"), row.Difference);
        var whole = Reconciliation.Of(_store, Invoice.Read(new StringReader("amount,currency\n0.0179,USD\n")), Acme);
        Assert.Equal(new Money(-100_000, "USD"), Assert.Single(whole.Rows).Difference);
    }

    [Theory]
    [InlineData("a,b\n1,2\n", "No column holds the amounts")]
    [InlineData("amount\n1\n", "No column names the currency")]
    [InlineData("amount,currency\nfree,USD\n", "'free' is not an amount")]
    [InlineData("amount,currency,date\n1,USD,soon\n", "'soon' is not a date")]
    [InlineData("amount,currency\n1,dollars\n", "'DOLLARS' is not a currency")]
    [InlineData("amount,currency\n\"1,USD\n", "does not end")]
    public void Read_BadFile_SaysWhy(string csv, string expected) =>
        Assert.Contains(Invoice.Read(new StringReader(csv)).Faults, f => f.Contains(expected, StringComparison.Ordinal));

    [Fact]
    public void Month_SteadyDays_AreExtrapolatedAndFewDaysAreNot()
    {
        for (var day = 0; day < 10; day++)
        {
            _store.Post(LedgerEntry.ForCores($"d{day}", March.AddDays(day), LedgerPhase.Serving, "a", TimeSpan.FromHours(2), PriceBook.Default));
            if (day == 1)
            {
                Assert.Null(Assert.Single(CostForecast.Month(_store, March.AddDays(1))).Expected);
            }
        }

        var forecast = Assert.Single(CostForecast.Month(_store, new DateTimeOffset(2026, 3, 11, 0, 0, 0, TimeSpan.Zero)));

        var daily = MachineRate.BuiltInAssumption.CoreHour.NanoUnits * 2;
        Assert.Equal(10 * daily, forecast.SoFar.NanoUnits);
        Assert.Equal(31 * daily, forecast.Expected!.Middle.NanoUnits); // every day is the same, so the range is a point
        Assert.Equal(forecast.Expected.Low, forecast.Expected.High);
        Assert.Equal(10, forecast.DaysOfHistory);
    }

    [Fact]
    public void Month_UnevenDays_RangeHoldsTheTruthAsOftenAsItSays()
    {
        var inside = 0;
        const int Trials = 60;
        for (var trial = 0; trial < Trials; trial++)
        {
            using var store = new LedgerStore(Path.Combine(_directory, $"trial{trial}.db"));
            var random = new Random(trial);
            var truth = 0L;
            List<LedgerEntry> entries = [];
            var start = new DateTimeOffset(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);
            for (var day = -20; day < 31; day++)
            {
                var nanos = random.NextInt64(1_000, 100_000);
                truth += day >= 0 ? nanos : 0;
                if (day < 8)
                {
                    entries.Add(LedgerEntry.ForUsage($"d{day}", start.AddDays(day), LedgerPhase.Serving, "a", Acme, [new Charge(Meter.TextOutput, 1, MeterSource.Provider, "m", new Money(nanos, "USD"))]));
                }
            }

            store.Post(entries);
            var range = CostForecast.Month(store, start.AddDays(8)).Single().Expected!;
            inside += truth >= range.Low.NanoUnits && truth <= range.High.NanoUnits ? 1 : 0;
        }

        Assert.InRange(inside, (int)(0.65 * Trials), (int)(0.93 * Trials)); // 80 % nominal; 60 trials have a standard error of 5 %
    }

    [Fact]
    public void Ownership_StatedDrivers_GiveTheSumByHand()
    {
        ForecastDriver Stated(string name, decimal value) => new(name, value, value, "stated");
        var forecast = OwnershipForecast.Of(_store, March, "CNY",
        [
            Stated("requests_per_day", 1_000), Stated("growth_per_month", 0), Stated("serving_per_request", 0.01m), Stated("idle_per_day", 4), Stated("iteration", 50), Stated("iterations_per_year", 6),
            Stated("people_hours_per_month", 10), Stated("people_hour", 150), Stated("fixed_per_month", 200),
        ]);

        // A year: 365.25 × (10 + 4) + 6 × 50 + 12 × (1,500 + 200) = 25,813.5
        Assert.True(forecast.Complete);
        Assert.All(forecast.Years, y => Assert.InRange(y.Total.Middle.Units, 25_813.499m, 25_813.501m));
        Assert.InRange(forecast.Total.Middle.Units, 77_440.49m, 77_440.51m);
        Assert.Empty(forecast.Swings);
    }

    [Fact]
    public void Ownership_NothingStated_NamesWhatIsMissingInsteadOfAssumingIt()
    {
        for (var day = 0; day < 6; day++)
        {
            Post($"s{day}", day, [new(Meter.TextOutput, 1_000 * (day + 1), MeterSource.Provider)]);
        }

        _store.Post(LedgerEntry.ForUsage("t", March, LedgerPhase.Training, null, Acme, [Book.Charge("m", new MeterReading(Meter.TextOutput, 1_000_000, MeterSource.Provider), March)]));
        var forecast = OwnershipForecast.Of(_store, March.AddDays(6), "USD", [new("growth_per_month", 0.0m, 0.1m, "stated")]);

        Assert.Equal(["iterations_per_year", "people_hours_per_month", "people_hour", "fixed_per_month"], forecast.Missing);
        Assert.Equal(["requests_per_day", "growth_per_month", "serving_per_request", "idle_per_day", "iteration"], forecast.Drivers.Select(d => d.Name));
        var serving = forecast.Drivers.Single(d => d.Name == "serving_per_request");
        Assert.True(serving.Low < 0.0525m && serving.High > 0.0525m, $"{serving}"); // 21,000 tokens of 15 USD a million over 6 requests
        Assert.Equal("growth_per_month", forecast.Swings[0].Name);
        Assert.True(forecast.Total.Low < forecast.Total.Middle && forecast.Total.Middle < forecast.Total.High);
        Assert.Equal(forecast.Total, OwnershipForecast.Of(_store, March.AddDays(6), "USD", [new("growth_per_month", 0.0m, 0.1m, "stated")]).Total);
    }

    private void Post(string id, int day, IReadOnlyList<MeterReading> readings) =>
        _store.Post(LedgerEntry.ForUsage(id, March.AddDays(day), LedgerPhase.Serving, "a", Acme, Book.Charge("m", readings, March.AddDays(day))));
}
