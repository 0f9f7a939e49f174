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
        var graph = new SplitComponents(rows);

        // 2. What was placed before.
        var parts = new string?[graph.Count];
        var conflicts = 0;
        foreach (var (key, component) in earlier is null ? [] : graph.Keys)
        {
            if (earlier!.TryGetValue(key, out var before) && before != parts[component])
            {
                conflicts += parts[component] is not null && graph.AddConflict(component) ? 1 : 0;
                parts[component] = parts[component] is { } other && Array.IndexOf(Order, other) > Array.IndexOf(Order, before) ? other : before;
            }
        }

        // 3. The rest, stratum by stratum. What a stratum could not give, because its components are too large or too few, the next one gives.
        var (testCarry, validationCarry) = (0.0, 0.0);
        foreach (var stratum in graph.Strata())
        {
            var total = stratum.Members.Sum(c => graph.SizeOf(c));
            var test = (options.Test * total) + testCarry - stratum.Members.Where(c => parts[c] == SplitNames.Test).Sum(c => graph.SizeOf(c));
            var validation = (options.Validation * total) + validationCarry - stratum.Members.Where(c => parts[c] == SplitNames.Validation).Sum(c => graph.SizeOf(c));
            var waiting = stratum.Members.Where(c => parts[c] is null).OrderBy(c => ClusterSplit.Draw(graph.NameOf(c), options.Salt, stratum.Name)).ThenBy(graph.NameOf, StringComparer.Ordinal).ToList();
            (testCarry, validationCarry) = (Fill(SplitNames.Test, test), Fill(SplitNames.Validation, validation));
            waiting.ForEach(c => parts[c] ??= SplitNames.Train);

            // Takes components while they bring the part closer to its share; returns what is still wanted, negative when there is too much.
            double Fill(string part, double wanted)
            {
                foreach (var component in waiting)
                {
                    if (parts[component] is null && graph.SizeOf(component) / 2.0 < wanted)
                    {
                        parts[component] = part;
                        wanted -= graph.SizeOf(component);
                    }
                }

                return wanted;
            }
        }

        var keyParts = new Dictionary<string, string>(graph.KeyCount, StringComparer.Ordinal);
        foreach (var (key, component) in graph.Keys)
        {
            keyParts[key] = parts[component]!;
        }

        foreach (var (key, part) in earlier ?? new Dictionary<string, string>())
        {
            keyParts.TryAdd(key, part);
        }

        return new GroupedSplitResult([.. Enumerable.Range(0, rows.Count).Select(r => parts[graph.ComponentOf(r)]!)], keyParts, graph.Count, conflicts);
    }
}
