using System.Globalization;
using System.Text;
using Lauter.Evaluation.Statistics;

namespace Lauter.Bench;

/// <summary>
/// A canary that is looked at after every request: a tenth of the traffic is new, each new answer is set against the mean of the nine old
/// ones of the same moment. False rollbacks when nothing changed, delay when the new version is worse.
/// </summary>
internal static class GatesSequential
{
    private const int Streams = 10_000;
    private const int Horizon = 3_000;
    private const int OldForEachNew = 9;
    private const double Alpha = 0.05;
    private const double OldRate = 0.9;

    private sealed record Outcome(double Drop, int[] Betting, int[] Peeking, int[] Sprt);

    public static int Run(string directory)
    {
        var outcomes = new[] { 0, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2 }.Select(Simulate).ToArray();
        var power = 0.8;
        var csv = new StringBuilder("true_drop,streams,horizon,rule,rolled_back,low99,high99,mean_delay,median_delay\n");
        foreach (var outcome in outcomes)
        {
            foreach (var (rule, delays) in new[] { ("betting", outcome.Betting), ("peeked z test", outcome.Peeking), ("sprt 0.05", outcome.Sprt) })
            {
                var stopped = delays.Where(d => d > 0).Order().ToArray();
                var interval = ProportionIntervals.ClopperPearson(stopped.Length, Streams, 0.99);
                csv.Append(CultureInfo.InvariantCulture, $"{outcome.Drop},{Streams},{Horizon},{rule},{stopped.Length / (double)Streams:0.0000},{interval.Low:0.0000},{interval.High:0.0000},{(stopped.Length == 0 ? double.NaN : stopped.Average()):0.0},{(stopped.Length == 0 ? 0 : stopped[stopped.Length / 2])}\n");
            }
        }

        File.WriteAllText(Path.Combine(directory, "sequential.csv"), csv.ToString());
        int[] looks = [1, 10, 30, 100, 300, 1_000, 3_000];
        File.WriteAllText(Path.Combine(directory, "sequential-null.svg"), SvgPlot.Render(
            "Canaries rolled back although nothing changed, looked at after every request", "canary requests so far", "share of 10,000 canaries",
            [Line("this test", "#0b6e4f", outcomes[0].Betting), Line("z test, peeked", "#c0392b", outcomes[0].Peeking), new("alpha 0.05", "#444", [(1, 0.05), (3_000, 0.05)], Dashed: true)], logX: true));
        var five = outcomes.Single(o => o.Drop == 0.05);

        // The fixed test needs this many canary requests before its only look, for the same drop.
        var z = Normal.Quantile(1 - Alpha) + Normal.Quantile(power);
        var fixedItems = (int)Math.Ceiling(z * z * ((0.85 * 0.15) + (OldRate * (1 - OldRate) / OldForEachNew)) / (0.05 * 0.05));
        File.WriteAllText(Path.Combine(directory, "sequential-five.svg"), SvgPlot.Render(
            "Canaries rolled back, the new version worse by 5 points", "canary requests so far", "share of 10,000 canaries",
            [Line("this test", "#0b6e4f", five.Betting), Line("SPRT told 0.90 and 0.85", "#2471a3", five.Sprt), new($"fixed test: one look at {fixedItems}", "#d68910", [(fixedItems, 0), (fixedItems, power)], Dashed: true)], logX: true, yMaximum: 1));
        var (falsely, found) = (outcomes[0].Betting.Count(d => d > 0), five.Betting.Where(d => d > 0).ToArray());
        var low = ProportionIntervals.ClopperPearson(falsely, Streams, 0.98).Low;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"sequential: nothing changed, looked at after each of {Horizon:N0} canary requests: rolled back {falsely / (double)Streams:0.0000} (peeked z test {outcomes[0].Peeking.Count(d => d > 0) / (double)Streams:0.0000}); drop of 5 points: rolled back {found.Length / (double)Streams:0.0000}, mean delay {found.Average():0} canary requests, median {found.Order().ElementAt(found.Length / 2)}; fixed-n test at power {power}: {fixedItems}; SPRT told both rates: mean {five.Sprt.Where(d => d > 0).Average():0}"));
        return low > Alpha ? 1 : 0;

        PlotLine Line(string name, string colour, int[] delays) => new(name, colour, [.. looks.Select(l => ((double)l, delays.Count(d => d > 0 && d <= l) / (double)Streams))]);
    }

    private static Outcome Simulate(double drop)
    {
        var outcome = new Outcome(drop, new int[Streams], new int[Streams], new int[Streams]);
        Parallel.For(0, Streams, stream =>
        {
            var random = new SeededRandom(77_000_000 + ((ulong)(drop * 1_000) * 100_000) + (ulong)stream);
            var betting = new BettingTest(0, -1);
            var sprt = new Sprt(OldRate, OldRate - 0.05, Alpha, 0.1);
            double sum = 0, squares = 0;
            for (var n = 1; n <= Horizon; n++)
            {
                var right = random.NextDouble() < OldRate - drop;
                var old = 0;
                for (var i = 0; i < OldForEachNew; i++)
                {
                    old += random.NextDouble() < OldRate ? 1 : 0;
                }

                var worse = (old / (double)OldForEachNew) - (right ? 1 : 0);
                if (outcome.Betting[stream] == 0)
                {
                    betting.Add(worse);
                    outcome.Betting[stream] = betting.Rejects(Alpha) ? n : 0;
                }

                if (outcome.Sprt[stream] == 0 && sprt.Add(right) == SequentialDecision.RejectNull)
                {
                    outcome.Sprt[stream] = n;
                }

                // What a dashboard with a threshold at p < 0.05 does, from the 30th request on.
                sum += worse;
                squares += worse * worse;
                if (outcome.Peeking[stream] == 0 && n >= 30)
                {
                    var variance = (squares - (sum * sum / n)) / (n - 1);
                    outcome.Peeking[stream] = sum / Math.Sqrt(n * variance) > 1.6448536269514722 ? n : 0;
                }

                if (outcome.Betting[stream] > 0 && outcome.Peeking[stream] > 0 && outcome.Sprt[stream] > 0)
                {
                    break;
                }
            }
        });
        return outcome;
    }
}
