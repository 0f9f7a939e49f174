namespace Lauter.Data.Dedup;

/// <summary>
/// Clusters documents and chooses who stays. A document goes only when it is itself similar to one that stays: in a chain of small changes
/// the two ends differ, and both stay. Pure.
/// </summary>
internal static class Survivors
{
    public static DuplicateVerdict[] Choose(IReadOnlyList<IndexedDocument> documents, IEnumerable<SimilarPair> pairs, Func<int, string> idOf, double threshold, KeepPolicy policy)
    {
        // 1. Connected components; equal contents hang on the first of them.
        var sets = new DisjointSets(documents.Count);
        for (var i = 0; i < documents.Count; i++)
        {
            sets.Union(i, documents[i].First);
        }

        var similar = new Dictionary<int, List<(int Other, double Similarity)>>();
        foreach (var pair in pairs)
        {
            if (pair.Similarity >= threshold)
            {
                sets.Union(pair.First, pair.Second);
                Neighbours(similar, pair.First).Add((pair.Second, pair.Similarity));
                Neighbours(similar, pair.Second).Add((pair.First, pair.Similarity));
            }
        }

        // 2. In each cluster the best goes first and keeps out what is similar to it.
        var verdicts = new DuplicateVerdict[documents.Count];
        var kept = new Dictionary<int, (int Document, int Place)>();
        foreach (var members in Clusters(sets, documents.Count, verdicts, documents))
        {
            var cluster = NameOf(members, documents);
            members.Sort((a, b) => Compare(documents, idOf, policy, a, b));
            kept.Clear();
            for (var place = 0; place < members.Count; place++)
            {
                var number = members[place];
                var (leader, similarity, exact) = LeaderOf(number, documents, similar, kept);
                verdicts[number] = new DuplicateVerdict(cluster, members.Count, leader, similarity, exact);
                if (leader == number)
                {
                    kept[documents[number].First] = (number, place);
                }
            }
        }

        return verdicts;
    }

    private static (int Leader, double Similarity, bool Exact) LeaderOf(int number, IReadOnlyList<IndexedDocument> documents, Dictionary<int, List<(int Other, double Similarity)>> similar, Dictionary<int, (int Document, int Place)> kept)
    {
        var content = documents[number].First;
        if (kept.TryGetValue(content, out var same))
        {
            return (same.Document, 1, true);
        }

        var best = (Document: number, Place: int.MaxValue, Similarity: -1.0);
        foreach (var (other, similarity) in similar.GetValueOrDefault(content) ?? [])
        {
            if (kept.TryGetValue(other, out var leader) && (similarity > best.Similarity || (similarity == best.Similarity && leader.Place < best.Place)))
            {
                best = (leader.Document, leader.Place, similarity);
            }
        }

        return (best.Document, best.Similarity < 0 ? 1 : best.Similarity, false);
    }

    /// <summary>Clusters of two and more; the verdicts of all others are written at once.</summary>
    private static IEnumerable<List<int>> Clusters(DisjointSets sets, int count, DuplicateVerdict[] verdicts, IReadOnlyList<IndexedDocument> documents)
    {
        var members = new Dictionary<int, List<int>>();
        for (var i = 0; i < count; i++)
        {
            if (sets.SizeOf(i) == 1)
            {
                verdicts[i] = new DuplicateVerdict(NameOf([i], documents), 1, i, 1, false);
                continue;
            }

            var root = sets.Root(i);
            if (!members.TryGetValue(root, out var list))
            {
                members[root] = list = [];
            }

            list.Add(i);
        }

        return members.Values;
    }

    /// <summary>After the member of the oldest version with the least content hash: new members do not rename a cluster.</summary>
    private static string NameOf(List<int> members, IReadOnlyList<IndexedDocument> documents)
    {
        var oldest = members.Min(m => (documents[m].Version, documents[m].Content));
        return ((ulong)(oldest.Content >> 64)).ToString("x16");
    }

    private static int Compare(IReadOnlyList<IndexedDocument> documents, Func<int, string> idOf, KeepPolicy policy, int a, int b)
    {
        var (x, y) = (documents[a], documents[b]);
        var order = policy switch
        {
            KeepPolicy.Longest => y.Length.CompareTo(x.Length),
            KeepPolicy.First => a.CompareTo(b),
            _ => y.Rank.CompareTo(x.Rank),
        };
        order = order != 0 ? order : x.Content.CompareTo(y.Content);
        order = order != 0 || a == b ? order : string.CompareOrdinal(idOf(a), idOf(b));
        return order != 0 ? order : a.CompareTo(b);
    }

    private static List<(int Other, double Similarity)> Neighbours(Dictionary<int, List<(int Other, double Similarity)>> similar, int number)
    {
        if (!similar.TryGetValue(number, out var list))
        {
            similar[number] = list = [];
        }

        return list;
    }
}

/// <summary>Union by size with path halving.</summary>
internal sealed class DisjointSets
{
    private readonly int[] _parents;
    private readonly int[] _sizes;

    public DisjointSets(int count)
    {
        _parents = new int[count];
        _sizes = new int[count];
        for (var i = 0; i < count; i++)
        {
            (_parents[i], _sizes[i]) = (i, 1);
        }
    }

    public int Root(int i)
    {
        while (_parents[i] != i)
        {
            i = _parents[i] = _parents[_parents[i]];
        }

        return i;
    }

    public int SizeOf(int i) => _sizes[Root(i)];

    public void Union(int a, int b)
    {
        (a, b) = (Root(a), Root(b));
        if (a == b)
        {
            return;
        }

        if (_sizes[a] < _sizes[b])
        {
            (a, b) = (b, a);
        }

        _parents[b] = a;
        _sizes[a] += _sizes[b];
    }
}
