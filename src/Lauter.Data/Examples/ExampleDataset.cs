using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using Lauter.Catalog.Objects;
using Lauter.Data.Dedup;
using Lauter.Data.Export;
using Lauter.Data.Operators;
using Lauter.Data.Redaction;
using Lauter.Data.Splits;
using Lauter.Data.Text;

namespace Lauter.Data.Examples;

/// <summary>
/// Labelled rows → dataset of kind <c>examples</c>: (1) read, (2) edit the texts, (3) drop by scores, (4) find near-copies, (5) keep one row
/// of each and make its label that of the majority, (6) split by cluster, (7) write. Equal input gives equal bytes.
/// </summary>
public static class ExampleDataset
{
    /// <summary>Writes <c>data-*.parquet</c>, <c>rejects-*.parquet</c>, <c>dataset.json</c> and <c>report.json</c> into <paramref name="outputDirectory"/>.</summary>
    /// <param name="files">Sources in the order that decides which of several copies is first.</param>
    /// <param name="options">What to do.</param>
    /// <param name="outputDirectory">Created when missing.</param>
    /// <param name="progress">Told after each stage.</param>
    /// <param name="cancellation">Stops between rows.</param>
    public static ExampleReport Build(IReadOnlyList<SourceFile> files, ExampleOptions options, string outputDirectory, IProgress<DataProgress>? progress = null, CancellationToken cancellation = default)
    {
        var clock = Stopwatch.StartNew();
        var rejects = new List<RejectRow>();

        // 1. Read.
        var sources = new List<SourceExample>();
        for (var i = 0; i < files.Count; i++)
        {
            ExampleReader.Read(files[i], options, sources, rejects, cancellation);
            progress?.Report(new DataProgress("read", i + 1, files.Count));
        }

        var rowsIn = sources.Count + rejects.Count;

        // 2. and 3. Edit, measure, drop.
        var redactions = new Dictionary<PersonalDataKind, int>();
        var rows = Clean(sources, options, rejects, redactions, progress, cancellation);

        // 4. Near-copies.
        var texts = rows.Select(r => r.Text).ToList();
        var near = DuplicateSearch.Options(options.Recipe);
        var pairs = DuplicateSearch.Pairs(texts, near, cancellation);
        var places = NearDuplicates.Cluster(rows.Count, pairs, near.Threshold);
        progress?.Report(new DataProgress("duplicates", rows.Count, rows.Count));

        // 5. One row of each group.
        var kept = Representatives(rows, places, options.Recipe, rejects);

        // 6. Split by cluster, or as the rows say.
        kept = options.SplitField is null ? kept : InGivenParts(kept, rows, places, rejects);
        var clusterIds = places.Select(p => p.Cluster).Distinct().ToDictionary(c => c, c => Rejects.IdOf(TextFolding.Fold(texts[c])));
        var sizes = places.GroupBy(p => p.Cluster).ToDictionary(g => g.Key, g => g.Count());
        var testable = Enumerable.Range(0, rows.Count).GroupBy(i => places[i].Cluster).ToDictionary(g => g.Key, g => g.All(i => rows[i].Source.MayBeTested));
        var clusters = kept.GroupBy(i => places[i].Cluster).Select(g => new SplitCluster(clusterIds[g.Key], g.Count(), testable[g.Key])).ToList();
        var parts = ClusterSplit.Assign([.. clusters.DistinctBy(c => c.Id)], options.Split, options.EarlierSplits);

        // 7. Write.
        var data = kept.Select(i => new ExampleRow
        {
            Id = rows[i].Source.Id, Source = rows[i].Source.Source, Line = rows[i].Source.Line, Text = rows[i].Text,
            Input = Encoding.UTF8.GetString(CanonicalJson.Serialize(rows[i].Input)), Output = rows[i].Source.Output, Language = rows[i].Scores.Language,
            Cluster = clusterIds[places[i].Cluster], ClusterSize = sizes[places[i].Cluster], Split = rows[i].Source.GivenSplit ?? parts[clusterIds[places[i].Cluster]],
        }).ToList();
        var report = new ExampleReport
        {
            RowsIn = rowsIn, RowsOut = data.Count, Clusters = clusters.Count, Dropped = Rejects.ByReason(rejects),
            ByLanguage = Count(data, r => r.Language), BySplit = Count(data, r => r.Split),
            Redactions = new SortedDictionary<string, int>(redactions.ToDictionary(r => PersonalData.NameOf(r.Key), r => r.Value), StringComparer.Ordinal),
            Elapsed = clock.Elapsed,
        };
        Write(outputDirectory, data, rejects, report);
        return report with { Elapsed = clock.Elapsed };
    }

    /// <summary>Cluster → part of a dataset written by <see cref="Build"/>: give it to the next version as <see cref="ExampleOptions.EarlierSplits"/>.</summary>
    public static IReadOnlyDictionary<string, string> SplitsOf(params IEnumerable<string> directoriesOrFiles)
    {
        var splits = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var row in ParquetDataset.ReadExamples(directoriesOrFiles))
        {
            splits[row.Cluster] = row.Split;
        }

        return splits;
    }

    /// <summary>Rows that one worker takes at a time.</summary>
    private const int Batch = 500;

    private sealed record CleanExample(SourceExample Source, JsonObject Input, string Text, Scores Scores);

    private static List<CleanExample> Clean(List<SourceExample> sources, ExampleOptions options, List<RejectRow> rejects, Dictionary<PersonalDataKind, int> redactions, IProgress<DataProgress>? progress, CancellationToken cancellation)
    {
        var cleaned = new CleanExample[sources.Count];
        var done = 0;
        Parallel.ForEach(
            sources.Count == 0 ? [] : Enumerable.Range(0, (sources.Count + Batch - 1) / Batch).Select(b => (b * Batch, Math.Min(sources.Count, (b + 1) * Batch))),
            new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount },
            range =>
            {
                var edits = options.Recipe is null ? null : new TextEdits(options.Recipe);
                var scorer = new Scorer();
                for (var i = range.Item1; i < range.Item2; i++)
                {
                    cleaned[i] = Clean(sources[i], edits, scorer);
                }

                lock (redactions)
                {
                    foreach (var (kind, count) in edits?.Redactions ?? [])
                    {
                        redactions[kind] = redactions.GetValueOrDefault(kind) + count;
                    }

                    done += range.Item2 - range.Item1;
                    progress?.Report(new DataProgress("clean", done, sources.Count));
                }
            });

        var rows = new List<CleanExample>(cleaned.Length);
        foreach (var row in cleaned)
        {
            var verdict = row.Text.Length == 0 ? new DropVerdict("read", "empty_text", "nothing is left of the text.") : DropRules.Check(options.Recipe, row.Scores);
            if (verdict is { } drop)
            {
                rejects.Add(Rejects.Row(row.Source.Id, row.Source.Source, row.Source.Line, drop.Operator, drop.Reason, drop.Detail, row.Text));
            }
            else
            {
                rows.Add(row);
            }
        }

        return rows;
    }

    private static CleanExample Clean(SourceExample source, TextEdits? edits, Scorer scorer)
    {
        var input = new JsonObject();
        string? text = null;
        foreach (var (name, value) in source.Input)
        {
            if (value is JsonValue v && v.TryGetValue<string>(out var written))
            {
                var clean = edits?.Apply(written) ?? written;
                text ??= clean;
                input[name] = clean;
            }
            else
            {
                input[name] = value?.DeepClone();
            }
        }

        text ??= input.ToJsonString();
        return new CleanExample(source, input, text, scorer.Of(text, source.Language));
    }

    /// <summary>Positions of the rows that stay, ascending; the others become rejects.</summary>
    private static List<int> Representatives(List<CleanExample> rows, ClusterPlace[] places, Recipe? recipe, List<RejectRow> rejects)
    {
        var (dropsExact, dropsNear) = (DuplicateSearch.DropsExact(recipe), DuplicateSearch.DropsNear(recipe));
        var resolves = recipe?.Find(OperatorCatalog.ResolveLabels) is not null;
        var kept = new List<int>();
        foreach (var group in Enumerable.Range(0, rows.Count).GroupBy(i => Dropped(places[i], dropsExact, dropsNear) ? places[i].Leader : i).OrderBy(g => g.Key))
        {
            var members = group.Order().ToList();
            var winner = resolves ? WinningLabel(members, rows) : rows[members[0]].Source.Output;
            if (winner is null)
            {
                var labels = string.Join(" or ", members.Select(i => rows[i].Source.Output).Distinct());
                rejects.AddRange(members.Select(i => Reject(rows[i], OperatorCatalog.ResolveLabels, "conflicting_labels", $"near-copies disagree and no label has a majority: {labels}.")));
                continue;
            }

            // Reviewed first, so that a checked row stands for its copies.
            var keep = members.Where(i => rows[i].Source.Output == winner).OrderBy(i => rows[i].Source.Reviewed == true ? 0 : 1).ThenBy(i => i).First();
            kept.Add(keep);
            foreach (var i in members.Where(i => i != keep))
            {
                var similarity = Math.Min(1, i == group.Key ? places[keep].Similarity : places[i].Similarity);
                rejects.Add(rows[i].Source.Output == winner || !resolves
                    ? Reject(rows[i], similarity >= 1 ? OperatorCatalog.DropExactDuplicates : OperatorCatalog.DropNearDuplicates, "duplicate_of", $"duplicate_of:{rows[keep].Source.Id} (similarity {similarity:0.000})")
                    : Reject(rows[i], OperatorCatalog.ResolveLabels, "conflicting_labels", $"labelled {rows[i].Source.Output}, but its near-copy {rows[keep].Source.Id} and the majority say {winner}."));
            }
        }

        kept.Sort();
        return kept;
    }

    /// <summary>Keeps rows whose own part is known, and lets no near-copy of a test row be trained or validated on.</summary>
    private static List<int> InGivenParts(List<int> kept, List<CleanExample> rows, ClusterPlace[] places, List<RejectRow> rejects)
    {
        string[] parts = [SplitNames.Train, SplitNames.Validation, SplitNames.Test];
        var latest = kept.GroupBy(i => places[i].Cluster).ToDictionary(g => g.Key, g => g.Max(i => Array.IndexOf(parts, rows[i].Source.GivenSplit)));
        var result = new List<int>(kept.Count);
        foreach (var i in kept)
        {
            var part = Array.IndexOf(parts, rows[i].Source.GivenSplit);
            if (part < 0)
            {
                rejects.Add(Reject(rows[i], "split", "unknown_split", $"the row's part is '{rows[i].Source.GivenSplit}'; train, validation and test are known."));
            }
            else if (part < latest[places[i].Cluster])
            {
                var later = parts[latest[places[i].Cluster]];
                rejects.Add(Reject(rows[i], "split", $"leaks_into_{later}", $"a near-copy of this {parts[part]} row stands in the {later} part."));
            }
            else
            {
                result.Add(i);
            }
        }

        return result;
    }

    private static bool Dropped(ClusterPlace place, bool dropsExact, bool dropsNear) => place.Similarity >= DuplicateSearch.Exact ? dropsExact || dropsNear : dropsNear;

    /// <summary>The label of the strict majority, of the reviewed rows when there are any; null for a tie.</summary>
    private static string? WinningLabel(List<int> members, List<CleanExample> rows)
    {
        var voters = members.Where(i => rows[i].Source.Reviewed == true).ToList();
        var votes = (voters.Count > 0 ? voters : members).GroupBy(i => rows[i].Source.Output).OrderByDescending(g => g.Count()).ToList();
        return votes.Count == 1 || votes[0].Count() > votes[1].Count() ? votes[0].Key : null;
    }

    private static RejectRow Reject(CleanExample row, string stage, string reason, string detail) =>
        Rejects.Row(row.Source.Id, row.Source.Source, row.Source.Line, stage, reason, detail, row.Text);

    private static SortedDictionary<string, int> Count(List<ExampleRow> rows, Func<ExampleRow, string> key) =>
        new(rows.GroupBy(key).ToDictionary(g => g.Key, g => g.Count()), StringComparer.Ordinal);

    private static void Write(string directory, List<ExampleRow> data, List<RejectRow> rejects, ExampleReport report)
    {
        new DatasetManifest(1, "examples", [ParquetDataset.WriteExamples(directory, data), ParquetDataset.WriteRejects(directory, rejects)]).Save(directory);
        ReportFile.Save(directory, new JsonObject
        {
            ["rows_in"] = report.RowsIn, ["rows_out"] = report.RowsOut, ["clusters"] = report.Clusters, ["dropped"] = ReportFile.Counts(report.Dropped),
            ["by_language"] = ReportFile.Counts(report.ByLanguage), ["by_split"] = ReportFile.Counts(report.BySplit), ["redactions"] = ReportFile.Counts(report.Redactions),
        });
    }
}
