using System.Text;
using CsCheck;
using Lauter.Ledger;
using Lauter.Traces;
using Microsoft.Extensions.Time.Testing;

namespace Lauter.Tests.Traces;

public sealed class JournalTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-journal-").FullName;
    private readonly FakeTimeProvider _time = new(TraceTestData.Start);

    private string JournalDirectory => Path.Combine(_directory, "journal");

    private string StorePath => Path.Combine(_directory, "traces.db");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Crc32C_KnownVectors_Match()
    {
        Assert.Equal(0xE3069283u, JournalFormat.Crc32C("123456789"u8)); // the check value of CRC-32/ISCSI
        Assert.Equal(0x8A9136AAu, JournalFormat.Crc32C(new byte[32])); // RFC 3720, B.4
        Assert.Equal(0x62A8AB43u, JournalFormat.Crc32C(Enumerable.Repeat((byte)0xFF, 32).ToArray()));
        Assert.Equal(0x46DD794Eu, JournalFormat.Crc32C(Enumerable.Range(0, 32).Select(i => (byte)i).ToArray()));
    }

    [Fact]
    public void Drain_ManyRecords_ReachTheStoreUnchangedOnce()
    {
        var traces = Enumerable.Range(0, 1_200).Select(n => TraceTestData.Trace(n)).ToList();
        using var journal = Open(new() { Directory = JournalDirectory, SegmentBytes = 64 * 1024 });
        Parallel.ForEach(traces, new ParallelOptions { MaxDegreeOfParallelism = 4 }, journal.Append);
        journal.Append(TraceTestData.Feedback(traces[3].Id, 1, rating: -1));
        journal.Rotate();
        using var store = new TraceStore(StorePath);

        var report = new JournalReader(JournalDirectory, store).Drain();

        Assert.Empty(report.Problems);
        Assert.True(report.Complete);
        Assert.Equal((1_200, 1), (report.Traces, report.Feedback));
        Assert.Empty(Directory.GetFiles(JournalDirectory));
        Assert.Equal(1_200, store.Counts().Sum(c => c.Requests));
        var copy = store.Find(traces[700].Id)!;
        Assert.Equal(traces[700].Request, copy.Request);
        Assert.Equal(traces[700].Charges, copy.Charges);
        Assert.Equal(traces[700].Settlements, copy.Settlements);
        Assert.Equal(traces[700].Duration, copy.Duration);
        Assert.Equal("ticket 700", copy.Input!["text"]!.GetValue<string>());
        Assert.Single(store.FeedbackOn(traces[3].Id));
    }

    [Fact]
    public void Drain_SegmentCutAnywhere_KeepsEveryWholeRecordAndReportsTheRest()
    {
        var traces = Enumerable.Range(0, 5).Select(n => TraceTestData.Trace(n)).ToList();
        List<long> ends = [8];
        byte[] whole;
        using (var journal = Open(new() { Directory = JournalDirectory }))
        {
            foreach (var trace in traces)
            {
                journal.Append(trace);
                ends.Add(new FileInfo(Directory.GetFiles(JournalDirectory).Single()).Length);
            }
        }

        var file = Directory.GetFiles(JournalDirectory).Single();
        whole = File.ReadAllBytes(file);
        File.Delete(file);

        Gen.Int[0, whole.Length].Sample(length =>
        {
            var directory = Directory.CreateDirectory(Path.Combine(_directory, $"cut-{length}")).FullName;
            File.WriteAllBytes(Path.Combine(directory, "a.journal"), whole[..length]);
            using var store = new TraceStore(Path.Combine(directory, "traces.db"));
            var report = new JournalReader(directory, store).Drain();

            var expected = ends.Count(e => e <= length && e > 8);
            Assert.Equal(expected, store.Recent(100).Count);
            Assert.Equal(ends.Contains(length) || length == 0 ? 0 : 1, report.Problems.Count);
            Directory.Delete(directory, recursive: true);
        }, iter: 60, threads: 1);
    }

    [Fact]
    public void Drain_DamagedByteBeforeTheEnd_KeepsTheFileForAPerson()
    {
        using (var journal = Open(new() { Directory = JournalDirectory }))
        {
            journal.Append(TraceTestData.Trace(1));
            journal.Append(TraceTestData.Trace(2));
            journal.Append(TraceTestData.Trace(3));
        }

        var file = Directory.GetFiles(JournalDirectory).Single();
        var bytes = File.ReadAllBytes(file);
        bytes[bytes.Length / 2] ^= 0x40;
        File.WriteAllBytes(file, bytes);
        using var store = new TraceStore(StorePath);

        var report = new JournalReader(JournalDirectory, store).Drain();

        Assert.False(report.Complete);
        Assert.Contains("checksum", Assert.Single(report.Problems), StringComparison.Ordinal);
        Assert.Single(store.Recent(10));
        Assert.Equal(bytes, File.ReadAllBytes(file + ".damaged"));
    }

    [Fact]
    public void Drain_WriterStillOpen_WaitsAndLosesNothing()
    {
        using var store = new TraceStore(StorePath);
        var reader = new JournalReader(JournalDirectory, store);
        using var journal = Open(new() { Directory = JournalDirectory });
        journal.Append(TraceTestData.Trace(1));

        Assert.False(reader.Drain().Complete);
        Assert.True(new JournalReader(JournalDirectory, store, ownWriter: journal.WriterId).Drain().Complete);
        Assert.Empty(store.Recent(10));
        journal.Append(TraceTestData.Trace(2));
        journal.Rotate();

        Assert.Equal(2, reader.Drain().Traces);
        Assert.Equal(2, store.Recent(10).Count);
    }

    [Fact]
    public void Drain_CrashBeforeDelete_RepeatsWithoutDoubling()
    {
        using var ledger = new LedgerStore(Path.Combine(_directory, "ledger.db"));
        using var store = new TraceStore(StorePath);
        using (var journal = Open(new() { Directory = JournalDirectory }))
        {
            journal.Append(TraceTestData.Trace(5));
            journal.Append(TraceTestData.Trace(6));
        }

        var file = Directory.GetFiles(JournalDirectory).Single();
        File.Copy(file, Path.Combine(_directory, "copy"));
        var posted = 0;
        var reader = new JournalReader(JournalDirectory, store, traces => posted += ledger.Post([.. traces.Select(t => t.ToLedgerEntry()!)]));
        reader.Drain();
        File.Copy(Path.Combine(_directory, "copy"), file);

        reader.Drain();

        Assert.Equal(2, posted);
        Assert.Equal(2, store.Recent(10).Count);
        Assert.Equal(110, Assert.Single(ledger.Bill().Total).NanoUnits);
        Assert.Equal(110, store.SettledByLease(["lease-1", "other"])["lease-1"]);
    }

    [Fact]
    public void EnsureAvailable_DiskTooFull_ThrowsBeforeAnythingIsSpent()
    {
        using var journal = Open(new() { Directory = JournalDirectory, MinimumFreeBytes = long.MaxValue });

        Assert.Contains("Free some space", Assert.Throws<JournalUnavailableException>(journal.EnsureAvailable).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Append_DirectoryGone_ThrowsAndRecoversWhenItIsBack()
    {
        using var journal = Open(new() { Directory = JournalDirectory });
        Directory.Delete(JournalDirectory);

        Assert.Throws<JournalUnavailableException>(() => journal.Append(TraceTestData.Trace(1)));
        Directory.CreateDirectory(JournalDirectory);
        _time.Advance(TimeSpan.FromSeconds(2));
        journal.EnsureAvailable();
        journal.Append(TraceTestData.Trace(2));
        journal.Rotate();

        using var store = new TraceStore(StorePath);
        Assert.Equal(1, new JournalReader(JournalDirectory, store).Drain().Traces);
    }

    [Fact]
    public void Append_LongTexts_AreCutAndMarked()
    {
        using var journal = Open(new() { Directory = JournalDirectory, MaximumTextLength = 10 });
        var trace = TraceTestData.Trace(1) with { Request = "123456789😀" };
        journal.Append(trace);
        journal.Rotate();
        using var store = new TraceStore(StorePath);
        new JournalReader(JournalDirectory, store).Drain();

        var copy = store.Find(trace.Id)!;
        Assert.Equal("123456789", copy.Request);
        Assert.True(copy.Truncated);
    }

    [Fact]
    public void Frame_Bytes_AreFrozen()
    {
        var record = JournalFormat.Frame(JournalKind.Feedback, Encoding.UTF8.GetBytes("{}"));

        // If this fails the format changed: give it a new magic and keep a reader of the old one.
        Assert.Equal("03000000" + Convert.ToHexString(BitConverter.GetBytes(JournalFormat.Crc32C([2, 0x7B, 0x7D]))) + "027B7D", Convert.ToHexString(record));
    }

    private TraceJournal Open(TraceJournalOptions options) => new(options, _time);
}
