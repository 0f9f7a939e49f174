using CsCheck;
using Lauter.Training.Losses;

namespace Lauter.Tests.Training.Losses;

public sealed class PreferenceLossTests
{
    private static readonly Gen<PreferenceScores> Scores =
        from chosen in Gen.Double[-60, -0.5]
        from rejected in Gen.Double[-60, -0.5]
        from before in Gen.Double[-60, -0.5]
        from after in Gen.Double[-60, -0.5]
        from lengths in Gen.Int[1, 20].Array[2]
        from desirable in Gen.Bool
        select new PreferenceScores(chosen, lengths[0], rejected, lengths[1], before, after, desirable, 0.3);

    public static TheoryData<string> Names => [.. PreferenceLosses.All.Select(l => l.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Of_AnyScores_HasTheSlopesThatDifferencesGive(string name)
    {
        var loss = PreferenceLosses.Find(name)!;
        Scores.Sample(s =>
        {
            const double Step = 1e-5;
            var value = loss.Of(s, 0.1, 0.5);
            var chosen = (loss.Of(s with { Chosen = s.Chosen + Step }, 0.1, 0.5).Loss - loss.Of(s with { Chosen = s.Chosen - Step }, 0.1, 0.5).Loss) / (2 * Step);
            var rejected = (loss.Of(s with { Rejected = s.Rejected + Step }, 0.1, 0.5).Loss - loss.Of(s with { Rejected = s.Rejected - Step }, 0.1, 0.5).Loss) / (2 * Step);
            Assert.Equal(chosen, value.ChosenSlope, 1e-5 + (1e-4 * Math.Abs(chosen)));
            Assert.Equal(rejected, value.RejectedSlope, 1e-5 + (1e-4 * Math.Abs(rejected)));
        });
    }

    [Fact]
    public void Of_UntouchedAdapter_IsLn2() =>
        Assert.Equal(Math.Log(2), new Dpo().Of(new PreferenceScores(-12, 5, -9, 4, -12, -9), 0.1, 0).Loss, 1e-12);

    [Theory]
    [MemberData(nameof(Names))]
    public void Of_FarOut_StaysFinite(string name)
    {
        var value = PreferenceLosses.Find(name)!.Of(new PreferenceScores(-1e4, 1, -1e-9, 1, -1e-9, -1e4), 0.1, 0.5);
        Assert.True(double.IsFinite(value.Loss) && double.IsFinite(value.ChosenSlope) && double.IsFinite(value.RejectedSlope));
    }
}
