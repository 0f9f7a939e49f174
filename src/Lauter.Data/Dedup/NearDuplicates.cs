using Lauter.Data.Text;

namespace Lauter.Data.Dedup;

/// <summary>Two texts that are alike.</summary>
/// <param name="First">Position of the earlier text.</param>
/// <param name="Second">Position of the later text.</param>
/// <param name="Similarity">Exact Jaccard similarity of their shingles, 0 to 1.</param>
public readonly record struct SimilarPair(int First, int Second, double Similarity);

/// <summary>Where a text stands among its near-copies.</summary>
/// <param name="Cluster">Position of the first text of the cluster: everything that is connected by similar pairs.</param>
/// <param name="Leader">Position of the kept text that this one copies; its own position when it is kept.</param>
/// <param name="Similarity">Similarity to the leader, 1 for a leader.</param>
public readonly record struct ClusterPlace(int Cluster, int Leader, double Similarity);

/// <summary>
/// Finds near-copies: (1) shingles, (2) MinHash signatures, (3) locality-sensitive buckets give candidates, (4) exact Jaccard decides,
/// (5) connected components are clusters, and within a cluster a text is a copy only of a text to which it is itself similar, so chains
/// of small changes lose no text that differs. The result depends only on texts and their order.
/// </summary>
public static class NearDuplicates
{
    /// <summary>Pairs below this are never stored; a recipe's threshold may be anything from here to 1.</summary>
    public const double LowestThreshold = 0.5;

    /// <summary>All pairs with similarity of at least <see cref="NearDuplicateOptions.Threshold"/>, ordered by position.</summary>
    public static IReadOnlyList<SimilarPair> Pairs(IReadOnlyList<string> texts, NearDuplicateOptions options, CancellationToken cancellation = default)
    {
        var sets = new ShingleSet[texts.Count];
        var signatures = new uint[texts.Count][];
        Parallel.For(0, texts.Count, new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount }, i =>
        {
            sets[i] = ShingleSet.Of(texts[i], options.Unit, SizeFor(texts[i], options));
            signatures[i] = MinHash.Signature(sets[i]);
        });

        // 6 rows × 21 bands find a pair of similarity 0.8 with 0.998; 5 × 25 one of 0.7 with 0.990; 4 × 32 one of 0.5 with 0.87, of 0.6 with 0.99.
        var rows = options.Threshold >= 0.8 ? 6 : options.Threshold >= 0.7 ? 5 : 4;
        var bands = MinHash.Length / rows;
        var candidates = new HashSet<long>();
        for (var band = 0; band < bands; band++)
        {
            cancellation.ThrowIfCancellationRequested();
            var buckets = new Dictionary<ulong, List<int>>();
            for (var i = 0; i < texts.Count; i++)
            {
                if (sets[i].Count == 0)
                {
                    continue;
                }

                var key = 0UL;
                for (var r = 0; r < rows; r++)
                {
                    key = ShingleSet.Mix(key ^ signatures[i][(band * rows) + r]);
                }

                ref var bucket = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(buckets, key, out var exists);
                if (!exists)
                {
                    bucket = [];
                }

                AddCandidates(candidates, bucket!, i);
                bucket!.Add(i);
            }
        }

        return
        [
            .. candidates.AsParallel().WithCancellation(cancellation)
                .Select(c => new SimilarPair((int)(c >> 32), (int)c, ShingleSet.Jaccard(sets[(int)(c >> 32)], sets[(int)c])))
                .Where(p => p.Similarity >= options.Threshold)
                .AsEnumerable().OrderBy(p => p.First).ThenBy(p => p.Second),
        ];
    }

    /// <summary>Places every text; pairs below <paramref name="threshold"/> are ignored.</summary>
    public static ClusterPlace[] Cluster(int count, IReadOnlyList<SimilarPair> pairs, double threshold)
    {
        var parent = Enumerable.Range(0, count).ToArray();
        var earlier = new Dictionary<int, List<SimilarPair>>();
        foreach (var pair in pairs)
        {
            if (pair.Similarity < threshold)
            {
                continue;
            }

            var (a, b) = (Root(parent, pair.First), Root(parent, pair.Second));
            parent[Math.Max(a, b)] = Math.Min(a, b);
            if (!earlier.TryGetValue(pair.Second, out var list))
            {
                earlier[pair.Second] = list = [];
            }

            list.Add(pair);
        }

        var places = new ClusterPlace[count];
        for (var i = 0; i < count; i++)
        {
            var leader = new SimilarPair(i, i, -1);
            if (earlier.TryGetValue(i, out var list))
            {
                foreach (var pair in list)
                {
                    if (places[pair.First].Leader == pair.First && pair.Similarity > leader.Similarity)
                    {
                        leader = pair;
                    }
                }
            }

            places[i] = new ClusterPlace(Root(parent, i), leader.First, leader.Similarity < 0 ? 1 : leader.Similarity);
        }

        return places;
    }

    /// <summary>
    /// A bucket of n identical signatures would give n² / 2 pairs; comparing with the first 64 and the last keeps clusters whole, since
    /// members of a large bucket are nearly always copies of its first ones.
    /// </summary>
    private static void AddCandidates(HashSet<long> candidates, List<int> bucket, int i)
    {
        for (var k = 0; k < Math.Min(bucket.Count, 64); k++)
        {
            candidates.Add(((long)bucket[k] << 32) | (uint)i);
        }

        if (bucket.Count > 64)
        {
            candidates.Add(((long)bucket[^1] << 32) | (uint)i);
        }
    }

    /// <summary>
    /// A Han character says about as much as two Latin letters, and one changed character breaks as many shingles as they are long: character
    /// shingles of Chinese texts are half as long.
    /// </summary>
    private static int SizeFor(string text, NearDuplicateOptions options)
    {
        if (options.Unit == ShingleUnit.Words)
        {
            return options.Size;
        }

        int han = 0, letters = 0;
        foreach (var c in text)
        {
            han += TextFolding.IsHan(c) ? 1 : 0;
            letters += char.IsLetterOrDigit(c) ? 1 : 0;
        }

        return han * 2 > letters ? (options.Size + 1) / 2 : options.Size;
    }

    private static int Root(int[] parent, int i)
    {
        while (parent[i] != i)
        {
            i = parent[i] = parent[parent[i]];
        }

        return i;
    }
}
