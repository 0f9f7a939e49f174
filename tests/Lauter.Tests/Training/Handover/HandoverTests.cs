using System.Text.Json.Nodes;
using Lauter.Models.Peft;
using Lauter.Models.Templates;
using Lauter.Models.Tokens;
using Lauter.Tests.Training.Jobs;
using Lauter.Training.Decoders;
using Lauter.Training.Handover;
using Lauter.Training.Jobs;
using Lauter.Training.Loop;
using Lauter.Training.Lora;

namespace Lauter.Tests.Training.Handover;

/// <summary>What goes to a cluster is what is served here, and what comes back gets in only when it is.</summary>
public sealed class HandoverTests : IDisposable
{
    private static readonly ClusterOptions Cluster = new() { Base = "ORG/story", Template = "chatml", Gpus = 2 };

    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-handover-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Bundle_Conversations_AreTheTokensAndLabelsThatAreServed()
    {
        var job = Job(Row("ping", "pong", "train"), Row("ball", "red", "validation"));
        Assert.Equal((1, 1), ClusterBundle.Write(job, Cluster, Folder("bundle")));

        var tokens = JsonNode.Parse(File.ReadLines(Path.Combine(_directory, "bundle", "data", "train-tokens.jsonl")).Single())!;
        using var tokenizer = ModelTokenizer.Open(job.BasePath!);
        var chat = ChatEncoder.Encode(ChatTemplate.Parse(tokenizer.ChatTemplate!), tokenizer, [new ChatMessage("user", "ping"), new ChatMessage("assistant", "pong")], addGenerationPrompt: false);
        int[] ids = [.. tokens["input_ids"]!.AsArray().Select(i => i!.GetValue<int>())], labels = [.. tokens["labels"]!.AsArray().Select(i => i!.GetValue<int>())];
        Assert.Equal(chat.Ids[..ids.Length], ids);
        Assert.Equal(chat.Trained[..ids.Length], labels.Select(l => l != -100));
        Assert.All(ids.Zip(labels), pair => Assert.True(pair.Second == -100 || pair.Second == pair.First));
        var text = File.ReadAllText(Path.Combine(_directory, "bundle", "llamafactory.yaml"));
        Assert.Contains("model_name_or_path: \"ORG/story\"\n", text, StringComparison.Ordinal);
        Assert.Contains("eval_dataset: \"lauter_validation\"\n", text, StringComparison.Ordinal);
        Assert.Equal(11, JsonNode.Parse(File.ReadAllText(Path.Combine(_directory, "bundle", "bundle.json")))!["sha256"]!.AsObject().Count);
    }

    [Fact]
    public void Bundle_Preferences_AreRankedRows()
    {
        var job = Job("""{"prompt": "q", "chosen": "a", "rejected": "b"}""") with { Method = "dpo" };
        ClusterBundle.Write(job, Cluster, Folder("bundle"));

        var row = JsonNode.Parse(File.ReadLines(Path.Combine(_directory, "bundle", "data", "train.jsonl")).Single())!;
        Assert.Equal(("q", "a", "b"), (row["messages"]![0]!["content"]!.ToString(), row["chosen"]!["content"]!.ToString(), row["rejected"]!["content"]!.ToString()));
        Assert.Contains("rl: dpo\n", File.ReadAllText(Path.Combine(_directory, "bundle", "axolotl.yaml")), StringComparison.Ordinal);
        Assert.Contains("pref_loss: \"sigmoid\"\n", File.ReadAllText(Path.Combine(_directory, "bundle", "llamafactory.yaml")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Import_AdapterThatLearnt_GetsInAndOneThatUnlearntDoesNot()
    {
        var job = Job([.. Enumerable.Range(0, 12).Select(i => Row($"Say {i}", "the red ball", i % 4 == 0 ? "validation" : "train"))]);
        await TrainAsync(job with { OutputDirectory = Folder("there") });
        var adapter = Path.Combine(_directory, "there", "adapter");

        var report = AdapterImport.Run(job, adapter, TestContext.Current.CancellationToken);
        Assert.Empty(report.Broken);
        Assert.True(report.Loss < report.BaseLoss - 0.5, $"{report.Loss} against {report.BaseLoss}");
        Assert.Equal((3, "validation"), (report.Rows, report.Split));
        Assert.True(File.Exists(Path.Combine(job.OutputDirectory, TrainingWorker.ModelFile)) && File.Exists(Path.Combine(job.OutputDirectory, TrainingWorker.AdapterFile)));

        // The same adapter on rows that it has made less likely: as if it had been trained by another template.
        var other = Job([.. Enumerable.Range(0, 4).Select(i => Row($"Once {i}", "upon a time there was a little girl", "validation"))]) with { OutputDirectory = Folder("refused") };
        var refused = AdapterImport.Run(other, adapter, TestContext.Current.CancellationToken);
        Assert.Contains("have not become more likely", Assert.Single(refused.Broken), StringComparison.Ordinal);
        Assert.Equal(["import.json"], Directory.EnumerateFileSystemEntries(other.OutputDirectory).Select(Path.GetFileName));
    }

    [Fact]
    public void Import_AdapterOfAnotherBase_IsRefusedAndLeavesNothing()
    {
        var job = Job(Row("a", "b", "train"));
        using var decoder = Decoders.ArchitectureTests.Open(Support.SharedData.Require("golden/llama-gqa"));
        using var adapter = new LoraAdapter(decoder.Shape, new LoraOptions { Rank = 2 });
        LoraExport.ToPeft(adapter, decoder.Weights, null).Write(Folder("wrong"));

        Assert.Contains("belongs to another base", Assert.Throws<AdapterException>(() => AdapterImport.Run(job, Folder("wrong"), TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFiles(job.OutputDirectory));
    }

    private static string Row(string user, string assistant, string split) =>
        $$"""{"split": "{{split}}", "messages": [{"role": "user", "content": "{{user}}"}, {"role": "assistant", "content": "{{assistant}}"}]}""";

    private static async Task TrainAsync(TrainingJob job)
    {
        var path = Path.Combine(job.OutputDirectory, "job.json");
        job.Write(path);
        using var output = new StringWriter();
        Assert.True(await TrainingWorker.RunAsync(path, output, TestContext.Current.CancellationToken) == TrainingWorker.ExitOk, output.ToString());
    }

    private string Folder(string name) => Directory.CreateDirectory(Path.Combine(_directory, name)).FullName;

    private TrainingJob Job(params string[] rows)
    {
        var path = Path.Combine(_directory, $"{Guid.NewGuid():N}.jsonl");
        File.WriteAllLines(path, rows);
        return new TrainingJob
        {
            Name = "Story Run", BasePath = StoryChat.Write(Path.Combine(_directory, "chat.gguf")), ExamplesPath = path, OutputDirectory = Folder("out"), Lora = new LoraOptions { Rank = 4 },
            Options = TrainingOptions.ForAdapters with { Epochs = 8, BatchExamples = 4, LearningRate = 2e-2, Threads = 2, CheckpointSeconds = 1e9 },
        };
    }
}
