using Lauter.Ledger;
using Lauter.Ledger.Budgets;
using Lauter.Traces;
using Microsoft.Extensions.Time.Testing;

namespace Lauter.Tests.Traces;

public sealed class BegunRequestTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-begun-").FullName;
    private readonly FakeTimeProvider _time = new(TraceTestData.Start);

    private string JournalDirectory => Path.Combine(_directory, "journal");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Drain_RequestThatNeverEnded_IsLostWithUnknownCostAndCountsInTheBudget()
    {
        using var store = new TraceStore(Path.Combine(_directory, "traces.db"));
        using var ledger = new LedgerStore(Path.Combine(_directory, "ledger.db"));
        var begun = Begun(1);
        using (var journal = new TraceJournal(new() { Directory = JournalDirectory }, _time))
        {
            journal.Append(begun);
        }

        var report = LoadedProcess.ReaderOf(_directory, ledger, store, null).Drain();

        Assert.Equal(1, report.Lost);
        var trace = store.Find(begun.Id)!;
        Assert.Equal((TraceOutcome.Lost, null, "u"), (trace.Outcome, trace.Cost, trace.User));
        Assert.Equal(77, store.SettledByLease(["lease"])["lease"]);
        var bill = ledger.Bill();
        Assert.False(bill.Complete);
        Assert.Equal(2, bill.Unknowns.Sum(u => u.MissingReadings));
        Assert.Empty(Directory.GetFiles(JournalDirectory));
    }

    [Fact]
    public void Drain_RequestThatEndsInALaterSegment_IsNotLost()
    {
        using var store = new TraceStore(Path.Combine(_directory, "traces.db"));
        var begun = Begun(1);
        using (var journal = new TraceJournal(new() { Directory = JournalDirectory }, _time))
        {
            var reader = new JournalReader(JournalDirectory, store, ownWriter: journal.WriterId);
            journal.Append(begun);
            journal.Rotate();
            Assert.Equal(0, reader.Drain().Lost);
            Assert.Equal(0, new JournalReader(JournalDirectory, store).Drain().Lost); // another process sees that the writer lives
            journal.Append(TraceTestData.Trace(1) with { Id = begun.Id });
        }

        Assert.Equal(0, new JournalReader(JournalDirectory, store).Drain().Lost);
        Assert.Equal(TraceOutcome.Answered, store.Find(begun.Id)!.Outcome);
        Assert.Single(store.Recent(10));
    }

    [Fact]
    public void Drain_SegmentsReplayed_KeepOneRecord()
    {
        using var store = new TraceStore(Path.Combine(_directory, "traces.db"));
        var (ended, lost) = (Begun(1), Begun(2));
        using (var journal = new TraceJournal(new() { Directory = JournalDirectory }, _time))
        {
            journal.Append(ended);
            journal.Append(lost);
            journal.Append(TraceTestData.Trace(1) with { Id = ended.Id });
        }

        var file = Directory.GetFiles(JournalDirectory, "*.journal").Single();
        var bytes = File.ReadAllBytes(file);
        Assert.Equal(1, new JournalReader(JournalDirectory, store).Drain().Lost);
        File.WriteAllBytes(file, bytes);
        Assert.Equal(0, new JournalReader(JournalDirectory, store).Drain().Lost);
        Assert.Equal(2, store.Recent(10).Count);
    }

    private static BegunRecord Begun(int n) => new()
    {
        Id = Guid.CreateVersion7(TraceTestData.Start.AddSeconds(n)), Route = "chat.completions", Application = "triage", Tenant = "t", KeyId = "k", User = "u",
        Started = TraceTestData.Start.AddSeconds(n), Sku = "m", CreditAccount = LedgerAccounts.Provider("p"), Held = [new BudgetSettlement("lease", 77)],
    };
}
