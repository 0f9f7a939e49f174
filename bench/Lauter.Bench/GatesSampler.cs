using Lauter.Evaluation.Statistics;

namespace Lauter.Bench;

/// <summary>Exact binomial draws by the inverse of the distribution, tables kept: a release of 5,000 items costs two look-ups.</summary>
internal sealed class GatesSampler
{
    private readonly Dictionary<(int N, double P), (int From, double[] Cumulative)> _tables = [];

    public int Binomial(SeededRandom random, int n, double p)
    {
        if (n == 0 || p <= 0)
        {
            return 0;
        }

        if (p >= 1)
        {
            return n;
        }

        if (!_tables.TryGetValue((n, p), out var table))
        {
            _tables[(n, p)] = table = Build(n, p);
        }

        var place = Array.BinarySearch(table.Cumulative, random.NextDouble());
        return table.From + (place < 0 ? Math.Min(~place, table.Cumulative.Length - 1) : Math.Min(place + 1, table.Cumulative.Length - 1));
    }

    /// <summary>Counts of a paired comparison at a true effect and discordance, the candidate first; the baseline is right on 80 of 100.</summary>
    public PairedTable Table(SeededRandom random, int n, double effect, double discordance)
    {
        double better = (discordance + effect) / 2, worse = (discordance - effect) / 2;
        var differ = Binomial(random, n, discordance);
        var onlyCandidate = Binomial(random, differ, better / discordance);
        var both = Binomial(random, n - differ, Math.Clamp((0.8 - worse) / (1 - discordance), 0, 1));
        return new PairedTable(both, onlyCandidate, differ - onlyCandidate, n - differ - both);
    }

    private static (int From, double[] Cumulative) Build(int n, double p)
    {
        // Beyond ten standard deviations lies less than a double can tell.
        double mean = n * p, reach = (10 * Math.Sqrt(n * p * (1 - p))) + 10;
        int from = (int)Math.Max(0, mean - reach), to = (int)Math.Min(n, mean + reach);
        var cumulative = new double[to - from + 1];
        double sum = 0;
        for (var k = from; k <= to; k++)
        {
            sum += Math.Exp(BetaFunction.LogChoose(n, k) + (k * Math.Log(p)) + ((n - k) * double.LogP1(-p)));
            cumulative[k - from] = sum;
        }

        return (from, cumulative);
    }
}
