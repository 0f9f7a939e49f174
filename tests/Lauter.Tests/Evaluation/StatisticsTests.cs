using CsCheck;
using Lauter.Evaluation.Statistics;

namespace Lauter.Tests.Evaluation;

/// <summary>The worked examples of the literature, traps, and properties that hold for every input.</summary>
public sealed class StatisticsTests
{
    [Theory]
    [InlineData(0.975, 1.959963984540054)]
    [InlineData(0.95, 1.6448536269514722)]
    [InlineData(0.8, 0.8416212335729143)]
    [InlineData(1e-10, -6.361340902404056)]
    public void Quantile_KnownLevels_GivesKnownZ(double probability, double expected) =>
        Golden.Close(expected, Normal.Quantile(probability), 1e-13, $"{probability}");

    [Theory]
    [InlineData(0.975, 1, 12.706204736432095)]
    [InlineData(0.95, 10, 1.8124611228107335)]
    [InlineData(0.975, 1000, 1.9623390808264078)]
    public void StudentQuantile_KnownLevels_GivesKnownT(double probability, double degrees, double expected) =>
        Golden.Close(expected, BetaFunction.StudentQuantile(probability, degrees), 1e-10, $"{probability} with {degrees}");

    [Fact]
    public void ClusteredErrors_WorkedExample_GivesPublishedNumbers()
    {
        double[] scores = [1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1];
        var clusters = ClusterIndex.Of([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]);
        Golden.Close(0.148647, ClusteredErrors.Independent(scores), 5e-7, "plain");
        Golden.Close(0.186621, ClusteredErrors.Clustered(scores, clusters), 5e-7, "clustered");
    }

    [Fact]
    public void Independent_PairedDifferences_GivesPublishedError()
    {
        double[] a = [1, 1, 0, 1, 0, 1, 1, 0, 1, 1], b = [1, 0, 0, 1, 0, 1, 0, 0, 1, 1];
        Golden.Close(0.133333, ClusteredErrors.Independent([.. a.Zip(b, (x, y) => x - y)]), 5e-7, "paired");
    }

    [Fact]
    public void Wilson_NoFailureIn300_GivesRuleOfThree()
    {
        Golden.Close(0.98736, ProportionIntervals.Wilson(300, 300, 0.95).Low, 5e-6, "wilson");
        Golden.Close(0.00994, 1 - Math.Pow(0.05, 1 / 300.0), 5e-6, "one-sided exact");
        Golden.Close(0.00994, ProportionIntervals.ClopperPearson(0, 300, 0.90).High, 5e-6, "clopper-pearson");
    }

    [Theory]
    [InlineData(0.10, 0.01, 7842, 6183)]
    [InlineData(0.10, 0.02, 1955, 1546)]
    [InlineData(0.10, 0.03, 865, 687)]
    [InlineData(0.10, 0.05, 307, 248)]
    [InlineData(0.20, 0.01, 15690, 12366)]
    [InlineData(0.20, 0.02, 3917, 3092)]
    [InlineData(0.20, 0.03, 1737, 1374)]
    [InlineData(0.20, 0.05, 621, 495)]
    public void SampleSize_TableOfGates_GivesPublishedN(double discordance, double points, int superiority, int nonInferiority)
    {
        Assert.Equal(superiority, Math.Ceiling(SampleSize.Superiority(discordance, points, 0.05, 0.8)));
        Assert.Equal(nonInferiority, Math.Ceiling(SampleSize.NonInferiority(discordance, points, 0.05, 0.8)));
    }

    [Theory]
    [InlineData(50, 0.121)]
    [InlineData(200, 0.243)]
    [InlineData(500, 0.442)]
    [InlineData(1000, 0.683)]
    [InlineData(2000, 0.912)]
    public void NonInferiorityPower_ThreePointsNoChange_GivesPublishedPower(int n, double expected) =>
        Golden.Close(expected, SampleSize.NonInferiorityPower(n, 0.2, 0.03, 0.05), 6e-4, $"n={n}");

    [Fact]
    public void Tango_NoDiscordantPair_IsNotAPoint()
    {
        var interval = DifferenceIntervals.Tango(new PairedTable(90, 0, 0, 10), 0.95);
        Assert.True(interval.Low < -0.03 && interval.High > 0.03, interval.ToString());
        Assert.Equal(0, DifferenceIntervals.TangoStatistic(new PairedTable(90, 0, 0, 10), 0));
    }

    [Fact]
    public void Tango_EveryPairDiscordantOneWay_GivesTheClosedForm()
    {
        var interval = DifferenceIntervals.Tango(new PairedTable(0, 30, 0, 0), 0.95);
        Assert.Equal(1, interval.High);

        // With c = 0 and b = n the score equation becomes n(1-D)/(1+D) = z².
        var z2 = Math.Pow(Normal.Quantile(0.975), 2);
        Golden.Close((30 - z2) / (30 + z2), interval.Low, 1e-9, "low");
    }

    [Fact]
    public void Tango_AnyTable_HoldsEstimateAndMirrorsWhenSidesSwap()
    {
        var counts = Gen.Long[0, 400];
        Gen.Select(counts, counts, counts, counts).Where(t => t.Item1 + t.Item2 + t.Item3 + t.Item4 > 0).Sample(
            t =>
            {
                var table = new PairedTable(t.Item1, t.Item2, t.Item3, t.Item4);
                var swapped = table with { OnlyFirst = table.OnlySecond, OnlySecond = table.OnlyFirst };
                var interval = DifferenceIntervals.Tango(table, 0.9);
                var mirror = DifferenceIntervals.Tango(swapped, 0.9);
                var wider = DifferenceIntervals.Tango(table, 0.99);
                var corrected = DifferenceIntervals.TangoAt(table, Normal.Quantile(0.95), 0.5);
                return interval.Contains(table.Difference) && interval.Low >= -1 && interval.High <= 1
                    && Math.Abs(interval.Low + mirror.High) < 1e-9 && Math.Abs(interval.High + mirror.Low) < 1e-9
                    && wider.Low <= interval.Low + 1e-12 && wider.High >= interval.High - 1e-12
                    && corrected.Low <= interval.Low + 1e-12 && corrected.High >= interval.High - 1e-12;
            },
            seed: "0000KZ7GQmW0", iter: 2_000);
    }

    [Fact]
    public void McNemar_AnyCounts_IsSymmetricAndMidPIsSmaller()
    {
        Gen.Select(Gen.Long[0, 3_000], Gen.Long[0, 3_000]).Sample(
            t =>
            {
                var (b, c) = t;
                var exact = McNemar.Exact(b, c);
                var oneSided = Math.Min(McNemar.ExactFirstBetter(b, c), McNemar.ExactFirstBetter(c, b));
                return exact is >= 0 and <= 1 && exact == McNemar.Exact(c, b) && McNemar.MidP(b, c) <= exact
                    && Math.Abs(exact - Math.Min(1, 2 * oneSided)) <= 1e-12 * exact;
            },
            seed: "0000KZ7GQmW0", iter: 2_000);
    }

    [Fact]
    public void Holm_AnyP_NeverBelowPAndMonotone()
    {
        Gen.Double[0, 1].Array[1, 12].Sample(
            p =>
            {
                var adjusted = MultipleTests.Holm(p);
                var order = Enumerable.Range(0, p.Length).OrderBy(i => p[i]).ToArray();
                return adjusted.Zip(p).All(z => z.First >= z.Second && z.First <= 1)
                    && order.Zip(order.Skip(1)).All(z => adjusted[z.First] <= adjusted[z.Second]);
            },
            seed: "0000KZ7GQmW0", iter: 2_000);
    }

    [Fact]
    public void Sandwich_SingleItemClusters_EqualsIndependent()
    {
        Gen.Double[-1, 1].Array[2, 60].Sample(
            scores => Math.Abs(ClusteredErrors.Sandwich(scores, ClusterIndex.Of(Enumerable.Range(0, scores.Length))) - ClusteredErrors.Independent(scores)) < 1e-12,
            seed: "0000KZ7GQmW0", iter: 1_000);
    }

    [Fact]
    public void EffectiveItems_CopiesOfEveryItem_CountsClusters()
    {
        double[] once = [1, 0, 1, 1, 0, 1, 0, 1, 1, 1, 0, 0, 1, 1, 0, 1];
        double[] thrice = [.. once.SelectMany(s => new[] { s, s, s })];
        var clusters = ClusterIndex.Of(Enumerable.Range(0, thrice.Length).Select(i => i / 3));
        Assert.InRange(ClusteredErrors.EffectiveItems(thrice, clusters), once.Length * 0.9, once.Length * 1.1);
    }

    [Fact]
    public void SeededRandom_SameSeed_GivesTheFrozenSequence()
    {
        var random = new SeededRandom(1);
        Assert.True(
            random.Next() == 12966619160104079557UL && random.Next() == 9600361134598540522UL,
            "The generator is frozen: published bootstrap intervals rest on its numbers. Add another one instead of changing it.");
    }
}
