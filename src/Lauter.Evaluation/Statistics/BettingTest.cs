namespace Lauter.Evaluation.Statistics;

/// <summary>
/// One-sided test of the mean of bounded observations that may be looked at after every one of them, whatever their distribution: a
/// gambler who bets on a larger mean gets rich only when it is larger (Waudby-Smith and Ramdas 2024). Wealth is the mean over a grid of
/// fixed bets, so no tuning is needed. By Ville's inequality P(wealth ever reaches 1/alpha) ≤ alpha under the null hypothesis.
/// Not thread-safe.
/// </summary>
public sealed class BettingTest
{
    // Few and far apart: each further bet shares the starting wealth, and the best one is never more than a factor √2 away.
    private static readonly double[] Fractions = [0.6, 0.3, 0.15, 0.075, 0.0375];

    private const double Rescale = 1e200;

    private readonly double _nullMean;
    private readonly double[] _bets;
    private readonly double[] _wealth;
    private double _scale;

    /// <param name="nullMean">The null hypothesis: the mean is at most this.</param>
    /// <param name="low">No observation lies below; less than <paramref name="nullMean"/>.</param>
    public BettingTest(double nullMean, double low)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(nullMean, low);
        _nullMean = nullMean;
        _bets = Array.ConvertAll(Fractions, f => f / (nullMean - low));
        _wealth = new double[_bets.Length];
        Array.Fill(_wealth, 1);
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
        double sum = 0;
        for (var i = 0; i < _bets.Length; i++)
        {
            _wealth[i] *= 1 + (_bets[i] * gain);
            sum += _wealth[i];
        }

        LogWealth = _scale + Math.Log(sum / _bets.Length);
        HighestLogWealth = Math.Max(HighestLogWealth, LogWealth);
        if (sum is > Rescale or < 1 / Rescale)
        {
            // Keeps the products in range; a bettor far behind the rest may become 0, and then counts for nothing, as before.
            _scale += Math.Log(sum);
            for (var i = 0; i < _wealth.Length; i++)
            {
                _wealth[i] /= sum;
            }
        }
    }

    /// <summary>True when the null hypothesis is rejected at <paramref name="alpha"/>, now or earlier.</summary>
    public bool Rejects(double alpha) => HighestLogWealth >= -Math.Log(alpha);
}
