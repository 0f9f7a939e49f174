using System.Diagnostics;
using System.Globalization;
using System.Text;
using Lauter.Evaluation.Metrics;
using Lauter.Evaluation.Runs;
using Lauter.Evaluation.Statistics;
using Lauter.Releases.Gates;

namespace Lauter.Bench;

/// <summary>Times of the three things people wait for.</summary>
internal static class GatesSpeed
{
    private static readonly string[] Words = "the order was sent to our billing team after a second request from the regional office and nobody in support could find invoice number or parcel because it had been filed under another customer name today".Split(' ');

    public static int Run()
    {
        var random = new SeededRandom(5);
        MetricRow[] first = Rows(random, 2_000, 18), second = Rows(random, 2_000, 18);
        var bleu = MetricCatalogue.Parse("bleu");
        Time("measure BLEU of 2 × 2,000 items", () => (bleu.Measure(first), bleu.Measure(second)).Item1.Items);
        var (a, b) = (bleu.Measure(first), bleu.Measure(second));
        var clusters = ClusterIndex.Of(Enumerable.Range(0, 2_000));
        Time("10,000 paired bootstrap resamples of BLEU over 2,000 items", () => TableBootstrap.Paired(a, b, clusters, 10_000, 0.95, 1).P);

        string[] lines(double rate) => [.. Enumerable.Range(0, 100_000).Select(i => string.Create(CultureInfo.InvariantCulture, $"{{\"id\":\"q{i}\",\"correct\":{(random.NextDouble() < rate ? "true" : "false")},\"language\":\"{(i % 3 == 0 ? "zh" : "en")}\",\"cluster\":\"c{i / 2}\"}}"))];
        byte[] before = Encoding.UTF8.GetBytes(string.Join('\n', lines(0.9))), after = Encoding.UTF8.GetBytes(string.Join('\n', lines(0.9)));
        var (baseline, candidate) = (PredictionFile.Read("old", before), PredictionFile.Read("new", after));
        Time("read 2 × 100,000 results from JSONL", () => PredictionFile.Read("old", before).Items.Count + PredictionFile.Read("new", after).Items.Count);
        Time("gate decision on 100,000 items in 50,000 clusters, two strata", () => Gate.Decide(new GatePolicy { Metric = "exact_match" }, baseline, candidate).Items);

        Time("read and decide 2 × 100,000 results", () => Gate.Decide(new GatePolicy { Metric = "exact_match" }, PredictionFile.Read("old", before), PredictionFile.Read("new", after)).Items);
        MetricRow[] old = Rows(random, 2_000, 18), @new = Rows(random, 2_000, 18);
        Time("gate on BLEU over 2,000 items, 10,000 resamples", () => CorpusGate.Decide(new GatePolicy { Metric = "bleu" }, bleu, ("old", old), ("new", @new)).Items);

        var answers = Rows(random, 10_000, 8);
        Time($"score 10,000 short answers: {string.Join(", ", MetricCatalogue.TextDefaults)}", () => MetricCatalogue.TextDefaults.Sum(m => MetricCatalogue.Parse(m).Measure(answers).Value()));
        return 0;
    }

    private static MetricRow[] Rows(SeededRandom random, int count, int words) =>
    [
        .. Enumerable.Range(0, count).Select(i =>
        {
            string[] reference = [.. Enumerable.Range(0, words).Select(_ => Words[random.NextInt(Words.Length)])];
            return new MetricRow { Id = $"{i}", Prediction = string.Join(' ', reference.Select(w => random.NextDouble() < 0.2 ? Words[random.NextInt(Words.Length)] : w)), References = [string.Join(' ', reference)] };
        }),
    ];

    private static void Time<T>(string what, Func<T> work)
    {
        // The first run compiles; the middle of the next five is what people meet.
        work();
        var times = new List<(double Wall, double Cpu)>();
        for (var i = 0; i < 5; i++)
        {
            var cpu = Process.GetCurrentProcess().TotalProcessorTime;
            var clock = Stopwatch.StartNew();
            work();
            times.Add((clock.Elapsed.TotalSeconds, (Process.GetCurrentProcess().TotalProcessorTime - cpu).TotalSeconds));
        }

        var (wall, used) = times.OrderBy(t => t.Wall).ElementAt(2);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what}: {wall:0.000} s wall, {used:0.000} CPU-s (median of 5)"));
    }
}
