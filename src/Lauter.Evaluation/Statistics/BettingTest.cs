namespace Lauter.Evaluation.Statistics;

/// <summary>
/// One-sided test of the mean of bounded observations that may be looked at after every one of them, whatever their distribution: a
/// gambler who bets on a larger mean gets rich only when it is larger (Waudby-Smith and Ramdas 2024). Wealth is the mean over a grid of
/// fixed bets, so no tuning is needed. By Ville's inequality P(wealth ever reaches 1/alpha) ≤ alpha under the null hypothesis.
/// Not thread-safe.
/// </summary>
public sealed class BettingTest
{
    private static readonly double[] Fractions = [.. Enumerable.Range(0, 12).Select(i => 0.9 * Math.Pow(0.62, i))];

    private readonly double _nullMean;
    private readonly double[] _bets;
    private readonly double[] _logWealth;

    /// <param name="nullMean">The null hypothesis: the mean is at most this.</param>
    /// <param name="low">No observation lies below; less than <paramref name="nullMean"/>.</param>
    public BettingTest(double nullMean, double low)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(nullMean, low);
        _nullMean = nullMean;
        _bets = Array.ConvertAll(Fractions, f => f / (nullMean - low));
        _logWealth = new double[_bets.Length];
    }

    /// <summary>Observations so far.</summary>
    public long Count { get; private set; }

    /// <summary>ln of the wealth, starting at 0.</summary>
    public double LogWealth { get; private set; }

    /// <summary>Largest <see cref="LogWealth"/> so far.</summary>
    public double HighestLogWealth { get; private set; }

    /// <summary>Always-valid p of "the mean is at most the null mean": the smallest 1 / wealth so far, at most 1.</summary>
    public double P => Math.Min(1, Math.Exp(-HighestLogWealth));

    /// <summary>Adds one observation. It must lie at or above the lower bound.</summary>
    public void Add(double observation)
    {
        Count++;
        var gain = observation - _nullMean;
        var highest = double.NegativeInfinity;
        for (var i = 0; i < _bets.Length; i++)
        {
            _logWealth[i] += Math.Log(1 + (_bets[i] * gain));
            highest = Math.Max(highest, _logWealth[i]);
        }

        double sum = 0;
        foreach (var wealth in _logWealth)
        {
            sum += Math.Exp(wealth - highest);
        }

        LogWealth = highest + Math.Log(sum / _bets.Length);
        HighestLogWealth = Math.Max(HighestLogWealth, LogWealth);
    }

    /// <summary>True when the null hypothesis is rejected at <paramref name="alpha"/>, now or earlier.</summary>
    public bool Rejects(double alpha) => HighestLogWealth >= -Math.Log(alpha);
}
