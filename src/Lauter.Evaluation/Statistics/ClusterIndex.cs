namespace Lauter.Evaluation.Statistics;

/// <summary>Which items belong together. Items of one cluster are not independent, so errors and resampling go by cluster.</summary>
public sealed class ClusterIndex
{
    private readonly int[][] _members;

    private ClusterIndex(int[][] members, int items)
    {
        _members = members;
        Items = items;
    }

    /// <summary>Number of clusters.</summary>
    public int Count => _members.Length;

    /// <summary>Number of items.</summary>
    public int Items { get; }

    /// <summary>True when some cluster holds more than one item.</summary>
    public bool IsClustered => Count < Items;

    /// <summary>Indices of the items of cluster <paramref name="cluster"/>, 0 ≤ cluster &lt; <see cref="Count"/>.</summary>
    public ReadOnlySpan<int> Members(int cluster) => _members[cluster];

    /// <summary>Clusters in order of their first item.</summary>
    public static ClusterIndex Of<T>(IEnumerable<T> clusterOfItem)
        where T : notnull
    {
        var lists = new List<List<int>>();
        var byKey = new Dictionary<T, List<int>>();
        var item = 0;
        foreach (var key in clusterOfItem)
        {
            if (!byKey.TryGetValue(key, out var list))
            {
                byKey[key] = list = [];
                lists.Add(list);
            }

            list.Add(item++);
        }

        return new ClusterIndex([.. lists.Select(l => l.ToArray())], item);
    }
}
