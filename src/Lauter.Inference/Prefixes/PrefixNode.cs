namespace Lauter.Inference.Prefixes;

/// <summary>A run of tokens whose cells one native sequence holds, or a copy of them outside the cache. The root of a key has no tokens and neither of both.</summary>
internal sealed class PrefixNode(PrefixKey key, PrefixNode? parent, int id, int start, IEnumerable<int> tokens)
{
    public PrefixKey Key => key;

    public PrefixNode? Parent { get; set; } = parent;

    /// <summary>Native sequence that holds positions [<see cref="Start"/>, <see cref="End"/>) and no others; −1 for a root and for a saved run.</summary>
    public int Id { get; set; } = id;

    /// <summary>The cells outside the cache; null when they are in it. A saved run has only saved ones below it.</summary>
    public SavedCells? Saved { get; set; }

    /// <summary>Whether nothing below it lies in the cache, so that its own cells may leave it.</summary>
    public bool IsOutermost => Children.Values.All(child => child.Saved is not null);

    public int Start { get; set; } = start;

    /// <summary>Our own log of what was evaluated into these cells: what every reuse is checked against.</summary>
    public List<int> Tokens { get; private set; } = [.. tokens];

    public int End => Start + Tokens.Count;

    public Dictionary<int, PrefixNode> Children { get; } = [];

    /// <summary>Active sequences that end their shared part here.</summary>
    public int Pins { get; set; }

    /// <summary>Counts up with every use: the smallest was used longest ago.</summary>
    public long LastUse { get; set; }

    public bool IsRoot => Parent is null;

    /// <summary>Cuts off the first <paramref name="count"/> tokens and returns them.</summary>
    public List<int> TakeHead(int count)
    {
        var head = Tokens[..count];
        Tokens = Tokens[count..];
        Start += count;
        return head;
    }
}

/// <summary>What an active sequence takes from the tree: its cells [0, <see cref="End"/>) are those of <see cref="Node"/> and its ancestors.</summary>
internal sealed class PrefixHold(PrefixKey key)
{
    public PrefixKey Key => key;

    /// <summary>The active sequence's native id.</summary>
    public int Id { get; set; } = -1;

    public PrefixNode? Node { get; set; }

    public int End { get; set; }
}
