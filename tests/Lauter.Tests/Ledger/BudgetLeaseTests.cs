using System.Text.Json.Nodes;
using CsCheck;
using Lauter.Ledger;
using Lauter.Ledger.Budgets;
using Microsoft.Extensions.Time.Testing;

namespace Lauter.Tests.Ledger;

public sealed class BudgetLeaseTests : IDisposable
{
    private static readonly string[] Account = ["application:triage"];
    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-budget-").FullName;
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 3, 31, 23, 0, 0, TimeSpan.Zero));
    private int _file;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Reserve_ThousandConcurrentRequests_NeverExceedTheLimit() =>
        Gen.Select(Gen.Long[1_000, 100_000], Gen.Int).Sample((limit, seed) =>
        {
            using var leases = Open(limit);
            var spent = 0L;
            var refused = 0;
            Parallel.For(0, 1_000, new ParallelOptions { MaxDegreeOfParallelism = 16 }, i =>
            {
                var random = new Random(seed + i);
                var worst = random.Next(1, 400);
                var result = leases.Reserve(Account, new Money(worst, "CNY"));
                if (result.Reservation is not { } reservation)
                {
                    Interlocked.Increment(ref refused);
                    return;
                }

                // Three ends: answered (part of the worst case), cancelled before anything was spent, unknown (counts in full).
                Money? actual = random.Next(3) switch { 0 => new Money(0, "CNY"), 1 => null, _ => new Money(random.Next(0, worst + 1), "CNY") };
                Interlocked.Add(ref spent, (actual ?? reservation.Worst).NanoUnits);
                reservation.Settle(actual);
            });

            Assert.True(spent <= limit, $"spent {spent} of {limit} (seed {seed})");
            var status = Assert.Single(leases.Status());
            Assert.Equal(spent, status.Spent.NanoUnits);
            Assert.Equal(0, status.Reserved.NanoUnits);
            Assert.True(refused == 0 || limit - spent < 400, "a request was refused although it fitted in the end");
        }, iter: 8, threads: 1);

    [Fact]
    public void Reserve_TwoHolders_ShareOneLimit()
    {
        using var one = Open(1_000, "shared");
        using var two = Open(1_000, "shared");
        var granted = 0L;
        for (var i = 0; i < 200; i++)
        {
            var result = (i % 2 == 0 ? one : two).Reserve(Account, new Money(9, "CNY"));
            granted += result.Reservation?.Worst.NanoUnits ?? 0;
        }

        Assert.InRange(granted, 980, 1_000);
    }

    [Fact]
    public void ReturnFree_UnusedLease_IsThereForTheOtherHolder()
    {
        using var one = Open(1_000, "shared");
        using var two = Open(1_000, "shared");
        one.Reserve(Account, new Money(900, "CNY")).Reservation!.Settle(new Money(100, "CNY"));
        Assert.NotNull(two.Reserve(Account, new Money(500, "CNY")).Refusal);

        one.ReturnFree();

        Assert.NotNull(two.Reserve(Account, new Money(500, "CNY")).Reservation);
    }

    [Fact]
    public void Reserve_ExactlyTheLimit_FitsAndOneMoreDoesNot()
    {
        using var leases = Open(500);
        leases.Reserve(Account, new Money(500, "CNY")).Reservation!.Settle(new Money(500, "CNY"));

        var refusal = leases.Reserve(Account, new Money(1, "CNY")).Refusal!;

        Assert.Equal(Money.Zero("CNY"), refusal.Available);
        Assert.Equal(new DateTimeOffset(2026, 4, 1, 0, 0, 0, TimeSpan.Zero), refusal.ResetsAt);
        Assert.Contains("application:triage", refusal.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Reserve_NextMonth_StartsAgainAndLateSettlementGoesToTheOldWindow()
    {
        using var leases = Open(500);
        var late = leases.Reserve(Account, new Money(500, "CNY")).Reservation!;

        _time.Advance(TimeSpan.FromHours(2));
        var next = leases.Reserve(Account, new Money(500, "CNY")).Reservation!;
        late.Settle(new Money(400, "CNY"));
        next.Settle(new Money(10, "CNY"));
        leases.ReturnFree();

        Assert.Equal(10, Assert.Single(leases.Status()).Spent.NanoUnits);
    }

    [Fact]
    public void Reserve_SecondAccountRefuses_LeavesTheFirstUntouched()
    {
        using var leases = new BudgetLeases(NewFile(), [new Budget("a", new Money(100, "CNY"), BudgetWindow.Day), new Budget("b", new Money(10, "CNY"), BudgetWindow.Day)], _time);

        Assert.NotNull(leases.Reserve(["a", "b"], new Money(50, "CNY")).Refusal);
        Assert.NotNull(leases.Reserve(["a"], new Money(100, "CNY")).Reservation);
    }

    [Fact]
    public void Reserve_Shadow_NeverRefusesButReports()
    {
        using var leases = new BudgetLeases(NewFile(), [new Budget(Account[0], new Money(100, "CNY"), BudgetWindow.Day, Shadow: true)], _time);

        Assert.False(leases.Reserve(Account, new Money(90, "CNY")).Reservation!.ExceedsMeasuredLimit);
        Assert.True(leases.Reserve(Account, new Money(90, "CNY")).Reservation!.ExceedsMeasuredLimit);
        Assert.False(leases.Limits(Account));
    }

    [Fact]
    public void Reserve_OtherCurrency_IsRefusedWithTheReason()
    {
        using var leases = Open(500);

        Assert.Contains("USD", leases.Reserve(Account, new Money(1, "USD")).Refusal!.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Settle_Twice_Throws()
    {
        using var leases = Open(500);
        var reservation = leases.Reserve(Account, new Money(5, "CNY")).Reservation!;
        reservation.Settle(new Money(1, "CNY"));

        Assert.Throws<InvalidOperationException>(() => reservation.Settle(new Money(1, "CNY")));
        Assert.Equal(1, Assert.Single(leases.Status()).Spent.NanoUnits);
    }

    [Fact]
    public void Reopen_AfterCleanEnd_RemembersWhatWasSpent()
    {
        using (var leases = Open(500, "again"))
        {
            leases.Reserve(Account, new Money(300, "CNY")).Reservation!.Settle(new Money(200, "CNY"));
        }

        using var later = Open(500, "again");
        Assert.Equal(200, Assert.Single(later.Status()).Spent.NanoUnits);
        Assert.NotNull(later.Reserve(Account, new Money(301, "CNY")).Refusal);
        Assert.NotNull(later.Reserve(Account, new Money(300, "CNY")).Reservation);
    }

    [Fact]
    public void Reconcile_AfterCrash_CountsTheLeaseAsSpentUntilTheJournalIsReplayed()
    {
        string lease;
        using (var leases = Open(500, "crash"))
        {
            lease = Assert.Single(leases.Reserve(Account, new Money(100, "CNY")).Reservation!.Settle(new Money(60, "CNY"))).LeaseId;
            _ = leases.Reserve(Account, new Money(400, "CNY")).Reservation; // in flight when the process ends
        }

        using var later = Open(500, "crash");
        Assert.NotNull(later.Reserve(Account, new Money(41, "CNY")).Refusal); // the dead lease holds 460 of 500

        Assert.Equal(1, later.Reconcile(ids => ids.ToDictionary(id => id, id => id == lease ? 60L : 0L)));

        Assert.Equal(60, Assert.Single(later.Status()).Spent.NanoUnits);
        Assert.NotNull(later.Reserve(Account, new Money(440, "CNY")).Reservation);
        Assert.Equal(0, later.Reconcile(_ => throw new InvalidOperationException("its own lease is alive")));
    }

    [Fact]
    public void Read_Section_GivesBudgetsOrFaults()
    {
        List<string> faults = [];
        var budgets = Budget.Read("application:x", "applications.x.budget", JsonNode.Parse("""{ "month": "200 CNY", "day": "9.5 CNY", "shadow": true }""")!.AsObject(), faults);
        Assert.Empty(faults);
        Assert.Equal([BudgetWindow.Month, BudgetWindow.Day], budgets.Select(b => b.Window));
        Assert.All(budgets, b => Assert.True(b.Shadow));

        Budget.Read("application:x", "applications.x.budget", JsonNode.Parse("""{ "monht": "200 CNY", "day": 9.5, "shadow": "no" }""")!.AsObject(), faults);
        Assert.Equal(3, faults.Count);
    }

    private BudgetLeases Open(long limit, string? file = null) =>
        new(file is null ? NewFile() : Path.Combine(_directory, file), [new Budget(Account[0], new Money(limit, "CNY"), BudgetWindow.Month)], _time);

    private string NewFile() => Path.Combine(_directory, $"{_file++}.db");
}
