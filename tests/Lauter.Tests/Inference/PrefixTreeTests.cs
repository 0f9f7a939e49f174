using CsCheck;
using Lauter.Inference.Prefixes;

namespace Lauter.Tests.Inference;

/// <summary>The prefix tree over a cache that remembers which words each cell was computed from.</summary>
public sealed class PrefixTreeTests
{
    private const int Active = 6;

    /// <summary>
    /// Random prompts of a few tenants enter, are evaluated in chunks, end or are cut off, while leaves are evicted. Whatever a sequence takes
    /// over must have been computed from exactly its own words under its own key, and the account of cells must be the cache's.
    /// </summary>
    [Fact]
    public void RandomLife_EveryReuseIsOfTheSameWordsAndKey_AndCellsAddUp() => Gen.Int.Sample(
        seed =>
        {
            var random = new Random(seed);
            var cache = new ModelCache();
            var host = new HostTier(random.Next(3) * 1_500, 1_200);
            var tree = new PrefixTree(cache, Enumerable.Range(Active, 10), quota: 120, host) { MakeRoom = _ => random.Next(4) > 0 };
            var sequences = new Life?[Active];
            for (var step = 0; step < 300; step++)
            {
                var slot = random.Next(Active);
                if (sequences[slot] is not { } life)
                {
                    var key = new PrefixKey($"t{random.Next(3)}", random.Next(4) == 0 ? "a#1" : "", "v", "");
                    life = new Life(new PrefixHold(key) { Id = slot }, Prompt(random));
                    sequences[slot] = life;
                    life.Position = tree.Advance(life.Hold, life.Tokens);
                    Assert.True(life.Position < life.Tokens.Count);
                    cache.AssertHolds(slot, key, life.Tokens, life.Position);
                }
                else if (life.Position < life.Tokens.Count && random.Next(8) > 0)
                {
                    var count = Math.Min(1 + random.Next(20), life.Tokens.Count - life.Position);
                    cache.Evaluate(slot, life.Hold.Key, life.Tokens, life.Position, count);
                    life.Position += count;
                    tree.Extend(life.Hold, life.Tokens, life.Position);
                    cache.AssertHolds(slot, life.Hold.Key, life.Tokens, life.Position);
                    life.Position += life.Hold.End == life.Position ? tree.Advance(life.Hold, life.Tokens) : 0;
                }
                else
                {
                    tree.Release(life.Hold);
                    cache.Remove(slot);
                    sequences[slot] = null;
                }

                if (random.Next(5) == 0)
                {
                    tree.EvictOne();
                }

                var shared = sequences.OfType<Life>().Sum(item => item.Position - item.Hold.End);
                Assert.Equal(tree.Cells + shared, cache.Cells);
                Assert.Equal(tree.Cells - cache.Distinct(sequences.OfType<Life>().Select(item => (item.Hold.Id, item.Hold.End))), tree.IdleCells);
                Assert.Equal(0, tree.Mismatches);
                Assert.All(new[] { "t0", "t1", "t2" }, tenant => Assert.InRange(tree.CellsOf(tenant), 0, 120));
                Assert.Equal(host.Bytes, host.Nodes.Sum(node => node.Saved!.Bytes));
                Assert.InRange(host.Bytes, 0, 3_000);
            }

            foreach (var life in sequences.OfType<Life>())
            {
                tree.Release(life.Hold);
                cache.Remove(life.Hold.Id);
            }

            while (tree.EvictOne())
            {
            }

            Assert.Equal((0, 0, 0), (tree.Cells, tree.Nodes, cache.Cells));
            tree.Drop(_ => true);
            Assert.Equal((0, 0), (host.Bytes, host.Nodes.Count));
        },
        iter: 300);

    [Fact]
    public void EvictOne_WithHostTier_ComesBackWithTheSameWords()
    {
        var cache = new ModelCache();
        var host = new HostTier(10_000, 10_000);
        var tree = new PrefixTree(cache, Enumerable.Range(Active, 10), quota: 1_000, host) { MakeRoom = _ => true };
        var tokens = Enumerable.Range(0, 100).ToList();
        var key = new PrefixKey("one", "", "", "");
        Fill(cache, tree, key, tokens);
        Assert.True(tree.EvictOne());
        Assert.Equal((0, 1_000, 0), (tree.Cells, host.Bytes, cache.Cells));
        Assert.Equal(0, tree.Advance(new PrefixHold(key with { Tenant = "two" }) { Id = 1 }, tokens));
        var hold = new PrefixHold(key) { Id = 2 };
        Assert.Equal(60, tree.Advance(hold, [.. tokens[..60], 7, 7]));
        cache.AssertHolds(2, key, tokens, 60);
        Assert.Equal((100, 0, 100), (tree.Cells, host.Bytes, host.RestoredTokens));
    }

    [Fact]
    public void EvictOne_HostTierFull_ForgetsTheLongestUnusedOfWhoHasMost()
    {
        var cache = new ModelCache();
        var host = new HostTier(1_000, 800);
        var tree = new PrefixTree(cache, Enumerable.Range(Active, 10), quota: 1_000, host) { MakeRoom = _ => true };
        var (small, large) = (new PrefixKey("small", "", "", ""), new PrefixKey("large", "", "", ""));
        Fill(cache, tree, small, [.. Enumerable.Range(0, 20)]);
        for (var index = 0; index < 3; index++)
        {
            Fill(cache, tree, large, [.. Enumerable.Range(1_000 * (index + 1), 40)]);
        }

        while (tree.EvictOne())
        {
        }

        Assert.Equal(["small:20", "large:40", "large:40"], host.Nodes.OrderByDescending(node => node.Key.Tenant, StringComparer.Ordinal).Select(node => $"{node.Key.Tenant}:{node.Tokens.Count}"));
        Assert.DoesNotContain(host.Nodes, node => node.Tokens[0] == 1_000);
    }

    [Fact]
    public void Advance_AnotherTenantAdapterOrSalt_TakesNothing()
    {
        var cache = new ModelCache();
        var tree = new PrefixTree(cache, Enumerable.Range(Active, 10), quota: 1_000, new HostTier(0, 0));
        var tokens = Enumerable.Range(0, 100).ToList();
        var key = new PrefixKey("one", "", "v1", "");
        Fill(cache, tree, key, tokens);
        Assert.Equal(99, tree.Advance(new PrefixHold(key) { Id = 1 }, tokens));
        Assert.All(
            new[] { key with { Tenant = "two" }, key with { Adapter = "a#1" }, key with { Salt = "s" }, key with { Template = "v2" } },
            other => Assert.Equal(0, tree.Advance(new PrefixHold(other) { Id = 2 }, tokens)));
    }

    [Fact]
    public void Advance_CacheDiffersFromTheLog_IsNotReused()
    {
        var cache = new ModelCache();
        var tree = new PrefixTree(cache, Enumerable.Range(Active, 10), quota: 1_000, new HostTier(0, 0));
        var tokens = Enumerable.Range(0, 100).ToList();
        var key = new PrefixKey("one", "", "", "");
        Fill(cache, tree, key, tokens);
        cache.Remove(Active + 9, 90, 100);
        Assert.Equal(0, tree.Advance(new PrefixHold(key) { Id = 1 }, tokens));
        Assert.Equal((1, 0), (tree.Mismatches, tree.Cells));
    }

    [Fact]
    public void EvictOne_TenantOverItsShare_LosesFirstAndUsedNodesStay()
    {
        var cache = new ModelCache();
        var tree = new PrefixTree(cache, Enumerable.Range(Active, 10), quota: 1_000, new HostTier(0, 0));
        var small = new PrefixKey("small", "", "", "");
        Fill(cache, tree, small, [.. Enumerable.Range(0, 30)]);
        for (var index = 0; index < 4; index++)
        {
            Fill(cache, tree, new PrefixKey("large", "", "", ""), [.. Enumerable.Range(1_000 * (index + 1), 60)]);
        }

        var hold = new PrefixHold(new PrefixKey("large", "", "", "")) { Id = 3 };
        tree.Advance(hold, [.. Enumerable.Range(1_000, 61)]);
        for (var index = 0; index < 3; index++)
        {
            Assert.True(tree.EvictOne());
        }

        Assert.Equal((30, 60), (tree.CellsOf("small"), tree.CellsOf("large")));
        Assert.True(tree.EvictOne());
        Assert.False(tree.EvictOne());
        Assert.Equal((0, 60), (tree.CellsOf("small"), tree.CellsOf("large")));
    }

    private static void Fill(ModelCache cache, PrefixTree tree, PrefixKey key, List<int> tokens)
    {
        var hold = new PrefixHold(key) { Id = 0 };
        cache.Evaluate(0, key, tokens, 0, tokens.Count);
        tree.Extend(hold, tokens, tokens.Count);
        tree.Release(hold);
        cache.Remove(0);
    }

    /// <summary>Few beginnings, so that prompts often agree for a while.</summary>
    private static List<int> Prompt(Random random)
    {
        var tokens = new List<int>();
        var length = 2 + random.Next(60);
        for (var at = 0; at < length; at++)
        {
            tokens.Add(at % 20 == 0 ? random.Next(2) : at);
        }

        return tokens;
    }

    private sealed record Life(PrefixHold Hold, List<int> Tokens)
    {
        public int Position { get; set; }
    }

    /// <summary>A cache in which each cell knows the words up to its own: what keys and values really depend on.</summary>
    private sealed class ModelCache : ISequenceMemory
    {
        private readonly Dictionary<int, SortedDictionary<int, object>> _sequences = [];

        public int Cells => _sequences.Values.SelectMany(cells => cells.Values).Distinct(ReferenceEqualityComparer.Instance).Count();

        /// <summary>Different cells in the beginnings of some sequences.</summary>
        public int Distinct(IEnumerable<(int Id, int End)> beginnings) =>
            beginnings.SelectMany(item => Of(item.Id).Where(cell => cell.Key < item.End).Select(cell => cell.Value)).Distinct(ReferenceEqualityComparer.Instance).Count();

        public void Evaluate(int id, PrefixKey key, List<int> tokens, int start, int count)
        {
            for (var at = start; at < start + count; at++)
            {
                Of(id).Add(at, new Cell(key.Adapter, string.Join(',', tokens.Take(at + 1)), key.Tenant));
            }
        }

        public void AssertHolds(int id, PrefixKey key, List<int> tokens, int end)
        {
            Assert.Equal(Enumerable.Range(0, end), Of(id).Keys);
            foreach (var (at, cell) in Of(id))
            {
                Assert.Equal(new Cell(key.Adapter, string.Join(',', tokens.Take(at + 1)), key.Tenant), cell);
            }
        }

        public void Copy(int from, int to, int start, int end)
        {
            foreach (var (at, cell) in Of(from).Where(item => item.Key >= start && item.Key < end).ToArray())
            {
                Of(to).Add(at, cell);
            }
        }

        public void Remove(int id, int start, int end)
        {
            for (var at = start; at < end; at++)
            {
                Of(id).Remove(at);
            }
        }

        public void Remove(int id) => _sequences.Remove(id);

        public (int Start, int End) Extent(int id) => Of(id).Count == 0 ? (-1, 0) : (Of(id).Keys.First(), Of(id).Keys.Last() + 1);

        public long SizeOf(int id) => 10 * Of(id).Count;

        public SavedCells Save(int id) => new Copied([.. Of(id)]);

        public bool TryRestore(int id, SavedCells cells)
        {
            var copied = (Copied)cells;
            Assert.Empty(Of(id));
            Assert.False(copied.IsFreed);
            foreach (var (at, cell) in copied.Cells)
            {
                // A copy is a cell of its own, with the same words.
                Of(id).Add(at, (Cell)cell with { });
            }

            return true;
        }

        public void Clear() => _sequences.Clear();

        private SortedDictionary<int, object> Of(int id) => _sequences.TryGetValue(id, out var cells) ? cells : _sequences[id] = [];

        private sealed class Copied(KeyValuePair<int, object>[] cells) : SavedCells
        {
            public KeyValuePair<int, object>[] Cells => cells;

            public bool IsFreed { get; private set; }

            public override long Bytes => 10 * cells.Length;

            public override void Dispose()
            {
                Assert.False(IsFreed);
                IsFreed = true;
            }
        }

        private sealed record Cell(string Adapter, string Words, string Tenant);
    }
}
