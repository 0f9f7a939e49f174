namespace Lauter.Inference.Prefixes;

/// <summary>
/// Prefixes that had to leave the cache, kept in ordinary memory: putting 600 tokens of a 135 M model back copies 14 MB, computing them again takes a second.
/// Counts bytes by tenant and names who has to go; the tree takes the nodes out. Used by the scheduler's thread only.
/// </summary>
/// <param name="bytes">Most bytes in all; 0 keeps nothing.</param>
/// <param name="tenantBytes">Most bytes of one tenant.</param>
internal sealed class HostTier(long bytes, long tenantBytes)
{
    private readonly List<PrefixNode> _nodes = [];
    private readonly Dictionary<string, long> _bytesOf = new(StringComparer.Ordinal);

    /// <summary>Bytes kept.</summary>
    public long Bytes { get; private set; }

    /// <summary>Tokens that were put back instead of being computed again.</summary>
    public long RestoredTokens { get; private set; }

    public IReadOnlyList<PrefixNode> Nodes => _nodes;

    /// <summary>Whether a run of this size may be kept at all.</summary>
    public bool CanTake(long size) => size <= Math.Min(bytes, tenantBytes);

    /// <summary>The node that has to go before a tenant may add so many bytes: its own longest unused, or that of one with more than a fair share; null when there is room or nobody can go.</summary>
    public PrefixNode? Victim(string tenant, long size)
    {
        if (BytesOf(tenant) + size > tenantBytes)
        {
            return Choose(node => node.Key.Tenant == tenant);
        }

        var fair = Bytes / Math.Max(1, _bytesOf.Count);
        return Bytes + size <= bytes ? null : Choose(node => BytesOf(node.Key.Tenant) >= fair) ?? Choose(_ => true);
    }

    /// <summary>Whether so many bytes of a tenant fit now.</summary>
    public bool Fits(string tenant, long size) => BytesOf(tenant) + size <= tenantBytes && Bytes + size <= bytes;

    public void Add(PrefixNode node)
    {
        _nodes.Add(node);
        Count(node.Key.Tenant, node.Saved!.Bytes);
    }

    /// <summary>Frees a node's copy; <paramref name="restored"/> says that the cache has the cells again.</summary>
    public void Remove(PrefixNode node, bool restored)
    {
        _nodes.Remove(node);
        Count(node.Key.Tenant, -node.Saved!.Bytes);
        RestoredTokens += restored ? node.Tokens.Count : 0;
        node.Saved.Dispose();
        node.Saved = null;
    }

    private long BytesOf(string tenant) => _bytesOf.GetValueOrDefault(tenant);

    private PrefixNode? Choose(Predicate<PrefixNode> match) =>
        _nodes.Where(node => node.Pins == 0 && node.Children.Count == 0 && match(node)).MinBy(node => node.LastUse);

    private void Count(string tenant, long change)
    {
        Bytes += change;
        if ((_bytesOf[tenant] = BytesOf(tenant) + change) == 0)
        {
            _bytesOf.Remove(tenant);
        }
    }
}
