using System.Runtime.InteropServices;

namespace Lauter.Data.Dedup;

/// <summary>
/// Finds documents with equal keys in sorted runs of one band. Groups of up to <see cref="GroupLimit"/> give all their pairs; of a larger
/// group each member is paired with the first ones, in the order of the contents' hashes, so that n copies of one form letter do not cost
/// n² / 2 comparisons and the order of the rows decides nothing.
/// </summary>
/// <param name="contents">Hash of a document's content, by number.</param>
internal sealed class BandJoin(Func<int, UInt128> contents)
{
    public const int GroupLimit = 64;

    /// <summary>Pairs inside one run.</summary>
    public void Within(ReadOnlySpan<ulong> keys, Span<int> documents, List<long> found)
    {
        for (var i = 0; i < keys.Length;)
        {
            var end = EndOfGroup(keys, i);
            if (end - i > 1)
            {
                Pair(First(documents[i..end]), documents[i..end], found);
            }

            i = end;
        }
    }

    /// <summary>Pairs with one document of each run.</summary>
    public void Between(ReadOnlySpan<ulong> oldKeys, Span<int> oldDocuments, ReadOnlySpan<ulong> keys, Span<int> documents, List<long> found)
    {
        for (int i = 0, j = 0; i < oldKeys.Length && j < keys.Length;)
        {
            if (oldKeys[i] < keys[j])
            {
                i++;
            }
            else if (oldKeys[i] > keys[j])
            {
                j++;
            }
            else
            {
                var (oldEnd, end) = (EndOfGroup(oldKeys, i), EndOfGroup(keys, j));
                Pair(First(oldDocuments[i..oldEnd]), documents[j..end], found);
                (i, j) = (oldEnd, end);
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

    private Span<int> First(Span<int> group)
    {
        if (group.Length <= GroupLimit)
        {
            return group;
        }

        group.Sort((a, b) => contents(a).CompareTo(contents(b)));
        return group[..GroupLimit];
    }

    private static void Pair(ReadOnlySpan<int> some, ReadOnlySpan<int> all, List<long> found)
    {
        foreach (var a in some)
        {
            foreach (var b in all)
            {
                if (a != b)
                {
                    found.Add(((long)Math.Min(a, b) << 32) | (uint)Math.Max(a, b));
                }
            }
        }
    }

    private static int EndOfGroup(ReadOnlySpan<ulong> keys, int start)
    {
        var end = start + 1;
        while (end < keys.Length && keys[end] == keys[start])
        {
            end++;
        }

        return end;
    }
}
