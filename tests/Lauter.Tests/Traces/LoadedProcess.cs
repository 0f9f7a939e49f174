using System.Runtime.CompilerServices;
using System.Text;
using Lauter.Ledger;
using Lauter.Ledger.Budgets;
using Lauter.Traces;

namespace Lauter.Tests.Traces;

/// <summary>
/// The money's way through one process, as a gateway goes it: recover, then reserve → begin → provider → settle → journal, with a reader that posts to
/// ledger and store beside it. Run in a child process that is killed.
/// </summary>
internal static class LoadedProcess
{
    public const string Variable = "LAUTER_TEST_LOAD_CHILD";
    public static readonly string[] Outcomes = ["answered", "cancelled", "failed", "unmeasured"];

    public static readonly PriceBook Prices = new(
        [
            new Price("m", Meter.UncachedInput, 150_000_000, 1_000_000, "USD", DateTimeOffset.UnixEpoch, null, "list"),
            new Price("m", Meter.TextOutput, 600_000_000, 1_000_000, "USD", DateTimeOffset.UnixEpoch, null, "list"),
        ],
        MachineRate.BuiltInAssumption);

    public static IReadOnlyList<Budget> Budgets { get; } =
    [
        new("tenant:acme", new Money(400_000_000, "USD"), BudgetWindow.Total), new("key:*", new Money(150_000_000, "USD"), BudgetWindow.Total),
        new("application:triage", new Money(300_000_000, "USD"), BudgetWindow.Total), new("user:*", new Money(40_000_000, "USD"), BudgetWindow.Total),
    ];

    public static string[] AccountsOf(string key, string application, string user) => ["tenant:acme", $"key:{key}", $"application:{application}", $"user:{user}"];

    public static JournalReader ReaderOf(string directory, LedgerStore ledger, TraceStore store, string? ownWriter) => new(
        Path.Combine(directory, "journal"), store, traces => ledger.Post([.. traces.Select(t => t.ToLedgerEntry()).OfType<LedgerEntry>()]), ownWriter);

    /// <summary>In the child this never returns: it runs before any test framework, whatever its arguments are.</summary>
#pragma warning disable CA2255 // the test program is an application, and this is the one moment that no runner can take away
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void RunInTheChild()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } directory)
        {
            Run(directory, int.Parse(Environment.GetEnvironmentVariable(Variable + "_SEED")!));
            Environment.Exit(1);
        }
    }

    private static void Run(string directory, int seed)
    {
        using var ledger = new LedgerStore(Path.Combine(directory, "ledger.db"));
        using var store = new TraceStore(Path.Combine(directory, "traces.db"));
        using var leases = new BudgetLeases(Path.Combine(directory, "ledger.db"), Budgets, TimeProvider.System);
        using var journal = new TraceJournal(new TraceJournalOptions { Directory = Path.Combine(directory, "journal"), SegmentBytes = 16 * 1024 }, TimeProvider.System);
        var reader = ReaderOf(directory, ledger, store, journal.WriterId);
        reader.Drain();
        leases.Reconcile(ids => reader.Drain().Complete ? store.SettledByLease(ids) : null);

        using var provider = Appending(Path.Combine(directory, "provider.log"));
        using var acknowledged = Appending(Path.Combine(directory, "acknowledged.log"));
        var pump = new Thread(() =>
        {
            while (true)
            {
                journal.Rotate();
                reader.Drain();
                leases.ReturnFree();
            }
        }) { IsBackground = true };
        pump.Start();
        Parallel.For(0, 16, new ParallelOptions { MaxDegreeOfParallelism = 16 }, worker =>
        {
            var random = new Random(HashCode.Combine(seed, worker));
            while (true)
            {
                One(random, leases, journal, provider, acknowledged);
            }
        });
    }

    /// <summary>One request.</summary>
    private static void One(Random random, BudgetLeases leases, TraceJournal journal, FileStream provider, FileStream acknowledged)
    {
        var (id, at) = (Guid.CreateVersion7(), TimeProvider.System.GetUtcNow());
        var (key, application, user) = ($"k{random.Next(4)}", random.Next(4) == 0 ? "other" : "triage", $"u{random.Next(20)}");
        var (input, most) = (random.Next(1, 300), random.Next(1, 100));
        if (leases.Reserve(AccountsOf(key, application, user), Prices.WorstCase("m", input, most, at)!.Value).Reservation is not { } reservation)
        {
            return; // refused: nothing was spent, nothing is recorded
        }

        journal.Append(new BegunRecord
        {
            Id = id, Route = "chat.completions", Application = application, Tenant = "acme", KeyId = key, User = user, Started = at, Sku = "m",
            CreditAccount = LedgerAccounts.Provider("acme-ai"), Held = reservation.Held,
        });
        var kind = random.Next(Outcomes.Length);
        MeterReading[] used = [new(Meter.UncachedInput, input, MeterSource.Provider), new(Meter.TextOutput, random.Next(0, most + 1), MeterSource.Provider)];
        var cost = Charge.Total(Prices.Charge("m", used, at))!.Value;
        if (kind != 1)
        {
            Write(provider, $"{id:N} {cost.NanoUnits}"); // from here on the provider bills
        }

        IReadOnlyList<MeterReading> known = kind switch { 0 or 2 => used, 1 => [], _ => ProviderUsage.Missing.Readings };
        var charges = Prices.Charge("m", known, at);
        var settled = reservation.Settle(kind == 1 ? Money.Zero("USD") : Charge.Total(charges));
        journal.Append(new TraceRecord
        {
            Id = id, Route = "chat.completions", Application = application, Tenant = "acme", KeyId = key, User = user, Started = at, Duration = TimeSpan.FromMilliseconds(1),
            Outcome = kind switch { 0 or 3 => TraceOutcome.Answered, 1 => TraceOutcome.Cancelled, _ => TraceOutcome.Failed }, Status = 200, Charges = charges,
            CreditAccount = LedgerAccounts.Provider("acme-ai"), Settlements = settled, Request = "{\"messages\":[]}",
        });
        Write(acknowledged, $"{id:N} {kind} {cost.NanoUnits}"); // the caller gets the last byte
    }

    private static FileStream Appending(string path) => new(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);

    private static void Write(FileStream file, string line)
    {
        lock (file)
        {
            file.Write(Encoding.ASCII.GetBytes(line + "\n"));
        }
    }
}
