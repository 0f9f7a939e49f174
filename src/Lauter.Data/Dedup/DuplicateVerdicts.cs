using System.Collections;

namespace Lauter.Data.Dedup;

/// <summary>
/// What became of each document, by number. Only documents that have copies lie in memory; the name of a cluster of one is read from the index when it is
/// asked for, so use it while the index is open. Reading is thread-safe.
/// </summary>
public sealed class DuplicateVerdicts : IReadOnlyList<DuplicateVerdict>
{
    private readonly Dictionary<int, DuplicateVerdict> _members;
    private readonly Func<int, ulong> _nameOf;

    internal DuplicateVerdicts(int count, Dictionary<int, DuplicateVerdict> members, Func<int, ulong> nameOf) => (Count, _members, _nameOf) = (count, members, nameOf);

    /// <summary>Documents.</summary>
    public int Count { get; }

    /// <summary>Documents in clusters of two and more.</summary>
    internal IReadOnlyDictionary<int, DuplicateVerdict> Members => _members;

    /// <inheritdoc/>
    public DuplicateVerdict this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
            return _members.TryGetValue(index, out var verdict) ? verdict : new DuplicateVerdict(_nameOf(index), 1, index, 1, false);
        }
    }

    /// <summary>The kept document that a document copies, or itself; reads nothing.</summary>
    public int LeaderOf(int number) => _members.TryGetValue(number, out var verdict) ? verdict.Leader : number;

    /// <inheritdoc/>
    public IEnumerator<DuplicateVerdict> GetEnumerator()
    {
        for (var i = 0; i < Count; i++)
        {
            yield return this[i];
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
