namespace Lauter.Retrieval.Fusion;

/// <summary>One ranked list with its weight.</summary>
public readonly record struct RankedLeg(IReadOnlyList<int> Numbers, double Weight);

/// <summary>Reciprocal rank fusion (Cormack, Clarke, Büttcher, SIGIR 2009): score = Σ weight / (k + rank), rank from 1.</summary>
public static class ReciprocalRankFusion
{
    /// <summary>The usual constant; larger values let lower ranks count more.</summary>
    public const int DefaultK = 60;

    /// <summary>All items of all legs, best first; ties by number. A leg of weight 0 or less adds nothing.</summary>
    public static IReadOnlyList<ScoredItem> Fuse(IReadOnlyList<RankedLeg> legs, int k = DefaultK)
    {
        var scores = new Dictionary<int, double>();
        foreach (var leg in legs)
        {
            for (var i = 0; i < leg.Numbers.Count && leg.Weight > 0; i++)
            {
                scores[leg.Numbers[i]] = scores.GetValueOrDefault(leg.Numbers[i]) + (leg.Weight / (k + i + 1));
            }
        }

        return [.. scores.Select(pair => new ScoredItem(pair.Key, pair.Value)).OrderByDescending(item => item.Score).ThenBy(item => item.Number)];
    }
}
