using System.Collections.Concurrent;
using CsCheck;
using Lauter.Ledger;
using Lauter.Ledger.Budgets;
using Microsoft.Extensions.Time.Testing;

namespace Lauter.Tests.Ledger;

public sealed class NestedBudgetTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-nested-").FullName;
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 3, 31, 22, 30, 0, TimeSpan.Zero));
    private int _file;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Reserve_ThousandMixedRequestsOfTwoProcesses_NotOneNanoUnitOverAnyLimit() =>
        Gen.Select(Gen.Long[2_000, 60_000], Gen.Int).Sample((limit, seed) =>
        {
            Budget[] budgets =
            [
                new("tenant:acme", Cny(limit), BudgetWindow.Month), new("tenant:acme", Cny(limit * 2 / 3), BudgetWindow.Hour), new("key:*", Cny(limit / 2), BudgetWindow.Day),
                new("application:triage", Cny(limit * 3 / 4), BudgetWindow.Total), new("user:*", Cny(limit / 5), BudgetWindow.Day), new("user:u1", Cny(limit / 9), BudgetWindow.Day),
                new("key:k1", Cny(1), BudgetWindow.Month, Shadow: true),
            ];
            var path = Path.Combine(_directory, $"{_file++}.db");
            using var one = new BudgetLeases(path, budgets, _time);
            using var two = new BudgetLeases(path, budgets, _time);
            var spent = new ConcurrentDictionary<string, long>(StringComparer.Ordinal);
            var settled = 0;
            var admitted = 0;
            Parallel.For(0, 1_000, new ParallelOptions { MaxDegreeOfParallelism = 32 }, i =>
            {
                var random = new Random(HashCode.Combine(seed, i));
                string[] accounts = ["tenant:acme", $"key:k{random.Next(3)}", random.Next(2) == 0 ? "application:triage" : "application:other", $"user:u{random.Next(4)}"];
                var worst = random.Next(1, 300);
                if ((i % 2 == 0 ? one : two).Reserve(accounts, Cny(worst)).Reservation is not { } reservation)
                {
                    return;
                }

                Interlocked.Increment(ref admitted);
                if (random.Next(50) == 0)
                {
                    (i % 2 == 0 ? one : two).ReturnFree(); // the pump runs in between
                }

                // Answered, cancelled before anything was spent, failed with an unknown cost.
                Money? actual = random.Next(4) switch { 0 => Cny(0), 1 => null, _ => Cny(random.Next(0, worst + 1)) };
                foreach (var account in accounts)
                {
                    spent.AddOrUpdate(account, (actual ?? reservation.Worst).NanoUnits, (_, sum) => sum + (actual ?? reservation.Worst).NanoUnits);
                }

                reservation.Settle(actual);
                Interlocked.Increment(ref settled);
            });

            Assert.Equal(admitted, settled);
            foreach (var budget in budgets.Where(b => !b.Shadow && !b.Account.EndsWith('*')))
            {
                Assert.True(spent.GetValueOrDefault(budget.Account) <= budget.Limit.NanoUnits, $"{budget.Key} of {budget.Limit.NanoUnits}: {spent[budget.Account]} (seed {seed})");
            }

            Assert.All(spent.Where(s => s.Key.StartsWith("key:", StringComparison.Ordinal)), s => Assert.InRange(s.Value, 0, limit / 2));
            Assert.All(spent.Where(s => s.Key.StartsWith("user:", StringComparison.Ordinal)), s => Assert.InRange(s.Value, 0, s.Key == "user:u1" ? limit / 9 : limit / 5));
            one.ReturnFree();
            one.ReturnFree();
            foreach (var status in Later(path, budgets, one, two).Where(s => !s.Budget.Account.EndsWith('*')))
            {
                Assert.Equal(spent.GetValueOrDefault(status.Budget.Account), status.Spent.NanoUnits);
                Assert.Equal(0, status.Reserved.NanoUnits);
            }
        }, iter: 3, threads: 1);

    [Fact]
    public void Reserve_EveryUser_HasALimitOfItsOwnUnlessNamed()
    {
        using var leases = Open(new Budget("user:*", Cny(10), BudgetWindow.Day), new Budget("user:vip", Cny(100), BudgetWindow.Day));

        Assert.NotNull(leases.Reserve(["user:a"], Cny(10)).Reservation);
        Assert.Contains("user:a", leases.Reserve(["user:a"], Cny(1)).Refusal!.ToString(), StringComparison.Ordinal);
        Assert.NotNull(leases.Reserve(["user:b"], Cny(10)).Reservation);
        Assert.NotNull(leases.Reserve(["user:vip"], Cny(100)).Reservation);
        Assert.True(leases.Covers(["user:new"]));
        Assert.False(leases.Covers(["key:new"]));
        Assert.Equal(["user:a", "user:b", "user:vip"], leases.Status().Select(s => s.Budget.Account));
    }

    [Fact]
    public void ReturnFree_QuietUsers_TakeNoMemoryAndForgetNothing()
    {
        using var leases = Open(new Budget("user:*", Cny(10), BudgetWindow.Day));
        for (var i = 0; i < 500; i++)
        {
            leases.Reserve([$"user:{i}"], Cny(7)).Reservation!.Settle(Cny(6));
        }

        leases.ReturnFree();
        leases.ReturnFree();

        Assert.Equal(0, leases.SlotCount);
        Assert.NotNull(leases.Reserve(["user:3"], Cny(5)).Refusal);
        Assert.NotNull(leases.Reserve(["user:3"], Cny(4)).Reservation);
    }

    [Fact]
    public void Reserve_ExpensiveHour_StartsAgainWithTheNext()
    {
        using var leases = Open(new Budget("tenant:t", Cny(10), BudgetWindow.Hour), new Budget("tenant:t", Cny(15), BudgetWindow.Day));
        leases.Reserve(["tenant:t"], Cny(10)).Reservation!.Settle(Cny(10));

        Assert.Equal(BudgetWindow.Hour, leases.Reserve(["tenant:t"], Cny(1)).Refusal!.Budget.Window);
        _time.Advance(TimeSpan.FromMinutes(30));
        Assert.Equal(BudgetWindow.Day, leases.Reserve(["tenant:t"], Cny(6)).Refusal!.Budget.Window);
        Assert.NotNull(leases.Reserve(["tenant:t"], Cny(5)).Reservation);
    }

    [Fact]
    public void ReturnFree_LimitSetByHand_IsTakenOverAndGivenBack()
    {
        var path = Path.Combine(_directory, "stored.db");
        using var leases = new BudgetLeases(path, [new Budget("application:a", Cny(100), BudgetWindow.Month)], _time);
        using var stored = new StoredBudgets(path);

        stored.Set(new Budget("application:a", Cny(10), BudgetWindow.Month));
        stored.Set(new Budget("key:k", Cny(5), BudgetWindow.Day, Shadow: true));
        leases.ReturnFree();
        Assert.NotNull(leases.Reserve(["application:a"], Cny(11)).Refusal);
        Assert.Equal(2, leases.Budgets.Count());

        stored.Set(new Budget("application:a", Cny(12), BudgetWindow.Month));
        leases.ReturnFree();
        leases.Reserve(["application:a"], Cny(11)).Reservation!.Settle(Cny(11));

        Assert.True(stored.Remove("application:a", BudgetWindow.Month));
        Assert.False(stored.Remove("application:a", BudgetWindow.Month));
        leases.ReturnFree();
        Assert.NotNull(leases.Reserve(["application:a"], Cny(90)).Refusal);
        Assert.NotNull(leases.Reserve(["application:a"], Cny(89)).Reservation);
    }

    private IReadOnlyList<BudgetStatus> Later(string path, Budget[] budgets, BudgetLeases one, BudgetLeases two)
    {
        one.Dispose();
        two.Dispose();
        using var later = new BudgetLeases(path, budgets, _time);
        return later.Status();
    }

    private BudgetLeases Open(params Budget[] budgets) => new(Path.Combine(_directory, $"{_file++}.db"), budgets, _time);

    private static Money Cny(long nanos) => new(nanos, "CNY");
}
