using System.Diagnostics;
using System.Text.Json.Nodes;
using Lauter.Ledger;
using Lauter.Ledger.Budgets;
using Lauter.Traces;
using Lauter.Traces.Search;

namespace Lauter.Bench;

/// <summary>How fast money and traces are kept, beside what the disk itself can do.</summary>
internal static class LedgerBench
{
    private static readonly TimeSpan Span = TimeSpan.FromSeconds(2);
    private static readonly DateTimeOffset At = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private static readonly PriceBook Book = PriceBook.FromJson(JsonNode.Parse(
        """{ "rows": [ { "sku": "m", "currency": "USD", "input": 0.15, "cache_read": 0.0375, "output": 0.6, "source": "list" } ] }""")!.AsObject()).Book!;

    private static readonly Budget[] Budgets =
    [
        new("tenant:acme", new Money(long.MaxValue / 4, "USD"), BudgetWindow.Month), new("key:*", new Money(long.MaxValue / 4, "USD"), BudgetWindow.Day),
        new("application:triage", new Money(long.MaxValue / 4, "USD"), BudgetWindow.Month), new("user:*", new Money(long.MaxValue / 4, "USD"), BudgetWindow.Day),
    ];

    private static readonly string[] Accounts = ["tenant:acme", "key:k1", "application:triage", "user:u1"];

    public static int Run()
    {
        var directory = Directory.CreateTempSubdirectory("lauter-bench-").FullName;
        try
        {
            var record = Lauter.Traces.Export.TraceJsonLines.ToJson(Trace(0)).Length + 9;
            Console.WriteLine($"record {record} bytes; {Environment.ProcessorCount} cores; {Path.GetPathRoot(directory)} {new DriveInfo(directory).DriveFormat}");
            Raw(directory, record);
            Journal(directory);
            Reserve(directory);
            Path4(directory);
            Posting(directory);
            return 0;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>The physical limit: the same bytes with plain writes, and with a sync for every n of them.</summary>
    private static void Raw(string directory, int length)
    {
        var bytes = new byte[length];
        Random.Shared.NextBytes(bytes);
        foreach (var every in (int[])[0, 1, 16, 256])
        {
            using var file = new FileStream(Path.Combine(directory, $"raw{every}"), FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
            var n = 0;
            Report($"raw write{(every == 0 ? "" : $" + fsync for every {every}")}", 1, () =>
            {
                file.Write(bytes);
                if (every > 0 && ++n % every == 0)
                {
                    RandomAccess.FlushToDisk(file.SafeFileHandle);
                }
            });
        }
    }

    private static void Journal(string directory)
    {
        foreach (var (durability, threads) in ((JournalDurability, int)[])[(JournalDurability.Group, 1), (JournalDurability.Group, 4), (JournalDurability.Always, 1), (JournalDurability.Always, 4)])
        {
            using var journal = new TraceJournal(new() { Directory = Path.Combine(directory, $"journal-{durability}-{threads}"), Durability = durability }, TimeProvider.System);
            Report($"journal append, {durability.ToString().ToLowerInvariant()}, {threads} threads", threads, () => journal.Append(Trace(1)));
        }
    }

    private static void Reserve(string directory)
    {
        foreach (var threads in (int[])[1, 4])
        {
            using var leases = new BudgetLeases(Path.Combine(directory, $"leases{threads}.db"), Budgets, TimeProvider.System);
            Report($"reserve + settle in 4 nested budgets, {threads} threads", threads, () => leases.Reserve(Accounts, new Money(1_000, "USD")).Reservation!.Settle(new Money(700, "USD")));
        }

        var gate = new RateGate([new RateLimit("tenant:acme") { RequestsPerMinute = 100_000_000, TokensPerMinute = 10_000_000_000, Concurrent = 64 }, new RateLimit("key:*") { RequestsPerMinute = 100_000_000 }], TimeProvider.System);
        Report("rates and concurrency of 2 nested accounts, 4 threads", 4, () => gate.Enter(Accounts, 500).Admission!.End(300));
    }

    /// <summary>What a request to a provider costs here in all: reserve, begun, price, settle, trace.</summary>
    private static void Path4(string directory)
    {
        foreach (var threads in (int[])[1, 4])
        {
            using var leases = new BudgetLeases(Path.Combine(directory, $"path{threads}.db"), Budgets, TimeProvider.System);
            using var journal = new TraceJournal(new() { Directory = Path.Combine(directory, $"path{threads}") }, TimeProvider.System);
            Report($"reserve, begin, price, settle, trace; {threads} threads", threads, () =>
            {
                var reservation = leases.Reserve(Accounts, Book.WorstCase("m", 900, 256, At)!.Value).Reservation!;
                var trace = Trace(1);
                journal.Append(new BegunRecord
                {
                    Id = trace.Id, Route = trace.Route, Application = trace.Application, Tenant = trace.Tenant, KeyId = trace.KeyId, Started = trace.Started, Sku = "m", CreditAccount = "payable:provider:acme",
                    Held = reservation.Held,
                });
                journal.Append(trace with { Settlements = reservation.Settle(trace.Cost) });
            });
        }
    }

    private static void Posting(string directory)
    {
        const int Count = 20_000;
        var traces = Enumerable.Range(0, Count).Select(Trace).ToList();
        var entries = traces.Select(t => t.ToLedgerEntry()!).ToList();
        using var ledger = new LedgerStore(Path.Combine(directory, "ledger.db"));
        Batches("ledger posting, 500 a transaction", entries, batch => ledger.Post(batch));
        using var store = new TraceStore(Path.Combine(directory, "traces.db"));
        Batches("trace store with full text, 500 a transaction", traces, batch => store.Write(batch, []));
        using (var journal = new TraceJournal(new() { Directory = Path.Combine(directory, "drain") }, TimeProvider.System))
        {
            traces.ForEach(t => journal.Append(t with { Id = Guid.CreateVersion7() }));
        }

        using var ledger2 = new LedgerStore(Path.Combine(directory, "ledger2.db"));
        using var store2 = new TraceStore(Path.Combine(directory, "traces2.db"));
        var reader = new JournalReader(Path.Combine(directory, "drain"), store2, batch => ledger2.Post([.. batch.Select(t => t.ToLedgerEntry()!)]));
        Once("journal into ledger and store", Count, () => reader.Drain());
        Once($"full-text search over {Count:#,0} traces, 20 newest", 1, () => store.Search(new TraceQuery { Text = "kettle 4711" }, 20));
        Once("search by a field, 20 newest", 1, () => store.Search(new TraceQuery { Fields = [KeyValuePair.Create("input.text", "ticket 4711")] }, 20));
        using var csv = new StringWriter();
        Once("FOCUS export, charges", Count * 2, () => FocusExport.Write(ledger, "bench", csv));
    }

    private static void Batches<T>(string name, List<T> items, Action<IReadOnlyList<T>> work) => Once(name, items.Count, () =>
    {
        foreach (var batch in items.Chunk(500))
        {
            work(batch);
        }
    });

    private static void Once(string name, int count, Action work)
    {
        var (clock, cpu) = (Stopwatch.StartNew(), Process.GetCurrentProcess().TotalProcessorTime);
        work();
        Line(name, count, clock.Elapsed, Process.GetCurrentProcess().TotalProcessorTime - cpu);
    }

    private static void Report(string name, int threads, Action one)
    {
        for (var i = 0; i < 200; i++)
        {
            one(); // warm
        }

        var count = 0L;
        var (clock, cpu) = (Stopwatch.StartNew(), Process.GetCurrentProcess().TotalProcessorTime);
        Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, _ =>
        {
            var mine = 0L;
            while (clock.Elapsed < Span)
            {
                one();
                mine++;
            }

            Interlocked.Add(ref count, mine);
        });
        Line(name, count, clock.Elapsed, Process.GetCurrentProcess().TotalProcessorTime - cpu);
    }

    private static void Line(string name, long count, TimeSpan wall, TimeSpan cpu) =>
        Console.WriteLine($"{name,-56}{count / wall.TotalSeconds,12:#,0} /s  {wall.TotalMicroseconds / count,10:#,0.0} µs wall  {cpu.TotalMicroseconds / count,10:#,0.0} µs CPU");

    private static TraceRecord Trace(int n)
    {
        MeterReading[] used = [new(Meter.UncachedInput, 120 + (n % 50), MeterSource.StreamEnd), new(Meter.TextOutput, 40, MeterSource.StreamEnd)];
        return new TraceRecord
        {
            Id = Guid.CreateVersion7(), Route = "chat.completions", Application = "triage", Release = "triage-1", Tenant = "acme", KeyId = "k1", User = "u1", Started = At.AddSeconds(n),
            Duration = TimeSpan.FromMilliseconds(40), Outcome = TraceOutcome.Answered, Status = 200, FinishReason = "stop", Charges = Book.Charge("m", used, At), CreditAccount = "payable:provider:acme",
            Request = new JsonObject { ["model"] = "triage", ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = $"The kettle {n} does not heat and the mash stays cold; what do I do with order {n * 7}? 水壶坏了" }) }.ToJsonString(),
            Response = """{"intent":"repair","product":"kettle","urgency":"high"}""", Input = new JsonObject { ["text"] = $"ticket {n}" },
        };
    }
}
