namespace Lauter.Evaluation.Statistics;

/// <summary>How far apart two ratings are.</summary>
public enum RatingScale
{
    /// <summary>Equal or not.</summary>
    Nominal,

    /// <summary>By rank: how many ratings lie between.</summary>
    Ordinal,

    /// <summary>By squared distance.</summary>
    Interval,

    /// <summary>By squared distance over the squared sum.</summary>
    Ratio,
}

/// <summary>
/// Agreement of any number of raters, ratings missing or not. Raters are rows, items columns, null is missing. All are 1 for perfect agreement and about 0
/// for chance; they are NaN where only one category occurs, except Gwet's AC1, which is 1 there.
/// </summary>
public static class Agreement
{
    /// <summary>Krippendorff's alpha: 1 - observed / expected disagreement. Items rated once are left out.</summary>
    /// <remarks>Krippendorff (2011), Computing Krippendorff's alpha-reliability.</remarks>
    public static double Alpha(IReadOnlyList<IReadOnlyList<double?>> ratings, RatingScale scale)
    {
        double[] values = [.. ratings.SelectMany(r => r).OfType<double>().Distinct().Order()];
        var coincidences = new double[values.Length, values.Length];
        var totals = new double[values.Length];
        foreach (var counts in CountsOfItems(ratings, values))
        {
            var raters = counts.Sum();
            for (var c = 0; c < values.Length && raters > 1; c++)
            {
                for (var k = 0; k < values.Length; k++)
                {
                    var pairs = counts[c] * (counts[k] - (c == k ? 1 : 0)) / (raters - 1);
                    coincidences[c, k] += pairs;
                    totals[c] += pairs;
                }
            }
        }

        double n = totals.Sum(), observed = 0, expected = 0;
        for (var c = 0; c < values.Length; c++)
        {
            for (var k = 0; k < values.Length; k++)
            {
                var distance = Distance(scale, values, totals, c, k);
                observed += coincidences[c, k] * distance;
                expected += totals[c] * totals[k] * distance / (n - 1);
            }
        }

        return 1 - (observed / expected);
    }

    /// <summary>Fleiss' kappa in the form for missing ratings; of two raters it is Scott's pi.</summary>
    public static double Fleiss(IReadOnlyList<IReadOnlyList<double?>> ratings, IReadOnlyList<double> categories) =>
        Of(ratings, categories, null, (pi, _, w) => Weighted(pi, pi, w));

    /// <summary>Randolph's free-marginal kappa, which is Brennan and Prediger's coefficient: every category is as likely by chance.</summary>
    public static double BrennanPrediger(IReadOnlyList<IReadOnlyList<double?>> ratings, IReadOnlyList<double> categories) =>
        Of(ratings, categories, null, (pi, _, w) => w.Cast<double>().Sum() / (pi.Length * (double)pi.Length));

    /// <summary>Conger's kappa: the mean of what each pair of raters would agree on by chance; of two raters it is Cohen's.</summary>
    public static double Conger(IReadOnlyList<IReadOnlyList<double?>> ratings, IReadOnlyList<double> categories) => Of(ratings, categories, null, (_, shares, w) =>
    {
        double raters = shares.Length, chance = 0;
        for (var k = 0; k < w.GetLength(0); k++)
        {
            for (var l = 0; l < w.GetLength(1); l++)
            {
                double mean = shares.Average(s => s[k]) * shares.Average(s => s[l]);
                var variance = (shares.Sum(s => s[k] * s[l]) - (raters * mean)) / (raters - 1);
                chance += w[k, l] * (mean - (variance / raters));
            }
        }

        return chance;
    });

    /// <summary>Gwet's AC1, or AC2 with <paramref name="weights"/>: does not fall when one category is nearly all there is.</summary>
    /// <param name="ratings">The ratings.</param>
    /// <param name="categories">All categories, those that nobody used included.</param>
    /// <param name="weights">Agreement of each two categories, 1 on the diagonal; null for equal or not.</param>
    public static double Gwet(IReadOnlyList<IReadOnlyList<double?>> ratings, IReadOnlyList<double> categories, double[,]? weights = null) =>
        Of(ratings, categories, weights, (pi, _, w) => pi.Length < 2 ? 0 : w.Cast<double>().Sum() * pi.Sum(p => p * (1 - p)) / (pi.Length * (pi.Length - 1.0)));

    /// <summary>Standard error of Cohen's kappa from a table of counts (Fleiss, Cohen and Everitt 1969).</summary>
    public static double KappaError(double[,] table)
    {
        var size = table.GetLength(0);
        double n = table.Cast<double>().Sum(), observed = 0, chance = 0;
        double[] rows = new double[size], columns = new double[size];
        for (var i = 0; i < size; i++)
        {
            for (var j = 0; j < size; j++)
            {
                rows[i] += table[i, j] / n;
                columns[j] += table[i, j] / n;
            }

            observed += table[i, i] / n;
        }

        chance += rows.Zip(columns, (r, c) => r * c).Sum();
        double kappa = (observed - chance) / (1 - chance), sum = 0;
        for (var i = 0; i < size; i++)
        {
            for (var j = 0; j < size; j++)
            {
                var share = table[i, j] / n;
                sum += i == j
                    ? share * Square(1 - ((rows[i] + columns[i]) * (1 - kappa)))
                    : share * Square((columns[i] + rows[j]) * (1 - kappa));
            }
        }

        return Math.Sqrt((sum - Square(kappa - (chance * (1 - kappa)))) / n) / (1 - chance);
    }

    private static double Of(
        IReadOnlyList<IReadOnlyList<double?>> ratings, IReadOnlyList<double> categories, double[,]? weights, Func<double[], double[][], double[,], double> chance)
    {
        double[] values = [.. categories];
        var w = weights ?? Identity(values.Length);
        var shares = new double[values.Length];
        double observed = 0;
        int rated = 0, compared = 0;
        foreach (var counts in CountsOfItems(ratings, values))
        {
            var raters = counts.Sum();
            for (var k = 0; k < values.Length && raters > 0; k++)
            {
                shares[k] += counts[k] / raters;
            }

            rated += raters > 0 ? 1 : 0;
            if (raters < 2)
            {
                continue;
            }

            compared++;
            for (var k = 0; k < values.Length; k++)
            {
                double alike = -1;
                for (var l = 0; l < values.Length; l++)
                {
                    alike += w[k, l] * counts[l];
                }

                observed += counts[k] * alike / (raters * (raters - 1));
            }
        }

        double[] pi = [.. shares.Select(s => s / rated)];
        double[][] byRater = [.. ratings.Select(r => values.Select(v => r.Count(x => x == v) / (double)r.Count(x => x is not null)).ToArray())];
        var expected = chance(pi, byRater, w);
        return ((observed / compared) - expected) / (1 - expected);
    }

    private static IEnumerable<double[]> CountsOfItems(IReadOnlyList<IReadOnlyList<double?>> ratings, double[] values)
    {
        for (var item = 0; item < (ratings.Count == 0 ? 0 : ratings[0].Count); item++)
        {
            var counts = new double[values.Length];
            foreach (var rater in ratings)
            {
                if (rater[item] is { } value)
                {
                    counts[Array.IndexOf(values, value)]++;
                }
            }

            yield return counts;
        }
    }

    private static double Distance(RatingScale scale, double[] values, double[] totals, int c, int k)
    {
        if (c == k)
        {
            return 0;
        }

        switch (scale)
        {
            case RatingScale.Nominal:
                return 1;
            case RatingScale.Interval:
                return Square(values[c] - values[k]);
            case RatingScale.Ratio:
                return Square((values[c] - values[k]) / (values[c] + values[k]));
            default:
                double between = -(totals[c] + totals[k]) / 2;
                for (var g = Math.Min(c, k); g <= Math.Max(c, k); g++)
                {
                    between += totals[g];
                }

                return between * between;
        }
    }

    private static double Weighted(double[] left, double[] right, double[,] weights)
    {
        double sum = 0;
        for (var k = 0; k < left.Length; k++)
        {
            for (var l = 0; l < right.Length; l++)
            {
                sum += weights[k, l] * left[k] * right[l];
            }
        }

        return sum;
    }

    private static double[,] Identity(int size)
    {
        var identity = new double[size, size];
        for (var k = 0; k < size; k++)
        {
            identity[k, k] = 1;
        }

        return identity;
    }

    private static double Square(double x) => x * x;
}
