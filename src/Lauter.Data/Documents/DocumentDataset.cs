using System.Diagnostics;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Lauter.Data.Dedup;
using Lauter.Data.Export;
using Lauter.Data.Operators;
using Lauter.Data.Readers;
using Lauter.Data.Redaction;
using Lauter.Data.Text;

namespace Lauter.Data.Documents;

/// <summary>
/// Files → raw documents (<see cref="Read"/>) → dataset of kind <c>documents</c> (<see cref="Clean"/>). Both write Parquet shards, rejects with
/// reasons, <c>dataset.json</c> and <c>report.json</c>; equal input gives equal bytes.
/// </summary>
public static class DocumentDataset
{
    /// <summary>Reads every file, one worker a core behind a bounded channel. Unreadable files become rejects.</summary>
    /// <param name="files">Sources; their order is the order of the rows.</param>
    /// <param name="limits">What one file may cost.</param>
    /// <param name="outputDirectory">Created when missing.</param>
    /// <param name="progress">Told after each file.</param>
    /// <param name="cancellation">Stops between files.</param>
    public static ReadReport Read(IReadOnlyList<SourceFile> files, ReaderLimits limits, string outputDirectory, IProgress<DataProgress>? progress = null, CancellationToken cancellation = default)
    {
        var clock = Stopwatch.StartNew();
        var results = ReadAllAsync(files, limits, progress, cancellation).GetAwaiter().GetResult();
        var rows = results.SelectMany(r => r.Documents).Select(RowOf).ToList();
        var rejects = results.SelectMany(r => r.Rejects).ToList();
        var report = new ReadReport
        {
            FilesIn = files.Count, DocumentsOut = rows.Count, Rejected = Rejects.ByReason(rejects), ByFormat = Count(rows, r => r.Format),
            Characters = rows.Sum(r => (long)r.Text.Length), Elapsed = clock.Elapsed,
        };
        var tables = new[] { ParquetDataset.WriteDocuments(outputDirectory, rows), ParquetDataset.WriteRejects(outputDirectory, rejects) };
        ReportFile.Save(outputDirectory, new JsonObject
        {
            ["files_in"] = report.FilesIn, ["documents_out"] = report.DocumentsOut, ["rejected"] = ReportFile.Counts(report.Rejected),
            ["by_format"] = ReportFile.Counts(report.ByFormat), ["characters"] = report.Characters,
        });
        new DatasetManifest(1, "raw_documents", tables).Save(outputDirectory);
        return report with { Elapsed = clock.Elapsed };
    }

    /// <summary>Runs a recipe over what <see cref="Read"/> wrote: (1) edit and measure, or take stored scores, (2) drop by scores, (3) drop copies, (4) write.</summary>
    /// <param name="rawDirectory">Output of <see cref="Read"/>.</param>
    /// <param name="recipe">Operators.</param>
    /// <param name="outputDirectory">Created when missing.</param>
    /// <param name="scoreCache">Folder that keeps edited texts and scores between runs; with it, another threshold reads no source text. Null keeps nothing.</param>
    /// <param name="progress">Told as documents are done.</param>
    /// <param name="cancellation">Stops between documents.</param>
    public static CleanReport Clean(string rawDirectory, Recipe recipe, string outputDirectory, string? scoreCache = null, IProgress<DataProgress>? progress = null, CancellationToken cancellation = default)
    {
        var clock = Stopwatch.StartNew();
        var raw = DatasetManifest.Load(rawDirectory) ?? throw new DirectoryNotFoundException($"'{rawDirectory}' holds no {DatasetManifest.FileName}: read the documents first.");

        // 1. Edit and measure.
        var key = MeasuredCorpus.KeyOf(raw, recipe);
        var cached = scoreCache is null ? null : Path.Combine(scoreCache, key[..32]);
        var measured = cached is null ? null : MeasuredCorpus.Load(cached, key);
        var reused = measured is not null;
        if (measured is null)
        {
            measured = MeasuredCorpus.Measure([.. ParquetDataset.ReadDocuments(rawDirectory)], recipe, progress, cancellation);
            if (cached is not null)
            {
                measured.Save(cached, key);
            }
        }

        // 2. Drop by scores.
        var rejects = ParquetDataset.ReadRejects(rawDirectory).ToList();
        var documentsIn = measured.Edited.Rows.Count + rejects.Count;
        var stays = new bool[measured.Edited.Rows.Count];
        for (var i = 0; i < stays.Length; i++)
        {
            var row = measured.Edited.Rows[i];
            var verdict = row.Text.Length == 0 ? new DropVerdict("clean", "empty_text", "nothing is left of the text after cleaning.") : DropRules.Check(recipe, measured.Scores[i]);
            stays[i] = verdict is null;
            if (verdict is { } drop)
            {
                rejects.Add(Rejects.Row(row.Id, row.Path, 0, drop.Operator, drop.Reason, drop.Detail, row.Text));
            }
        }

        // 3. Drop copies.
        var rows = DropCopies(measured, stays, recipe, rejects);

        // 4. Write.
        var report = new CleanReport
        {
            DocumentsIn = documentsIn, DocumentsOut = rows.Count, Dropped = Rejects.ByReason(rejects),
            DroppedBy = new SortedDictionary<string, int>(rejects.GroupBy(r => r.Stage).ToDictionary(g => g.Key, g => g.Count()), StringComparer.Ordinal),
            ByLanguage = Count(rows, r => r.Language), ByFormat = Count(rows, r => r.Format),
            Redactions = new SortedDictionary<string, int>(measured.Edited.Redactions.ToDictionary(r => PersonalData.NameOf(r.Key), r => r.Value), StringComparer.Ordinal),
            Repaired = measured.Edited.Repaired, NavigationBlocks = measured.Edited.NavigationBlocks, BoilerplateLines = measured.Edited.BoilerplateLines,
            ScoresReused = reused, Elapsed = clock.Elapsed,
        };
        var tables = new[] { ParquetDataset.WriteDocuments(outputDirectory, rows), ParquetDataset.WriteRejects(outputDirectory, rejects), measured.WriteScores(outputDirectory) };
        ReportFile.Save(outputDirectory, new JsonObject
        {
            ["documents_in"] = report.DocumentsIn, ["documents_out"] = report.DocumentsOut, ["dropped"] = ReportFile.Counts(report.Dropped),
            ["dropped_by"] = ReportFile.Counts(report.DroppedBy), ["by_language"] = ReportFile.Counts(report.ByLanguage), ["by_format"] = ReportFile.Counts(report.ByFormat),
            ["redactions"] = ReportFile.Counts(report.Redactions), ["repaired"] = report.Repaired, ["navigation_blocks"] = report.NavigationBlocks, ["boilerplate_lines"] = report.BoilerplateLines,
        });
        new DatasetManifest(1, "documents", tables, key).Save(outputDirectory);
        return report with { Elapsed = clock.Elapsed };
    }

    private static async Task<ReadResult[]> ReadAllAsync(IReadOnlyList<SourceFile> files, ReaderLimits limits, IProgress<DataProgress>? progress, CancellationToken cancellation)
    {
        var results = new ReadResult[files.Count];
        var queue = Channel.CreateBounded<int>(new BoundedChannelOptions(64) { SingleWriter = true });
        var done = 0;
        var workers = Enumerable.Range(0, Environment.ProcessorCount).Select(_ => Task.Run(
            async () =>
            {
                await foreach (var i in queue.Reader.ReadAllAsync(cancellation))
                {
                    results[i] = DocumentReader.Read(files[i], limits, cancellation);
                    progress?.Report(new DataProgress("read", Interlocked.Increment(ref done), files.Count));
                }
            },
            cancellation)).ToList();
        for (var i = 0; i < files.Count; i++)
        {
            await queue.Writer.WriteAsync(i, cancellation);
        }

        queue.Writer.Complete();
        await Task.WhenAll(workers);
        return results;
    }

    private static List<DocumentRow> DropCopies(MeasuredCorpus measured, bool[] stays, Recipe recipe, List<RejectRow> rejects)
    {
        var near = DuplicateSearch.Options(recipe);
        var (dropsExact, dropsNear) = (DuplicateSearch.DropsExact(recipe), DuplicateSearch.DropsNear(recipe));
        var places = Place(measured, stays, near.Threshold);
        var sizes = places.Where((_, i) => stays[i]).GroupBy(p => p.Cluster).ToDictionary(g => g.Key, g => g.Count());
        var rows = new List<DocumentRow>();
        for (var i = 0; i < stays.Length; i++)
        {
            if (!stays[i])
            {
                continue;
            }

            var (row, place) = (measured.Edited.Rows[i], places[i]);
            var exact = place.Similarity >= DuplicateSearch.Exact;
            if (place.Leader != i && (exact ? dropsExact || dropsNear : dropsNear))
            {
                var leader = measured.Edited.Rows[place.Leader];
                rejects.Add(Rejects.Row(row.Id, row.Path, 0, exact ? OperatorCatalog.DropExactDuplicates : OperatorCatalog.DropNearDuplicates, "duplicate_of",
                    $"duplicate_of:{leader.Id} ({leader.Path}, similarity {Math.Min(1, place.Similarity):0.000})", row.Text));
                continue;
            }

            rows.Add(row with { Language = measured.Scores[i].Language, Cluster = Rejects.IdOf(TextFolding.Fold(measured.Edited.Rows[place.Cluster].Text)), ClusterSize = sizes[place.Cluster] });
        }

        return rows;
    }

    /// <summary>Clusters among the documents that stay; of several copies the first is kept, those in archives and backups coming last.</summary>
    private static ClusterPlace[] Place(MeasuredCorpus measured, bool[] stays, double threshold)
    {
        var order = Enumerable.Range(0, stays.Length).OrderBy(i => SupersededPath.Looks(measured.Edited.Rows[i].Path) ? 1 : 0).ThenBy(i => i).ToArray();
        var rank = new int[order.Length];
        for (var r = 0; r < order.Length; r++)
        {
            rank[order[r]] = r;
        }

        var pairs = measured.Pairs.Where(p => stays[p.First] && stays[p.Second])
            .Select(p => new SimilarPair(Math.Min(rank[p.First], rank[p.Second]), Math.Max(rank[p.First], rank[p.Second]), p.Similarity)).ToList();
        var ranked = NearDuplicates.Cluster(stays.Length, pairs, threshold);
        var places = new ClusterPlace[order.Length];
        for (var r = 0; r < order.Length; r++)
        {
            places[order[r]] = new ClusterPlace(order[ranked[r].Cluster], order[ranked[r].Leader], ranked[r].Similarity);
        }

        return places;
    }

    private static DocumentRow RowOf(SourceDocument document)
    {
        var (text, blocks) = DocumentBlocks.Join(document.Blocks);
        return new DocumentRow
        {
            Id = Rejects.IdOf(document.Path, text), Path = document.Path, Title = document.Title, Format = document.Format, Language = LanguageDetector.Detect(text),
            Text = text, Blocks = blocks, Cluster = "", ClusterSize = 1,
        };
    }

    private static SortedDictionary<string, int> Count(List<DocumentRow> rows, Func<DocumentRow, string> key) =>
        new(rows.GroupBy(key).ToDictionary(g => g.Key, g => g.Count()), StringComparer.Ordinal);
}
