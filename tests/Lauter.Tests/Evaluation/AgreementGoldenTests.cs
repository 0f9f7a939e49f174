using System.Text.Json;
using Lauter.Evaluation.Metrics.Classes;
using Lauter.Evaluation.Statistics;

namespace Lauter.Tests.Evaluation;

/// <summary>Agreement of raters against krippendorff, irrCAC, statsmodels and scikit-learn.</summary>
public sealed class AgreementGoldenTests
{
    private const double Tolerance = 1e-9;

    [Fact]
    public void Agreement_ReferenceRatings_GivesReferenceAlphaAndKappa()
    {
        foreach (var c in Golden.Shared("agreement.json").Items("cases"))
        {
            var ratings = Ratings(c);
            foreach (var scale in Enum.GetValues<RatingScale>())
            {
                var name = scale.ToString().ToLowerInvariant();
                Golden.Same(c.GetProperty("alpha").Real(name), Agreement.Alpha(ratings, scale), Tolerance, $"alpha {name}");
            }

            double[] seen = [.. ratings.SelectMany(r => r).OfType<double>().Distinct().Order()];
            Optional(c, "fleiss", () => Agreement.Fleiss(ratings, seen));
            Optional(c, "randolph", () => Agreement.BrennanPrediger(ratings, seen));
        }
    }

    [Fact]
    public void Agreement_MoreRatings_GivesReferenceCoefficients()
    {
        foreach (var c in Golden.Shared("agreement-more.json").Items("cases"))
        {
            var (ratings, categories) = (Ratings(c), c.Reals("categories"));
            Golden.Same(c.Real("alpha_nominal"), Agreement.Alpha(ratings, RatingScale.Nominal), Tolerance, "alpha nominal");
            Golden.Same(c.Real("alpha_ordinal"), Agreement.Alpha(ratings, RatingScale.Ordinal), Tolerance, "alpha ordinal");
            Golden.Same(c.Real("alpha_interval"), Agreement.Alpha(ratings, RatingScale.Interval), Tolerance, "alpha interval");
            Golden.Same(c.Real("alpha_ratio"), Agreement.Alpha(ratings, RatingScale.Ratio), Tolerance, "alpha ratio");
            Optional(c, "ac1", () => Agreement.Gwet(ratings, categories));
            Optional(c, "conger", () => Agreement.Conger(ratings, categories));
            Optional(c, "brennan_prediger", () => Agreement.BrennanPrediger(ratings, categories));
            Optional(c, "fleiss_irrcac", () => Agreement.Fleiss(ratings, categories));
            Optional(c, "fleiss", () => Agreement.Fleiss(ratings, categories));
            Optional(c, "randolph", () => Agreement.BrennanPrediger(ratings, categories));
            Optional(c, "scott_pi", () => Agreement.Fleiss(ratings, categories));
            foreach (var weights in (string[])["linear", "quadratic", "ordinal"])
            {
                Optional(c, $"ac2_{weights}", () => Agreement.Gwet(ratings, categories, Matrix(c.GetProperty("weights").GetProperty(weights))));
            }

            if (ratings.Length == 2 && c.TryGetProperty("cohen", out _))
            {
                Cohen(c, ratings, categories);
            }
        }
    }

    [Fact]
    public void Alpha_ManyRandomRatings_IsSymmetricAndAtMostOne()
    {
        var random = new SeededRandom(11);
        for (var trial = 0; trial < 200; trial++)
        {
            double?[][] ratings = [.. Enumerable.Range(0, 3).Select(_ => Enumerable.Range(0, 12).Select(_ => random.NextInt(5) == 0 ? (double?)null : random.NextInt(4)).ToArray())];
            foreach (var scale in Enum.GetValues<RatingScale>().Where(s => s != RatingScale.Ratio))
            {
                var alpha = Agreement.Alpha(ratings, scale);
                Assert.True(double.IsNaN(alpha) || alpha <= 1 + 1e-12, $"{alpha}");
                Golden.Same(alpha, Agreement.Alpha([.. ratings.Reverse()], scale), Tolerance, $"raters swapped, {scale}");
            }
        }
    }

    private static void Cohen(JsonElement c, double?[][] ratings, double[] categories)
    {
        var both = ratings[0].Zip(ratings[1]).Where(p => p.First is not null && p.Second is not null).ToArray();
        int[] first = [.. both.Select(p => Array.IndexOf(categories, p.First!.Value))], second = [.. both.Select(p => Array.IndexOf(categories, p.Second!.Value))];
        var matrix = ConfusionMatrix.Of(first, second, categories.Length);
        Golden.Same(c.Real("cohen"), matrix.Kappa(), Tolerance, "cohen");
        Golden.Same(c.Real("cohen_linear"), matrix.Kappa(KappaWeights.Linear), Tolerance, "cohen linear");
        Golden.Same(c.Real("cohen_quadratic"), matrix.Kappa(KappaWeights.Quadratic), Tolerance, "cohen quadratic");
        if (c.TryGetProperty("cohen_statsmodels", out var full) && full.ValueKind == JsonValueKind.Object)
        {
            var table = new double[categories.Length, categories.Length];
            for (var i = 0; i < first.Length; i++)
            {
                table[first[i], second[i]]++;
            }

            Golden.Same(full.Real("std"), Agreement.KappaError(table), Tolerance, "standard error of kappa");
        }
    }

    private static void Optional(JsonElement c, string member, Func<double> value)
    {
        if (c.TryGetProperty(member, out var expected) && (expected.ValueKind == JsonValueKind.Number || (expected.ValueKind == JsonValueKind.String && expected.GetString() is "NaN")))
        {
            Golden.Same(expected.Real(), value(), Tolerance, member);
        }
    }

    private static double?[][] Ratings(JsonElement c) =>
        [.. c.GetProperty("ratings").EnumerateArray().Select(r => r.EnumerateArray().Select(v => v.ValueKind == JsonValueKind.Null ? (double?)null : v.GetDouble()).ToArray())];

    private static double[,] Matrix(JsonElement rows)
    {
        var size = rows.GetArrayLength();
        var matrix = new double[size, size];
        for (var i = 0; i < size; i++)
        {
            for (var j = 0; j < size; j++)
            {
                matrix[i, j] = rows[i][j].GetDouble();
            }
        }

        return matrix;
    }
}
