using CsCheck;
using Lauter.Ledger;
using Microsoft.Extensions.Time.Testing;

namespace Lauter.Tests.Ledger;

public sealed class RepricingTests : IDisposable
{
    private static readonly DateTimeOffset Start = new(2026, 1, 15, 0, 0, 0, TimeSpan.Zero);
    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-reprice-").FullName;
    private int _file;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Run_AnyHistory_ChangesNothingButPrices() =>
        Gen.Select(
            Gen.Select(Gen.Int[0, 80], Gen.Int[1, 5], Gen.Long[0, 1_000_000], Gen.Bool).Array[1, 30], Gen.Int[0, 90], Gen.Long[0, 10_000_000_000], Gen.Bool).Sample((uses, split, price, missingRow) =>
        {
            using var store = NewStore();
            var first = BookOf(150_000_000, null, 0);
            for (var i = 0; i < uses.Length; i++)
            {
                var (day, meter, quantity, measured) = uses[i];
                var at = Start.AddDays(day);
                MeterReading reading = new((Meter)meter, quantity, measured ? MeterSource.Provider : MeterSource.Missing);
                store.Post(LedgerEntry.ForUsage(
                    $"trace/{i}", at, LedgerPhase.Serving, "triage", LedgerAccounts.Provider("acme"),
                    [first.Charge("m", reading, at), first.Charge("any", new MeterReading(Meter.CoreMicroseconds, quantity, MeterSource.Local), at)]) with
                { Tags = new Dictionary<string, string> { ["tenant"] = "t" } });
            }

            var before = store.Charges();
            var later = BookOf(price, Start.AddDays(split), missingRow ? 0 : price + 1);

            var planned = Repricing.Run(store, later, null, null, apply: false);
            Assert.Equal(before, store.Charges(), (a, b) => a.EntryId == b.EntryId && a.Charge == b.Charge);
            var done = Repricing.Run(store, later, null, null, apply: true);
            Assert.Equal(planned with { Applied = true, Before = [], After = [] }, done with { Before = [], After = [] });
            Assert.Equal(planned.After, done.After);

            var after = store.Charges().OrderBy(c => Root(c.EntryId), StringComparer.Ordinal).ToList();
            var was = before.OrderBy(c => Root(c.EntryId), StringComparer.Ordinal).ToList();
            Assert.Equal(was.Select(Use), after.Select(Use));
            Assert.All(after, c => Assert.Equal("t", c.Tags["tenant"]));
            Assert.All(after.Where(c => c.Charge.Source == MeterSource.Missing), c => Assert.Null(c.Charge.Amount));
            Assert.All(after, c => Assert.Equal(later.Charge(c.Charge.Sku, c.Charge.Reading, c.At).Amount, c.Charge.Amount));
            foreach (var currency in store.Balances().GroupBy(b => b.Balance.Currency))
            {
                Assert.Equal(0, currency.Sum(b => b.Balance.NanoUnits));
            }

            Assert.Equal(0, Repricing.Run(store, later, null, null, apply: true).Changed);
            Repricing.Run(store, first, null, null, apply: true); // and back
            Assert.Equal(before.Select(c => c.Charge.Amount), store.Charges().OrderBy(c => c.At).ThenBy(c => Root(c.EntryId), StringComparer.Ordinal).Select(c => c.Charge.Amount));
        }, iter: 30, threads: 1);

    [Fact]
    public void Post_SameUseAtOtherPrices_StaysAsFirstPosted()
    {
        using var store = NewStore();
        var reading = new MeterReading(Meter.CoreMicroseconds, 3_600_000_000, MeterSource.Local);
        LedgerEntry Entry(PriceBook book) => LedgerEntry.ForUsage("step:1", Start, LedgerPhase.Training, null, LedgerAccounts.Machine, [book.Charge("any", reading, Start)]);

        Assert.True(store.Post(Entry(PriceBook.Default)));
        Assert.False(store.Post(Entry(new PriceBook([], new MachineRate(new Money(5, "CNY"), "stated", false)))));

        Assert.Equal(MachineRate.BuiltInAssumption.CoreHour, Assert.Single(store.Bill().Total));
    }

    [Fact]
    public void Post_OriginalAgainAfterRepricing_IsKnown()
    {
        using var store = NewStore();
        var entry = LedgerEntry.ForUsage("trace/1", Start, LedgerPhase.Serving, "a", LedgerAccounts.Provider("p"), [BookOf(1, null, 0).Charge("m", new MeterReading(Meter.TextOutput, 5, MeterSource.Provider), Start)]);
        store.Post(entry);
        Repricing.Run(store, BookOf(7_000_000_000, null, 0), null, null, apply: true);

        Assert.False(store.Post(entry));

        Assert.Equal("trace/1@2", Assert.Single(store.Recent(10)).Id);
        Assert.Equal(35_000, Assert.Single(store.Bill().Total).NanoUnits);
    }

    [Fact]
    public void Run_ClosedMonth_IsRefusedAndNothingChanges()
    {
        using var store = NewStore();
        store.Post(LedgerEntry.ForCores("x", Start, LedgerPhase.Data, null, TimeSpan.FromHours(1), PriceBook.Default));
        new LedgerPeriods(store, new FakeTimeProvider(Start.AddMonths(2))).Close("2026-01", "ada");

        Assert.Contains("closed", Assert.Throws<LedgerException>(() => Repricing.Run(store, new PriceBook([], new MachineRate(new Money(5, "CNY"), "b", false)), null, null, apply: true)).Message, StringComparison.Ordinal);
        Assert.Equal("x", Assert.Single(store.Recent(5)).Id);
    }

    private static string Root(string id) => id.Split('@')[0];

    private static object Use(ChargeRow row) => (Root(row.EntryId), row.At, row.Phase, row.Application, row.Charge.Reading, row.Charge.Sku, row.CreditAccount);

    /// <summary>Input, output and cache reads have a price; from <paramref name="change"/> on another one, or none when it is 0.</summary>
    private static PriceBook BookOf(long nanos, DateTimeOffset? change, long then) => new(
        new[] { Meter.UncachedInput, Meter.TextOutput, Meter.CacheRead }.SelectMany(m => (Price[])
        [
            new("m", m, nanos, 1_000_000, "USD", DateTimeOffset.UnixEpoch, change, "list"),
            .. change is { } at && then > 0 ? (Price[])[new("m", m, then, 1_000_000, "USD", at, null, "list 2")] : [],
        ]),
        MachineRate.BuiltInAssumption);

    private LedgerStore NewStore() => new(Path.Combine(_directory, $"{_file++}.db"));
}
