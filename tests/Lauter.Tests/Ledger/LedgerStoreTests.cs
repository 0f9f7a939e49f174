using CsCheck;
using Lauter.Ledger;

namespace Lauter.Tests.Ledger;

public sealed class LedgerStoreTests : IDisposable
{
    private static readonly DateTimeOffset At = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-ledger-").FullName;

    private string FilePath => Path.Combine(_directory, "ledger.db");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Post_AnyUsage_BalancesSumToZeroPerCurrency()
    {
        using var store = new LedgerStore(FilePath);
        var gen = Gen.Select(Gen.Int[0, 6], Gen.Int[0, 2], Gen.Long[0, 1_000_000_000], Gen.Int[0, 2].Select(i => i == 0 ? null : i == 1 ? "CNY" : "USD"));
        gen.Array[1, 6].Sample(charges =>
        {
            var entry = LedgerEntry.ForUsage(
                Guid.NewGuid().ToString(), At, (LedgerPhase)(charges[0].Item1 + 1), charges[0].Item2 == 0 ? null : "app" + charges[0].Item2, LedgerAccounts.Provider("p"),
                [.. charges.Select(c => new Charge(Meter.TextOutput, c.Item3, MeterSource.Provider, "m", c.Item4 is null ? null : new Money(c.Item3 * 7, c.Item4)))]);
            Assert.True(store.Post(entry));
        }, iter: 100, threads: 1);

        foreach (var currency in store.Balances().GroupBy(b => b.Balance.Currency))
        {
            Assert.Equal(0, currency.Sum(b => b.Balance.NanoUnits));
        }
    }

    [Fact]
    public void Post_SameEntryTwice_CountsOnce()
    {
        using var store = new LedgerStore(FilePath);
        var entry = Cores("run-1/train", LedgerPhase.Training, TimeSpan.FromSeconds(90));

        Assert.True(store.Post(entry));
        Assert.False(store.Post(entry));
        Assert.Equal(90m, store.Bill().Phases.Single(p => p.Phase == LedgerPhase.Training).CoreSeconds);
    }

    [Fact]
    public void Post_SameIdOtherContent_IsRefusedAndChangesNothing()
    {
        using var store = new LedgerStore(FilePath);
        store.Post(Cores("x", LedgerPhase.Data, TimeSpan.FromSeconds(1)));

        var e = Assert.Throws<LedgerException>(() => store.Post([Cores("y", LedgerPhase.Data, TimeSpan.FromSeconds(5)), Cores("x", LedgerPhase.Data, TimeSpan.FromSeconds(2))]));

        Assert.Contains("'x'", e.Message, StringComparison.Ordinal);
        Assert.Equal(1m, store.Bill().Phases.Single(p => p.Phase == LedgerPhase.Data).CoreSeconds);
    }

    [Fact]
    public void Post_UnbalancedEntry_IsRefused()
    {
        using var store = new LedgerStore(FilePath);
        var entry = new LedgerEntry { Id = "u", At = At, Phase = LedgerPhase.Data, Lines = [new LedgerLine("expense:data:project", new Money(5, "CNY")), new LedgerLine("machine:local", new Money(-4, "CNY"))] };

        Assert.Contains("sum to 1", Assert.Throws<LedgerException>(() => store.Post(entry)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Post_TwoOpenStores_LoseAndDoubleNothing()
    {
        using var one = new LedgerStore(FilePath);
        using var two = new LedgerStore(FilePath);
        var token = TestContext.Current.CancellationToken;

        // Both post the same 60 entries, as a replay beside a living process would.
        await Task.WhenAll(new[] { one, two }.Select(store => Task.Run(() =>
        {
            for (var i = 0; i < 60; i++)
            {
                store.Post(Cores($"e{i}", LedgerPhase.Serving, TimeSpan.FromSeconds(1)));
            }
        }, token)));

        Assert.Equal(60m, two.Bill().Phases.Single(p => p.Phase == LedgerPhase.Serving).CoreSeconds);
    }

    [Fact]
    public void Bill_MixedUse_ShowsPhasesAcceptedAnswersAndUnknowns()
    {
        using var store = new LedgerStore(FilePath);
        store.Post(Cores("t", LedgerPhase.Training, TimeSpan.FromHours(1)));
        store.Post(Cores("i", LedgerPhase.Idle, TimeSpan.FromHours(2)));
        store.Post(LedgerEntry.ForUsage("s", At, LedgerPhase.Serving, "triage", LedgerAccounts.Provider("p"),
            [new Charge(Meter.UncachedInput, 100, MeterSource.Provider, "m", new Money(1_000, "CNY")), new Charge(Meter.TextOutput, 40, MeterSource.Provider, "m", null)]));

        var bill = store.Bill([new ApplicationUse("triage", 12, 10, 2, 1, "non-inferior at margin 0.02")]);

        Assert.Equal(Enum.GetValues<LedgerPhase>(), bill.Phases.Select(p => p.Phase));
        Assert.Equal(3600m, bill.Phases.Single(p => p.Phase == LedgerPhase.Training).CoreSeconds);
        Assert.False(bill.Complete);
        Assert.Equal(new BillUnknown(LedgerPhase.Serving, "triage", "m", Meter.TextOutput, 40, 0), Assert.Single(bill.Unknowns));
        var application = Assert.Single(bill.Applications);
        Assert.Equal(7, application.Accepted);
        Assert.Equal(new Money(143, "CNY"), Assert.Single(application.ServingPerAcceptedAnswer)); // 1000 / 7 = 142.86
        Assert.False(application.Complete);
        Assert.Equal((MachineRate.BuiltInAssumption.CoreHour.NanoUnits * 3) + 1_000, Assert.Single(bill.Total).NanoUnits);
        Assert.Contains(MachineRate.BuiltInAssumption.Basis, Assert.Single(bill.Assumptions), StringComparison.Ordinal);
        Assert.Equal("idle", bill.ToJson()["phases"]![5]!["phase"]!.GetValue<string>().ToLowerInvariant());
    }

    [Fact]
    public void Bill_ByHalves_SumsToTheWhole()
    {
        using var store = new LedgerStore(FilePath);
        for (var i = 0; i < 20; i++)
        {
            store.Post(Cores($"e{i}", LedgerPhase.Serving, TimeSpan.FromSeconds(i)) with { At = At.AddHours(i) });
        }

        var middle = At.AddHours(7);
        Assert.Equal(
            Assert.Single(store.Bill().Total),
            Assert.Single(store.Bill(until: middle).Total) + Assert.Single(store.Bill(from: middle).Total));
    }

    [Fact]
    public void Recent_Entries_NewestFirstWithAmounts()
    {
        using var store = new LedgerStore(FilePath);
        store.Post(Cores("old", LedgerPhase.Data, TimeSpan.FromHours(1)));
        store.Post(Cores("new", LedgerPhase.Training, TimeSpan.FromHours(1)) with { At = At.AddDays(1) });

        var rows = store.Recent(10);

        Assert.Equal(["new", "old"], rows.Select(r => r.Id));
        Assert.Equal(MachineRate.BuiltInAssumption.CoreHour, Assert.Single(rows[0].Amounts));
    }

    private static LedgerEntry Cores(string id, LedgerPhase phase, TimeSpan time) => LedgerEntry.ForCores(id, At, phase, null, time, PriceBook.Default, "run-1");
}
