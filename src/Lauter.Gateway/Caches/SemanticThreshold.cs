namespace Lauter.Gateway.Caches;

/// <summary>
/// From which similarity on kept answers were right often enough. A level holds when the exact upper bound (Clopper and Pearson 1934) of the share of wrong
/// ones among the checks at or above it is within the limit; the confidence of 95 % is shared out among the levels (Bonferroni), because the most
/// favourable one is taken. Nothing is given before something was learned.
/// </summary>
/// <remarks>Not safe for concurrent use.</remarks>
internal sealed class SemanticThreshold(double falseHits)
{
    private const int Newest = 4_096;
    private const double Loosest = 0.70;
    private const double Step = 0.04;
    private const int Levels = 8; // up to 0.98
    private const double Alpha = 0.05 / Levels;
    private readonly Queue<(double Similarity, bool Same)> _checks = new();
    private readonly (int Count, int Wrong)[] _levels = new (int, int)[Levels];

    /// <summary>The lowest level that holds; above 1 while none does.</summary>
    public double Level { get; private set; } = double.PositiveInfinity;

    /// <summary>Checks at or above the level, and how many of them were wrong.</summary>
    public (int Checks, int Wrong) AtLevel { get; private set; }

    /// <summary>A kept answer was compared with a new one.</summary>
    public void Add(double similarity, bool same)
    {
        _checks.Enqueue((similarity, same));
        Count(similarity, same, 1);
        if (_checks.Count > Newest)
        {
            var (oldest, right) = _checks.Dequeue(); // what models and callers do changes
            Count(oldest, right, -1);
        }

        (Level, AtLevel) = (double.PositiveInfinity, default);
        for (var i = 0; i < Levels; i++)
        {
            if (Holds(_levels[i].Wrong, _levels[i].Count, falseHits))
            {
                (Level, AtLevel) = (Loosest + (i * Step), _levels[i]);
                return;
            }
        }
    }

    /// <summary>
    /// True when the exact upper bound of the share of wrong ones is within the limit: at a share of just the limit, so few wrong ones would be seen with a
    /// chance of at most 5 % in all levels together.
    /// </summary>
    internal static bool Holds(int wrong, int count, double limit) => count > 0 && wrong < count * limit && AtMost(wrong, count, limit) <= Alpha;

    private void Count(double similarity, bool same, int one)
    {
        for (var i = 0; i < Levels && similarity >= Loosest + (i * Step); i++)
        {
            _levels[i] = (_levels[i].Count + one, _levels[i].Wrong + (same ? 0 : one));
        }
    }

    /// <summary>P(X ≤ wrong) of a binomial.</summary>
    private static double AtMost(int wrong, int count, double share)
    {
        var term = count * Math.Log(1 - share);
        var sum = Math.Exp(term);
        for (var k = 1; k <= wrong; k++)
        {
            term += Math.Log(count - k + 1) - Math.Log(k) + Math.Log(share) - Math.Log(1 - share);
            sum += Math.Exp(term);
        }

        return sum;
    }
}
