using System.Diagnostics;
using Lauter.Traces;
using Microsoft.Data.Sqlite;

namespace Lauter.Tests.Traces;

/// <summary>A full disk and a database that does not answer: the journal says so before money is spent, and loses nothing.</summary>
public sealed class JournalFaultTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-fault-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Append_DiskRunsFull_RefusesAndGoesOnOnceThereIsSpace()
    {
        var disk = Directory.CreateDirectory(Path.Combine(_directory, "disk")).FullName;
        Assert.SkipUnless(Run("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk) == 0, "skipped: a small disk needs the right to mount one");
        try
        {
            var kept = new List<Guid>();
            using var store = new TraceStore(Path.Combine(_directory, "traces.db"));
            using (var journal = new TraceJournal(new() { Directory = Path.Combine(disk, "journal"), SegmentBytes = 32 * 1024, MinimumFreeBytes = 0 }, TimeProvider.System))
            {
                var reader = new JournalReader(Path.Combine(disk, "journal"), store, ownWriter: journal.WriterId);
                JournalUnavailableException? full = null;
                for (var n = 0; full is null; n++)
                {
                    full = Append(journal, n, kept);
                }

                Assert.Contains("Free some space", full.Message, StringComparison.Ordinal);
                Assert.Throws<JournalUnavailableException>(journal.EnsureAvailable);
                Assert.NotNull(Append(journal, 1, kept)); // and again: nothing of a refused record stays behind
                journal.Rotate();
                Assert.Empty(reader.Drain().Problems); // what the reader moves away is the space that is needed
                Assert.Null(Append(journal, 2, kept));
            }

            new JournalReader(Path.Combine(disk, "journal"), store).Drain();
            Assert.Equal(kept.Order(), store.Read(new()).Select(t => t.Id).Order());
            Assert.Empty(Directory.GetFiles(Path.Combine(disk, "journal")));
        }
        finally
        {
            Run("umount", disk);
        }
    }

    [Fact]
    public async Task Drain_DatabaseIsLocked_KeepsTheSegmentsAndAppendGoesOn()
    {
        var path = Path.Combine(_directory, "traces.db");
        using var store = new TraceStore(path);
        using var journal = new TraceJournal(new() { Directory = Path.Combine(_directory, "journal"), SegmentBytes = 8 * 1024 }, TimeProvider.System);
        var reader = new JournalReader(Path.Combine(_directory, "journal"), store, ownWriter: journal.WriterId);
        await using (var other = new SqliteConnection($"Data Source={path};Pooling=False"))
        {
            await other.OpenAsync(TestContext.Current.CancellationToken);
            await using var hold = other.BeginTransaction(deferred: false);
            var drain = Task.Run(() => Record.Exception(() => reader.Drain()), TestContext.Current.CancellationToken);
            var slowest = TimeSpan.Zero;
            for (var n = 0; n < 300; n++)
            {
                var clock = Stopwatch.StartNew();
                journal.Append(TraceTestData.Trace(n)); // no request waits for the database
                slowest = clock.Elapsed > slowest ? clock.Elapsed : slowest;
            }

            Assert.True(slowest < TimeSpan.FromSeconds(2), $"an append took {slowest}");
            Assert.Empty(new TraceStoreProbe(path).Ids());
            await hold.RollbackAsync(TestContext.Current.CancellationToken);
            Assert.Null(await drain);
        }

        journal.Rotate();
        reader.Drain();
        Assert.Equal(300, store.Counts().Sum(c => c.Requests));
    }

    private static JournalUnavailableException? Append(TraceJournal journal, int n, List<Guid> kept)
    {
        var trace = TraceTestData.Trace(n) with { Id = Guid.CreateVersion7() };
        try
        {
            journal.Append(trace);
            kept.Add(trace.Id);
            return null;
        }
        catch (JournalUnavailableException e)
        {
            return e;
        }
    }

    private static int Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode;
    }

    /// <summary>Reads beside a writer, as WAL allows.</summary>
    private sealed record TraceStoreProbe(string Path)
    {
        public List<string> Ids()
        {
            using var connection = new SqliteConnection($"Data Source={Path};Pooling=False;Mode=ReadOnly");
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "SELECT id FROM traces";
            using var reader = command.ExecuteReader();
            List<string> ids = [];
            while (reader.Read())
            {
                ids.Add(reader.GetString(0));
            }

            return ids;
        }
    }
}
