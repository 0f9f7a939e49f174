namespace Lauter.Evaluation.Statistics;

/// <summary>Ranks of values, 1 for the smallest.</summary>
public static class Ranks
{
    /// <summary>Equal values share the mean of their ranks.</summary>
    public static double[] Middle(ReadOnlySpan<double> values)
    {
        var keys = values.ToArray();
        var places = new int[keys.Length];
        for (var i = 0; i < places.Length; i++)
        {
            places[i] = i;
        }

        Array.Sort(keys, places);
        var ranks = new double[keys.Length];
        for (var start = 0; start < keys.Length;)
        {
            var end = start + 1;
            while (end < keys.Length && keys[end] == keys[start])
            {
                end++;
            }

            for (var i = start; i < end; i++)
            {
                ranks[places[i]] = (start + 1 + end) / 2.0;
            }

            start = end;
        }

        return ranks;
    }

    /// <summary>Σ (t³ - t) over groups of t equal values: what ties take from a variance.</summary>
    public static double TieTerm(ReadOnlySpan<double> values)
    {
        var sorted = values.ToArray();
        Array.Sort(sorted);
        double sum = 0;
        for (var start = 0; start < sorted.Length;)
        {
            var end = start + 1;
            while (end < sorted.Length && sorted[end] == sorted[start])
            {
                end++;
            }

            double t = end - start;
            sum += (t * t * t) - t;
            start = end;
        }

        return sum;
    }
}
