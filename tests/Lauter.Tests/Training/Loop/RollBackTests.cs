using Lauter.Training.Checkpoints;
using Lauter.Training.Examples;
using Lauter.Training.Jobs;
using Lauter.Training.Loop;

namespace Lauter.Tests.Training.Loop;

/// <summary>A run that diverges goes back, leaves out what it diverged on, says which rows those are, and resumes to the same end.</summary>
public sealed class RollBackTests : IDisposable
{
    private static readonly TrainingOptions Options = new()
    {
        Epochs = 3, BatchExamples = 4, LearningRate = 1, WarmUpFraction = 0, FloorFraction = 1, ClipNorm = 1e9, RollBacks = 2, RollBackSteps = 4, CheckpointSeconds = 0,
    };

    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-back-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Run_OneRowBreaksTheLoss_GoesBackLeavesItOutAndNamesIt()
    {
        var (learner, recorder) = (new Counter { Breaks = "17" }, new TinyRun.Recorder());
        var loop = Loop(learner, recorder, "whole");
        loop.Run(TestContext.Current.CancellationToken);

        // The row comes once an epoch and breaks the first two.
        Assert.Equal(2, recorder.RollBacks.Count);
        Assert.All(recorder.RollBacks, r => Assert.Contains("left out from here on: ", r.Message, StringComparison.Ordinal));
        Assert.All(recorder.RollBacks, r => Assert.Contains("17", r.Message, StringComparison.Ordinal));
        Assert.All(recorder.RollBacks, r => Assert.InRange(r.Step - r.To, 0, Options.RollBackSteps));
        Assert.Equal(loop.Steps, loop.Step);
    }

    [Fact]
    public void Run_NoWayBackIsLeft_Fails()
    {
        var loop = new TrainingLoop(
            new Counter { Breaks = "17" }, Examples, [], Options with { RollBacks = 1 }, "digest", Path.Combine(_directory, "fails.bin"), new TinyRun.Recorder(), TimeProvider.System);
        Assert.Contains("17", Assert.Throws<TrainingFailedException>(() => loop.Run(TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(9)]
    [InlineData(20)]
    public void Run_StoppedAndResumedAroundARollBack_EndsTheSame(int stopAfter)
    {
        var whole = new Counter { Breaks = "17" };
        Loop(whole, new TinyRun.Recorder(), "whole").Run(TestContext.Current.CancellationToken);

        using var stop = new CancellationTokenSource();
        var first = new Counter { Breaks = "17" };
        Assert.Throws<OperationCanceledException>(() => Loop(first, new TinyRun.Recorder { OnStep = r => { if (r.Step == stopAfter) { stop.Cancel(); } } }, "stopped").Run(stop.Token));
        var second = new Counter { Breaks = "17" };
        var resumed = Loop(second, new TinyRun.Recorder(), "stopped");
        Assert.True(resumed.TryResume());
        resumed.Run(TestContext.Current.CancellationToken);

        Assert.Equal(whole.Weights[0], second.Weights[0]);
        Assert.Equal(whole.State[0], second.State[0]);
    }

    [Fact]
    public void Run_PausedTwice_EndsAsIfItHadNotBeen()
    {
        var whole = new Counter();
        Loop(whole, new TinyRun.Recorder(), "whole").Run(TestContext.Current.CancellationToken);
        float[][] weights = [];
        foreach (var pause in new int?[] { 5, 11, null })
        {
            var learner = new Counter();
            var loop = new TrainingLoop(learner, Examples, Examples, Options, "digest", Path.Combine(_directory, "paused.bin"), new TinyRun.Recorder(), TimeProvider.System) { PauseAt = pause };
            loop.TryResume();
            loop.Run(TestContext.Current.CancellationToken);
            Assert.Equal((pause is not null, pause ?? loop.Steps), (loop.Paused, loop.Step));
            Assert.Equal(pause is not null, loop.PausedValidation is not null);
            weights = learner.Weights;
        }

        Assert.Equal(whole.Weights[0], weights[0]);
    }

    private static TrainingExample[] Examples { get; } = [.. Enumerable.Range(0, 40).Select(i => new TrainingExample($"{i}", [1, 2, 3], [false, true, true]))];

    private TrainingLoop Loop(Counter learner, TinyRun.Recorder recorder, string name) =>
        new(learner, Examples, Examples, Options, "digest", Path.Combine(_directory, name + ".bin"), recorder, TimeProvider.System);

    /// <summary>Counts what it saw: weight = steps moved, state = sum of row numbers. A named row breaks its loss, except in the last epoch.</summary>
    private sealed class Counter : ILearner
    {
        private float _moved, _seen, _pending;

        public string? Breaks { get; init; }

        public float[][] Weights
        {
            get => [[_moved]];
            set => _moved = value[0][0];
        }

        public float[][] State
        {
            get => [[_seen]];
            set => _seen = value[0][0];
        }

        public StepSums Accumulate(IReadOnlyList<TrainingExample> examples, int step)
        {
            var breaks = Breaks is not null && step < 20 && examples.Any(e => e.Id == Breaks);
            _pending += examples.Sum(e => int.Parse(e.Id, System.Globalization.CultureInfo.InvariantCulture));
            return new StepSums(breaks ? double.NaN : 1, 1, 3, 2);
        }

        public double GradientNorm() => 1;

        public void Discard() => _pending = 0;

        public void Move(int step, double rate, double scale)
        {
            _moved++;
            _seen += _pending;
            _pending = 0;
        }

        public ValidationResult? Measure(IReadOnlyList<TrainingExample> examples) => examples.Count == 0 ? null : new ValidationResult(examples.Count, 1 / (1 + _moved), 0, 0);

        public void Dispose()
        {
        }
    }
}
