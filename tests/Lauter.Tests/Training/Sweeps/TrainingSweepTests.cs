using Lauter.Training.Checkpoints;
using Lauter.Training.Jobs;
using Lauter.Training.Loop;
using Lauter.Training.Sweeps;

namespace Lauter.Tests.Training.Sweeps;

public sealed class TrainingSweepTests
{
    private readonly List<(string Directory, double? PauseAt)> _runs = [];

    [Fact]
    public async Task Run_EightCombinations_HalvesThemAndTheBestRunsToItsEnd()
    {
        // The smaller its number, the better in the end; 7 is the best at first.
        var report = await RunAsync(8, (number, part) => part <= 0.125 && number == 7 ? 0 : 1 + number + (1 / part));

        Assert.Equal([0.125, 0.25, 0.5, 1], report.Rungs);
        Assert.Equal("setting 0", report.Best);
        Assert.Equal(8 + 4 + 2 + 1, _runs.Count);
        Assert.Equal([null], _runs.Where(r => r.PauseAt is null).Select(r => r.PauseAt));
        Assert.Equal(8, report.Trials.Count);
        Assert.Equal(2, report.Trials.Single(t => t.Name == "setting 7").Losses.Count);

        // A trial's cost is told by its run from its start on, so trials add up and rungs do not.
        Assert.Equal(report.Trials.Sum(t => t.CpuSeconds), report.CpuSeconds);
    }

    [Fact]
    public async Task Run_OneDiverges_IsAResultOfTheSweep()
    {
        var report = await RunAsync(3, (number, _) => number == 1 ? throw new TrainingFailedException("the loss is NaN") : number);

        Assert.Equal("setting 0", report.Best);
        Assert.Equal("the loss is NaN", report.Trials[^1].Failure);
    }

    [Fact]
    public async Task Run_AllDiverge_FailsWithAReason() =>
        Assert.Contains("the loss is NaN", (await Assert.ThrowsAsync<TrainingFailedException>(() => RunAsync(2, (_, _) => throw new TrainingFailedException("the loss is NaN")))).Message, StringComparison.Ordinal);

    [Fact]
    public async Task Run_NothingToCompareBy_FailsWithTheWayOut() =>
        Assert.Contains("\"split\": \"validation\"", (await Assert.ThrowsAsync<TrainingFailedException>(() => RunAsync(2, (_, _) => null))).Message, StringComparison.Ordinal);

    [Fact]
    public async Task Run_OneCombination_IsNoSweep() => await Assert.ThrowsAsync<TrainingFailedException>(() => RunAsync(1, (_, _) => 1));

    private Task<SweepReport> RunAsync(int count, Func<int, double, double?> loss) => TrainingSweep.RunAsync(
        [.. Enumerable.Range(0, count).Select(i => new SweepSetting($"setting {i}", new TrainingJob { Name = "n", BasePath = "b", ExamplesPath = "e", OutputDirectory = $"{i}" }))],
        (job, _) =>
        {
            _runs.Add((job.OutputDirectory, job.PauseAt));
            var value = loss(int.Parse(job.OutputDirectory, System.Globalization.CultureInfo.InvariantCulture), job.PauseAt ?? 1);
            return Task.FromResult(new TrainingResult
            {
                Model = "", Parameters = 1, VocabularySize = 1, TrainingExamples = 1, ExamplesTooLong = 0, Steps = 1, BestStep = 1, TrainedTokens = 1, Seconds = 1, CpuSeconds = job.PauseAt ?? 1, PeakMemoryBytes = 1,
                Validation = value is { } l ? new ValidationResult(1, l, 0, 0) : null,
            });
        },
        null, TestContext.Current.CancellationToken);
}
