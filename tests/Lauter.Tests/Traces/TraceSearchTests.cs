using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using Lauter.Ledger;
using Lauter.Traces;
using Lauter.Traces.Search;
using Microsoft.Data.Sqlite;

namespace Lauter.Tests.Traces;

public sealed class TraceSearchTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-search-").FullName;
    private readonly TraceStore _store;

    public TraceSearchTests() => _store = new TraceStore(Path.Combine(_directory, "traces.db"));

    public void Dispose()
    {
        _store.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Theory]
    [InlineData("refund", 1)]
    [InlineData("REFUND broken", 1)]
    [InlineData("refund missing", 0)]
    [InlineData("\"broken kettle\"", 1)]
    [InlineData("\"kettle broken\"", 0)]
    [InlineData("退款", 1)]
    [InlineData("款退", 0)]
    [InlineData("我要 水壶", 1)]
    [InlineData("ＫＥＴＴＬＥ", 1)]
    [InlineData("cafe", 1)]
    [InlineData("refund OR missing", 0)]
    [InlineData("NEAR(kettle, 3) *", 0)]
    [InlineData("body:refund\"", 0)]
    [InlineData("***", 0)]
    public void Search_Words_FoldAndNeverAreOperators(string words, int expected)
    {
        _store.Write([Trace(1, "A refund for the broken kettle, please. Café"), Trace(2, "我要退款,水壶坏了"), Trace(3, "hello")], []);

        Assert.Equal(expected, _store.Search(new TraceQuery { Text = words }, 10).Count);
    }

    [Fact]
    public void Search_AnyRunOfATextThatWasWritten_FindsIt() =>
        Gen.Select(Gen.Int[0, 400], Gen.String[Gen.Char["ab 退款水壶,"], 3, 12]).Sample((n, text) =>
        {
            var trace = Trace(n, text) with { Id = Guid.CreateVersion7() };
            _store.Write([trace], []);
            var han = string.Concat(text.SkipWhile(c => c < 0x4E00).TakeWhile(c => c >= 0x4E00));

            Assert.True(han.Length == 0 || _store.Read(new TraceQuery { Text = han }).Any(t => t.Id == trace.Id), $"'{han}' in '{text}'");
        }, iter: 60, threads: 1);

    [Fact]
    public void Search_Conditions_EachNarrows()
    {
        var (cheap, dear, failed, unknown) = (Costing(1, 10), Costing(2, 5_000), Trace(3, "x") with { Outcome = TraceOutcome.Failed, Status = 502, ErrorCode = "provider_failed", User = "u1" }, TraceTestData.Trace(4));
        _store.Write([cheap, dear, failed, unknown], [TraceTestData.Feedback(dear.Id, 1, rating: -1), TraceTestData.Feedback(cheap.Id, 2, rating: 1)]);

        Assert.Equal(dear.Id, One(new() { CostAtLeast = new Money(11, "CNY") }));
        Assert.Empty(_store.Search(new() { CostAtLeast = new Money(1, "USD") }, 10));
        Assert.Equal(unknown.Id, One(new() { CostUnknown = true }));
        Assert.Equal(failed.Id, One(new() { ErrorCode = "provider_failed" }));
        Assert.Equal(failed.Id, One(new() { Status = 502, User = "u1", Key = "k1", Tenant = "default", Outcome = TraceOutcome.Failed }));
        Assert.Equal(unknown.Id, One(new() { AtLeast = TimeSpan.FromMilliseconds(44) }));
        Assert.Equal(dear.Id, One(new() { Complained = true }));
        Assert.Equal(unknown.Id, One(new() { From = TraceTestData.Start.AddSeconds(4) }));
        Assert.Equal(unknown.Id, One(new() { Fields = [KeyValuePair.Create("input.text", "ticket 4")] }));
        Assert.Equal(3, _store.Search(new() { Fields = [KeyValuePair.Create("request.messages[0].role", "user")] }, 10).Count);
        Assert.Equal(3, _store.Search(new() { Fields = [KeyValuePair.Create("response.intent", "mash"), KeyValuePair.Create("finish_reason", "stop")] }, 10).Count);
        Assert.Throws<FormatException>(() => _store.Search(new() { Fields = [KeyValuePair.Create("input') OR 1=1 --", "x")] }, 10));

        Guid One(TraceQuery query) => Assert.Single(_store.Search(query, 10)).Id;
    }

    [Fact]
    public void Read_MoreThanAPage_GivesEachOnceInOrder()
    {
        _store.Write([.. Enumerable.Range(0, 1_201).Select(n => Trace(n / 3, "x") with { Id = Guid.CreateVersion7(TraceTestData.Start.AddSeconds(n / 3)) })], []);

        var read = _store.Read(new TraceQuery()).ToList();

        Assert.Equal(1_201, read.Select(t => t.Id).Distinct().Count());
        Assert.Equal(read.Select(t => t.Started).Order(), read.Select(t => t.Started));
    }

    [Fact]
    public void Redact_Texts_AreGoneFromEveryByteOfTheFile()
    {
        var secret = Trace(1, "Zebrafink 4711 schreibt") with { Response = "Zebrafink bekommt Geld", Input = new JsonObject { ["text"] = "Zebrafink" } };
        _store.Write([secret, Trace(2, "other")], [TraceTestData.Feedback(secret.Id, 1, rating: -1, correction: new JsonObject { ["who"] = "Zebrafink" }) with { Comment = "Zebrafink again" }]);
        Assert.Single(_store.Search(new TraceQuery { Text = "zebrafink" }, 10));

        Assert.Equal(1, _store.Redact([secret.Id, Guid.NewGuid()]));

        Assert.Empty(_store.Search(new TraceQuery { Text = "zebrafink" }, 10));
        var left = _store.Find(secret.Id)!;
        Assert.Equal((null, null, true), (left.Request, left.Response, left.Redacted));
        Assert.Null(left.Input);
        Assert.Equal(secret.Charges, left.Charges);
        Assert.Equal(1, _store.Use().Single().Corrected); // it still counts
        foreach (var file in Directory.GetFiles(_directory))
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            Assert.DoesNotContain("zebrafink", Encoding.UTF8.GetString(bytes), StringComparison.OrdinalIgnoreCase);
        }
    }

    [Fact]
    public void ExpireTexts_OldOnes_KeepTheirRecords()
    {
        _store.Write([.. Enumerable.Range(0, 1_100).Select(n => Trace(n, "zebra"))], []);

        Assert.Equal(1_000, _store.ExpireTexts(TraceTestData.Start.AddSeconds(1_000)));
        Assert.Equal(0, _store.ExpireTexts(TraceTestData.Start.AddSeconds(1_000)));

        Assert.Equal(100, _store.Read(new TraceQuery { Text = "zebra" }).Count());
        Assert.Equal(1_100, _store.Counts().Sum(c => c.Requests));
    }

    [Fact]
    public void Open_FileOfVersion1_IsSearchable()
    {
        var path = Path.Combine(_directory, "v1.db");
        var trace = Trace(1, "an old kettle");
        using (var connection = new SqliteConnection($"Data Source={path};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = """
                CREATE TABLE traces(
                  id TEXT PRIMARY KEY, started INTEGER NOT NULL, application TEXT NOT NULL, release TEXT, tenant TEXT NOT NULL, outcome INTEGER NOT NULL,
                  status INTEGER NOT NULL, duration_us INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
                INSERT INTO traces VALUES($id, 5, 'triage', NULL, 'default', 1, 200, 7, $body);
                PRAGMA user_version=1;
                """;
            command.Parameters.AddWithValue("$id", trace.Id.ToString("N"));
            command.Parameters.AddWithValue("$body", Lauter.Traces.Export.TraceJsonLines.ToJson(trace).Replace(",\"redacted\":false", "", StringComparison.Ordinal));
            command.ExecuteNonQuery();
        }

        using var store = new TraceStore(path);

        Assert.Equal(trace.Id, Assert.Single(store.Search(new TraceQuery { Text = "kettle", Key = "k1", CostUnknown = true }, 10)).Id);
        Assert.Equal(1, store.ExpireTexts(TraceTestData.Start));
    }

    private static TraceRecord Costing(int n, long nanos) => Trace(n, "x") with { Charges = [new Charge(Meter.TextOutput, 1, MeterSource.Local, "m", new Money(nanos, "CNY"))] };

    private static TraceRecord Trace(int n, string text) => TraceTestData.Trace(n) with
    {
        Request = new JsonObject { ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = text }) }.ToJsonString(), Input = null, Response = "{\"intent\":\"mash\"}",
        Charges = n == 1 ? TraceTestData.Trace(n).Charges : [],
    };
}
