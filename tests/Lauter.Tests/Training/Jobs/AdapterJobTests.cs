using System.Text.Json;
using Lauter.Models.Tokens;
using Lauter.Tests.Support;
using Lauter.Training.Decoders;
using Lauter.Training.Jobs;
using Lauter.Training.Loop;
using Lauter.Training.Lora;

namespace Lauter.Tests.Training.Jobs;

/// <summary>Adapter trainings as a whole, in this process: rows in, files out, and every fault with its way out.</summary>
public sealed class AdapterJobTests : IDisposable
{
    private const string Conversation = """{"messages": [{"role": "user", "content": "ping"}, {"role": "assistant", "content": "pong"}]}""";

    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-adapter-job-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Run_TextsOnStories260k_LearnsThemAndWritesAllThreeForms()
    {
        var job = Job([.. Enumerable.Range(0, 24).Select(i => $$"""{"text": "Lily likes to play with the red ball number {{(i % 3) + 1}}.", "split": "{{(i % 6 == 0 ? "validation" : "train")}}"}""")]);
        var (code, events) = await RunAsync(job);

        Assert.True(code == TrainingWorker.ExitOk, events[^1].Message);
        var result = events[^1].Result!;
        var report = Assert.Single(events, e => e.Kind == TrainingEventKinds.Report).Report!;
        Assert.Equal((20, 4, 0), (report.Rows, report.ValidationRows, report.Dropped));
        Assert.True(report.Seconds > 0 && report.MemoryBytes > 0);
        Assert.InRange(result.Validation!.Loss, 0, 1);
        Assert.True(File.Exists(Path.Combine(job.OutputDirectory, result.Adapter!, "adapter_model.safetensors")));
        Assert.True(File.Exists(Path.Combine(job.OutputDirectory, TrainingWorker.AdapterFile)));

        using var merged = DecoderNetwork.Open(Path.Combine(job.OutputDirectory, result.Model));
        using var tokenizer = ModelTokenizer.Open(job.BasePath!);
        int[] ids = [tokenizer.Begin!.Value, .. tokenizer.Encode("Lily likes to play with the red ball", parseSpecial: false)];
        var logs = merged.LogProbabilities(ids);
        Assert.InRange(Enumerable.Range(4, ids.Length - 5).Average(t => -logs[t, ids[t + 1]]), 0, 1);
    }

    [Theory]
    [InlineData("""{"messages": [{"role": "user", "content": "only a question"}]}""", "every label is masked")]
    [InlineData("""{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "weight": 0}]}""", "every label is masked")]
    [InlineData("""{"messages": [{"role": "user"}]}""", "line 1 is no row to train on: a message needs the texts 'role' and 'content'")]
    [InlineData("""{"prompt": "a", "chosen": "b", "rejected": "c"}""", "the method sft needs Conversation")]
    [InlineData(Conversation + "\n" + """{"text": "b"}""", "line 2 is a row of the form Text, but line 1 is Conversation")]
    [InlineData(Conversation + "\n" + """{"prompt": "b"}""", "line 2 is no row to train on: beside 'prompt'")]
    [InlineData("[1]", "line 1 is no row to train on: a row is a JSON object")]
    public async Task Run_RowsThatCannotBeTrained_FailsSayingWhy(string rows, string message)
    {
        var job = Job(rows.Split('\n')) with { BasePath = WithTemplate() };
        var (code, events) = await RunAsync(job);

        Assert.Equal(TrainingWorker.ExitFailed, code);
        Assert.Contains(message, events[^1].Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_MoreThanIsAllowed_DoesNotStart()
    {
        var job = Job(["""{"text": "Once upon a time there was a ball."}"""]) with
        {
            Limits = new TrainingLimits { MemoryGibibytes = 0.01, HourPrice = 1e9, Price = 0.001, Currency = "EUR" },
        };
        var (code, events) = await RunAsync(job);

        Assert.Equal(TrainingWorker.ExitFailed, code);
        Assert.Contains("The training does not start: it is expected to need", events[^1].Message, StringComparison.Ordinal);
        Assert.Contains("EUR, and 0 are allowed", events[^1].Message, StringComparison.Ordinal);
        Assert.DoesNotContain(events, e => e.Kind == TrainingEventKinds.Progress);
    }

    [Theory]
    [InlineData(LongRows.Drop, 1, 0, 1)]
    [InlineData(LongRows.Cut, 0, 1, 7)]
    public async Task Run_RowLongerThanTheLimit_IsCountedAsThePolicySays(LongRows policy, int dropped, int cut, int rows)
    {
        var job = Job([$$"""{"text": "{{string.Join(' ', Enumerable.Repeat("ball", 50))}}"}""", """{"text": "a red ball"}"""]);
        job = job with { ReportOnly = true, Options = job.Options with { MaximumTokens = 12, LongRows = policy } };
        var (code, events) = await RunAsync(job);

        Assert.Equal(TrainingWorker.ExitOk, code);
        var report = events[0].Report!;
        Assert.Equal((dropped, cut), (report.Dropped, report.Cut));
        Assert.InRange(report.Rows, rows, rows * 4);
        Assert.InRange(report.Longest, 2, 12);
    }

    [Fact]
    public async Task Run_DiskFullAtACheckpoint_FailsAndKeepsTheOneBefore()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "needs /dev/full, a device that is always full.");
        var job = Job([.. Enumerable.Repeat("""{"text": "a red ball"}""", 8)]);
        job = job with { Options = job.Options with { CheckpointSeconds = 0, BatchExamples = 2 } };
        var checkpoint = Path.Combine(job.OutputDirectory, "checkpoint", "state.bin");
        Directory.CreateDirectory(Path.GetDirectoryName(checkpoint)!);
        File.CreateSymbolicLink(checkpoint + ".tmp", "/dev/full");
        var (code, events) = await RunAsync(job);

        Assert.Equal(TrainingWorker.ExitFailed, code);
        Assert.Contains("No space left", events[^1].Message, StringComparison.Ordinal);
        Assert.False(File.Exists(checkpoint));
    }

    [Fact]
    public async Task Run_PreferencesByDpo_BeginsAtLn2AndPrefersTheChosen()
    {
        var job = Job([.. Enumerable.Range(0, 8).Select(i => $$"""{"id": "{{i}}", "prompt": "Name a colour {{i % 4}}", "chosen": "red", "rejected": "a ball"}""")]) with { BasePath = WithTemplate(), Method = "dpo" };
        job = job with { Options = job.Options with { Epochs = 6, BatchExamples = 8, LearningRate = 5e-3, WarmUpFraction = 0 } };
        var (code, events) = await RunAsync(job);

        Assert.True(code == TrainingWorker.ExitOk, events[^1].Message);
        var curve = File.ReadLines(Path.Combine(job.OutputDirectory, "metrics.jsonl")).Select(l => JsonDocument.Parse(l).RootElement.GetProperty("loss").GetDouble()).ToArray();
        Assert.Equal(Math.Log(2), curve[0], 1e-4);
        Assert.True(curve[^1] < curve[0] - 0.05, string.Join(", ", curve));
    }

    [Fact]
    public async Task Run_TaughtRows_BeginAtTheTeachersEntropyAndComeCloserToIt()
    {
        var job = Job([.. Enumerable.Range(0, 8).Select(i => $$"""{"id": "{{i}}", "messages": [{"role": "user", "content": "Name {{i}}"}, {"role": "assistant", "content": "zzz"}]}""")]) with { BasePath = WithTemplate() };
        Assert.Equal(8, Lauter.Training.Examples.TeacherRecorder.Record(job.BasePath!, job.ExamplesPath, job.ExamplesPath + ".taught", 512, null, TestContext.Current.CancellationToken));
        job = job with { ExamplesPath = job.ExamplesPath + ".taught", Options = job.Options with { TeacherWeight = 1, WarmUpFraction = 0, Epochs = 1, BatchExamples = 8 } };
        var (code, events) = await RunAsync(job);

        // The teacher is the base itself and every token is recorded, so its cross-entropy with the student is its own entropy, whatever the answers say.
        double entropy = 0, tokens = 0;
        foreach (var line in File.ReadLines(job.ExamplesPath))
        {
            using var row = JsonDocument.Parse(line);
            foreach (var place in row.RootElement.GetProperty("teacher").EnumerateArray())
            {
                entropy -= place.EnumerateArray().Sum(c => Math.Exp(c[1].GetDouble()) * c[1].GetDouble());
                tokens++;
            }
        }

        Assert.True(code == TrainingWorker.ExitOk, events[^1].Message);
        var first = JsonDocument.Parse(File.ReadLines(Path.Combine(job.OutputDirectory, "metrics.jsonl")).First()).RootElement.GetProperty("loss").GetDouble();
        Assert.Equal(entropy / tokens, first, 1e-2);
    }

    [Theory]
    [InlineData("\"teacher\": [[[1, -0.5]]]", "but its teacher recorded 1")]
    [InlineData("\"teacher\": [[1, 2]]", "a candidate in 'teacher' is [id, log-probability]")]
    [InlineData("\"teacher\": [[]]", "a teacher's list of candidates is empty")]
    [InlineData("\"logprobs\": {\"content\": [{\"token\": \"other\", \"top_logprobs\": [{\"token\": \"x\", \"logprob\": -1}]}]}", "another vocabulary")]
    public async Task Run_TeacherOfAnotherVocabulary_FailsSayingWhy(string member, string message)
    {
        var job = Job([Conversation[..^1] + ", " + member + "}"]) with { BasePath = WithTemplate() };
        var (code, events) = await RunAsync(job);

        Assert.Equal(TrainingWorker.ExitFailed, code);
        Assert.Contains(message, events[^1].Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_DecomposedWeights_LearnAndKeepEveryEpoch()
    {
        var job = Job([.. Enumerable.Range(0, 12).Select(i => $$"""{"text": "Lily likes to play with the red ball number {{(i % 3) + 1}}.", "split": "{{(i % 6 == 0 ? "validation" : "train")}}"}""")]);
        job = job with { Lora = job.Lora! with { WeightDecomposed = true }, KeepEpochs = true, Options = job.Options with { Epochs = 4 } };
        var (code, events) = await RunAsync(job);

        Assert.True(code == TrainingWorker.ExitOk, events[^1].Message);
        Assert.Equal(["epochs/1", "epochs/2", "epochs/3", "epochs/4"], events.Where(e => e.Kind == TrainingEventKinds.Epoch).Select(e => e.Message));
        Assert.All([1, 4], e => Assert.True(Lauter.Models.Peft.PeftAdapter.Read(Path.Combine(job.OutputDirectory, "epochs", $"{e}")).HasMagnitudes));
        Assert.False(File.Exists(Path.Combine(job.OutputDirectory, TrainingWorker.AdapterFile)));
        var losses = events.Where(e => e.ValidationLoss is not null).Select(e => e.ValidationLoss!.Value).ToArray();
        Assert.True(losses[^1] < losses[0], string.Join(", ", losses));
    }

    private static async Task<(int Code, List<TrainingEvent> Events)> RunAsync(TrainingJob job)
    {
        var path = Path.Combine(job.OutputDirectory, "job.json");
        Directory.CreateDirectory(job.OutputDirectory);
        job.Write(path);
        using var output = new StringWriter();
        var code = await TrainingWorker.RunAsync(path, output, TestContext.Current.CancellationToken);
        return (code, [.. output.ToString().Split('\n').Select(TrainingEvent.TryParse).OfType<TrainingEvent>()]);
    }

    private TrainingJob Job(string[] rows)
    {
        var path = Path.Combine(_directory, "rows.jsonl");
        File.WriteAllLines(path, rows);
        return new TrainingJob
        {
            Name = "story",
            BasePath = SharedData.Require("models/stories260k/stories260k-f32.gguf"),
            ExamplesPath = path,
            OutputDirectory = Path.Combine(_directory, "out"),
            Lora = new LoraOptions { Rank = 4 },
            Options = TrainingOptions.ForAdapters with { Epochs = 8, BatchExamples = 4, LearningRate = 2e-2, Threads = 2, CheckpointSeconds = 1e9 },
        };
    }

    private string WithTemplate() => StoryChat.Write(Path.Combine(_directory, "chat.gguf"));
}
