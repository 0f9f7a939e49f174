using Lauter.Data.Dedup;
using Lauter.Data.Export;

namespace Lauter.Data.Splits;

/// <summary>A row as a split sees it.</summary>
/// <param name="Keys">Its near-duplicate cluster and the values of its group columns, each with its column's name in front. Rows that share a key share a part.</param>
/// <param name="Stratum">The label, or labels, whose shares should be the same in every part; empty: none.</param>
public readonly record struct SplitRow(IReadOnlyList<string> Keys, string Stratum = "");

/// <summary>A finished split.</summary>
/// <param name="Parts">Part of each row, one of <see cref="SplitNames"/>.</param>
/// <param name="KeyParts">Part of each key: give it to the next version as <c>earlier</c>.</param>
/// <param name="Components">Sets of rows that had to stay together.</param>
/// <param name="Conflicts">Components whose keys stood in different parts before: a new row ties them together. They go to the latest of the parts, test last.</param>
public sealed record GroupedSplitResult(string[] Parts, IReadOnlyDictionary<string, string> KeyParts, int Components, int Conflicts);

/// <summary>
/// Shares rows out by near-duplicate cluster and group columns at once, with equal shares in each stratum: (1) rows that share a key are one component, (2) a component
/// that was placed before stays, (3) the others are placed in the order of a hash of their name until each stratum has its share. The hash does not depend on other rows, so
/// growth moves few rows, and none when <c>earlier</c> is given. Pure.
/// </summary>
public static class GroupedSplit
{
    private static readonly string[] Order = [SplitNames.Train, SplitNames.Validation, SplitNames.Test];

    /// <param name="rows">Rows in any order; the order changes nothing.</param>
    /// <param name="options">Shares and salt; <see cref="SplitOptions.TestWhere"/> is not read here.</param>
    /// <param name="earlier"><see cref="GroupedSplitResult.KeyParts"/> of the earlier version.</param>
    /// <exception cref="ArgumentException">A row has no key, or the shares are out of range.</exception>
    public static GroupedSplitResult Assign(IReadOnlyList<SplitRow> rows, SplitOptions options, IReadOnlyDictionary<string, string>? earlier = null)
    {
        if (options.Test is < 0 or > 0.9 || options.Validation is < 0 or > 0.9 || options.Test + options.Validation >= 1)
        {
            throw new ArgumentException($"The shares are test {options.Test:0.###} and validation {options.Validation:0.###}: each must be 0 to 0.9, and something must be left for training.");
        }

        // 1. Components.
        var components = Components(rows);

        // 2. What was placed before.
        var (parts, keyParts) = (new string[rows.Count], new Dictionary<string, string>(StringComparer.Ordinal));
        var open = new List<Component>();
        var conflicts = 0;
        foreach (var component in components)
        {
            var before = component.Keys.Select(k => earlier?.GetValueOrDefault(k)).OfType<string>().Distinct(StringComparer.Ordinal).ToList();
            conflicts += before.Count > 1 ? 1 : 0;
            component.Part = before.Count == 0 ? null : before.MaxBy(p => Array.IndexOf(Order, p));
            if (component.Part is null)
            {
                open.Add(component);
            }
        }

        // 3. The rest, stratum by stratum. What a stratum could not give, because its components are too large or too few, the next one gives.
        var (testCarry, validationCarry) = (0.0, 0.0);
        foreach (var stratum in components.GroupBy(c => c.Stratum, StringComparer.Ordinal).OrderBy(s => s.Key, StringComparer.Ordinal))
        {
            var total = stratum.Sum(c => c.Rows.Count);
            var test = (options.Test * total) + testCarry - stratum.Where(c => c.Part == SplitNames.Test).Sum(c => c.Rows.Count);
            var validation = (options.Validation * total) + validationCarry - stratum.Where(c => c.Part == SplitNames.Validation).Sum(c => c.Rows.Count);
            var waiting = stratum.Where(c => c.Part is null).OrderBy(c => ClusterSplit.Draw(c.Keys[0], options.Salt, stratum.Key)).ThenBy(c => c.Keys[0], StringComparer.Ordinal).ToList();
            test = Fill(waiting, SplitNames.Test, test);
            validation = Fill(waiting, SplitNames.Validation, validation);
            waiting.ForEach(c => c.Part ??= SplitNames.Train);
            (testCarry, validationCarry) = (test, validation);
        }

        foreach (var component in components)
        {
            component.Rows.ForEach(r => parts[r] = component.Part!);
            component.Keys.ForEach(k => keyParts[k] = component.Part!);
        }

        foreach (var (key, part) in earlier ?? new Dictionary<string, string>())
        {
            keyParts.TryAdd(key, part);
        }

        return new GroupedSplitResult(parts, keyParts, components.Count, conflicts);
    }

    /// <summary>Takes components while they bring the part closer to its share; returns what is still wanted, negative when there is too much.</summary>
    private static double Fill(List<Component> waiting, string part, double wanted)
    {
        foreach (var component in waiting)
        {
            if (component.Part is null && component.Rows.Count / 2.0 < wanted)
            {
                component.Part = part;
                wanted -= component.Rows.Count;
            }
        }

        return wanted;
    }

    private static List<Component> Components(IReadOnlyList<SplitRow> rows)
    {
        var numbers = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var key in rows.SelectMany(r => r.Keys))
        {
            numbers.TryAdd(key, numbers.Count);
        }

        var sets = new DisjointSets(numbers.Count);
        for (var i = 0; i < rows.Count; i++)
        {
            if (rows[i].Keys.Count == 0)
            {
                throw new ArgumentException($"Row {i} has no key: give it its cluster, or its own id.");
            }

            foreach (var key in rows[i].Keys)
            {
                sets.Union(numbers[rows[i].Keys[0]], numbers[key]);
            }
        }

        var components = new Dictionary<int, Component>();
        foreach (var (key, number) in numbers)
        {
            var root = sets.Root(number);
            if (!components.TryGetValue(root, out var component))
            {
                components[root] = component = new Component();
            }

            component.Keys.Add(key);
        }

        for (var i = 0; i < rows.Count; i++)
        {
            components[sets.Root(numbers[rows[i].Keys[0]])].Rows.Add(i);
        }

        foreach (var component in components.Values)
        {
            component.Keys.Sort(StringComparer.Ordinal);
            component.Stratum = component.Rows.GroupBy(r => rows[r].Stratum, StringComparer.Ordinal).OrderByDescending(g => g.Count()).ThenBy(g => g.Key, StringComparer.Ordinal).First().Key;
        }

        return [.. components.Values];
    }

    private sealed class Component
    {
        /// <summary>Ascending; the first one names the component.</summary>
        public List<string> Keys { get; } = [];

        public List<int> Rows { get; } = [];

        public string Stratum { get; set; } = "";

        public string? Part { get; set; }
    }
}
