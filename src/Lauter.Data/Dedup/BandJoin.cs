using System.Runtime.InteropServices;

namespace Lauter.Data.Dedup;

/// <summary>
/// Candidates among documents with equal keys in one band. Groups of up to <see cref="GroupLimit"/> give all their pairs; of a larger group each member is
/// paired with the first ones, in the order of the contents' hashes, so that n copies of one form letter do not cost n² / 2 comparisons and the order of the
/// rows decides nothing.
/// </summary>
internal static class BandJoin
{
    public const int GroupLimit = 64;

    /// <summary>Pairs of a group with at least one member from <paramref name="firstNew"/> on; the others were compared in an earlier version.</summary>
    /// <param name="group">Numbers of documents; its order is changed.</param>
    /// <param name="firstNew">Least number of this version.</param>
    /// <param name="contents">Hash of a document's content, by number.</param>
    /// <param name="found">Gets the pairs, the smaller number in the upper half.</param>
    public static void Pairs(List<int> group, int firstNew, Func<int, UInt128> contents, List<long> found)
    {
        var members = CollectionsMarshal.AsSpan(group);
        var some = members;
        if (members.Length > GroupLimit)
        {
            var hashes = new UInt128[members.Length];
            for (var i = 0; i < hashes.Length; i++)
            {
                hashes[i] = contents(members[i]);
            }

            hashes.AsSpan().Sort(members);
            some = members[..GroupLimit];
        }

        for (var i = 0; i < some.Length; i++)
        {
            foreach (var other in members[(i + 1)..])
            {
                var (low, high) = (Math.Min(some[i], other), Math.Max(some[i], other));
                if (high >= firstNew)
                {
                    found.Add(((long)low << 32) | (uint)high);
                }
            }
        }
    }

    /// <summary>Sorts and drops repeated pairs.</summary>
    public static void Distinct(List<long> pairs)
    {
        pairs.Sort();
        var span = CollectionsMarshal.AsSpan(pairs);
        var count = 0;
        for (var i = 0; i < span.Length; i++)
        {
            if (count == 0 || span[i] != span[count - 1])
            {
                span[count++] = span[i];
            }
        }

        CollectionsMarshal.SetCount(pairs, count);
    }
}
