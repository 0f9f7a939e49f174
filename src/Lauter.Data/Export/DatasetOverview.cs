using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Data.Operators;
using Lauter.Data.Rows;
using Lauter.Data.Tables;

namespace Lauter.Data.Export;

/// <summary>Dropped rows of one reason.</summary>
/// <param name="Reason">Stable code.</param>
/// <param name="Count">How many.</param>
/// <param name="Samples">The first of them.</param>
public sealed record RejectSample(string Reason, long Count, IReadOnlyList<RejectRow> Samples);

/// <summary>One operator or reader of the funnel.</summary>
/// <param name="Stage">Its name.</param>
/// <param name="Dropped">Rows that it was the first to drop.</param>
/// <param name="Left">Rows left after it.</param>
public sealed record FunnelStage(string Stage, long Dropped, long Left);

/// <summary>One measured number as bars: twentieths of 0 to 1 for shares, powers of two for counts.</summary>
/// <param name="Language">Of the texts.</param>
/// <param name="Measure">Column.</param>
/// <param name="IsCount">Powers of two instead of twentieths.</param>
/// <param name="Bars">Rows in each.</param>
public sealed record MeasureBars(string Language, string Measure, bool IsCount, IReadOnlyList<long> Bars);

/// <summary>
/// What became of the rows of a dataset version or of a run, from the files in its directory: <c>report.json</c>, <c>rejects-*</c> and, when the report has no
/// histograms, <c>scores-*</c>. Reads at most 64 MiB of rejects for the samples.
/// </summary>
public sealed record DatasetOverview
{
    private const int SamplesOfReason = 10;
    private const long MostRejectBytes = 64L << 20;

    /// <summary>Rows read.</summary>
    public required long RowsIn { get; init; }

    /// <summary>Rows kept.</summary>
    public required long RowsOut { get; init; }

    /// <summary>What dropped how many, in the order of the recipe.</summary>
    public required IReadOnlyList<FunnelStage> Funnel { get; init; }

    /// <summary>Rows that each edit changed.</summary>
    public required IReadOnlyDictionary<string, long> Changed { get; init; }

    /// <summary>Masked personal data by kind.</summary>
    public required IReadOnlyDictionary<string, long> Redactions { get; init; }

    /// <summary>Kept rows by language.</summary>
    public required IReadOnlyDictionary<string, long> Languages { get; init; }

    /// <summary>Measured numbers of all rows, dropped ones included.</summary>
    public required IReadOnlyList<MeasureBars> Histograms { get; init; }

    /// <summary>By reason, the most frequent first.</summary>
    public required IReadOnlyList<RejectSample> Rejects { get; init; }

    /// <summary>Reads a directory.</summary>
    /// <param name="directory">Output of a run, or the objects of a version under their names.</param>
    /// <param name="recipe">Names of its operators in order; null: those in the report, or the order of the catalogue.</param>
    /// <exception cref="FileNotFoundException">There is no <c>report.json</c>.</exception>
    public static DatasetOverview Read(string directory, IReadOnlyList<string>? recipe = null)
    {
        var report = JsonNode.Parse(File.ReadAllBytes(Path.Combine(directory, ReportFile.FileName)))!.AsObject();
        var expected = Counts(report["dropped"] ?? report["rejected"]);
        var rowsOut = Number(report["rows_out"] ?? report["documents_out"]);
        var rowsIn = Number(report["rows_in"] ?? report["documents_in"] ?? rowsOut + expected.Values.Sum());
        var (reasons, stages, rejects) = Sample(directory, expected);
        var byStage = Counts(report["dropped_by"]) is { Count: > 0 } known ? known : stages;
        recipe ??= report["recipe"]?["operators"] is JsonArray operators ? [.. operators.Select(NameOf)] : [.. OperatorCatalog.All.Select(o => o.Name)];
        var left = rowsIn;
        return new DatasetOverview
        {
            RowsIn = rowsIn, RowsOut = rowsOut,
            Funnel = [.. byStage.Where(s => s.Value > 0).OrderBy(s => Place(recipe, s.Key)).ThenBy(s => s.Key, StringComparer.Ordinal).Select(s => new FunnelStage(s.Key, s.Value, left -= s.Value))],
            Changed = Counts(report["changed"]), Redactions = Counts(report["redactions"]), Languages = Counts(report["by_language"]),
            Histograms = report["histograms"] is JsonObject histograms ? [.. histograms.Select(h => Bars(h.Key, [.. h.Value!.AsArray().Select(b => (long)b!)]))] : Measured(directory),
            Rejects = [.. reasons.OrderByDescending(r => r.Value).ThenBy(r => r.Key, StringComparer.Ordinal).Select(r => new RejectSample(r.Key, r.Value, rejects.GetValueOrDefault(r.Key, [])))],
        };
    }

    /// <summary>The rejects about a row, with its id as it stands in the files.</summary>
    public static IEnumerable<RejectRow> RejectsOf(string directory, string id) => RejectFiles(directory).SelectMany(ReadRejects).Where(r => r.Id == id);

    private static (SortedDictionary<string, long> Reasons, SortedDictionary<string, long> Stages, Dictionary<string, List<RejectRow>> Samples) Sample(string directory, SortedDictionary<string, long> expected)
    {
        var (reasons, stages) = (new SortedDictionary<string, long>(StringComparer.Ordinal), new SortedDictionary<string, long>(StringComparer.Ordinal));
        var samples = new Dictionary<string, List<RejectRow>>(StringComparer.Ordinal);
        var bytes = 0L;
        foreach (var file in RejectFiles(directory))
        {
            // With a report that counts, only samples are wanted, and those may be few.
            if (expected.Count > 0 && (bytes > MostRejectBytes || expected.All(e => samples.TryGetValue(e.Key, out var s) && s.Count >= Math.Min(SamplesOfReason, e.Value))))
            {
                break;
            }

            bytes += new FileInfo(file).Length;
            foreach (var row in ReadRejects(file))
            {
                Tally.Count(reasons, row.Reason);
                Tally.Count(stages, row.Stage);
                if (!samples.TryGetValue(row.Reason, out var list))
                {
                    samples[row.Reason] = list = [];
                }

                if (list.Count < SamplesOfReason)
                {
                    list.Add(row);
                }
            }
        }

        return (expected.Count > 0 ? expected : reasons, stages, samples);
    }

    private static IEnumerable<string> RejectFiles(string directory) => Directory.GetFiles(directory, "rejects-*").Where(f => Path.GetExtension(f) is ".parquet" or ".jsonl").Order(StringComparer.Ordinal);

    private static IEnumerable<RejectRow> ReadRejects(string file)
    {
        if (RowFile.IsParquet(file))
        {
            return ParquetDataset.ReadRejects(file);
        }

        return JsonLines.Read(file).SelectMany(b => b.Lines()).Select(l => JsonNode.Parse(l.Line.Span)!.AsObject()).Select(r => new RejectRow
        {
            Id = (string)r["id"]!, Source = (string)r["source"]!, Position = (int)r["position"]!, Stage = (string)r["stage"]!, Reason = (string)r["reason"]!, Detail = (string)r["detail"]!, Text = (string)r["text"]!,
        });
    }

    /// <summary>Histograms from the numbers of every row.</summary>
    private static List<MeasureBars> Measured(string directory)
    {
        var bars = new SortedDictionary<string, long[]>(StringComparer.Ordinal);
        foreach (var (line, _) in Directory.GetFiles(directory, "scores-*.parquet").Order(StringComparer.Ordinal).SelectMany(ParquetRows.Read).SelectMany(b => b.Lines()))
        {
            using var row = JsonDocument.Parse(line);
            var language = row.RootElement.TryGetProperty("language", out var l) ? l.GetString() : null;
            foreach (var member in row.RootElement.EnumerateObject().Where(m => m.Value.ValueKind == JsonValueKind.Number))
            {
                var key = $"{language ?? "und"}/{member.Name}";
                if (!bars.TryGetValue(key, out var counts))
                {
                    bars[key] = counts = new long[Tally.Bars];
                }

                counts[Tally.Bar(member.Name, member.Value.GetDouble())]++;
            }
        }

        return [.. bars.Select(b => Bars(b.Key, b.Value))];
    }

    private static MeasureBars Bars(string key, long[] counts)
    {
        var (language, measure) = key.IndexOf('/', StringComparison.Ordinal) is >= 0 and var at ? (key[..at], key[(at + 1)..]) : ("und", key);
        return new MeasureBars(language, measure, Tally.IsCount(measure), counts);
    }

    /// <summary>What reads and what finds nothing left comes before the recipe's first rule.</summary>
    private static int Place(IReadOnlyList<string> recipe, string stage)
    {
        for (var i = 0; i < recipe.Count; i++)
        {
            if (recipe[i] == stage)
            {
                return i;
            }
        }

        return -1;
    }

    private static string NameOf(JsonNode? call) => call is JsonObject o ? (string?)o["name"] ?? (o.Count > 0 ? o.First().Key : "") : (string?)call ?? "";

    private static long Number(JsonNode? node) => node is null ? 0 : (long)node;

    private static SortedDictionary<string, long> Counts(JsonNode? node) =>
        node is JsonObject counts ? new SortedDictionary<string, long>(counts.Where(c => (long)c.Value! > 0).ToDictionary(c => c.Key, c => (long)c.Value!), StringComparer.Ordinal) : new SortedDictionary<string, long>(StringComparer.Ordinal);
}
