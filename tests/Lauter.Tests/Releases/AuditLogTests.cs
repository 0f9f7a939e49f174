using System.Text.Json.Nodes;
using Lauter.Releases.Evidence;
using Microsoft.Extensions.Time.Testing;

namespace Lauter.Tests.Releases;

public sealed class AuditLogTests : IDisposable
{
    private static readonly DateTimeOffset Start = new(2026, 3, 1, 8, 0, 0, TimeSpan.Zero);
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    private string Path => _directory.File("audit.jsonl");

    private AuditLog Log() => new(Path, new FakeTimeProvider(Start));

    private async Task<AuditLog> LogOf(int entries)
    {
        var log = Log();
        for (var i = 0; i < entries; i++)
        {
            await log.AppendAsync("kim", "release.created", $"triage-{i + 1}", new JsonObject { ["note"] = "发布\nline" }, TestContext.Current.CancellationToken);
        }

        return log;
    }

    [Fact]
    public async Task AppendAsync_SeveralEntries_ChainHolds()
    {
        var log = await LogOf(5);
        var report = log.Verify();
        Assert.Empty(report.Faults);
        Assert.Equal((5, log.Read()[^1].Hash), (report.Entries, report.Head));
        Assert.Equal([1, 2, 3, 4, 5], log.Read().Select(e => e.Sequence));
        Assert.All(log.Read(), e => Assert.Equal(("kim", Start, "发布\nline"), (e.Actor, e.At, e.Details["note"]!.GetValue<string>())));
    }

    [Fact]
    public async Task Verify_AnyLineEditedRemovedOrSwapped_NamesTheLine()
    {
        var log = await LogOf(5);
        var lines = File.ReadAllLines(Path);
        for (var i = 0; i < lines.Length - 1; i++)
        {
            Faulty([.. lines[..i], lines[i].Replace("kim", "lee"), .. lines[(i + 1)..]], i + 2);
            Faulty([.. lines[..i], .. lines[(i + 1)..]], i + 1);
            Faulty([.. lines[..i], lines[i + 1], lines[i], .. lines[(i + 2)..]], i + 1);
        }

        Faulty([.. lines[..4], "not an entry"], 5);

        void Faulty(string[] changed, int line)
        {
            File.WriteAllText(Path, string.Join('\n', changed) + "\n");
            Assert.Contains(log.Verify().Faults, f => f.StartsWith($"line {line}:"));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(30)]
    [InlineData(5000)]
    public async Task AppendAsync_AfterAWriterDiedInItsLine_DropsTheTailAndSaysSo(int bytes)
    {
        var log = await LogOf(3);
        File.AppendAllText(Path, new string('{', bytes));
        Assert.Equal(3, log.Read().Count);
        var entry = await log.AppendAsync("kim", "release.promoted", "triage-3", null, TestContext.Current.CancellationToken);
        Assert.Equal(5, entry.Sequence);
        Assert.Empty(log.Verify().Faults);
        Assert.Equal(bytes, log.Read()[3].Details["bytesDropped"]!.GetValue<long>());
    }

    [Fact]
    public async Task AppendAsync_ManyWritersAtOnce_LosesNothing()
    {
        var logs = Enumerable.Range(0, 4).Select(_ => Log()).ToArray();
        await Parallel.ForEachAsync(Enumerable.Range(0, 40), TestContext.Current.CancellationToken, async (i, token) =>
            await logs[i % 4].AppendAsync($"writer {i % 4}", "test", $"{i}", null, token));
        Assert.Empty(logs[0].Verify().Faults);
        Assert.Equal(Enumerable.Range(0, 40).Select(i => $"{i}").Order(StringComparer.Ordinal), logs[0].Read().Select(e => e.Subject).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Verify_NoLogYet_IsIntact() => Assert.True(Log().Verify() is { Intact: true, Entries: 0 });
}
