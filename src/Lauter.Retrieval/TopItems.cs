namespace Lauter.Retrieval;

/// <summary>The number of a chunk or row with its score.</summary>
public readonly record struct ScoredItem(int Number, double Score);

/// <summary>Selects the best of many scores.</summary>
internal static class TopItems
{
    /// <summary>The <paramref name="k"/> highest scores, highest first, equal ones by number.</summary>
    public static List<ScoredItem> Select(ReadOnlySpan<double> scores, int k, bool positiveOnly)
    {
        // The queue's head is the worst kept item; among equals the later number is the worse one.
        var kept = new PriorityQueue<int, (double Score, int Backwards)>(Math.Max(1, Math.Min(k, scores.Length)) + 1);
        var worst = double.NegativeInfinity;
        for (var i = 0; i < scores.Length && k > 0; i++)
        {
            if ((positiveOnly && scores[i] <= 0) || (kept.Count == k && scores[i] <= worst))
            {
                continue;
            }

            kept.Enqueue(i, (scores[i], -i));
            if (kept.Count > k)
            {
                kept.Dequeue();
            }

            if (kept.Count == k && kept.TryPeek(out _, out var priority))
            {
                worst = priority.Score;
            }
        }

        var items = new List<ScoredItem>(kept.Count);
        while (kept.TryDequeue(out var number, out var priority))
        {
            items.Add(new ScoredItem(number, priority.Score));
        }

        items.Reverse();
        return items;
    }
}
