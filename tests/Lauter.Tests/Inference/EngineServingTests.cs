using System.Numerics.Tensors;
using System.Text.Json;
using Lauter.Inference.Engine;
using Lauter.Tests.Support;

namespace Lauter.Tests.Inference;

public sealed class EngineServingTests
{
    private const string Story =
        ", there was a little girl named Lily. She loved to play outside in the park. One day, she saw a big, red ball. She wanted to play with it, but it was too high.";

    [Fact]
    public async Task GreedyAsync_Stories260k_IsTheKnownText()
    {
        await using var engine = await StartAsync();
        var answer = await engine.Client.GreedyAsync("Once upon a time", 120, TestContext.Current.CancellationToken);
        Assert.StartsWith(Story + "\nLily's mom said, \"Lily, let's go to the park.\"", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task EmbedAsync_E5_AgreesWithTheGoldenVectors()
    {
        var model = SharedData.Require("models/multilingual-e5-small/multilingual-e5-small.Q4_0.gguf");
        using var golden = JsonDocument.Parse(await File.ReadAllTextAsync(SharedData.Require("golden/embeddings/e5.json"), TestContext.Current.CancellationToken));
        await using var engine = await EngineProcess.StartAsync(
            EngineChildEntry.Launch, new EngineOptions { ModelPath = model, Threads = 1 }, cancellationToken: TestContext.Current.CancellationToken);
        var cases = golden.RootElement.GetProperty("cases").EnumerateArray()
            // The golden text with line feeds was not collapsed before tokenising, so its line feeds became unknown tokens.
            .Where(item => !item.GetProperty("text").GetString()!.Contains('\n', StringComparison.Ordinal)).ToArray();
        var vectors = await engine.Client.EmbedAsync(
            [.. cases.Select(item => $"{item.GetProperty("kind").GetString()}: {item.GetProperty("text").GetString()}")], TestContext.Current.CancellationToken);
        var expected = cases.Select(item => item.GetProperty("embedding").EnumerateArray().Select(value => value.GetSingle()).ToArray());
        foreach (var (want, got) in expected.Zip(vectors))
        {
            Assert.Equal(1, TensorPrimitives.CosineSimilarity<float>(want, got), 1e-3f);
        }
    }

    private static Task<EngineProcess> StartAsync() => EngineProcess.StartAsync(
        EngineChildEntry.Launch,
        new EngineOptions { ModelPath = SharedData.Require("models/stories260k/stories260k-f32.gguf"), Threads = 1 },
        cancellationToken: TestContext.Current.CancellationToken);
}
