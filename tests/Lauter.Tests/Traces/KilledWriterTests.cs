using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;
using Lauter.Traces;

namespace Lauter.Tests.Traces;

/// <summary>A real process is killed while it writes the journal; whatever it acknowledged before must be there afterwards.</summary>
public sealed class KilledWriterTests : IDisposable
{
    private const string Variable = "LAUTER_TEST_JOURNAL_CHILD";
    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-killed-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData(3)]
    [InlineData(150)]
    [InlineData(700)]
    public async Task Drain_AfterKill_FindsEveryAcknowledgedTraceOnce(int acknowledgedBeforeKill)
    {
        Assert.SkipWhen(Environment.ProcessPath is null, "skipped: this host does not know its own program");
        var acknowledged = Path.Combine(_directory, "acknowledged");
        var start = new ProcessStartInfo(Environment.ProcessPath!) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
        {
            start.ArgumentList.Add(typeof(KilledWriterTests).Assembly.Location);
        }

        start.Environment[Variable] = _directory;
        using (var child = Process.Start(start)!)
        {
            var waited = Stopwatch.StartNew();
            while ((!File.Exists(acknowledged) || new FileInfo(acknowledged).Length < acknowledgedBeforeKill * 33) && waited.Elapsed < TimeSpan.FromSeconds(30) && !child.HasExited)
            {
                await Task.Delay(5, TestContext.Current.CancellationToken);
            }

            Assert.False(child.HasExited, "the child ended by itself");
            child.Kill();
            await child.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        var ids = (await File.ReadAllTextAsync(acknowledged, TestContext.Current.CancellationToken)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(l => l.Length == 32).ToList();
        using var store = new TraceStore(Path.Combine(_directory, "traces.db"));
        var report = new JournalReader(Path.Combine(_directory, "journal"), store).Drain();

        Assert.True(report.Complete);
        Assert.True(ids.Count >= acknowledgedBeforeKill);
        Assert.All(ids, id => Assert.NotNull(store.Find(Guid.Parse(id))));
        Assert.InRange(store.Counts().Sum(c => c.Requests), ids.Count, ids.Count + 1); // the last one may have been written and not acknowledged
        Assert.InRange(report.Problems.Count, 0, 1);
    }

    /// <summary>In the child this never returns: it runs before any test framework, whatever its arguments are.</summary>
#pragma warning disable CA2255 // the test program is an application, and this is the one moment that no runner can take away
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void WriteForEverInTheChild()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } directory)
        {
            return;
        }

        using var journal = new TraceJournal(new TraceJournalOptions { Directory = Path.Combine(directory, "journal"), SegmentBytes = 64 * 1024 }, TimeProvider.System);
        using var acknowledged = new FileStream(Path.Combine(directory, "acknowledged"), FileMode.CreateNew, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        for (var n = 0; n < 1_000_000; n++)
        {
            var trace = TraceTestData.Trace(n);
            journal.Append(trace);
            acknowledged.Write(Encoding.ASCII.GetBytes($"{trace.Id:N}\n"));
        }

        Environment.Exit(1);
    }
}
