using System.Diagnostics;
using System.Text.Json.Nodes;
using Lauter.Catalog.Objects;
using Lauter.Data.Export;
using Lauter.Data.Operators;
using Lauter.Data.Operators.Perplexity;

namespace Lauter.Data.Rows;

/// <summary>
/// A recipe over files of rows, without a project: (1) cut the inputs into shards, (2) when a rule needs it, count the lines of the corpus, (3) workers do
/// shards, each a file of its own, (4) drop copies across shards and choose among the rest, (5) report. A worker holds one shard, so memory does not grow with the corpus; a shard
/// that an interrupted run finished is not done again; the result does not depend on the number of workers.
/// </summary>
public static class RowRun
{
    /// <summary>Raised when the same options give other files.</summary>
    private const int CodeVersion = 1;

    /// <summary>Runs, or goes on with an interrupted run of the same options.</summary>
    /// <param name="options">What to do.</param>
    /// <param name="progress">Told after each shard.</param>
    /// <param name="cancellation">Stops between rows; finished shards stay.</param>
    /// <exception cref="IOException">An input or the output can't be read or written.</exception>
    public static async Task<RowReport> RunAsync(RowRunOptions options, IProgress<DataProgress>? progress = null, CancellationToken cancellation = default)
    {
        var clock = Stopwatch.StartNew();
        Directory.CreateDirectory(options.OutputDirectory);
        options = options with { Recipe = await PerplexityTraining.LearnMissingAsync(options, cancellation) };
        var layout = new RunLayout(options.OutputDirectory);

        // 1. Shards.
        var shards = await ShardPlanner.PlanAsync(options.Inputs, cancellation, options.ShardBytes);
        layout.RemoveStrangers(shards.Count, options.Format, options.WriteScores);

        // 2. Lines of the corpus.
        var frequencies = options.Recipe.Find(OperatorCatalog.RemoveBoilerplateLines) is null ? null : await CountLinesAsync(options, shards, progress, cancellation);
        var signature = Signature(options, frequencies);

        // 3. Shards.
        var dropsCopies = DropsCopies(options.Recipe);
        var selection = RowSelection.Of(options, layout);
        var total = new Tally();
        var pending = new List<RowShard>();
        foreach (var shard in shards)
        {
            if (layout.Finished(shard, signature) is { } earlier)
            {
                total.Add(earlier);
            }
            else
            {
                pending.Add(shard);
            }
        }

        long texts = 0, edits = 0, measures = 0;
        var done = shards.Count - pending.Count;
        progress?.Report(new DataProgress("rows", done, shards.Count));
        await InParallelAsync(
            options.Workers, pending, () => new ShardWorker(options, layout, signature, frequencies, dropsCopies || selection is not null, selection),
            async (worker, shard) =>
            {
                var tally = await worker.RunAsync(shard, cancellation);
                lock (total)
                {
                    total.Add(tally);
                    progress?.Report(new DataProgress("rows", ++done, shards.Count));
                }
            },
            worker =>
            {
                lock (total)
                {
                    texts += worker.Pipeline.Programs.Sum(p => p.TextsRead);
                    edits += worker.Pipeline.Programs.Sum(p => p.EditsDone);
                    measures += worker.Pipeline.Programs.Sum(p => p.MeasuresTaken);
                }
            });

        // 4. Copies, and selections among what is left.
        if (dropsCopies)
        {
            await new CopyDropper(selection is null ? options : options with { Format = RowFormat.Jsonl }, layout, shards).RunAsync(total, progress, cancellation);
        }

        selection?.Run(shards, dropsCopies, total, cancellation);

        // 5. Report.
        var report = total.ToJson();
        report["recipe"] = options.Recipe.ToJson();
        report["shards"] = shards.Count;
        ReportFile.Save(options.OutputDirectory, report);
        return new RowReport
        {
            RowsIn = total.RowsIn, RowsOut = total.RowsOut, TextBytes = total.TextBytes, Dropped = total.Dropped, DroppedBy = total.DroppedBy, ByLanguage = total.ByLanguage,
            Changed = total.Changed, Redactions = total.Redactions, Shards = shards.Count, ShardsReused = shards.Count - pending.Count,
            TextsRead = texts, EditsDone = edits, MeasuresTaken = measures, Elapsed = clock.Elapsed,
        };
    }

    /// <summary>Input files at <paramref name="path"/>: itself, or all below it that can be read, in the order of their names.</summary>
    public static IReadOnlyList<SourceFile> FindInputs(string path) => ShardPlanner.Find(path);

    internal static bool DropsCopies(Recipe recipe) => recipe.Find(OperatorCatalog.DropExactDuplicates) is not null || recipe.Find(OperatorCatalog.DropNearDuplicates) is not null;

    /// <summary>Does the items on some threads, each with a worker of its own, items in order of their position.</summary>
    internal static async Task InParallelAsync<TItem, TWorker>(int workers, IReadOnlyList<TItem> items, Func<TWorker> create, Func<TWorker, TItem, Task> run, Action<TWorker> finish)
    {
        var next = -1;
        var tasks = Enumerable.Range(0, Math.Min(Math.Max(1, workers), Math.Max(1, items.Count))).Select(_ => Task.Run(async () =>
        {
            var worker = create();
            int i;
            while ((i = Interlocked.Increment(ref next)) < items.Count)
            {
                await run(worker, items[i]);
            }

            finish(worker);
        })).ToList();
        await Task.WhenAll(tasks);
    }

    private static async Task<LineFrequencies> CountLinesAsync(RowRunOptions options, List<RowShard> shards, IProgress<DataProgress>? progress, CancellationToken cancellation)
    {
        var frequencies = new LineFrequencies();
        var done = 0;
        await InParallelAsync(
            options.Workers, shards, () => new RowParser(options.TextField, options.IdField, null),
            async (parser, shard) =>
            {
                var rows = await ShardReader.ReadAsync(shard, options.TextField, cancellation);
                Count(parser, rows, frequencies);
                progress?.Report(new DataProgress("lines", Interlocked.Increment(ref done), shards.Count));
            },
            _ => { });
        frequencies.Key = frequencies.Hash();
        return frequencies;
    }

    private static void Count(RowParser parser, ShardRows rows, LineFrequencies frequencies)
    {
        foreach (var line in rows.Lines)
        {
            var bytes = rows.Bytes.AsSpan(line.Start, line.Length);
            try
            {
                var place = parser.Find(bytes);
                frequencies.Add(parser.Text(bytes, place.Start, place.Length));
            }
            catch (RowFault)
            {
                // The worker that does the shard makes it a reject.
            }
        }
    }

    private static string Signature(RowRunOptions options, LineFrequencies? frequencies) => CanonicalJson.Hash(new JsonObject
    {
        ["code"] = CodeVersion, ["recipe"] = options.Recipe.ToJson(), ["format"] = options.Format.ToString(), ["text"] = options.TextField, ["id"] = options.IdField,
        ["scores"] = options.WriteScores, ["lines"] = frequencies?.Key, ["measures"] = options.Recipe.MeasureJson(),
    });
}
