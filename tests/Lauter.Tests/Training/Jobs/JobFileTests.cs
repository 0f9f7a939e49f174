using Lauter.Training.Checkpoints;
using Lauter.Training.Jobs;
using Lauter.Training.Lora;

namespace Lauter.Tests.Training.Jobs;

public sealed class JobFileTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-job-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Find_Nano_IsSound()
    {
        var (shape, training) = ScratchPresets.Find("nano")!.Value;

        Assert.Empty(shape.Faults());
        Assert.Empty(training.Faults());
        Assert.Null(ScratchPresets.Find("giga"));
    }

    [Fact]
    public void Read_WrittenJob_IsTheSame()
    {
        var job = Job();
        var path = Path.Combine(_directory, "job.json");
        job.Write(path);

        Assert.Equal(job, TrainingJob.Read(path));
    }

    [Fact]
    public void Read_MembersLeftOut_HaveTheirDefaults()
    {
        var path = Path.Combine(_directory, "job.json");
        File.WriteAllText(path, """{"name":"x","examplesPath":"e","outputDirectory":"o","scratch":{"layers":2},"options":{"epochs":3}}""");
        var job = TrainingJob.Read(path);

        Assert.Equal(new ScratchOptions { Layers = 2 }, job.Scratch);
        Assert.Equal(new TrainingOptions { Epochs = 3 }, job.Options);
    }

    [Theory]
    [InlineData("{\"name\":\"x\"}")]
    [InlineData("{\"name\":\"x\",\"examplesPath\":\"e\",\"outputDirectory\":\"o\",\"scratch\":{},\"colour\":1}")]
    [InlineData("null")]
    [InlineData("[")]
    public void Read_NotAJob_IsRefused(string json)
    {
        var path = Path.Combine(_directory, "job.json");
        File.WriteAllText(path, json);

        Assert.Throws<InvalidDataException>(() => TrainingJob.Read(path));
    }

    [Fact]
    public void Digest_OtherPlaceThreadsOrCheckpoints_IsTheSameRun()
    {
        var moved = Path.Combine(_directory, "moved.jsonl");
        File.Copy(Job().ExamplesPath, moved);
        var other = Job() with { ExamplesPath = moved, OutputDirectory = "elsewhere", Options = Job().Options with { Threads = 3, CheckpointSeconds = 1 } };

        Assert.Equal(RunDigest.Of(Job()), RunDigest.Of(other));
    }

    [Fact]
    public void Digest_OtherSeedShapeOrExamples_IsAnotherRun()
    {
        var job = Job();
        var digest = RunDigest.Of(job);
        Assert.NotEqual(digest, RunDigest.Of(job with { Options = job.Options with { Seed = 2 } }));
        Assert.NotEqual(digest, RunDigest.Of(job with { Scratch = new ScratchOptions { Layers = 5 } }));
        File.AppendAllText(job.ExamplesPath, "more");
        Assert.NotEqual(digest, RunDigest.Of(job));
    }

    /// <summary>The program, the console and scripts read these lines. Add members freely; to rename one, add the new beside the old.</summary>
    [Fact]
    public void ToJson_Events_KeepTheirNames()
    {
        var progress = new TrainingEvent
        {
            Kind = TrainingEventKinds.Progress, Step = 3, Steps = 10, Loss = 0.5, LearningRate = 0.001, TokensPerSecond = 2000, SecondsLeft = 7, CpuSeconds = 1.5, PeakMemoryBytes = 4096,
        };
        var result = new TrainingEvent
        {
            Kind = TrainingEventKinds.Result,
            Result = new TrainingResult
            {
                Model = "model.gguf", Parameters = 1, VocabularySize = 2, TrainingExamples = 3, ExamplesTooLong = 4, Steps = 5, BestStep = 6, TrainedTokens = 7,
                Validation = new ValidationResult(8, 0.25, 0.5, 0.75), Seconds = 9, CpuSeconds = 10, PeakMemoryBytes = 11,
            },
        };

        Assert.Equal(
            """{"kind":"progress","step":3,"steps":10,"loss":0.5,"learningRate":0.001,"tokensPerSecond":2000,"secondsLeft":7,"cpuSeconds":1.5,"peakMemoryBytes":4096}""",
            progress.ToJson());
        Assert.Equal(
            """{"kind":"result","result":{"model":"model.gguf","parameters":1,"vocabularySize":2,"trainingExamples":3,"examplesTooLong":4,"steps":5,"bestStep":6,"trainedTokens":7,"validation":{"examples":8,"loss":0.25,"exactMatch":0.5,"tokenAccuracy":0.75},"seconds":9,"cpuSeconds":10,"peakMemoryBytes":11}}""",
            result.ToJson());
        Assert.Equal(progress, TrainingEvent.TryParse(progress.ToJson()));
        Assert.Null(TrainingEvent.TryParse("llama_model_loader: loaded"));
        Assert.Null(TrainingEvent.TryParse("{broken"));
    }

    private TrainingJob Job()
    {
        var examples = Path.Combine(_directory, "examples.jsonl");
        if (!File.Exists(examples))
        {
            File.WriteAllText(examples, "{}\n");
        }

        return new TrainingJob { Name = "job", Scratch = ScratchPresets.Nano, ExamplesPath = examples, OutputDirectory = _directory, Options = ScratchPresets.NanoTraining };
    }

    [Fact]
    public void Faults_OptionsThatAdapterTrainingDoesNotHave_AreNamed()
    {
        var job = new TrainingJob
        {
            Name = "x", BasePath = "m.gguf", ExamplesPath = "rows.jsonl", OutputDirectory = "out", Lora = new LoraOptions(),
            Options = new TrainingOptions { Dropout = 0, PromptLossWeight = 0.1 },
        };
        Assert.Contains("PromptLossWeight is set, but adapter training has none; leave it out.", job.Faults());
        Assert.Empty((job with { Options = job.Options with { PromptLossWeight = 0 } }).Faults());
    }
}
