using CsCheck;
using Lauter.Training.Examples;

namespace Lauter.Tests.Training.Examples;

public sealed class BatchOrderTests
{
    private static readonly Gen<(int[] Lengths, int Batch, ulong Seed)> Runs =
        Gen.Select(Gen.Int[2, 90].Array[1, 300], Gen.Int[1, 40], Gen.ULong);

    [Fact]
    public void Step_OneEpoch_SeesEveryExampleOnce() => Runs.Sample(run =>
    {
        var order = new BatchOrder(run.Lengths, run.Batch, run.Seed);
        var seen = Enumerable.Range(order.StepsPerEpoch, order.StepsPerEpoch).SelectMany(order.Step).Order();
        return seen.SequenceEqual(Enumerable.Range(0, run.Lengths.Length));
    });

    [Fact]
    public void Step_AskedInAnyOrder_DependsOnSeedAndStepOnly() => Runs.Sample(run =>
    {
        var forward = new BatchOrder(run.Lengths, run.Batch, run.Seed);
        var backward = new BatchOrder(run.Lengths, run.Batch, run.Seed);
        var steps = Enumerable.Range(0, forward.StepsPerEpoch * 2).ToArray();
        var expected = steps.Select(forward.Step).ToArray();
        return steps.Reverse().All(step => backward.Step(step).SequenceEqual(expected[step]));
    });

    [Fact]
    public void Step_NextEpochOrSeed_IsAnotherOrder()
    {
        var lengths = Enumerable.Repeat(10, 100).ToArray();
        var order = new BatchOrder(lengths, 10, 1);

        Assert.NotEqual(order.Step(0), order.Step(10));
        Assert.NotEqual(order.Step(0), new BatchOrder(lengths, 10, 2).Step(0));
    }
}
