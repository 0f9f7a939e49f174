using Lauter.Inference.Prefixes;

namespace Lauter.Inference.Scheduler;

/// <summary>
/// Native sequence ids and cells: who holds them, who may come in, who has to leave. Cells in the prefix tree are counted once, whoever
/// shares them. Entering is optimistic about answers (most are shorter than allowed); when cells run out, unused prefixes go first, then the
/// newest sequence steps back. The oldest never does, so every sequence comes to its end. Scheduler's thread only.
/// </summary>
internal sealed class SequencePool
{
    /// <summary>Cells kept free for the answer of each sequence that comes in; more keeps others waiting, fewer leads to preemptions.</summary>
    public const int Headroom = 64;

    private readonly ISequenceMemory _memory;
    private readonly SortedSet<int> _freeIds;
    private readonly int _cells;
    private readonly int _mostKept;

    /// <param name="memory">The native cache.</param>
    /// <param name="cells">Its cells.</param>
    /// <param name="sequences">Most active sequences, 1–256.</param>
    /// <param name="ids">Native ids in all; the one after the sequences' is the cache's own, what is left over is the tree's.</param>
    /// <param name="quota">Cells of the tree that one tenant may hold; 0 for no tree.</param>
    /// <param name="host">Where prefixes go that leave the cache.</param>
    /// <param name="mostKept">Cells of the tree that stay in the cache while others work and nobody uses them: attention walks over them in every step.</param>
    public SequencePool(ISequenceMemory memory, int cells, int sequences, int ids, int quota, HostTier host, int mostKept)
    {
        _mostKept = mostKept;
        _memory = memory;
        _cells = cells;
        _freeIds = [.. Enumerable.Range(0, sequences)];
        if (quota > 0 && ids > sequences + 1)
        {
            Tree = new PrefixTree(memory, Enumerable.Range(sequences + 1, ids - sequences - 1), quota, host) { MakeRoom = wanted => RoomFor(wanted) >= wanted };
        }
    }

    public PrefixTree? Tree { get; }

    /// <summary>In the order in which they came, the oldest first.</summary>
    public List<Sequence> Active { get; } = [];

    /// <summary>Sequences that had to step back, the oldest first.</summary>
    public List<Sequence> Preempted { get; } = [];

    public int Preemptions { get; private set; }

    /// <summary>Cells that active sequences and the tree hold.</summary>
    public int Used => (Tree?.Cells ?? 0) + Active.Sum(sequence => sequence.PrivateCells);

    /// <summary>Tokens of the batch that is being built: they have no cells yet and will need them.</summary>
    public int Reserved { get; set; }

    /// <summary>Cells that nobody holds or is about to take.</summary>
    public int Free => _cells - Used - Reserved;

    /// <summary>Gives a sequence an id and the prefix that is known, if its rest and those of all others fit. False leaves everything as it was.</summary>
    public bool TryEnter(Sequence sequence)
    {
        if (_freeIds.Count == 0)
        {
            return false;
        }

        var hold = sequence.Hold;
        hold.Id = _freeIds.Min;
        _freeIds.Remove(hold.Id);
        sequence.Position = 0;
        var reused = sequence.Shares ? Tree?.Advance(hold, sequence.Tokens) ?? 0 : 0;
        sequence.Position = reused;
        var promised = Active.Sum(Need);
        while (Free - promised < Need(sequence) && Tree?.EvictOne() == true)
        {
        }

        if (Active.Count > 0 && Free - promised < Need(sequence))
        {
            Detach(sequence);
            return false;
        }

        if (!sequence.Returned)
        {
            sequence.Job.CachedTokens = reused;
        }

        Trim();
        var at = Active.FindIndex(other => other.Order > sequence.Order);
        Active.Insert(at < 0 ? Active.Count : at, sequence);
        return true;
    }

    /// <summary>Ends a sequence; with <paramref name="keep"/> its answer joins the prefix tree, for the next turn of its conversation.</summary>
    public void Leave(Sequence sequence, bool keep)
    {
        if (!Active.Remove(sequence))
        {
            Preempted.Remove(sequence);
            return;
        }

        if (keep && sequence.Shares)
        {
            Tree?.Extend(sequence.Hold, sequence.Tokens, sequence.Position);
        }

        Detach(sequence);
        if (Active.Count > 0)
        {
            Trim();
        }
    }

    /// <summary>Sees that this many cells are free: drops unused prefixes, then takes the newest sequences out. False when only one is left and it does not fit.</summary>
    public bool MakeRoom(Func<int> needed)
    {
        while (Free < needed())
        {
            if (Tree?.EvictOne() == true)
            {
                continue;
            }

            if (Active.Count <= 1)
            {
                return false;
            }

            StepBack();
        }

        return true;
    }

    /// <summary>Free cells after dropping unused prefixes until there are <paramref name="wanted"/>.</summary>
    public int RoomFor(int wanted)
    {
        while (Free < wanted && Tree?.EvictOne() == true)
        {
        }

        return Math.Max(0, Free);
    }

    /// <summary>The newest active sequence gives its cells up and waits to come back.</summary>
    public void StepBack()
    {
        var newest = Active[^1];
        Active.RemoveAt(Active.Count - 1);
        Detach(newest);
        newest.Returned = true;
        Preempted.Insert(0, newest);
        Preemptions++;
    }

    /// <summary>Empties the cache; all active sequences have to compute theirs again.</summary>
    public void Restart()
    {
        foreach (var sequence in Active)
        {
            Tree?.Release(sequence.Hold);
            sequence.Position = 0;
            sequence.PromptTokens.Clear();
        }

        Tree?.Clear();
        _memory.Clear();
    }

    /// <summary>Takes idle prefixes out of the cache until those that are left cost the working sequences little. With nobody at work they may all stay.</summary>
    private void Trim()
    {
        while (Tree?.IdleCells > _mostKept && Tree.EvictOne())
        {
        }
    }

    private static int Need(Sequence sequence) => sequence.Pending + Math.Min(sequence.Remaining, Headroom);

    private void Detach(Sequence sequence)
    {
        Tree?.Release(sequence.Hold);
        sequence.Hold.End = 0;
        sequence.Position = 0;
        _memory.Remove(sequence.Id);
        _freeIds.Add(sequence.Id);
        sequence.Hold.Id = -1;
    }
}
