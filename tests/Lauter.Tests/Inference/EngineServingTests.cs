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

    private static Task<EngineProcess> StartAsync() => EngineProcess.StartAsync(
        EngineChildEntry.Launch,
        new EngineOptions { ModelPath = SharedData.Require("models/stories260k/stories260k-f32.gguf"), Threads = 1 },
        cancellationToken: TestContext.Current.CancellationToken);
}
