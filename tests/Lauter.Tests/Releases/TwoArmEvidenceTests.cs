using CsCheck;
using Lauter.Evaluation.Statistics;
using Lauter.Releases.Rollout;

namespace Lauter.Tests.Releases;

public sealed class TwoArmEvidenceTests(ITestOutputHelper output)
{
    private const double Alpha = 0.05;

    [Fact]
    public void Add_AnyPairInsideTheHypothesis_ExpectationNeverGrows()
    {
        // The defining property, exactly: over arm and outcome of the next request, the expected factor is at most 1.
        Gen.Select(Gen.Double[0.001, 0.999], Gen.Double[0, 1], Gen.Double[0.01, 0.99], Gen.Int[0, 60], Gen.Int[0, 60], Gen.Int[0, 10_000]).Sample((liveRate, slack, share, lives, candidates, seed) =>
        {
            const double margin = 0.05;
            var harmless = liveRate * slack; // at most the live rate
            Assert.InRange(Expected(TwoArmEvidence.OfHarm, liveRate, harmless, share, lives, candidates, seed), 0, 1 + 1e-9);
            var worse = Math.Min(1, liveRate + margin + ((1 - liveRate - margin) * slack)); // worse by at least the margin
            if (worse >= liveRate + margin)
            {
                Assert.InRange(Expected(() => TwoArmEvidence.OfSafety(margin), liveRate, worse, share, lives, candidates, seed), 0, 1 + 1e-9);
            }
        });
    }

    [Theory]
    [InlineData(0.02, 0.02, 0.05)]
    [InlineData(0.2, 0.2, 0.5)]
    [InlineData(0.5, 0.5, 0.25)]
    [InlineData(0.1, 0.05, 0.5)]
    public void OfHarm_LookedAtAfterEveryRequest_KeepsItsRisk(double live, double candidate, double share)
    {
        const int runs = 1_000;
        var random = new SeededRandom(11);
        var alarms = Enumerable.Range(0, runs).Count(_ => Delay(TwoArmEvidence.OfHarm(), live, candidate, share, 1_000, random) is not null);
        output.WriteLine($"seed 11: {alarms} false alarms of {runs} at rates {live}/{candidate}, share {share}");
        // The bound is 5 %; three standard errors of the simulation above it would refute it.
        Assert.InRange(alarms / (double)runs, 0, Alpha + (3 * Math.Sqrt(Alpha * (1 - Alpha) / runs)));
    }

    [Fact]
    public void OfSafety_CandidateWorseByTheMargin_KeepsItsRisk()
    {
        const int runs = 500;
        var random = new SeededRandom(12);
        var passes = Enumerable.Range(0, runs).Count(_ => Delay(TwoArmEvidence.OfSafety(0.05), 0.05, 0.10, 0.5, 1_000, random) is not null);
        output.WriteLine($"seed 12: {passes} false promotions of {runs}");
        Assert.InRange(passes / (double)runs, 0, Alpha + (3 * Math.Sqrt(Alpha * (1 - Alpha) / runs)));
    }

    [Theory]
    [InlineData(0.05, 0.55, 0.05, 400)]
    [InlineData(0.02, 0.07, 0.5, 2_500)]
    [InlineData(0.02, 0.32, 0.25, 250)]
    public void OfHarm_WorseCandidate_IsFound(double live, double candidate, double share, int within)
    {
        const int runs = 200;
        var random = new SeededRandom(13);
        var delays = Enumerable.Range(0, runs).Select(_ => Delay(TwoArmEvidence.OfHarm(), live, candidate, share, within, random)).ToList();
        output.WriteLine($"seed 13: found in {delays.Count(d => d is not null)} of {runs} within {within} requests, mean {delays.OfType<int>().Average():0} requests");
        Assert.InRange(delays.Count(d => d is not null) / (double)runs, 0.9, 1);
    }

    [Fact]
    public void OfSafety_EqualReleases_PromotesWithoutMuchWaiting()
    {
        var random = new SeededRandom(14);
        var delays = Enumerable.Range(0, 100).Select(_ => Delay(TwoArmEvidence.OfSafety(0.05), 0.01, 0.01, 0.5, 2_000, random)).ToList();
        output.WriteLine($"seed 14: promoted {delays.Count(d => d is not null)} of 100, mean {delays.OfType<int>().Average():0} requests");
        Assert.InRange(delays.Count(d => d is not null), 90, 100);
    }

    [Fact]
    public void Add_ShareOfAllOrNothing_IsRefused()
    {
        var evidence = TwoArmEvidence.OfHarm();
        Assert.Throws<ArgumentOutOfRangeException>(() => evidence.Add(true, true, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => evidence.Add(true, true, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => evidence.Add(true, true, double.NaN));
        Assert.Equal(1, evidence.Value, 12);
    }

    private static double Expected(Func<TwoArmEvidence> make, double live, double candidate, double share, int lives, int candidates, int seed)
    {
        TwoArmEvidence Replayed()
        {
            var evidence = make();
            var random = new SeededRandom((ulong)seed);
            for (var i = 0; i < lives + candidates; i++)
            {
                evidence.Add(i >= lives, random.NextDouble() < 0.3, share);
            }

            return evidence;
        }

        var before = Replayed().Value;
        var sum = 0.0;
        foreach (var (arm, weight, rate) in new[] { (false, 1 - share, live), (true, share, candidate) })
        {
            foreach (var bad in new[] { true, false })
            {
                var next = Replayed();
                next.Add(arm, bad, share);
                sum += weight * (bad ? rate : 1 - rate) * (next.Value / before);
            }
        }

        return sum;
    }

    private static int? Delay(TwoArmEvidence evidence, double live, double candidate, double share, int most, SeededRandom random)
    {
        for (var i = 1; i <= most; i++)
        {
            var isCandidate = random.NextDouble() < share;
            evidence.Add(isCandidate, random.NextDouble() < (isCandidate ? candidate : live), share);
            if (evidence.Value >= 1 / Alpha)
            {
                return i;
            }
        }

        return null;
    }
}
