using System.Globalization;
using System.Text;
using Lauter.Evaluation.Statistics;

namespace Lauter.Bench;

/// <summary>Drift alarms without drift and with a shift of a fifth of a standard deviation, from 50 to 50,000 rows on each side.</summary>
internal static class GatesDrift
{
    private const double Rate = 0.05;

    private sealed record Row(string Test, int Rows, double Shift, int Trials, int Alarms)
    {
        public double Share => Alarms / (double)Trials;

        public Interval Interval => ProportionIntervals.ClopperPearson(Alarms, Trials, 0.98);
    }

    public static int Run(string directory)
    {
        var rows = new List<Row>();
        foreach (var n in new[] { 50, 200, 1_000, 5_000, 50_000 })
        {
            // Trials by cost: the exact and the permutation tests work hardest at their largest sizes.
            var trials = n switch { 50 => 4_000, 200 => 2_000, 1_000 => 1_000, 5_000 => 1_000, _ => 400 };
            foreach (var shift in new[] { 0, 0.2 })
            {
                var names = new[] { "ks", "psi", "js", "labels", "psi > 0.1", "psi > 0.2" };
                var alarms = new int[names.Length];
                Parallel.For(0, trials, t =>
                {
                    var random = new SeededRandom(900_000_000 + ((ulong)n * 100_000) + ((ulong)(shift * 10) * 50_000) + (ulong)t);
                    double[] x = Draw(random, n, 0), y = Draw(random, n, shift);
                    var (r, c) = DriftTests.PooledDeciles(x, y);
                    var (labelsX, labelsY) = (Labels(random, n, 0), Labels(random, n, shift));
                    var psi = Distances.Psi(r, c);
                    bool[] found =
                    [
                        DriftTests.KolmogorovSmirnov(x, y) <= Rate, DriftTests.Psi(r, c, (ulong)t) <= Rate, DriftTests.JensenShannon(r, c, (ulong)t) <= Rate,
                        DriftTests.Psi(labelsX, labelsY, (ulong)t) <= Rate, psi > 0.1, psi > 0.2,
                    ];
                    for (var i = 0; i < found.Length; i++)
                    {
                        if (found[i])
                        {
                            Interlocked.Increment(ref alarms[i]);
                        }
                    }
                });
                rows.AddRange(names.Select((name, i) => new Row(name, n, shift, trials, alarms[i])));
            }

            if (n <= 200)
            {
                foreach (var shift in new[] { 0, 0.2 })
                {
                    var mmdTrials = n == 50 ? 2_000 : 400;
                    var alarms = 0;
                    Parallel.For(0, mmdTrials, t =>
                    {
                        var random = new SeededRandom(300_000_000 + ((ulong)n * 100_000) + ((ulong)(shift * 10) * 50_000) + (ulong)t);
                        var (x, y) = (Vectors(random, n, 0), Vectors(random, n, shift));
                        if (DriftTests.Mmd(x, y, (ulong)t) <= Rate)
                        {
                            Interlocked.Increment(ref alarms);
                        }
                    });
                    rows.Add(new Row("mmd", n, shift, mmdTrials, alarms));
                }
            }
        }

        var csv = new StringBuilder("test,rows_each_side,shift_sd,trials,alarm_share,low98,high98\n");
        foreach (var row in rows)
        {
            csv.Append(CultureInfo.InvariantCulture, $"{row.Test},{row.Rows},{row.Shift},{row.Trials},{row.Share:0.0000},{row.Interval.Low:0.0000},{row.Interval.High:0.0000}\n");
        }

        File.WriteAllText(Path.Combine(directory, "drift.csv"), csv.ToString());
        foreach (var (shift, file, title) in new[] { (0.0, "drift-null.svg", "Drift alarms without drift"), (0.2, "drift-shift.svg", "Drift alarms at a shift of 0.2 standard deviations") })
        {
            string[] colours = ["#0b6e4f", "#2471a3", "#7d3c98", "#117a65", "#c0392b", "#d68910"];
            File.WriteAllText(Path.Combine(directory, file), SvgPlot.Render(
                title, "rows on each side", "share of comparisons that alarm",
                [
                    .. new[] { "ks", "psi", "js", "labels", "psi > 0.1", "psi > 0.2" }.Select((name, i) => new PlotLine(name, colours[i], [.. rows.Where(r => r.Test == name && r.Shift == shift).Select(r => ((double)r.Rows, r.Share))])),
                    new("stated rate", "#444", [(50, Rate), (50_000, Rate)], Dashed: true),
                ], logX: true, yMaximum: 1));
        }

        var ours = rows.Where(r => r.Shift == 0 && !r.Test.Contains('>')).ToArray();
        var worst = ours.MaxBy(r => r.Share)!;
        var broken = ours.Count(r => r.Interval.Low > Rate);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"drift: {ours.Length} cells without drift, stated rate {Rate}: largest {worst.Share:0.0000} [{worst.Interval.Low:0.0000}, {worst.Interval.High:0.0000}] ({worst.Test}, {worst.Rows:N0} rows), lower bound above the rate in {broken}; PSI > 0.1 at 50 rows: {rows.Single(r => r is { Test: "psi > 0.1", Rows: 50, Shift: 0 }).Share:0.000}, at 5,000 with the shift: {rows.Single(r => r is { Test: "psi > 0.1", Rows: 5_000, Shift: 0.2 }).Share:0.000}"));
        return broken;
    }

    private static double[] Draw(SeededRandom random, int n, double shift)
    {
        var values = new double[n];
        for (var i = 0; i < n; i++)
        {
            values[i] = shift + Gauss(random);
        }

        return values;
    }

    /// <summary>Twelve labels, the rarest of one in a hundred: the case that breaks limit laws.</summary>
    private static long[] Labels(SeededRandom random, int n, double shift)
    {
        double[] shares = [0.3 - (shift / 10), 0.2, 0.12, 0.1, 0.08, 0.06, 0.04, 0.03, 0.03, 0.02, 0.01, 0.01 + (shift / 10)];
        var counts = new long[shares.Length];
        for (var i = 0; i < n; i++)
        {
            var u = random.NextDouble();
            var k = 0;
            while (k < shares.Length - 1 && u >= shares[k])
            {
                u -= shares[k++];
            }

            counts[k]++;
        }

        return counts;
    }

    private static double[][] Vectors(SeededRandom random, int n, double shift) => [.. Enumerable.Range(0, n).Select(_ => Draw(random, 8, shift))];

    private static double Gauss(SeededRandom random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
