using Lauter.Releases.Iterations;

namespace Lauter.Tests.Releases;

public sealed class IterationStopTests
{
    [Fact]
    public void Reason_TwoIterationsThatGainedTooLittle_StopsAndSaysWhat()
    {
        var reason = IterationStop.Reason([new(2, 0.041, 0.062, 0.02), new(3, 0.004, 0.015, 0.02), new(4, -0.001, 0.011, 0.02)]);
        Assert.StartsWith("each of the iterations 3 and 4 is shown to have gained less than 2 points (+0.4 points, at most +1.5, -0.1 points, at most +1.1)", reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0.015, 0.03)] // the newer one may still have helped
    [InlineData(0.03, 0.015)]
    [InlineData(null, 0.015)] // a gate that could not say is no evidence
    [InlineData(0.02, 0.01)] // exactly the margin is not below it
    public void Reason_OneOfThemMayHaveHelped_GoesOn(double? first, double second) =>
        Assert.Null(IterationStop.Reason([new(2, 0, first, 0.02), new(3, 0, second, 0.02)]));

    [Fact]
    public void Reason_TooFewIterations_GoesOn() => Assert.Null(IterationStop.Reason([new(2, 0, 0.001, 0.02)]));
}
