namespace Lauter.Inference.Prefixes;

/// <content>Who leaves the cache when room is needed, where it goes, and how it comes back.</content>
internal sealed partial class PrefixTree
{
    private bool TryTakeId(out int id)
    {
        while (!_freeIds.TryPop(out id))
        {
            if (!EvictOne())
            {
                return false;
            }
        }

        return true;
    }

    private bool FitsQuota(string tenant, int cells)
    {
        while (CellsOf(tenant) + cells > quota)
        {
            if (!Evict(tenant))
            {
                return false;
            }
        }

        return true;
    }

    private bool Evict(string? tenant)
    {
        var fair = Cells / Math.Max(1, _cellsOf.Count);
        var victim = (PrefixNode?)null;
        var victimIsOver = false;
        foreach (var node in _nodes)
        {
            if (node.Pins > 0 || !node.IsOutermost || (tenant is not null && node.Key.Tenant != tenant))
            {
                continue;
            }

            var isOver = CellsOf(node.Key.Tenant) > fair;
            if (victim is null || (isOver, -node.LastUse).CompareTo((victimIsOver, -victim.LastUse)) > 0)
            {
                (victim, victimIsOver) = (node, isOver);
            }
        }

        if (victim is null)
        {
            return false;
        }

        if (!TrySave(victim))
        {
            Remove(victim);
        }

        return true;
    }

    /// <summary>Moves a node's cells out of the cache; false when the memory for them is not to be had.</summary>
    private bool TrySave(PrefixNode node)
    {
        var size = memory.SizeOf(node.Id);
        if ((node.Tokens.Count < ShortestCut && node.Children.Count == 0) || !host.CanTake(size))
        {
            // A short run is soon computed again, but what is saved below it would go with it.
            return false;
        }

        node.Pins++;
        while (!host.Fits(node.Key.Tenant, size) && host.Victim(node.Key.Tenant, size) is { } other)
        {
            Forget(other);
        }

        node.Pins--;
        if (!host.Fits(node.Key.Tenant, size))
        {
            return false;
        }

        node.Saved = memory.Save(node.Id);
        host.Add(node);
        Vacate(node);
        return true;
    }

    /// <summary>Puts a saved node back into the cache; false when there is no room, then it stays where it is.</summary>
    private bool TryRestore(PrefixNode node)
    {
        node.Pins++;
        var id = -1;
        var found = FitsQuota(node.Key.Tenant, node.Tokens.Count) && MakeRoom(node.Tokens.Count) && TryTakeId(out id);
        node.Pins--;
        if (!found)
        {
            return false;
        }

        if (!memory.TryRestore(id, node.Saved!))
        {
            _freeIds.Push(id);
            return false;
        }

        Occupy(node, id, restored: true);
        return IsSound(node);
    }

    /// <summary>
    /// Brings a saved node back because a sequence has computed what it holds: all of it, then the node takes those cells; a part of it, then the whole
    /// has to come back before it can be cut. False when there is no room for that.
    /// </summary>
    private bool TryAdopt(PrefixHold hold, PrefixNode node, int common)
    {
        if (common < node.Tokens.Count)
        {
            return TryRestore(node);
        }

        node.Pins++;
        var id = -1;
        var found = FitsQuota(node.Key.Tenant, common) && TryTakeId(out id);
        node.Pins--;
        if (!found)
        {
            return false;
        }

        memory.Copy(hold.Id, id, node.Start, node.End);
        Occupy(node, id, restored: false);
        return true;
    }

    private void Occupy(PrefixNode node, int id, bool restored)
    {
        node.Id = id;
        host.Remove(node, restored);
        _nodes.Add(node);
        Count(node.Key.Tenant, node.Tokens.Count);
    }

    private void Vacate(PrefixNode node)
    {
        memory.Remove(node.Id);
        Count(node.Key.Tenant, -node.Tokens.Count);
        _nodes.Remove(node);
        _freeIds.Push(node.Id);
        node.Id = -1;
    }

    /// <summary>Drops a node whose cells are in the cache, and what is saved below it.</summary>
    private void Remove(PrefixNode leaf)
    {
        foreach (var child in leaf.Children.Values.ToArray())
        {
            Forget(child);
        }

        Vacate(leaf);
        Unlink(leaf);
    }

    /// <summary>Drops a saved node and what is below it.</summary>
    private void Forget(PrefixNode node)
    {
        foreach (var child in node.Children.Values.ToArray())
        {
            Forget(child);
        }

        host.Remove(node, restored: false);
        Unlink(node);
    }

    private void Unlink(PrefixNode node)
    {
        node.Parent!.Children.Remove(node.Tokens[0]);
        DropIfEmpty(node.Parent);
    }
}
