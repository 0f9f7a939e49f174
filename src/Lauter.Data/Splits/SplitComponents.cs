using Lauter.Data.Dedup;

namespace Lauter.Data.Splits;

/// <summary>Rows that share a key, directly or through other rows, as one component each. Some 20 bytes a row and 50 a key beside the keys themselves.</summary>
internal sealed class SplitComponents
{
    private readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal);
    private readonly int[] _componentOfKey;
    private readonly int[] _componentOfRow;
    private readonly string[] _names;
    private readonly int[] _sizes;
    private readonly string[] _strata;
    private readonly HashSet<int> _conflicts = [];

    /// <exception cref="ArgumentException">A row has no key.</exception>
    public SplitComponents(IReadOnlyList<SplitRow> rows)
    {
        foreach (var key in rows.SelectMany(r => r.Keys))
        {
            _numbers.TryAdd(key, _numbers.Count);
        }

        var sets = new DisjointSets(_numbers.Count);
        for (var i = 0; i < rows.Count; i++)
        {
            if (rows[i].Keys.Count == 0)
            {
                throw new ArgumentException($"Row {i} has no key: give it its cluster, or its own id.");
            }

            foreach (var key in rows[i].Keys)
            {
                sets.Union(_numbers[rows[i].Keys[0]], _numbers[key]);
            }
        }

        // Components are numbered as their first keys come; the least key names one.
        _componentOfKey = new int[_numbers.Count];
        var roots = new Dictionary<int, int>();
        var names = new List<string>();
        foreach (var (key, number) in _numbers)
        {
            if (!roots.TryGetValue(sets.Root(number), out var component))
            {
                roots[sets.Root(number)] = component = names.Count;
                names.Add(key);
            }

            _componentOfKey[number] = component;
            names[component] = string.CompareOrdinal(key, names[component]) < 0 ? key : names[component];
        }

        _names = [.. names];
        _sizes = new int[names.Count];
        _componentOfRow = new int[rows.Count];
        for (var i = 0; i < rows.Count; i++)
        {
            _componentOfRow[i] = _componentOfKey[_numbers[rows[i].Keys[0]]];
            _sizes[_componentOfRow[i]]++;
        }

        _strata = StrataOf(rows);
    }

    /// <summary>Components.</summary>
    public int Count => _names.Length;

    public int KeyCount => _numbers.Count;

    /// <summary>Every key with its component.</summary>
    public IEnumerable<(string Key, int Component)> Keys => _numbers.Select(n => (n.Key, _componentOfKey[n.Value]));

    public int ComponentOf(int row) => _componentOfRow[row];

    /// <summary>Rows.</summary>
    public int SizeOf(int component) => _sizes[component];

    public string NameOf(int component) => _names[component];

    /// <summary>True when the component had none before.</summary>
    public bool AddConflict(int component) => _conflicts.Add(component);

    /// <summary>Components by stratum, in the order of the strata's names.</summary>
    public IEnumerable<(string Name, List<int> Members)> Strata() =>
        Enumerable.Range(0, Count).GroupBy(c => _strata[c], StringComparer.Ordinal).OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => (s.Key, s.ToList()));

    /// <summary>The stratum of most rows of each component, of several the least name.</summary>
    private string[] StrataOf(IReadOnlyList<SplitRow> rows)
    {
        var strata = new string[Count];
        var counts = new Dictionary<(int Component, string Stratum), int>();
        for (var i = 0; i < rows.Count; i++)
        {
            var component = _componentOfRow[i];
            strata[component] ??= rows[i].Stratum;
            if (_sizes[component] > 1)
            {
                counts[(component, rows[i].Stratum)] = counts.GetValueOrDefault((component, rows[i].Stratum)) + 1;
            }
        }

        foreach (var component in counts.GroupBy(c => c.Key.Component))
        {
            strata[component.Key] = component.OrderByDescending(c => c.Value).ThenBy(c => c.Key.Stratum, StringComparer.Ordinal).First().Key.Stratum;
        }

        return strata;
    }
}
