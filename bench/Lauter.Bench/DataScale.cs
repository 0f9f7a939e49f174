using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Data;
using Lauter.Data.Operators;
using Lauter.Data.Rows;

namespace Lauter.Bench;

/// <summary>
/// The whole recipe <c>corpus</c> (repair, markup, notices, personal data, filters, exact and near copies), JSON Lines in and Parquet out, at growing sizes
/// and on one core and two. Every figure is a process of its own, pinned to its cores, so that the compiler's and the collector's threads do not help out:
/// processor time, wall time, peak memory, and where the time went.
/// </summary>
internal static class DataScale
{
    /// <summary>A run in this process; prints one line of JSON.</summary>
    public static async Task<int> ChildAsync(string corpus, string output, int workers)
    {
        var phases = new Phases();
        var report = await RowRun.RunAsync(
            new RowRunOptions { Recipe = Recipe.BuiltIn("corpus")!, Inputs = [new SourceFile(Path.GetFileName(corpus), corpus)], OutputDirectory = output, Workers = workers, Format = RowFormat.Parquet },
            phases);
        phases.Enter("report");
        var process = Process.GetCurrentProcess();
        Console.WriteLine(new JsonObject
        {
            ["rows"] = report.RowsIn, ["kept"] = report.RowsOut, ["megabytes"] = report.TextBytes / 1e6, ["wall"] = report.Elapsed.TotalSeconds, ["cpu"] = process.TotalProcessorTime.TotalSeconds,
            ["peak_mib"] = process.PeakWorkingSet64 / 1048576.0, ["gc_pause"] = GC.GetTotalPauseDuration().TotalSeconds, ["gen2"] = GC.CollectionCount(2), ["shards"] = report.Shards,
            ["reused"] = report.ShardsReused, ["phases"] = new JsonObject(phases.Seconds.Select(p => KeyValuePair.Create(p.Name, (JsonNode?)$"{p.Wall:0.00} s, {p.Cpu:0.00} CPU-s"))),
        }.ToJsonString());
        return 0;
    }

    /// <summary>All sizes, then one core against two at 100 MB.</summary>
    /// <param name="corpora">Folder with <c>small</c> and <c>bench</c> of make_corpus.py.</param>
    /// <param name="work">Folder for grown corpora (kept) and outputs (removed).</param>
    /// <param name="sizes">Megabytes, separated by commas: 5, 100, or a multiple of 100 that is made from the parts of <c>bench</c>.</param>
    /// <param name="rounds">Pairs of runs on one core and on two; 0: none.</param>
    public static int Run(string corpora, string work, string sizes, int rounds)
    {
        Directory.CreateDirectory(work);
        var points = new List<(double Megabytes, double CpuOf100, double Peak)>();
        Console.WriteLine("megabytes | cores | CPU-s | wall s | MB/s of CPU | peak MiB | GC pauses s | rows | kept | phases");
        foreach (var size in sizes.Split(',').Select(s => int.Parse(s, CultureInfo.InvariantCulture)))
        {
            var run = Measure(CorpusOf(corpora, work, size), work, 2);
            points.Add(((double)run["megabytes"]!, (double)run["cpu"]! * 100 / (double)run["megabytes"]!, (double)run["peak_mib"]!));
        }

        if (points.Count > 1)
        {
            var file = Path.Combine(work, "data-scale.svg");
            File.WriteAllText(file, SvgPlot.Render(
                "The whole recipe on two cores as the corpus grows", "megabytes of text", "CPU-s for 100 MB; peak in units of 10 MiB",
                [new("CPU-s for 100 MB", "#1f6feb", [.. points.Select(p => (p.Megabytes, p.CpuOf100))]), new("peak, 10 MiB", "#c0392b", [.. points.Select(p => (p.Megabytes, p.Peak / 10))])], logX: true));
            Console.WriteLine($"plot: {file}");
        }

        var corpus = CorpusOf(corpora, work, 100);
        var pairs = Enumerable.Range(0, rounds).Select(_ => (One: Measure(corpus, work, 1), Two: Measure(corpus, work, 2))).ToList();
        if (pairs.Count > 0)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"one core {Median(pairs.Select(p => p.One), "wall"):0.00} s, two {Median(pairs.Select(p => p.Two), "wall"):0.00} s: {Median(pairs.Select(p => p.One), "wall") / Median(pairs.Select(p => p.Two), "wall"):0.00} times as fast (medians of {rounds}); CPU {Median(pairs.Select(p => p.One), "cpu"):0.00} and {Median(pairs.Select(p => p.Two), "cpu"):0.00} s"));
        }

        return 0;
    }

    private static double Median(IEnumerable<JsonObject> runs, string member)
    {
        var values = runs.Select(r => (double)r[member]!).Order().ToList();
        return (values[(values.Count - 1) / 2] + values[values.Count / 2]) / 2;
    }

    private static JsonObject Measure(string corpus, string work, int cores)
    {
        var output = Path.Combine(work, "out");
        if (Directory.Exists(output))
        {
            Directory.Delete(output, recursive: true);
        }

        var start = new ProcessStartInfo("taskset", ["-c", cores == 1 ? "0" : $"0-{cores - 1}", Environment.ProcessPath!, "data-scale-run", corpus, output, cores.ToString(CultureInfo.InvariantCulture)]) { RedirectStandardOutput = true, UseShellExecute = false };
        using var process = Process.Start(start)!;
        var line = process.StandardOutput.ReadToEnd().Trim().Split('\n')[^1];
        process.WaitForExit();
        var run = JsonNode.Parse(process.ExitCode == 0 ? line : throw new InvalidOperationException($"the run ended with {process.ExitCode}"))!.AsObject();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{(double)run["megabytes"]!:0.0} | {cores} | {(double)run["cpu"]!:0.00} | {(double)run["wall"]!:0.00} | {(double)run["megabytes"]! / (double)run["cpu"]!:0.0} | {(double)run["peak_mib"]!:0} | {(double)run["gc_pause"]!:0.00} | {run["rows"]} | {run["kept"]} | {run["phases"]!.ToJsonString()}"));
        Directory.Delete(output, recursive: true);
        return run;
    }

    private static string CorpusOf(string corpora, string work, int megabytes)
    {
        if (megabytes <= 100)
        {
            return Path.Combine(corpora, megabytes == 5 ? "small" : "bench", "corpus.jsonl");
        }

        var path = Path.Combine(work, $"corpus-{megabytes}.jsonl");
        if (!File.Exists(path))
        {
            Grow(Path.Combine(corpora, "bench"), path + ".tmp", megabytes / 100);
            File.Move(path + ".tmp", path);
        }

        return path;
    }

    /// <summary>
    /// A corpus many times as large whose parts are unlike each other and stay good texts of their language: in part k a common word (in Chinese a common character)
    /// is put in after about every third one. Where and which is said by a hash of the part and the two words before, so copies inside a part stay copies.
    /// </summary>
    private static void Grow(string directory, string output, int parts)
    {
        using var file = new StreamWriter(output, append: false, new System.Text.UTF8Encoding(false), 1 << 20);
        var text = new System.Text.StringBuilder();
        for (var part = 0; part < parts; part++)
        {
            foreach (var row in CorpusRow.Read(directory))
            {
                text.Clear();
                var (hash, before) = (0UL, 0UL);
                var source = row.Text;
                for (var i = 0; i < source.Length; i++)
                {
                    var c = source[i];
                    text.Append(c);
                    hash = (hash ^ c) * 0x9E37_79B9_7F4A_7C15UL;
                    var han = c is >= '\u4E00' and <= '\u9FA5';
                    if (part == 0 || !(han || (c == ' ' && i > 0 && char.IsAsciiLetter(source[i - 1]))))
                    {
                        continue;
                    }

                    var draw = (hash ^ (before * 31) ^ ((ulong)part << 40)) * 0xD6E8_FEB8_6659_FD93UL;
                    (before, hash) = (hash, 0);
                    if ((draw >> 40) % 3 == 0)
                    {
                        text.Append(han ? Characters[(int)((draw >> 20) % (ulong)Characters.Length)].ToString() : Words[(int)((draw >> 20) % (ulong)Words.Length)] + " ");
                    }
                }

                file.WriteLine(JsonSerializer.Serialize(new { id = $"{part}-{row.Id}", text = text.ToString() }, Relaxed));
            }
        }
    }

    private const string Characters = "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经";

    private static readonly string[] Words =
    [
        "the", "of", "and", "to", "in", "is", "was", "for", "that", "with", "as", "by", "on", "from", "this", "which", "new", "first", "after", "city", "year", "people", "over", "later", "small", "large",
        "south", "north", "often", "still", "known", "early", "part", "under", "three", "local", "many", "between", "long", "high",
    ];

    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Wall and processor time of each stage that the run reports.</summary>
    private sealed class Phases : IProgress<DataProgress>
    {
        private readonly Lock _lock = new();
        private string _name = "plan";
        private TimeSpan _wall;
        private TimeSpan _cpu = Process.GetCurrentProcess().TotalProcessorTime;
        private readonly Stopwatch _clock = Stopwatch.StartNew();

        public List<(string Name, double Wall, double Cpu)> Seconds { get; } = [];

        public void Report(DataProgress value) => Enter(value.Stage);

        public void Enter(string name)
        {
            lock (_lock)
            {
                if (name == _name)
                {
                    return;
                }

                var (wall, cpu) = (_clock.Elapsed, Process.GetCurrentProcess().TotalProcessorTime);
                Seconds.Add((_name, (wall - _wall).TotalSeconds, (cpu - _cpu).TotalSeconds));
                (_name, _wall, _cpu) = (name, wall, cpu);
            }
        }
    }
}
