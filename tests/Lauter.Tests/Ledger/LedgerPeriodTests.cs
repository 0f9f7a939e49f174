using CsCheck;
using Lauter.Ledger;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Time.Testing;

namespace Lauter.Tests.Ledger;

public sealed class LedgerPeriodTests : IDisposable
{
    private static readonly DateTimeOffset March = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-period-").FullName;
    private readonly FakeTimeProvider _time = new(March.AddMonths(2).AddDays(3));
    private int _file;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Close_ReopenAndCloseAgain_GivesTheSameTotal() =>
        Gen.Select(Gen.Int[0, 89], Gen.Int[1, 7], Gen.Int[1, 100_000]).Array[0, 40].Sample(uses =>
        {
            using var store = NewStore();
            var periods = new LedgerPeriods(store, _time);
            for (var i = 0; i < uses.Length; i++)
            {
                store.Post(LedgerEntry.ForCores($"e{i}", March.AddDays(uses[i].Item1), (LedgerPhase)uses[i].Item2, i % 2 == 0 ? "a" : null, TimeSpan.FromMilliseconds(uses[i].Item3), PriceBook.Default));
            }

            var bill = store.Bill(from: March, until: March.AddMonths(1)).Total;
            var first = periods.Close("2026-03", "ada");
            periods.Reopen("2026-03", "ada", "an invoice came late");
            var second = periods.Close("2026-03", "ada");

            Assert.Equal(bill, first.Cost);
            Assert.Equal((first.Entries, first.Digest), (second.Entries, second.Digest));
            Assert.Equal(first.Totals, second.Totals);
            Assert.Equal([1, 2, 3], periods.History().Select(p => p.Revision));
            Assert.Empty(periods.Verify());
            Assert.Equal(bill, store.Bill(from: March, until: March.AddMonths(1)).Total);
        }, iter: 20, threads: 1);

    [Fact]
    public void Post_IntoAClosedMonth_IsBookedInTheNextOpenOneAndNotLost()
    {
        using var store = NewStore();
        var periods = new LedgerPeriods(store, _time);
        store.Post(Hour("before", March.AddDays(3)));
        var closed = periods.Close("2026-03", "ada");
        periods.Close("2026-04", "ada");

        Assert.True(store.Post(Hour("late", March.AddDays(5))));
        Assert.False(store.Post(Hour("late", March.AddDays(5)))); // a replay after the close
        Assert.False(store.Post(Hour("before", March.AddDays(3))));

        Assert.Equal(closed.Cost, store.Bill(from: March, until: March.AddMonths(1)).Total);
        var late = store.Recent(1)[0];
        Assert.Equal((March.AddMonths(2), March.AddDays(5)), (late.At, late.Occurred));
        Assert.Equal(2, store.Recent(10).Count);
        Assert.Empty(periods.Verify());
    }

    [Fact]
    public void Close_MonthThatIsNotOver_IsRefused()
    {
        using var store = NewStore();

        Assert.Contains("2026-06-01", Assert.Throws<LedgerException>(() => new LedgerPeriods(store, _time).Close("2026-05", "ada")).Message, StringComparison.Ordinal);
        Assert.Contains("'March'", Assert.Throws<LedgerException>(() => new LedgerPeriods(store, _time).Close("March", "ada")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Verify_EntryRemovedBehindOurBack_NamesTheMonth()
    {
        var path = Path.Combine(_directory, "tampered.db");
        using var store = new LedgerStore(path);
        var periods = new LedgerPeriods(store, _time);
        store.Post([Hour("a", March.AddDays(1)), Hour("b", March.AddDays(2))]);
        periods.Close("2026-03", "ada");
        using (var connection = new SqliteConnection($"Data Source={path};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "DELETE FROM lines WHERE entry = 'a'; DELETE FROM entries WHERE id = 'a'";
            command.ExecuteNonQuery();
        }

        Assert.Contains("2026-03 was closed with 2 entries", Assert.Single(periods.Verify()), StringComparison.Ordinal);
    }

    [Fact]
    public void Open_FileOfVersion1_KeepsItsEntries()
    {
        var path = Path.Combine(_directory, "v1.db");
        using (var connection = new SqliteConnection($"Data Source={path};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = """
                CREATE TABLE entries(
                  id TEXT PRIMARY KEY, at INTEGER NOT NULL, phase INTEGER NOT NULL, application TEXT, reference TEXT, description TEXT, hash TEXT NOT NULL) WITHOUT ROWID;
                CREATE TABLE lines(
                  entry TEXT NOT NULL REFERENCES entries(id), n INTEGER NOT NULL, account TEXT NOT NULL, currency TEXT, nanos INTEGER,
                  meter INTEGER, quantity INTEGER, source INTEGER, sku TEXT, price_source TEXT, assumed INTEGER NOT NULL, PRIMARY KEY(entry, n)) WITHOUT ROWID;
                INSERT INTO entries VALUES('old', 1772323200000, 5, 'triage', 'trace old', 'chat', 'h');
                INSERT INTO lines VALUES('old', 0, 'expense:serving:triage', 'USD', 500, 5, 40, 1, 'm', 'list', 0);
                INSERT INTO lines VALUES('old', 1, 'payable:provider:acme', 'USD', -500, NULL, NULL, NULL, NULL, NULL, 0);
                PRAGMA user_version=1;
                """;
            command.ExecuteNonQuery();
        }

        using var store = new LedgerStore(path);

        var row = Assert.Single(store.Charges());
        Assert.Equal((40, "payable:provider:acme", 500), (row.Charge.Quantity, row.CreditAccount, row.Charge.Amount!.Value.NanoUnits));
        Assert.Null(row.Charge.PriceNanoUnits);
        Assert.Equal(500, Assert.Single(store.Bill().Total).NanoUnits);
    }

    [Fact]
    public void Totals_EachDimension_SumsToTheBillAndEntriesListsTheSame()
    {
        using var store = NewStore();
        for (var i = 0; i < 12; i++)
        {
            store.Post(Hour($"e{i}", March.AddDays(i)) with
            {
                Tags = i % 3 == 0 ? new Dictionary<string, string>() : new Dictionary<string, string> { ["tenant"] = $"t{i % 3}", ["user"] = "u'1" },
                Application = i % 2 == 0 ? "triage" : null,
            });
        }

        var total = Assert.Single(store.Bill().Total);
        foreach (var dimension in Enum.GetValues<LedgerDimension>())
        {
            var parts = store.Totals(new LedgerFilter(), dimension);
            Assert.Equal(total.NanoUnits, parts.Sum(p => Assert.Single(p.Amounts).NanoUnits));
            foreach (var part in parts)
            {
                var filter = new LedgerFilter { Values = new Dictionary<LedgerDimension, string> { [dimension] = part.Key } };
                var entries = store.Entries(filter, 100);
                Assert.Equal(part.Entries, entries.Count);
                Assert.Equal(part.Amounts[0].NanoUnits, entries.Sum(e => e.Amounts.Sum(a => a.NanoUnits)));
            }
        }

        Assert.Equal(["", "t1", "t2"], store.Totals(new LedgerFilter(), LedgerDimension.Tenant).Select(t => t.Key));
    }

    private static LedgerEntry Hour(string id, DateTimeOffset at) => LedgerEntry.ForCores(id, at, LedgerPhase.Serving, null, TimeSpan.FromHours(1), PriceBook.Default);

    private LedgerStore NewStore() => new(Path.Combine(_directory, $"{_file++}.db"));
}
