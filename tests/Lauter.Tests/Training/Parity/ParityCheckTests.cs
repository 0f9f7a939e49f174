using Lauter.Tests.Training.Loop;
using Lauter.Training.Networks;
using Lauter.Training.Parity;

namespace Lauter.Tests.Training.Parity;

public sealed class ParityCheckTests
{
    private static readonly IReadOnlySet<int> EndTokens = new HashSet<int> { 1 };
    private static readonly ParityProbe[] Probes = [new("first", [0, 5, 6, 1]), new("second", [0, 9, 3, 4, 12])];

    [Fact]
    public async Task Compare_TheSameWeights_Passes()
    {
        using var network = LlamaInitialisation.Create(TinyRun.Config, 3);
        using var served = LlamaInitialisation.Create(TinyRun.Config, 3);
        var report = await ParityCheck.CompareAsync(network, Engine(served), Probes, EndTokens, cancellationToken: TestContext.Current.CancellationToken);

        Assert.True(report.Passed);
        Assert.Equal(7, report.Tokens);
        Assert.InRange(report.MaximumDifference, 0, 1e-5);
    }

    [Fact]
    public async Task Compare_OtherWeights_Fails()
    {
        using var network = LlamaInitialisation.Create(TinyRun.Config, 3);
        using var served = LlamaInitialisation.Create(TinyRun.Config, 4);
        var report = await ParityCheck.CompareAsync(network, Engine(served), Probes, EndTokens, cancellationToken: TestContext.Current.CancellationToken);

        Assert.False(report.Passed);
        Assert.InRange(report.GreedyAgreement, 0, 0.5);
    }

    [Fact]
    public async Task Compare_EngineSaysNotANumber_NeverPasses()
    {
        using var network = LlamaInitialisation.Create(TinyRun.Config, 3);
        var engine = Engine(network) with { TokenLogProbabilities = (ids, _) => Task.FromResult(Enumerable.Repeat(float.NaN, ids.Length - 1).ToArray()) };
        var report = await ParityCheck.CompareAsync(network, engine, Probes, EndTokens, cancellationToken: TestContext.Current.CancellationToken);

        Assert.False(report.Passed);
    }

    private static ParityEngine Engine(LlamaNetwork served) => new(
        (ids, _) =>
        {
            var logs = served.LogProbabilities(ids);
            return Task.FromResult(Enumerable.Range(1, ids.Length - 1).Select(i => logs[i - 1, ids[i]]).ToArray());
        },
        (ids, count, _) => Task.FromResult(ParityCheck.Greedy(served, ids, count, EndTokens)));
}
