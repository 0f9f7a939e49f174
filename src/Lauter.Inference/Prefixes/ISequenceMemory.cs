namespace Lauter.Inference.Prefixes;

/// <summary>Keys and values outside the cache, valid for the context that wrote them. Disposing frees them.</summary>
internal abstract class SavedCells : IDisposable
{
    public abstract long Bytes { get; }

    public abstract void Dispose();
}

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

    /// <summary>Bytes that <see cref="Save"/> of this sequence takes.</summary>
    long SizeOf(int id);

    /// <summary>Copies the keys and values of a sequence out of the cache, positions included; the cache stays as it is.</summary>
    SavedCells Save(int id);

    /// <summary>
    /// Puts saved cells back, at their positions, as those of the empty sequence <paramref name="id"/>; false when the cache has no place for them,
    /// then the sequence is empty.
    /// </summary>
    bool TryRestore(int id, SavedCells cells);

    /// <summary>Empties the cache.</summary>
    void Clear();
}
