using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Models.Gguf;
using Lauter.Models.Tokens;
using Lauter.Tests.Training.Networks;
using Lauter.Training.Jobs;
using Lauter.Training.Loop;
using Lauter.Training.Networks;
using Lauter.Training.Parity;

namespace Lauter.Tests.Training.Jobs;

public sealed class TrainingProcessTests : IDisposable
{
    private static readonly string[] Colours = ["red", "green", "blue", "yellow"];
    private static readonly string[] Things = ["pump", "valve", "tap", "kettle", "hose"];

    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-train-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Run_SmallJob_WritesAModelThatLlamaCppReadsAlike()
    {
        var events = new Events();
        var result = await TrainingProcess.RunAsync(WorkerHost.Launch, Job("a"), events, TestContext.Current.CancellationToken);

        Assert.Equal([TrainingEventKinds.Report, TrainingEventKinds.Started], events.List.Take(2).Select(e => e.Kind));
        Assert.Equal(TrainingEventKinds.Result, events.List[^1].Kind);
        Assert.Contains(events.List, e => e is { Kind: TrainingEventKinds.Progress, TokensPerSecond: > 0, SecondsLeft: >= 0 });
        Assert.InRange(result.CpuSeconds, 0.1, 600);
        Assert.InRange(result.PeakMemoryBytes, 1 << 20, 4L << 30);
        Assert.Equal(1, result.Validation!.ExactMatch);

        var model = Path.Combine(_directory, "a", result.Model);
        using var file = GgufFile.Open(model);
        using var network = LlamaNetwork.Load(file);
        using var tokenizer = ModelTokenizer.Open(model);
        using var engine = new LlamaCppModel(model);
        var ends = new HashSet<int> { tokenizer.TokenOf("<|im_end|>")!.Value };
        var prompt = tokenizer.Encode("<|im_start|>user\nthe blue tap is broken<|im_end|>\n<|im_start|>assistant\n", parseSpecial: true);
        Assert.Equal("tap, blue", tokenizer.Decode(ParityCheck.Greedy(network, prompt, 20, ends)));
        var report = await ParityCheck.CompareAsync(network, engine.AsParityEngine(ends), [new ParityProbe("tap", prompt)], ends, cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(report.Passed, $"{report}");
    }

    [Fact]
    public async Task Run_CancelledAndRunAgain_GivesTheSameModelAsAnUninterruptedRun()
    {
        await TrainingProcess.RunAsync(WorkerHost.Launch, Job("whole"), progress: null, TestContext.Current.CancellationToken);
        using var stop = new CancellationTokenSource();
        var stopping = new Events { OnEvent = e => { if (e.Kind == TrainingEventKinds.Checkpoint) { stop.Cancel(); } } };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => TrainingProcess.RunAsync(WorkerHost.Launch, Job("cut"), stopping, stop.Token));
        Assert.False(File.Exists(Path.Combine(_directory, "cut", "model.gguf")));

        var again = new Events();
        await TrainingProcess.RunAsync(WorkerHost.Launch, Job("cut"), again, TestContext.Current.CancellationToken);
        Assert.InRange(again.List[0].Step!.Value, 1, int.MaxValue);
        Assert.Equal(File.ReadAllBytes(Path.Combine(_directory, "whole", "model.gguf")), File.ReadAllBytes(Path.Combine(_directory, "cut", "model.gguf")));

        Assert.Equal(File.ReadAllLines(Path.Combine(_directory, "whole", "metrics.jsonl")), File.ReadAllLines(Path.Combine(_directory, "cut", "metrics.jsonl")));
    }

    [Fact]
    public async Task Run_ChildIsKilled_FailsWithTheSignalAndTheNextRunContinues()
    {
        var killing = new Events
        {
            OnEvent = e =>
            {
                if (e.Kind == TrainingEventKinds.Checkpoint)
                {
                    KillChildOf("killed");
                }
            },
        };
        var failure = await Assert.ThrowsAsync<TrainingFailedException>(
            () => TrainingProcess.RunAsync(WorkerHost.Launch, Job("killed"), killing, TestContext.Current.CancellationToken));
        Assert.Contains("SIGKILL", failure.Message);

        var again = new Events();
        await TrainingProcess.RunAsync(WorkerHost.Launch, Job("killed"), again, TestContext.Current.CancellationToken);
        Assert.InRange(again.List[0].Step!.Value, 1, int.MaxValue);
    }

    [Fact]
    public async Task Run_DamagedExamples_FailsNamingTheLine()
    {
        var job = Job("damaged");
        File.AppendAllText(job.ExamplesPath, "{\"id\":\n");
        var failure = await Assert.ThrowsAsync<TrainingFailedException>(
            () => TrainingProcess.RunAsync(WorkerHost.Launch, job, progress: null, TestContext.Current.CancellationToken));

        Assert.Contains("line 41", failure.Message);
    }

    [Fact]
    public async Task Worker_InputEnds_StopsByItself()
    {
        var job = Job("orphan") with { Options = Job("orphan").Options with { Epochs = 10_000 } };
        var path = Path.Combine(_directory, "orphan.json");
        job.Write(path);
        using var child = Process.Start(new ProcessStartInfo(WorkerHost.Launch.Program, [.. WorkerHost.Launch.Arguments, path])
        {
            UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true,
        })!;
        while (await child.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line && TrainingEvent.TryParse(line)?.Kind != TrainingEventKinds.Progress)
        {
        }

        child.StandardInput.Close();
        await child.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await child.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Contains(child.ExitCode, new[] { TrainingWorker.ExitCancelled, TrainingWorker.ExitOrphaned });
    }

    [Fact]
    public void Read_ImpossibleJob_NamesEveryFault()
    {
        var path = Path.Combine(_directory, "job.json");
        (Job("faults") with { Scratch = null, Options = new TrainingOptions { Epochs = 0, Dropout = 1 } }).Write(path);
        var failure = Assert.Throws<InvalidDataException>(() => TrainingJob.Read(path));

        Assert.Contains("Epochs is 0", failure.Message);
        Assert.Contains("Dropout is 1", failure.Message);
        Assert.Contains("basePath", failure.Message);
    }

    private void KillChildOf(string name)
    {
        foreach (var process in Process.GetProcessesByName("Lauter.Tests"))
        {
            using (process)
            {
                if (File.ReadAllText($"/proc/{process.Id}/cmdline").Contains(Path.Combine(_directory, name, "job.json"), StringComparison.Ordinal))
                {
                    process.Kill();
                }
            }
        }
    }

    private TrainingJob Job(string name)
    {
        var examples = Path.Combine(_directory, name + ".jsonl");
        File.WriteAllLines(examples, Enumerable.Range(0, 40).Select(i =>
        {
            var (colour, thing) = (Colours[i % 4], Things[i % 5]);
            return new JsonObject
            {
                ["id"] = $"{i}",
                ["split"] = i >= 36 ? "validation" : "train",
                ["messages"] = new JsonArray(
                    new JsonObject { ["role"] = "user", ["content"] = $"the {colour} {thing} is broken" },
                    new JsonObject { ["role"] = "assistant", ["content"] = $"{thing}, {colour}" }),
            }.ToJsonString(JsonSerializerOptions.Web);
        }));
        return new TrainingJob
        {
            Name = "colours",
            Scratch = new ScratchOptions { VocabularySize = 300, Width = 32, Layers = 2, Heads = 2, KvHeads = 1, FeedForward = 64, ContextLength = 64 },
            ExamplesPath = examples,
            OutputDirectory = Path.Combine(_directory, name),
            Options = new TrainingOptions { Epochs = 60, BatchExamples = 12, LearningRate = 1e-2, Dropout = 0, ValidateEveryEpochs = 10, CheckpointSeconds = 0, Threads = 1 },
        };
    }

    private sealed class Events : IProgress<TrainingEvent>
    {
        public List<TrainingEvent> List { get; } = [];

        public Action<TrainingEvent>? OnEvent { get; init; }

        public void Report(TrainingEvent value)
        {
            List.Add(value);
            OnEvent?.Invoke(value);
        }
    }
}
