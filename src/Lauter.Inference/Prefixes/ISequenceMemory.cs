namespace Lauter.Inference.Prefixes;

/// <summary>The native cache as the prefix tree sees it: cells with a position that belong to one or several sequences. One thread.</summary>
internal interface ISequenceMemory
{
    /// <summary>Lets sequence <paramref name="to"/> share the cells of <paramref name="from"/> at positions [start, end); nothing is computed or moved.</summary>
    void Copy(int from, int to, int start, int end);

    /// <summary>Takes positions [start, end) from a sequence; a cell that nobody holds is free.</summary>
    void Remove(int id, int start, int end);

    /// <summary>Takes everything from a sequence.</summary>
    void Remove(int id);

    /// <summary>First position of a sequence and the one after its last; (−1, 0) when it has none.</summary>
    (int Start, int End) Extent(int id);

    /// <summary>Empties the cache.</summary>
    void Clear();
}
