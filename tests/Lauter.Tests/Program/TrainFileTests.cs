using Lauter.Commands;
using Lauter.Training.Loop;

namespace Lauter.Tests.Program;

/// <summary>The training file: what the example shows is taken, and every fault is told with its place.</summary>
public sealed class TrainFileTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-train-file-").FullName;

    public TrainFileTests()
    {
        File.WriteAllText(Path.Combine(_directory, "model.gguf"), "");
        File.WriteAllText(Path.Combine(_directory, "rows.jsonl"), "");
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Read_TheExampleWithEveryKeyThatItShows_HasNoFault()
    {
        // Keys that the example leaves out show their usual value behind a '#'; another adapter to start from is not there.
        var all = TrainFile.Example.Split('\n').Where(l => !l.Contains("from: other", StringComparison.Ordinal)).Select(l => l.StartsWith("# ", StringComparison.Ordinal) && l[2..].Contains(": ", StringComparison.Ordinal) && char.IsLower(l[2]) ? l[2..] : l);
        var plan = Read(string.Join('\n', all.Where(l => !l.StartsWith("lauter train", StringComparison.Ordinal))));

        Assert.Equal((2, 32, 0.001, Schedule.Cosine), (plan.Job.Options.Epochs, plan.Job.Options.BatchExamples, plan.Job.Options.LearningRate, plan.Job.Options.Schedule));
        Assert.Equal((2, true, 0.5), (plan.Job.Options.RollBacks, plan.Job.KeepEpochs, plan.Job.Options.TeacherWeight));
        Assert.Equal(4, plan.Sweep.Count);
        Assert.Equal(("ORG/MODEL", 4), (plan.Cluster!.Base, plan.Cluster.Gpus));
        Assert.Equal(("https://api.openai.com/v1", "OPENAI_API_KEY", 2, 32), (plan.Remote!.Value.Options.Address.AbsoluteUri, plan.Remote.Value.KeyVariable, plan.Remote.Value.Options.Epochs, plan.Remote.Value.Options.BatchSize));
    }

    [Fact]
    public void Read_ASweep_IsEveryCombinationInAFolderOfItsOwn()
    {
        var plan = Read("base: model.gguf\ndata: rows.jsonl\nlora: { rank: 4 }\nsweep: { rank: [2, 8], learning_rate: [0.01, 0.1, 1] }\n");

        Assert.Equal(6, plan.Sweep.Select(s => s.Job.OutputDirectory).Distinct().Count());
        Assert.Equal(("rank 8, learning_rate 0.1", 8, 0.1), (plan.Sweep[3].Name, plan.Sweep[3].Job.Lora!.Rank, plan.Sweep[3].Job.Options.LearningRate));
    }

    [Theory]
    [InlineData("base: model.gguf\ndata: rows.jsonl\nlora: { rank: 4 }\nsweep: { rnak: [2, 8] }", "rnak")]
    [InlineData("base: model.gguf\ndata: rows.jsonl\nsweep: { rank: [2, 8] }", "there is no lora")]
    [InlineData("base: model.gguf\ndata: rows.jsonl\nlora: { rank: 4 }\nsweep: { batch: [many] }", "'many' is no number above 0")]
    [InlineData("data: rows.jsonl\nremote: { url: \"ftp://x\", model: m }", "'ftp://x' is not an address")]
    [InlineData("data: rows.jsonl\nremote: { url: \"http://x\" }", "remote.model")]
    [InlineData("data: rows.jsonl", "base")]
    [InlineData("base: model.gguf\ndata: rows.jsonl\nkeep_epochs: true", "KeepEpochs keeps adapters")]
    [InlineData("base: model.gguf\ndata: rows.jsonl\nlora: { rank: 4 }\ncluster: { gpus: 4 }", "cluster.base")]
    public void Read_AFault_IsToldWithItsName(string text, string named)
    {
        var fault = Assert.Throws<CommandException>(() => Read(text));
        Assert.Contains(named, fault.Message, StringComparison.Ordinal);
    }

    private TrainPlan Read(string text)
    {
        var path = Path.Combine(_directory, "t.yaml");
        File.WriteAllText(path, text);
        return TrainFile.Read(path);
    }
}
