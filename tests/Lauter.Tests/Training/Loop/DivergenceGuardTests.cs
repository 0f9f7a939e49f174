using Lauter.Training.Loop;

namespace Lauter.Tests.Training.Loop;

public sealed class DivergenceGuardTests
{
    [Fact]
    public void Check_NotANumber_FailsAtOnce() =>
        Assert.Throws<TrainingFailedException>(() => new DivergenceGuard().Check(1, double.NaN, 1, 1e-3));

    [Fact]
    public void Check_InfiniteGradient_FailsAtOnce() =>
        Assert.Throws<TrainingFailedException>(() => new DivergenceGuard().Check(1, 1, double.PositiveInfinity, 1e-3));

    [Fact]
    public void Check_SpikesBelowTheLimit_GoOn()
    {
        var guard = Warm();
        for (var i = 0; i < 10; i++)
        {
            for (var spike = 1; spike < DivergenceGuard.SpikesInARow; spike++)
            {
                guard.Check(200, 2.5, 1, 1e-3);
            }

            guard.Check(201, 1, 1, 1e-3);
        }

        Assert.Equal(0, guard.Spikes);
    }

    [Fact]
    public void Check_SpikesInARow_Fail()
    {
        var guard = Warm();
        for (var spike = 1; spike < DivergenceGuard.SpikesInARow; spike++)
        {
            guard.Check(200, 2.5, 1, 1e-3);
        }

        Assert.Throws<TrainingFailedException>(() => guard.Check(201, 2.5, 1, 1e-3));
    }

    private static DivergenceGuard Warm() => new(Enumerable.Repeat(1.0, DivergenceGuard.Window));
}
