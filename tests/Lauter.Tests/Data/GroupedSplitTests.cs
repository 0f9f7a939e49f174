using CsCheck;
using Lauter.Data.Dedup;
using Lauter.Data.Export;
using Lauter.Data.Splits;

namespace Lauter.Tests.Data;

public sealed class GroupedSplitTests
{
    private static readonly SplitOptions Options = new(0.2, 0.1);

    private static readonly Gen<SplitRow[]> Rows = Gen.Select(Gen.Int[0, 60], Gen.Int[0, 25], Gen.Int[0, 3])
        .Select((cluster, customer, label) => new SplitRow(customer < 12 ? [$"cluster={cluster}", $"customer={customer}"] : [$"cluster={cluster}"], $"label{label}")).Array[0, 80];

    [Fact]
    public void Assign_AnyRows_NoKeyStandsInTwoParts() => Rows.Sample(rows =>
    {
        var result = GroupedSplit.Assign(rows, Options);
        return SplitLeakage.Measure(result.Parts, [], null, rows).SharedKeys == 0
            && rows.SelectMany((r, i) => r.Keys.Select(k => (k, result.Parts[i]))).Distinct().GroupBy(k => k.k).All(g => g.Count() == 1 && result.KeyParts[g.Key] == g.First().Item2);
    });

    [Fact]
    public void Assign_AnyOrder_PlacesRowsAlike() => Gen.Select(Rows, Gen.Int[0, 100_000]).Sample((rows, seed) =>
    {
        var order = Enumerable.Range(0, rows.Length).ToArray();
        new Random(seed).Shuffle(order);
        var (straight, mixed) = (GroupedSplit.Assign(rows, Options).Parts, GroupedSplit.Assign([.. order.Select(i => rows[i])], Options).Parts);
        return order.Select((from, to) => straight[from] == mixed[to]).All(equal => equal);
    });

    [Fact]
    public void Assign_Growth_MovesNoEarlierKey() => Gen.Select(Rows, Rows).Sample((rows, more) =>
    {
        var first = GroupedSplit.Assign(rows, Options);
        var second = GroupedSplit.Assign([.. rows, .. more], Options, first.KeyParts);
        var moved = rows.Where((r, i) => second.Parts[i] != first.Parts[i]).Count();
        return second.Conflicts > 0 || moved == 0;
    });

    [Fact]
    public void Assign_ManyRows_HoldsTheSharesOfEveryStratum()
    {
        var random = new Random(5);
        var rows = Enumerable.Range(0, 20_000).Select(i => new SplitRow([$"cluster={i - (random.Next(5) == 0 ? 1 : 0)}"], $"label{(int)Math.Sqrt(random.Next(400))}")).ToList();
        var parts = GroupedSplit.Assign(rows, Options).Parts;
        Assert.All(Enumerable.Range(0, rows.Count).GroupBy(i => rows[i].Stratum).Where(g => g.Count() > 300), g =>
        {
            Assert.InRange((double)g.Count(i => parts[i] == SplitNames.Test) / g.Count(), 0.17, 0.23);
            Assert.InRange((double)g.Count(i => parts[i] == SplitNames.Validation) / g.Count(), 0.08, 0.12);
        });
        Assert.InRange(parts.Count(p => p == SplitNames.Test), 3_980, 4_020);
    }

    [Fact]
    public void Assign_GrowthWithoutMemory_MovesFewRows()
    {
        var rows = Enumerable.Range(0, 11_000).Select(i => new SplitRow([$"cluster={i}"], $"label{i % 5}")).ToList();
        var (before, after) = (GroupedSplit.Assign(rows[..10_000], Options).Parts, GroupedSplit.Assign(rows, Options).Parts);
        Assert.InRange(before.Where((p, i) => after[i] != p).Count(), 0, 300);
    }

    [Fact]
    public void Assign_HugeGroup_StaysOutOfTheTestPart()
    {
        var rows = Enumerable.Range(0, 1_000).Select(i => new SplitRow([$"cluster={i}", i < 500 ? "customer=big" : $"customer={i}"])).ToList();
        var parts = GroupedSplit.Assign(rows, Options).Parts;
        Assert.All(parts[..500], p => Assert.Equal(SplitNames.Train, p));
        Assert.Equal(200, parts.Count(p => p == SplitNames.Test));
    }

    [Fact]
    public void Assign_RowThatTiesTwoParts_IsReported()
    {
        var earlier = new Dictionary<string, string> { ["cluster=1"] = SplitNames.Train, ["cluster=2"] = SplitNames.Test };
        var result = GroupedSplit.Assign([new SplitRow(["cluster=1", "customer=7"]), new SplitRow(["cluster=2", "customer=7"])], Options, earlier);
        Assert.Equal(1, result.Conflicts);
        Assert.All(result.Parts, p => Assert.Equal(SplitNames.Test, p));
    }

    [Fact]
    public void Measure_RandomSplitOfCopies_ReportsTheLeak()
    {
        // Split by row, as the peers do, a corpus of pairs leaks; split by cluster it does not.
        string[] byRow = [.. Enumerable.Range(0, 200).Select(i => i % 5 == 0 ? SplitNames.Test : SplitNames.Train)];
        var pairs = Enumerable.Range(0, 100).Select(i => new SimilarPair(2 * i, (2 * i) + 1, 0.5 + (i % 5 * 0.1))).ToList();
        var leak = SplitLeakage.Measure(byRow, pairs, LshBands.Default);
        Assert.Equal(40, leak.HeldOut);
        Assert.Equal(1, leak.Share(0.5));
        Assert.Equal(0, leak.WithNeighbour["1.0"]);
        Assert.Equal(pairs.Where(p => p.Similarity >= 0.8 - 1e-9 && (p.First % 5 == 0 || p.Second % 5 == 0)).Count(), leak.WithNeighbour["0.8"]);
        var byCluster = GroupedSplit.Assign([.. Enumerable.Range(0, 200).Select(i => new SplitRow([$"cluster={i / 2}"]))], Options).Parts;
        Assert.Equal(0, SplitLeakage.Measure(byCluster, pairs, LshBands.Default).Share(0.5));
    }
}
