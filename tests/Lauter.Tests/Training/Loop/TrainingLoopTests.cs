using Lauter.Tests.Support;
using Lauter.Training.Checkpoints;
using Lauter.Training.Jobs;
using Lauter.Training.Loop;
using Lauter.Training.Networks;

namespace Lauter.Tests.Training.Loop;

public sealed class TrainingLoopTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-loop-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData(1, false)]
    [InlineData(5, true)]
    [InlineData(13, false)]
    [InlineData(13, true)]
    public void Run_StoppedAndResumed_EndsWithTheSameBytesAsAnUninterruptedRun(int stopAfter, bool muon)
    {
        var options = TinyRun.Options with { Muon = muon };
        using var whole = LlamaInitialisation.Create(TinyRun.Config, 7);
        var uninterrupted = new TinyRun.Recorder();
        TinyRun.Create(whole, options, Path.Combine(_directory, "whole"), uninterrupted).Run(TestContext.Current.CancellationToken);

        using var stop = new CancellationTokenSource();
        using var first = LlamaInitialisation.Create(TinyRun.Config, 7);
        var before = new TinyRun.Recorder
        {
            OnStep = report =>
            {
                if (report.Step == stopAfter)
                {
                    stop.Cancel();
                }
            },
        };
        Assert.Throws<OperationCanceledException>(() => TinyRun.Create(first, options, _directory, before).Run(stop.Token));

        using var second = LlamaInitialisation.Create(TinyRun.Config, 99);
        var after = new TinyRun.Recorder();
        var resumed = TinyRun.Create(second, options, _directory, after);
        Assert.True(resumed.TryResume());
        Assert.Equal(stopAfter, resumed.Step);
        resumed.Run(TestContext.Current.CancellationToken);

        Assert.Equal(uninterrupted.Steps, [.. before.Steps, .. after.Steps]);
        Assert.Equal(uninterrupted.Validations, [.. before.Validations, .. after.Validations]);
        for (var i = 0; i < whole.Parameters.Count; i++)
        {
            Assert.True(whole.Parameters[i].Values.SequenceEqual(second.Parameters[i].Values), $"{whole.Parameters[i].Name} differs.");
        }
    }

    [Fact]
    public void Run_CopyTask_LearnsIt()
    {
        using var network = LlamaInitialisation.Create(TinyRun.Config, 7);
        var recorder = new TinyRun.Recorder();
        var loop = TinyRun.Create(network, TinyRun.Options with { Epochs = 60, Dropout = 0, TokenNoise = 0 }, _directory, recorder);
        loop.Run(TestContext.Current.CancellationToken);

        Assert.InRange(recorder.Steps[0].Loss, 2.5, 4.5);
        Assert.InRange(recorder.Steps[^1].Loss, 0, 0.1);
        Assert.Equal(loop.BestValidation, Validation.Measure(network, TinyRun.Examples(16, 2), 4096, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Run_InMicroBatches_TakesTheSameStepsAsWholeBatches()
    {
        var options = TinyRun.Options with { Dropout = 0, TokenNoise = 0 };
        var runs = new[] { 4096, 20 }.Select(tokens =>
        {
            using var network = LlamaInitialisation.Create(TinyRun.Config, 7);
            var recorder = new TinyRun.Recorder();
            TinyRun.Create(network, options with { MicroBatchTokens = tokens }, _directory, recorder).Run(TestContext.Current.CancellationToken);
            return recorder.Steps;
        }).ToArray();

        for (var i = 0; i < runs[0].Count; i++)
        {
            Assert.Equal(runs[0][i].Loss, runs[1][i].Loss, 1e-3);
        }
    }

    [Fact]
    public void Run_ImpossibleLearningRate_FailsWithTheWayOut()
    {
        using var network = LlamaInitialisation.Create(TinyRun.Config, 7);
        var loop = TinyRun.Create(network, TinyRun.Options with { LearningRate = 1e30, WarmUpFraction = 0, Epochs = 50 }, _directory);

        var failure = Assert.Throws<TrainingFailedException>(() => loop.Run(TestContext.Current.CancellationToken));
        Assert.Contains("learning_rate", failure.Message);
    }

    [Fact]
    public void TryResume_CheckpointOfAnotherRun_StartsAfresh()
    {
        SaveOneStep();
        using var network = LlamaInitialisation.Create(TinyRun.Config, 7);

        Assert.False(TinyRun.Create(network, TinyRun.Options, _directory, digest: "another").TryResume());
        Assert.True(TinyRun.Create(network, TinyRun.Options, _directory).TryResume());
    }

    [Fact]
    public void TryResume_OneFlippedBit_IsRefused()
    {
        SaveOneStep();
        var path = Path.Combine(_directory, CheckpointFile.Name);
        var bytes = File.ReadAllBytes(path);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(path, bytes);
        using var network = LlamaInitialisation.Create(TinyRun.Config, 7);

        Assert.Throws<InvalidDataException>(() => TinyRun.Create(network, TinyRun.Options, _directory).TryResume());
    }

    private void SaveOneStep()
    {
        using var stop = new CancellationTokenSource();
        using var network = LlamaInitialisation.Create(TinyRun.Config, 7);
        var loop = TinyRun.Create(network, TinyRun.Options, _directory, new TinyRun.Recorder { OnStep = _ => stop.Cancel() });
        Assert.Throws<OperationCanceledException>(() => loop.Run(stop.Token));
    }
}
