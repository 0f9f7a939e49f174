using Lauter.Models.Gguf;
using Lauter.Models.Tokens;
using Lauter.Tests.Support;
using Lauter.Tests.Training.Loop;
using Lauter.Training.Networks;
using Lauter.Training.Parity;

namespace Lauter.Tests.Training.Networks;

public sealed class LlamaGgufTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("lauter-gguf-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Load_WhatWasWritten_HasTheSameWeights(bool tied)
    {
        using var written = LlamaInitialisation.Create(TinyRun.Config with { TiedEmbeddings = tied }, 5);
        var path = Path.Combine(_directory, "model.gguf");
        var writer = GgufWriter.Create(path);
        written.Config.WriteTo(writer);
        LlamaGguf.AddTensors(written, writer);
        writer.Finish();

        using var file = GgufFile.Open(path);
        using var read = LlamaNetwork.Load(file);
        Assert.Equal(written.Config, read.Config);
        Assert.Equal(written.Parameters.Select(p => p.Name), read.Parameters.Select(p => p.Name));
        for (var i = 0; i < written.Parameters.Count; i++)
        {
            Assert.True(written.Parameters[i].Values.SequenceEqual(read.Parameters[i].Values), $"{written.Parameters[i].Name} differs.");
        }
    }

    [Fact]
    public void Load_TensorThatTheNetworkDoesNotHave_IsRefusedByName()
    {
        using var written = LlamaInitialisation.Create(TinyRun.Config, 5);
        var path = Path.Combine(_directory, "model.gguf");
        var writer = GgufWriter.Create(path);
        written.Config.WriteTo(writer);
        LlamaGguf.AddTensors(written, writer);
        writer.AddTensor("blk.0.attn_q.bias", GgufTensorType.F32, [32], new float[32]);
        writer.Finish();
        using var file = GgufFile.Open(path);

        Assert.Contains("blk.0.attn_q.bias", Assert.Throws<GgufFormatException>(() => LlamaNetwork.Load(file)).Message);
    }

    [Fact]
    public void Load_Stories260k_TellsTheKnownStory()
    {
        var path = SharedData.Require("models/stories260k/stories260k-f32.gguf");
        using var file = GgufFile.Open(path);
        using var network = LlamaNetwork.Load(file);
        using var tokenizer = ModelTokenizer.Open(path);
        int[] prompt = [tokenizer.Begin!.Value, .. tokenizer.Encode("Once upon a time", parseSpecial: false)];
        const string Story = ", there was a little girl named Lily. She loved to play outside in the park. One day, she saw a big, red ball. "
            + "She wanted to play with it, but it was too high.\nLily's mom said, \"Lily, let's go to the park.\"";

        var ids = ParityCheck.Greedy(network, prompt, 110, new HashSet<int>());
        Assert.StartsWith("Once upon a time" + Story, tokenizer.Decode([.. prompt[1..], .. ids]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task LogProbabilities_Stories260k_AgreeWithLlamaCpp()
    {
        var path = SharedData.Require("models/stories260k/stories260k-f32.gguf");
        using var file = GgufFile.Open(path);
        using var network = LlamaNetwork.Load(file);
        using var engine = new LlamaCppModel(path);
        int[] ids = [1, 403, 407, 261, 378, 432, 383, 285, 324, 336, 406];
        var report = await ParityCheck.CompareAsync(network, engine.AsParityEngine(new HashSet<int> { 2 }), [new ParityProbe("story", ids)], new HashSet<int> { 2 },
            cancellationToken: TestContext.Current.CancellationToken);

        Assert.True(report.Passed, $"{report}");
        Assert.InRange(report.MaximumDifference, 0, 1e-3);
    }
}
