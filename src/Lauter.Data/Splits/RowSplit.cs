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
/// <param name="Components">Sets of near-copies and groups; none spans two parts.</param>
/// <param name="Conflicts">Sets that an earlier version had placed in different parts.</param>
/// <param name="HeldOut">Rows of the test part.</param>
/// <param name="Leaks">By similarity: test rows with a text at least so alike in training.</param>
/// <param name="Strata">By <c>value/part</c>.</param>
/// <param name="Unreadable">Lines that are no rows.</param>
public sealed record RowSplitReport(
    IReadOnlyDictionary<string, int> Rows, int Components, int Conflicts, int HeldOut, IReadOnlyDictionary<string, int> Leaks, IReadOnlyDictionary<string, int> Strata, int Unreadable);

/// <summary>
/// Splits rows of a file by cluster: (1) near-copies and equal group values tie rows together, (2) each set goes to a part by the hash of its name,
/// those of an earlier version to the part they had, (3) what still leaks is measured, not assumed.
/// </summary>
public static class RowSplit
{
    private const string MapFile = "split.json";

    private sealed record Row(string Id, string Text, string Stratum, IReadOnlyList<string> Groups, string Line);

    /// <summary>Splits.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static RowSplitReport Run(RowSplitOptions options, CancellationToken cancellation = default)
    {
        var (rows, unreadable) = Read(options, cancellation);

        // 1. Clusters.
        var bands = LshBands.Default;
        using var index = DuplicateIndex.Open(null, new DuplicateIndexOptions { Bands = bands });
        index.Add(rows.Select(r => new DuplicateDocument(r.Id, r.Text)).Chunk(256), cancellation);
        var verdicts = index.Decide(Math.Max(options.Threshold, NearDuplicates.LowestThreshold), KeepPolicy.First);
        var keyed = rows.Select((r, i) => new SplitRow(["texts:" + verdicts[i].Cluster, .. r.Groups], r.Stratum)).ToList();

        // 2. Parts.
        var split = GroupedSplit.Assign(keyed, new SplitOptions(options.Test, options.Validation), Earlier(options));

        // 3. Leaks.
        var leak = SplitLeakage.Measure(split.Parts, index.Pairs, bands, keyed);
        Write(options, rows, split, leak);
        return new RowSplitReport(
            Count(split.Parts), split.Components, split.Conflicts, leak.HeldOut, leak.WithNeighbour,
            options.StratifyField is null ? new Dictionary<string, int>() : Count(rows.Select((r, i) => $"{r.Stratum}/{split.Parts[i]}")), unreadable);
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
                    rows.Add(new Row(id, text, options.StratifyField is { } s ? row[s]?.ToString() ?? "" : "", [.. options.GroupFields.Select(g => row[g]?.ToString() is { Length: > 0 } value ? $"{g}:{value}" : $"{g} of line:{number}")], line));
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

    private static Dictionary<string, string> Earlier(RowSplitOptions options) =>
        options.Earlier is { } directory
            ? JsonNode.Parse(File.ReadAllBytes(Path.Combine(directory, MapFile)))!["keys"]!.AsObject().ToDictionary(k => k.Key, k => (string)k.Value!, StringComparer.Ordinal)
            : [];

    private static void Write(RowSplitOptions options, List<Row> rows, GroupedSplitResult split, SplitLeakage leak)
    {
        foreach (var part in new[] { SplitNames.Train, SplitNames.Validation, SplitNames.Test })
        {
            var text = new StringBuilder();
            for (var i = 0; i < rows.Count; i++)
            {
                if (split.Parts[i] == part)
                {
                    text.Append(rows[i].Line).Append('\n');
                }
            }

            AtomicFile.WriteAllBytes(Path.Combine(options.OutputDirectory, part + ".jsonl"), Encoding.UTF8.GetBytes(text.ToString()));
        }

        AtomicFile.WriteAllBytes(Path.Combine(options.OutputDirectory, MapFile), CanonicalJson.Serialize(new JsonObject { ["keys"] = new JsonObject(split.KeyParts.Select(k => KeyValuePair.Create(k.Key, (JsonNode?)k.Value))), ["leak"] = leak.ToJson() }));
    }

    private static SortedDictionary<string, int> Count(IEnumerable<string> keys) => new(keys.GroupBy(k => k).ToDictionary(g => g.Key, g => g.Count()), StringComparer.Ordinal);
}
