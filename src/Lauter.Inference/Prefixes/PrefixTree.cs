using System.Runtime.InteropServices;

namespace Lauter.Inference.Prefixes;

/// <summary>
/// Prefixes that were evaluated before, shared by later requests of the same key. A radix tree per key; each node keeps its run in a native
/// sequence of its own, so sharing is a copy of references and dropping a leaf frees exactly its cells. Leaves go first, the longest unused of
/// the tenants that hold more than a fair share before those of others; what leaves the cache stays in a <see cref="HostTier"/> while that has room.
/// Used by the scheduler's thread only.
/// </summary>
/// <param name="memory">The native cache.</param>
/// <param name="ids">Native sequences that nodes may use.</param>
/// <param name="quota">Most cells of one tenant.</param>
/// <param name="host">Where prefixes go that leave the cache.</param>
internal sealed partial class PrefixTree(ISequenceMemory memory, IEnumerable<int> ids, int quota, HostTier host)
{
    /// <summary>Shorter agreements inside a run are not worth cutting it in two.</summary>
    public const int ShortestCut = 16;

    private readonly Dictionary<PrefixKey, PrefixNode> _roots = [];
    private readonly Dictionary<string, int> _cellsOf = new(StringComparer.Ordinal);
    private readonly List<PrefixNode> _nodes = [];
    private readonly Stack<int> _freeIds = new(ids);
    private long _clock;

    /// <summary>Cells in nodes; those of active sequences that are also in a node are counted here only.</summary>
    public int Cells { get; private set; }

    public int Nodes => _nodes.Count;

    /// <summary>Those of <see cref="Cells"/> that no active sequence uses.</summary>
    public int IdleCells
    {
        get
        {
            var idle = 0;
            foreach (var root in _roots.Values)
            {
                CountIdle(root, ref idle);
            }

            return idle;
        }
    }

    /// <summary>Runs found to differ from what the cache holds, dropped instead of reused. Anything but 0 is a fault in this program.</summary>
    public int Mismatches { get; private set; }

    /// <summary>Sees that so many cells are free for a run that comes back; false when they are not to be had. Set by the owner of the cells; without it nothing comes back.</summary>
    public Func<int, bool> MakeRoom { get; set; } = _ => false;

    public HostTier Host => host;

    public int CellsOf(string tenant) => _cellsOf.GetValueOrDefault(tenant);

    /// <summary>
    /// Lets a sequence whose cells all come from the tree take as many more tokens as the tree knows, but never the last one:
    /// its logits have to be computed. Returns how many it took.
    /// </summary>
    public int Advance(PrefixHold hold, List<int> tokens)
    {
        var node = hold.Node ?? _roots.GetValueOrDefault(hold.Key);
        var before = hold.End;
        while (node is not null && hold.End < tokens.Count - 1 && node.Children.TryGetValue(tokens[hold.End], out var child))
        {
            var common = Common(child, tokens, hold.End, tokens.Count - 1);
            var whole = common == child.Tokens.Count;
            if ((!whole && common < ShortestCut) || !IsSound(child) || (child.Saved is not null && !TryRestore(child)) || (!whole && !TrySplit(ref child, common)))
            {
                break;
            }

            memory.Copy(child.Id, hold.Id, child.Start, child.End);
            Move(hold, child);
            node = child;
        }

        return hold.End - before;
    }

    /// <summary>Puts the cells of a sequence from where its shared part ends up to <paramref name="end"/> into the tree, as far as ids and quota allow.</summary>
    public void Extend(PrefixHold hold, List<int> tokens, int end)
    {
        var node = hold.Node ?? Root(hold.Key);
        while (hold.End < end)
        {
            if (node.Children.TryGetValue(tokens[hold.End], out var child))
            {
                var common = Common(child, tokens, hold.End, end);
                if (child.Saved is not null && !TryAdopt(hold, child, common))
                {
                    // One of the two has to go, and the newer one is in use.
                    Forget(child);
                    continue;
                }

                if (!IsSound(child) || (common < child.Tokens.Count && !TrySplit(ref child, common)))
                {
                    break;
                }

                // Two sequences evaluated the same words at once: one set of cells is enough.
                memory.Remove(hold.Id, child.Start, child.End);
                memory.Copy(child.Id, hold.Id, child.Start, child.End);
                Move(hold, child);
                node = child;
                continue;
            }

            if (!FitsQuota(hold.Key.Tenant, end - hold.End))
            {
                break;
            }

            if (node == hold.Node && node is { IsRoot: false, Pins: 1, Children.Count: 0 })
            {
                memory.Copy(hold.Id, node.Id, hold.End, end);
                Count(hold.Key.Tenant, end - hold.End);
                node.Tokens.AddRange(tokens[hold.End..end]);
                hold.End = end;
                break;
            }

            if (!TryTakeId(out var id))
            {
                break;
            }

            if (node.IsRoot)
            {
                // It may have lost its last leaf, and with it its place, while room was made.
                _roots[hold.Key] = node;
            }

            child = new PrefixNode(hold.Key, node, id, hold.End, tokens[hold.End..end]);
            memory.Copy(hold.Id, id, hold.End, end);
            node.Children.Add(tokens[hold.End], child);
            _nodes.Add(child);
            Count(hold.Key.Tenant, child.Tokens.Count);
            Move(hold, child);
        }

        DropIfEmpty(node);
    }

    /// <summary>Gives back what a sequence holds; its nodes stay until they are evicted.</summary>
    public void Release(PrefixHold hold)
    {
        if (hold.Node is { } node)
        {
            node.Pins--;
        }

        hold.Node = null;
        hold.End = 0;
    }

    /// <summary>Drops the leaf that is needed least; false when every leaf is in use.</summary>
    public bool EvictOne() => Evict(null);

    /// <summary>Forgets all nodes whose key <paramref name="match"/> names and that no sequence uses.</summary>
    public void Drop(Predicate<PrefixKey> match)
    {
        while (_nodes.Find(node => node.Pins == 0 && node.IsOutermost && match(node.Key)) is { } leaf)
        {
            Remove(leaf);
        }

        while (host.Nodes.FirstOrDefault(node => match(node.Key)) is { } saved)
        {
            Forget(saved);
        }
    }

    /// <summary>Forgets everything; the cache has been or will be emptied, holds must be released first.</summary>
    public void Clear()
    {
        foreach (var node in _nodes)
        {
            _freeIds.Push(node.Id);
        }

        while (host.Nodes.Count > 0)
        {
            host.Remove(host.Nodes[^1], restored: false);
        }

        _nodes.Clear();
        _roots.Clear();
        _cellsOf.Clear();
        Cells = 0;
    }

    /// <summary>Adds up the cells below and in a node that nobody uses; true when somebody uses it.</summary>
    private static bool CountIdle(PrefixNode node, ref int idle)
    {
        var used = node.Pins > 0;
        foreach (var child in node.Children.Values)
        {
            used |= child.Saved is null && CountIdle(child, ref idle);
        }

        idle += used ? 0 : node.Tokens.Count;
        return used;
    }

    private static int Common(PrefixNode node, List<int> tokens, int at, int end) =>
        CollectionsMarshal.AsSpan(node.Tokens).CommonPrefixLength(CollectionsMarshal.AsSpan(tokens)[at..end]);

    /// <summary>Whether the cache holds for this node what our log says. A node that does not is dropped, with what follows it, as far as nobody uses it.</summary>
    private bool IsSound(PrefixNode node)
    {
        if (node.Saved is not null || memory.Extent(node.Id) == (node.Start, node.End))
        {
            return true;
        }

        Mismatches++;
        Drop(key => key == node.Key);
        return false;
    }

    private void Move(PrefixHold hold, PrefixNode node)
    {
        if (hold.Node is { } old)
        {
            old.Pins--;
        }

        node.Pins++;
        node.LastUse = ++_clock;
        hold.Node = node;
        hold.End = node.End;
    }

    /// <summary>Cuts a node in two and goes on with the upper part; the node keeps its end, its children and its pins. False when no id is to be had.</summary>
    private bool TrySplit(ref PrefixNode node, int count)
    {
        // While an id is sought the node must not be the one that is dropped for it.
        node.Pins++;
        var found = TryTakeId(out var id);
        node.Pins--;
        if (!found)
        {
            return false;
        }

        var parent = node.Parent!;
        var start = node.Start;
        var head = node.TakeHead(count);
        var upper = new PrefixNode(node.Key, parent, id, start, head) { LastUse = node.LastUse };
        memory.Copy(node.Id, id, start, node.Start);
        memory.Remove(node.Id, start, node.Start);
        parent.Children[head[0]] = upper;
        upper.Children.Add(node.Tokens[0], node);
        node.Parent = upper;
        _nodes.Add(upper);
        node = upper;
        return true;
    }

    private PrefixNode Root(PrefixKey key)
    {
        if (!_roots.TryGetValue(key, out var root))
        {
            root = new PrefixNode(key, null, -1, 0, []);
            _roots.Add(key, root);
        }

        return root;
    }

    private void DropIfEmpty(PrefixNode node)
    {
        if (node is { IsRoot: true, Children.Count: 0 })
        {
            _roots.Remove(node.Key);
        }
    }

    private void Count(string tenant, int cells)
    {
        Cells += cells;
        if ((_cellsOf[tenant] = CellsOf(tenant) + cells) == 0)
        {
            _cellsOf.Remove(tenant);
        }
    }
}
