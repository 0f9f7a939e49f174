using System.Diagnostics;
using System.Globalization;
using System.Text;
using Lauter.Evaluation.Statistics;
using Lauter.Releases.Gates;

namespace Lauter.Bench;

/// <summary>
/// What the gate promises is a rate, so it is counted: 10,000 releases a cell from a known truth, seeded. Beside it stand what people do
/// without it: "candidate ≥ baseline", and "an unpaired test finds no regression".
/// </summary>
internal static class GatesBench
{
    private const int Releases = 10_000;
    private const double Alpha = 0.05;

    public static int Run(string directory, string part)
    {
        Directory.CreateDirectory(directory);
        var clock = Stopwatch.StartNew();
        var failures = part switch
        {
            "fixed" => Fixed(directory),
            "sequential" => GatesSequential.Run(directory),
            "drift" => GatesDrift.Run(directory),
            "speed" => GatesSpeed.Run(),
            _ => Fixed(directory) + GatesSequential.Run(directory) + GatesDrift.Run(directory) + GatesSpeed.Run(),
        };
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{clock.Elapsed.TotalSeconds:0.0} s wall, {Process.GetCurrentProcess().TotalProcessorTime.TotalSeconds:0.0} CPU-s, {failures} broken promise(s)"));
        return failures == 0 ? 0 : 1;
    }

    /// <summary>A cell: what was true, and how often each rule passed.</summary>
    private sealed record Cell(int Items, int ClusterSize, double Effect, double Discordance, double Margin)
    {
        public int Gate { get; set; }

        public int Naive { get; set; }

        public int Unpaired { get; set; }

        public bool MustNotPass => Effect <= -Margin + 1e-12;

        public double GateUpper => ProportionIntervals.ClopperPearson(Gate, Releases, 0.98).High;

        public double GateLower => ProportionIntervals.ClopperPearson(Gate, Releases, 0.98).Low;
    }

    private static int Fixed(string directory)
    {
        double[] effects = [0, 0.01, 0.02, 0.03, 0.05, -0.01, -0.02, -0.03, -0.05], discordances = [0.05, 0.1, 0.2, 0.3];
        var cells = new List<Cell>();
        foreach (var discordance in discordances)
        {
            foreach (var effect in effects.Where(e => Math.Abs(e) <= discordance))
            {
                cells.AddRange(new[] { 50, 200, 500, 1_000, 2_000, 5_000 }.Select(n => new Cell(n, 1, effect, discordance, 0.02)));
                cells.AddRange(new[] { 200, 1_000, 5_000 }.Select(n => new Cell(n, 5, effect, discordance, 0.02)));
            }

            foreach (var margin in new[] { 0.01, 0.03, 0.05 }.Where(m => m <= discordance))
            {
                cells.AddRange(new[] { 50, 200, 500, 1_000, 5_000 }.Select(n => new Cell(n, 1, -margin, discordance, margin)));
                cells.AddRange(new[] { 200, 1_000, 5_000 }.Select(n => new Cell(n, 5, -margin, discordance, margin)));
            }
        }

        Parallel.ForEach(cells.Select((c, i) => (c, i)), pair => Simulate(pair.c, new SeededRandom(1_000 + (ulong)pair.i)));

        var csv = new StringBuilder("items,cluster_size,true_effect,discordance,margin,releases,gate_pass,gate_pass_low98,gate_pass_high98,naive_pass,unpaired_no_regression_pass,must_not_pass\n");
        foreach (var c in cells)
        {
            csv.Append(CultureInfo.InvariantCulture, $"{c.Items},{c.ClusterSize},{c.Effect},{c.Discordance},{c.Margin},{Releases},{Share(c.Gate)},{c.GateLower:0.0000},{c.GateUpper:0.0000},{Share(c.Naive)},{Share(c.Unpaired)},{(c.MustNotPass ? "yes" : "no")}\n");
        }

        File.WriteAllText(Path.Combine(directory, "fixed.csv"), csv.ToString());
        foreach (var (effect, name) in new[] { (-0.02, "at the margin: -2 points"), (-0.03, "beyond it: -3 points"), (-0.05, "far beyond: -5 points"), (0.0, "no change") })
        {
            var of = cells.Where(c => c.ClusterSize == 1 && c.Margin == 0.02 && c.Effect == effect && c.Discordance == 0.2).ToArray();
            File.WriteAllText(Path.Combine(directory, $"fixed{effect * 100:+0;-0;0}.svg"), SvgPlot.Render(
                $"Candidates that pass, true effect {name} (margin 2 points, discordance 0.2)", "items", "share of 10,000 releases that pass",
                [
                    new("this gate", "#0b6e4f", [.. of.Select(c => ((double)c.Items, c.Gate / (double)Releases))]),
                    new("candidate ≥ baseline", "#c0392b", [.. of.Select(c => ((double)c.Items, c.Naive / (double)Releases))]),
                    new("unpaired, p > 0.05", "#d68910", [.. of.Select(c => ((double)c.Items, c.Unpaired / (double)Releases))]),
                    new("alpha 0.05", "#444", [(50, 0.05), (5_000, 0.05)], Dashed: true),
                ], logX: true, yMaximum: 1));
        }

        var guilty = cells.Where(c => c.MustNotPass).ToArray();
        var worst = guilty.MaxBy(c => c.Gate)!;
        var broken = guilty.Where(c => c.GateUpper > Alpha).ToArray();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"fixed n: {cells.Count} cells of {Releases:N0}; {guilty.Length} must not pass: largest false-pass rate {Share(worst.Gate)} [{worst.GateLower:0.0000}, {worst.GateUpper:0.0000}] (n {worst.Items}, clusters of {worst.ClusterSize}, discordance {worst.Discordance}, margin {worst.Margin}); "
            + $"cells whose upper bound (one-sided 99 %) is above alpha: {broken.Length}; naive: largest {Share(guilty.Max(c => c.Naive))}; unpaired: largest {Share(guilty.Max(c => c.Unpaired))}"));
        return broken.Length;
    }

    private static void Simulate(Cell cell, SeededRandom random)
    {
        var policy = new GatePolicy { Metric = "m", Margin = cell.Margin, Alpha = Alpha, Strata = [] };
        var sampler = new GatesSampler();
        var decided = new Dictionary<PairedTable, bool>();
        var clusters = cell.ClusterSize == 1 ? null : ClusterIndex.Of(Enumerable.Range(0, cell.Items).Select(i => i / cell.ClusterSize));
        var differences = new double[clusters is null ? 0 : cell.Items];
        for (var r = 0; r < Releases; r++)
        {
            PairedTable table;
            if (clusters is null)
            {
                table = sampler.Table(random, cell.Items, cell.Effect, cell.Discordance);

                // The decision rests on the counts alone, so equal counts decide alike.
                var counts = new PairedTable(0, table.OnlyFirst, table.OnlySecond, cell.Items - table.OnlyFirst - table.OnlySecond);
                if (!decided.TryGetValue(counts, out var passes))
                {
                    decided[counts] = passes = Gate.PassesOnCounts(policy, counts);
                }

                cell.Gate += passes ? 1 : 0;
            }
            else
            {
                table = DrawClusters(cell, random, differences);
                cell.Gate += Gate.PassesOnCounts(policy, table, differences, clusters) ? 1 : 0;
            }

            cell.Naive += table.OnlyFirst >= table.OnlySecond ? 1 : 0;
            cell.Unpaired += UnpairedFindsNoRegression(table) ? 1 : 0;
        }
    }

    /// <summary>Half of the items of a cluster share one outcome, the rest are their own.</summary>
    private static PairedTable DrawClusters(Cell cell, SeededRandom random, double[] differences)
    {
        double better = (cell.Discordance + cell.Effect) / 2, worse = (cell.Discordance - cell.Effect) / 2;
        long b = 0, c = 0, both = 0;
        for (var start = 0; start < differences.Length; start += cell.ClusterSize)
        {
            var shared = random.NextDouble();
            for (var i = start; i < start + cell.ClusterSize; i++)
            {
                var u = (random.Next() & 1) == 0 ? shared : random.NextDouble();
                differences[i] = u < better ? 1 : u < better + worse ? -1 : 0;
                b += u < better ? 1 : 0;
                c += u >= better && u < better + worse ? 1 : 0;
                both += u >= better + worse && u < 0.8 + better ? 1 : 0;
            }
        }

        return new PairedTable(both, b, c, differences.Length - both - b - c);
    }

    /// <summary>"p > 0.05, so nothing got worse": a pooled z test of two independent proportions, one-sided.</summary>
    private static bool UnpairedFindsNoRegression(PairedTable table)
    {
        double n = table.Items, candidate = (table.BothRight + table.OnlyFirst) / n, baseline = (table.BothRight + table.OnlySecond) / n, pooled = (candidate + baseline) / 2;
        var error = Math.Sqrt(2 * pooled * (1 - pooled) / n);
        return error == 0 || (baseline - candidate) / error < 1.6448536269514722;
    }

    internal static string Share(int count) => (count / (double)Releases).ToString("0.0000", CultureInfo.InvariantCulture);
}
