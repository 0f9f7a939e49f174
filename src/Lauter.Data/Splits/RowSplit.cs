using System.Text.Json;
using Lauter.Data.Dedup;
using Lauter.Data.Export;
using Lauter.Data.Tables;

namespace Lauter.Data.Splits;

/// <summary>How <see cref="RowSplit"/> shares out the rows of a file.</summary>
public sealed record RowSplitOptions
{
    /// <summary>JSONL or Parquet file.</summary>
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

    /// <summary>Threads, 1 or more; the parts are the same whatever their number.</summary>
    public int Workers { get; init; } = Environment.ProcessorCount;
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
/// Splits rows of a file by cluster: (1) the file is read once for near-copies, group values and strata, which tie rows together, (2) <see cref="GroupedSplit"/>
/// places each set of rows, those of an earlier version where they were, (3) what still leaks is measured, not assumed, (4) the file is read again and each line
/// copied to its part. Texts stay on disk: memory goes with the number of rows, about 300 bytes each.
/// </summary>
public static class RowSplit
{
    private const string MapFile = "split.json";
    private static readonly string[] PartNames = [SplitNames.Train, SplitNames.Validation, SplitNames.Test];

    /// <summary>Splits.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file can't be read as rows.</exception>
    public static RowSplitReport Run(RowSplitOptions options, CancellationToken cancellation = default)
    {
        // 1. Clusters, groups, strata.
        var source = new SplitSource(options);
        using var index = DuplicateIndex.Open(null, new DuplicateIndexOptions { Bands = LshBands.Default, Workers = options.Workers });
        index.Add(RowFile.Read(options.Input), source.Parse, cancellation);
        var verdicts = index.Decide(Math.Max(options.Threshold, NearDuplicates.LowestThreshold), KeepPolicy.First);
        var rows = source.Rows(i => Keys(verdicts[i].Cluster, index.ContentOf(i)));

        // 2. Parts.
        var split = GroupedSplit.Assign(rows, new SplitOptions(options.Test, options.Validation), Earlier(options));

        // 3. Leaks.
        var pairs = index.Pairs.Concat(index.ExactCopies.Select(c => new SimilarPair(c.First, c.Copy, 1)));
        var leak = SplitLeakage.Measure(split.Parts, pairs, LshBands.Default, rows);

        // 4. Lines.
        Write(options, source, split.Parts, cancellation);
        WriteMap(Path.Combine(options.OutputDirectory, MapFile), split, leak);
        return new RowSplitReport(
            Count(split.Parts), split.Components, split.Conflicts, leak.HeldOut, leak.WithNeighbour,
            options.StratifyField is null ? new Dictionary<string, int>() : Count(rows.Select((r, i) => $"{r.Stratum}/{split.Parts[i]}")), source.Unreadable.Count);
    }

    /// <summary>A cluster may be called after a new member in a later version, a text never: a row has both names, so an earlier version is always found again.</summary>
    private static string[] Keys(string cluster, string content) => cluster == content ? [$"texts:{content}"] : [$"texts:{cluster}", $"texts:{content}"];

    private static Dictionary<string, string>? Earlier(RowSplitOptions options)
    {
        if (options.Earlier is not { } directory)
        {
            return null;
        }

        var parts = new Dictionary<string, string>(StringComparer.Ordinal);
        var reader = new Utf8JsonReader(File.ReadAllBytes(Path.Combine(directory, MapFile)));
        while (reader.Read() && !(reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 1 && reader.ValueTextEquals("keys"u8)))
        {
        }

        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            reader.Read();
            var part = reader.GetString();
            parts[key] = Array.Find(PartNames, p => p == part) ?? throw new InvalidDataException($"{Path.Combine(directory, MapFile)}: '{key}' has no part of this program.");
        }

        return parts;
    }

    private static void Write(RowSplitOptions options, SplitSource source, string[] parts, CancellationToken cancellation)
    {
        var files = PartNames.ToDictionary(p => p, p => new RowFileWriter(Path.Combine(options.OutputDirectory, p + ".jsonl")));
        try
        {
            var number = 0;
            foreach (var batch in RowFile.Read(options.Input))
            {
                cancellation.ThrowIfCancellationRequested();
                foreach (var (line, lineNumber) in batch.Lines())
                {
                    if (!source.Unreadable.ContainsKey(lineNumber))
                    {
                        files[parts[number++]].Write(line.Span);
                    }
                }
            }

            foreach (var file in files.Values)
            {
                file.Complete();
            }
        }
        finally
        {
            foreach (var file in files.Values)
            {
                file.Dispose();
            }
        }
    }

    private static void WriteMap(string path, GroupedSplitResult split, SplitLeakage leak)
    {
        var temporary = path + ".tmp";
        using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 18))
        using (var json = new Utf8JsonWriter(file, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteStartObject("keys");
            foreach (var (key, part) in split.KeyParts.OrderBy(k => k.Key, StringComparer.Ordinal))
            {
                json.WriteString(key, part);
                if (json.BytesPending > 1 << 16)
                {
                    json.Flush();
                }
            }

            json.WriteEndObject();
            json.WritePropertyName("leak");
            leak.ToJson().WriteTo(json);
            json.WriteEndObject();
            json.Flush();
            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
    }

    private static SortedDictionary<string, int> Count(IEnumerable<string> keys) => new(keys.CountBy(k => k, StringComparer.Ordinal).ToDictionary(StringComparer.Ordinal), StringComparer.Ordinal);
}
