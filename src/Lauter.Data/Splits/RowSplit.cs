using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Catalog.Objects;
using Lauter.Data.Dedup;
using Lauter.Data.Export;

namespace Lauter.Data.Splits;

/// <summary>How <see cref="RowSplit"/> shares out the rows of a file.</summary>
public sealed record RowSplitOptions
{
    /// <summary>JSONL file.</summary>
    public required string Input { get; init; }

    /// <summary>Receives <c>train.jsonl</c>, <c>validation.jsonl</c>, <c>test.jsonl</c>, <c>split.json</c>.</summary>
    public required string OutputDirectory { get; init; }

    /// <summary>Share of the test part, 0 to 0.9.</summary>
    public double Test { get; init; } = 0.1;

    /// <summary>Share of the validation part, 0 to 0.9.</summary>
    public double Validation { get; init; } = 0.1;

    /// <summary>Members whose equal values keep rows in one part: a customer, a document.</summary>
    public IReadOnlyList<string> GroupFields { get; init; } = [];

    /// <summary>Member whose values have the same share in every part, as far as whole clusters allow; null: none.</summary>
    public string? StratifyField { get; init; }

    /// <summary>Output directory of an earlier version: its rows keep their parts.</summary>
    public string? Earlier { get; init; }

    /// <summary>Exact Jaccard similarity from which two texts stay in one part, 0.5 to 1.</summary>
    public double Threshold { get; init; } = 0.7;

    /// <summary>Member with the text.</summary>
    public string TextField { get; init; } = "text";

    /// <summary>Member with the id.</summary>
    public string IdField { get; init; } = "id";
}

/// <summary>What a split gave.</summary>
/// <param name="Rows">By part.</param>
/// <param name="Clusters">Clusters of near-copies and groups; none spans two parts.</param>
/// <param name="Leaks">By similarity: held-out rows with a text at least so alike in training. At and above the threshold 0 by construction, unless an earlier version forces it.</param>
/// <param name="Strata">By <c>value/part</c>.</param>
/// <param name="Unreadable">Lines that are no rows.</param>
public sealed record RowSplitReport(IReadOnlyDictionary<string, int> Rows, int Clusters, IReadOnlyDictionary<string, int> Leaks, IReadOnlyDictionary<string, int> Strata, int Unreadable);

/// <summary>
/// Splits rows of a file by cluster: (1) near-copies and equal group values tie rows together, (2) each cluster goes to a part by the hash of its name,
/// those of an earlier version to the part they had, (3) what still leaks is measured, not assumed.
/// </summary>
public static class RowSplit
{
    private const string MapFile = "split.json";
    private static readonly double[] Levels = [0.5, 0.6, 0.7, 0.8, 0.9, 1];

    private sealed record Row(string Id, string Text, string Stratum, IReadOnlyList<string> Groups, string Line);

    /// <summary>Splits.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static RowSplitReport Run(RowSplitOptions options, CancellationToken cancellation = default)
    {
        var (rows, unreadable) = Read(options, cancellation);

        // 1. Clusters.
        using var index = DuplicateIndex.Open(null, new DuplicateIndexOptions());
        index.Add(rows.Select(r => new DuplicateDocument(r.Id, r.Text)).Chunk(256), cancellation);
        var verdicts = index.Decide(Math.Max(options.Threshold, NearDuplicates.LowestThreshold), KeepPolicy.First);
        var sets = new DisjointSets(rows.Count);
        Tie(sets, verdicts.Select(v => v.Cluster));
        for (var g = 0; g < options.GroupFields.Count; g++)
        {
            var at = g;
            Tie(sets, rows.Select(r => r.Groups[at]));
        }

        var clusters = Enumerable.Range(0, rows.Count).GroupBy(sets.Root).Select(g => g.ToList()).ToList();

        // A cluster's name must not depend on the order of the rows: the least group value, else the least cluster of texts.
        var names = clusters.ToDictionary(c => sets.Root(c[0]), c => options.GroupFields.Count > 0 ? "group " + c.Select(i => rows[i].Groups[0]).Min(StringComparer.Ordinal) : "texts " + c.Select(i => verdicts[i].Cluster).Min(StringComparer.Ordinal));

        // 2. Parts.
        var earlier = Earlier(options);
        var parts = new Dictionary<int, string>();
        foreach (var stratum in clusters.GroupBy(c => Majority(c, rows)))
        {
            var known = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var cluster in stratum)
            {
                // A test part is frozen: a cluster with a row that was tested stays there whole.
                var before = cluster.Select(i => earlier.GetValueOrDefault(rows[i].Id)).OfType<string>().OrderBy(p => p == SplitNames.Test ? 0 : p == SplitNames.Validation ? 1 : 2).FirstOrDefault();
                if (before is not null)
                {
                    known[names[sets.Root(cluster[0])]] = before;
                }
            }

            var assigned = ClusterSplit.Assign(
                [.. stratum.Select(c => new SplitCluster(names[sets.Root(c[0])], c.Count, true)).DistinctBy(c => c.Id)], new SplitOptions(options.Test, options.Validation), known);
            foreach (var cluster in stratum)
            {
                parts[sets.Root(cluster[0])] = assigned[names[sets.Root(cluster[0])]];
            }
        }

        var partOf = rows.Select((_, i) => parts[sets.Root(i)]).ToArray();

        // 3. Leaks.
        var leaks = Leaks(index, partOf);
        Write(options, rows, partOf, leaks);
        return new RowSplitReport(
            Count(partOf), clusters.Count, leaks,
            options.StratifyField is null ? new Dictionary<string, int>() : Count(rows.Select((r, i) => $"{r.Stratum}/{partOf[i]}")), unreadable);
    }

    private static (List<Row> Rows, int Unreadable) Read(RowSplitOptions options, CancellationToken cancellation)
    {
        var rows = new List<Row>();
        var unreadable = 0;
        var number = 0;
        foreach (var line in File.ReadLines(options.Input))
        {
            cancellation.ThrowIfCancellationRequested();
            number++;
            if (string.IsNullOrWhiteSpace(line))
            {
                continue;
            }

            try
            {
                if (JsonNode.Parse(line) is JsonObject row)
                {
                    // A row without such a text, a conversation for example, is compared as a whole.
                    var text = row[options.TextField] is JsonValue v && v.TryGetValue<string>(out var t) ? t : row.ToJsonString();
                    var id = row[options.IdField]?.ToString() ?? Rejects.IdOf(line);
                    rows.Add(new Row(id, text, options.StratifyField is { } s ? row[s]?.ToString() ?? "" : "", [.. options.GroupFields.Select(g => row[g]?.ToString() is { Length: > 0 } value ? value : $"{g} of line {number}")], line));
                    continue;
                }
            }
            catch (JsonException)
            {
                // Counted below.
            }

            unreadable++;
        }

        return (rows, unreadable);
    }

    private static void Tie(DisjointSets sets, IEnumerable<string> values)
    {
        var first = new Dictionary<string, int>(StringComparer.Ordinal);
        var i = 0;
        foreach (var value in values)
        {
            if (!first.TryAdd(value, i))
            {
                sets.Union(first[value], i);
            }

            i++;
        }
    }

    private static string Majority(List<int> cluster, List<Row> rows) => cluster.GroupBy(i => rows[i].Stratum).OrderByDescending(g => g.Count()).ThenBy(g => g.Key, StringComparer.Ordinal).First().Key;

    private static Dictionary<string, string> Earlier(RowSplitOptions options)
    {
        var map = new Dictionary<string, string>(StringComparer.Ordinal);
        if (options.Earlier is { } directory)
        {
            foreach (var (part, ids) in JsonNode.Parse(File.ReadAllBytes(Path.Combine(directory, MapFile)))!["parts"]!.AsObject())
            {
                foreach (var id in ids!.AsArray())
                {
                    map[(string)id!] = part;
                }
            }
        }

        return map;
    }

    /// <summary>Held-out rows with a training row at least so alike.</summary>
    private static SortedDictionary<string, int> Leaks(DuplicateIndex index, string[] partOf)
    {
        var best = new Dictionary<int, double>();
        foreach (var pair in index.Pairs)
        {
            Note(pair.First, pair.Second, pair.Similarity);
            Note(pair.Second, pair.First, pair.Similarity);
        }

        void Note(int held, int other, double similarity)
        {
            if (partOf[held] != SplitNames.Train && partOf[other] == SplitNames.Train)
            {
                best[held] = Math.Max(best.GetValueOrDefault(held), similarity);
            }
        }

        return new SortedDictionary<string, int>(Levels.ToDictionary(l => l.ToString("0.0", CultureInfo.InvariantCulture), l => best.Count(b => b.Value >= l)), StringComparer.Ordinal);
    }

    private static void Write(RowSplitOptions options, List<Row> rows, string[] partOf, SortedDictionary<string, int> leaks)
    {
        var map = new JsonObject();
        foreach (var part in new[] { SplitNames.Train, SplitNames.Validation, SplitNames.Test })
        {
            var text = new StringBuilder();
            var ids = new JsonArray();
            for (var i = 0; i < rows.Count; i++)
            {
                if (partOf[i] == part)
                {
                    text.Append(rows[i].Line).Append('\n');
                    ids.Add((JsonNode)rows[i].Id);
                }
            }

            AtomicFile.WriteAllBytes(Path.Combine(options.OutputDirectory, part + ".jsonl"), Encoding.UTF8.GetBytes(text.ToString()));
            map[part] = ids;
        }

        AtomicFile.WriteAllBytes(Path.Combine(options.OutputDirectory, MapFile), CanonicalJson.Serialize(new JsonObject { ["parts"] = map, ["leaks"] = ReportFile.Counts(leaks) }));
    }

    private static SortedDictionary<string, int> Count(IEnumerable<string> keys) => new(keys.GroupBy(k => k).ToDictionary(g => g.Key, g => g.Count()), StringComparer.Ordinal);
}
