using System.Runtime.InteropServices;

namespace Lauter.Data.Dedup;

/// <summary>
/// Clusters documents and chooses who stays. A document goes only when it is itself similar to one that stays: in a chain of small changes
/// the two ends differ, and both stay. Memory goes with the documents that have copies, not with all of them. Pure.
/// </summary>
internal static class Survivors
{
    /// <param name="count">Documents.</param>
    /// <param name="copies">Documents whose content an earlier one has, with the first of these.</param>
    /// <param name="pairs">Similar documents among the first ones.</param>
    /// <param name="documents">A document by number.</param>
    /// <param name="nameOf">The name of its content, asked for from the first to the last document.</param>
    /// <param name="idOf">Its id.</param>
    /// <param name="threshold">Least similarity of a copy.</param>
    /// <param name="policy">Who stays.</param>
    public static DuplicateVerdicts Choose(
        int count, IEnumerable<(int Copy, int First)> copies, IEnumerable<SimilarPair> pairs, Func<int, IndexedDocument> documents, Func<int, ulong> nameOf, Func<int, string> idOf, double threshold,
        KeepPolicy policy)
    {
        // 1. Connected components of the documents that are tied to another one at all; equal contents hang on the first of them.
        var places = new Dictionary<int, int>();
        var members = new List<Member>();
        var ties = new List<(int A, int B)>();
        var similar = new Dictionary<int, List<(int Other, double Similarity)>>();
        foreach (var (copy, first) in copies)
        {
            ties.Add((Place(first), Place(copy)));
        }

        foreach (var pair in pairs)
        {
            if (pair.Similarity >= threshold)
            {
                ties.Add((Place(pair.First), Place(pair.Second)));
                Neighbours(similar, pair.First).Add((pair.Second, pair.Similarity));
                Neighbours(similar, pair.Second).Add((pair.First, pair.Similarity));
            }
        }

        var sets = new DisjointSets(members.Count);
        ties.ForEach(t => sets.Union(t.A, t.B));
        var clusters = new Dictionary<int, List<Member>>();
        for (var i = 0; i < members.Count; i++)
        {
            ref var cluster = ref CollectionsMarshal.GetValueRefOrAddDefault(clusters, sets.Root(i), out _);
            (cluster ??= []).Add(members[i]);
        }

        // 2. In each cluster the best goes first and keeps out what is similar to it.
        var verdicts = new Dictionary<int, DuplicateVerdict>(members.Count);
        var kept = new Dictionary<int, (int Document, int Place)>();
        foreach (var cluster in clusters.Values)
        {
            var name = NameOf(cluster);
            cluster.Sort((a, b) => Compare(idOf, policy, a, b));
            kept.Clear();
            for (var place = 0; place < cluster.Count; place++)
            {
                var number = cluster[place].Number;
                var (leader, similarity, exact) = LeaderOf(cluster[place], similar, kept);
                verdicts[number] = new DuplicateVerdict(name, cluster.Count, leader, similarity, exact);
                if (leader == number)
                {
                    kept[cluster[place].Document.First] = (number, place);
                }
            }
        }

        return new DuplicateVerdicts(count, verdicts, nameOf);

        int Place(int number)
        {
            ref var place = ref CollectionsMarshal.GetValueRefOrAddDefault(places, number, out var known);
            if (!known)
            {
                place = members.Count;
                members.Add(new Member(number, documents(number)));
            }

            return place;
        }
    }

    private readonly record struct Member(int Number, IndexedDocument Document);

    private static (int Leader, double Similarity, bool Exact) LeaderOf(Member member, Dictionary<int, List<(int Other, double Similarity)>> similar, Dictionary<int, (int Document, int Place)> kept)
    {
        var content = member.Document.First;
        if (kept.TryGetValue(content, out var same))
        {
            return (same.Document, 1, true);
        }

        var best = (Document: member.Number, Place: int.MaxValue, Similarity: -1.0);
        foreach (var (other, similarity) in similar.GetValueOrDefault(content) ?? [])
        {
            if (kept.TryGetValue(other, out var leader) && (similarity > best.Similarity || (similarity == best.Similarity && leader.Place < best.Place)))
            {
                best = (leader.Document, leader.Place, similarity);
            }
        }

        return (best.Document, best.Similarity < 0 ? 1 : best.Similarity, false);
    }

    /// <summary>After the member of the oldest version with the least content hash: new members do not rename a cluster.</summary>
    private static ulong NameOf(List<Member> members) => (ulong)(members.Min(m => (m.Document.Version, m.Document.Content)).Content >> 64);

    private static int Compare(Func<int, string> idOf, KeepPolicy policy, Member a, Member b)
    {
        var (x, y) = (a.Document, b.Document);
        var order = policy switch
        {
            KeepPolicy.Longest => y.Length.CompareTo(x.Length),
            KeepPolicy.First => a.Number.CompareTo(b.Number),
            _ => y.Rank.CompareTo(x.Rank),
        };
        order = order != 0 ? order : x.Content.CompareTo(y.Content);
        order = order != 0 || a.Number == b.Number ? order : string.CompareOrdinal(idOf(a.Number), idOf(b.Number));
        return order != 0 ? order : a.Number.CompareTo(b.Number);
    }

    private static List<(int Other, double Similarity)> Neighbours(Dictionary<int, List<(int Other, double Similarity)>> similar, int number)
    {
        ref var list = ref CollectionsMarshal.GetValueRefOrAddDefault(similar, number, out _);
        return list ??= [];
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
