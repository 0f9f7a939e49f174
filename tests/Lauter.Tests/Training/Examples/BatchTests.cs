using CsCheck;
using Lauter.Training.Examples;

namespace Lauter.Tests.Training.Examples;

public sealed class BatchTests
{
    [Fact]
    public void Of_TwoExamples_PadsRightAndPredictsTrainedTokensFromTheOneBefore()
    {
        var batch = Batch.Of([
            new TrainingExample("a", [5, 6, 7, 8], [false, false, true, true]),
            new TrainingExample("b", [9, 4], [false, true]),
        ]);

        Assert.Equal([5, 6, 7, 9, 0, 0], batch.Tokens);
        Assert.Equal([1, 2, 3], batch.Rows);
        Assert.Equal([7, 8, 4], batch.Targets);
        Assert.Equal(3, batch.TrainedTokens);
    }

    [Fact]
    public void Of_PromptWeight_AddsTheOtherTokensWithThatWeight()
    {
        var batch = Batch.Of([new TrainingExample("a", [5, 6, 7], [false, false, true])], promptWeight: 0.25);

        Assert.Equal([6, 7], batch.Targets);
        Assert.Equal([0.25f, 1f], batch.Weights);
        Assert.Equal(1, batch.TrainedTokens);
    }

    [Fact]
    public void Split_AnyExamples_KeepsOrderAndBudget() => Gen.Select(Gen.Int[2, 50].Array[1, 60], Gen.Int[1, 400]).Sample((lengths, budget) =>
    {
        TrainingExample[] examples = [.. lengths.Select((n, i) => new TrainingExample($"{i}", new int[n], new bool[n]))];
        var parts = MicroBatches.Split(examples, budget).ToArray();
        return parts.SelectMany(p => p).SequenceEqual(examples)
            && parts.All(p => p.Count == 1 || p.Count * p.Max(e => e.Ids.Length) <= budget);
    });
}
