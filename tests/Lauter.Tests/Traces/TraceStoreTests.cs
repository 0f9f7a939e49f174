using System.Text.Json.Nodes;
using Lauter.Ledger;
using Lauter.Traces;

namespace Lauter.Tests.Traces;

public sealed class TraceStoreTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-traces-").FullName;
    private readonly TraceStore _store;

    public TraceStoreTests() => _store = new TraceStore(Path.Combine(_directory, "traces.db"));

    public void Dispose()
    {
        _store.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public void Recent_Filters_AnswerNewestFirst()
    {
        _store.Write([TraceTestData.Trace(1), TraceTestData.Trace(2, outcome: TraceOutcome.Failed), TraceTestData.Trace(3, "handbook")], []);

        Assert.Equal([3, 2, 1], _store.Recent(10).Select(t => (t.Started - TraceTestData.Start).Seconds));
        Assert.Equal(2, _store.Recent(10, "triage").Count);
        Assert.Single(_store.Recent(10, "triage", TraceOutcome.Failed));
        Assert.Empty(_store.Recent(10, tenant: "other"));
        Assert.Equal(2, _store.Recent(10, before: TraceTestData.Start.AddSeconds(3)).Count);
    }

    [Fact]
    public void Use_CorrectionsAndRatings_CountOncePerAnswer()
    {
        var traces = Enumerable.Range(0, 6).Select(n => TraceTestData.Trace(n, outcome: n == 5 ? TraceOutcome.Failed : TraceOutcome.Answered)).ToList();
        _store.Write(traces, [
            TraceTestData.Feedback(traces[0].Id, 1, correction: new JsonObject { ["intent"] = "a" }),
            TraceTestData.Feedback(traces[0].Id, 2, rating: -1, correction: new JsonObject { ["intent"] = "b" }),
            TraceTestData.Feedback(traces[1].Id, 3, rating: -1),
            TraceTestData.Feedback(traces[2].Id, 4, rating: -1),
            TraceTestData.Feedback(traces[2].Id, 5, rating: 1), // changed their mind
            TraceTestData.Feedback(traces[5].Id, 6, rating: -1), // a failure is not an answer
        ]);

        var use = Assert.Single(_store.Use());

        Assert.Equal(new ApplicationUse("triage", 6, 5, 1, 1), use);
        Assert.Equal(3, use.Accepted);
    }

    [Fact]
    public void Corrections_LastOnePerTrace_SinceGivenTime()
    {
        var traces = Enumerable.Range(0, 3).Select(n => TraceTestData.Trace(n)).ToList();
        _store.Write(traces, [
            TraceTestData.Feedback(traces[0].Id, 1, correction: new JsonObject { ["intent"] = "first" }),
            TraceTestData.Feedback(traces[0].Id, 5, correction: new JsonObject { ["intent"] = "second" }),
            TraceTestData.Feedback(traces[1].Id, 3, correction: new JsonObject { ["intent"] = "third" }),
            TraceTestData.Feedback(traces[2].Id, 4, rating: 1),
        ]);

        Assert.Equal(["third", "second"], _store.Corrections("triage").Select(c => c.Feedback.Correction!["intent"]!.GetValue<string>()));
        Assert.Equal("ticket 0", Assert.Single(_store.Corrections("triage", TraceTestData.Start.AddHours(1).AddSeconds(4))).Trace.Input!["text"]!.GetValue<string>());
    }

    [Fact]
    public void Expire_OldTraces_TakeTheirFeedbackWithThem()
    {
        var (old, young) = (TraceTestData.Trace(1), TraceTestData.Trace(100));
        _store.Write([old, young], [TraceTestData.Feedback(old.Id, 1, rating: 1), TraceTestData.Feedback(young.Id, 2, rating: 1)]);

        Assert.Equal(1, _store.Expire(TraceTestData.Start.AddSeconds(50)));

        Assert.Null(_store.Find(old.Id));
        Assert.Empty(_store.FeedbackOn(old.Id));
        Assert.Single(_store.FeedbackOn(young.Id));
        Assert.Equal(1_010, _store.SettledByLease(["lease-1"])["lease-1"]);
    }

    [Fact]
    public void Open_FileOfNewerProgram_IsRefusedWithAReason()
    {
        var path = Path.Combine(_directory, "newer.db");
        using (var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={path};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "PRAGMA user_version=99";
            command.ExecuteNonQuery();
        }

        Assert.Contains("newer", Assert.Throws<InvalidDataException>(() => new TraceStore(path)).Message, StringComparison.Ordinal);
    }
}
