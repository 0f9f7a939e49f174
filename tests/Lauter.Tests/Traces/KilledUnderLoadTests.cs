using System.Diagnostics;
using Lauter.Ledger;
using Lauter.Ledger.Budgets;
using Lauter.Traces;
using Microsoft.Data.Sqlite;

namespace Lauter.Tests.Traces;

/// <summary>
/// Processes under load are killed at random moments, some while they recover from the one before. Afterwards budget, journal, ledger and the
/// provider's own log agree to the last nano-unit.
/// </summary>
public sealed class KilledUnderLoadTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-load-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Kill_AtRandomMomentsUnderLoad_EverythingReconciles()
    {
        Assert.SkipWhen(Environment.ProcessPath is null, "skipped: this host does not know its own program");
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        var rounds = int.TryParse(Environment.GetEnvironmentVariable("LAUTER_TEST_KILLS"), out var stated) ? stated : 6;
        for (var round = 0; round < rounds; round++)
        {
            await KillAsync(seed + round, random.Next(3) == 0 ? 0 : random.Next(1, 500), random.Next(0, 60));
        }

        using var ledger = new LedgerStore(Path.Combine(_directory, "ledger.db"));
        using var store = new TraceStore(Path.Combine(_directory, "traces.db"));
        using var leases = new BudgetLeases(Path.Combine(_directory, "ledger.db"), LoadedProcess.Budgets, TimeProvider.System);
        Assert.All(leases.Status(), s => Assert.True(s.Spent + s.Reserved <= s.Budget.Limit, $"before recovery {s.Budget.Key}: {s.Spent} + {s.Reserved} (seed {seed})"));
        var reader = LoadedProcess.ReaderOf(_directory, ledger, store, ownWriter: null);
        var report = reader.Drain();
        leases.Reconcile(ids => reader.Drain().Complete ? store.SettledByLease(ids) : null);

        Check(ledger, store, leases, seed);
        Assert.Equal(0, reader.Drain().Lost); // a second pass finds nothing more
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}: {rounds} kills, {store.Counts().Sum(c => c.Requests)} requests, last pass {report.Traces} traces and {report.Lost} lost, {store.Recent(10_000, outcome: TraceOutcome.Lost).Count} lost in all");
    }

    private void Check(LedgerStore ledger, TraceStore store, BudgetLeases leases, int seed)
    {
        var traces = store.Read(new()).ToDictionary(t => t.Id.ToString("N"));
        var provider = Lines("provider.log").ToDictionary(p => p[0], p => long.Parse(p[1]));
        var acknowledged = Lines("acknowledged.log");
        Assert.NotEmpty(acknowledged);

        // 1. No settled request is missing, none is doubled, each with its cost.
        Assert.Equal(acknowledged.Count, acknowledged.Select(a => a[0]).Distinct().Count());
        foreach (var line in acknowledged)
        {
            Assert.True(traces.TryGetValue(line[0], out var trace), $"{line[0]} was answered and is not there (seed {seed})");
            Assert.NotEqual(TraceOutcome.Lost, trace.Outcome);
            long? expected = line[1] switch { "0" or "2" => long.Parse(line[2]), _ => null };
            Assert.Equal(expected, trace.Cost?.NanoUnits);
        }

        // 2. Whatever the provider bills is known here by its id: settled to the nano-unit, or as an unknown cost.
        var unknown = 0L;
        foreach (var (id, billed) in provider)
        {
            Assert.True(traces.TryGetValue(id, out var trace), $"the provider bills {id}, of which nothing is known (seed {seed})");
            if (trace.Cost is { } cost)
            {
                Assert.Equal(billed, cost.NanoUnits);
            }
            else
            {
                Assert.True(trace.Charges.Count > 0);
                unknown += billed;
            }
        }

        // 3. The ledger's total is the provider's, less what both know to be unknown; each request is booked once.
        var rows = ledger.Charges();
        var total = rows.Where(r => r.Charge.Amount is not null).Sum(r => r.Charge.Amount!.Value.NanoUnits);
        Assert.Equal(provider.Values.Sum() - unknown, total);
        Assert.Equal(0, ledger.Balances().Sum(b => b.Balance.NanoUnits));
        Assert.Equal(
            traces.Values.Where(t => t.Charges.Count > 0).Select(t => t.ToLedgerEntry()!.Id).Order(StringComparer.Ordinal), rows.Select(r => r.EntryId).Distinct().Order(StringComparer.Ordinal));

        // 4. Every budget counts exactly what its requests settled, lost ones at the most that they could cost, and none is over its limit.
        foreach (var status in leases.Status())
        {
            var account = status.Budget.Account;
            var settled = traces.Values.Where(t => LoadedProcess.AccountsOf(t.KeyId, t.Application, t.User!).Contains(account)).Sum(t => t.Settlements.Count == 0 ? 0 : t.Settlements[0].NanoUnits);
            Assert.Equal(settled, status.Spent.NanoUnits);
            var billed = provider.Where(p => traces[p.Key] is { } t && LoadedProcess.AccountsOf(t.KeyId, t.Application, t.User!).Contains(account)).Sum(p => p.Value);
            Assert.True(billed <= status.Spent.NanoUnits, $"{account} was billed {billed} and counts only {status.Spent.NanoUnits} (seed {seed})");
            Assert.Equal(0, status.Reserved.NanoUnits);
            Assert.True(status.Spent <= status.Budget.Limit, $"{status.Budget.Key}: {status.Spent} of {status.Budget.Limit} (seed {seed})");
        }

        Assert.Equal(0, Leases());
    }

    private async Task KillAsync(int seed, int acknowledgedFirst, int thenMilliseconds)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
        {
            start.ArgumentList.Add(typeof(KilledUnderLoadTests).Assembly.Location);
        }

        start.Environment[LoadedProcess.Variable] = _directory;
        start.Environment[LoadedProcess.Variable + "_SEED"] = seed.ToString();
        using var child = Process.Start(start)!;
        var file = Path.Combine(_directory, "acknowledged.log");
        var before = Length(file);
        var waited = Stopwatch.StartNew();
        while (Length(file) - before < acknowledgedFirst * 36 && waited.Elapsed < TimeSpan.FromSeconds(5) && !child.HasExited)
        {
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }

        await Task.Delay(thenMilliseconds, TestContext.Current.CancellationToken);
        if (child.HasExited)
        {
            Assert.Fail($"the child ended by itself: {await child.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken)}");
        }

        child.Kill();
        await child.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    private long Leases()
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(_directory, "ledger.db")};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT COUNT(*) FROM leases";
        return (long)command.ExecuteScalar()!;
    }

    private List<string[]> Lines(string file) => File.Exists(Path.Combine(_directory, file))
        ? [.. File.ReadAllText(Path.Combine(_directory, file)).Split('\n').SkipLast(1).Select(l => l.Split(' '))] // the last line may be cut by the kill of a file that nobody syncs
        : [];

    private static long Length(string file) => File.Exists(file) ? new FileInfo(file).Length : 0;
}
