using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Lauter.Inference.Engine;

namespace Lauter.Tests.Inference;

/// <summary>Cancelling, overload, crashes and ends: nothing wedges and nothing is left behind.</summary>
public sealed class EngineLifeTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Cancel_InQueuePrefillAndDecode_LeavesNothingAndTheNextRequestWorks()
    {
        await using var engine = await StartAsync(EngineFixture.Options with { Sequences = 1, BatchTokens = 16 });
        using var http = engine.CreateClient();
        var expected = await engine.Client.GreedyAsync("the printer", 10, Token);
        for (var round = 0; round < 20; round++)
        {
            // One request decodes, one may be in prefill (its 180 tokens take a dozen steps), the others wait.
            var requests = Enumerable.Range(0, 5).Select(_ => new CancellationTokenSource()).ToArray();
            var bodies = requests.Select((_, index) => index == 0 ? EngineFixture.Endless(200) : EngineFixture.Completion(string.Concat(Enumerable.Repeat("打印机不工作", 10)), 60));
            var running = requests.Zip(bodies).Select(pair => SendAsync(http, pair.Second, pair.First.Token)).ToArray();
            foreach (var index in Enumerable.Range(0, requests.Length).OrderBy(index => (index * 7 + round) % 5))
            {
                await requests[index].CancelAsync();
                await Task.WhenAny(running[index]);
            }

            await EngineFixture.EmptyAsync(http);
            Array.ForEach(requests, request => request.Dispose());
        }

        Assert.Equal(expected, await engine.Client.GreedyAsync("the printer", 10, Token), new SameAnswer());
        var metrics = await http.GetStringAsync("metrics", Token);
        Assert.Contains("lauter_engine_failures_total 0\n", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Parallel_Deterministic_EqualsOneByOne()
    {
        await using var engine = await StartAsync(EngineFixture.Options with { Deterministic = true });
        var prompts = Enumerable.Range(0, 16).Select(index => $"the printer {index} does not print 打印机").ToArray();
        var serial = new List<ChatResult>();
        foreach (var prompt in prompts)
        {
            serial.Add(await engine.Client.GreedyAsync(prompt, 40, Token));
        }

        var parallel = await Task.WhenAll(prompts.Select(prompt => engine.Client.GreedyAsync(prompt, 40, Token)));
        Assert.Equal(serial, parallel, new SameAnswer());
    }

    [Fact]
    public async Task Parallel_Batched_EveryRequestGetsItsOwnAnswer()
    {
        await using var engine = await StartAsync(EngineFixture.Options);
        var prompts = Enumerable.Range(0, 64).Select(index => $"{index * 37 % 100} the printer").ToArray();
        var serial = new List<ChatResult>();
        foreach (var prompt in prompts)
        {
            serial.Add(await engine.Client.GreedyAsync(prompt, 20, Token));
        }

        var parallel = await Task.WhenAll(prompts.Select(prompt => engine.Client.GreedyAsync(prompt, 20, Token)));
        // Batches change the order of sums, so single texts may differ; answers mixed up between requests would differ nearly everywhere.
        Assert.True(serial.Zip(parallel).Count(pair => pair.First.Text == pair.Second.Text) >= 60);
        Assert.Equal(serial.Select(answer => answer.PromptTokens), parallel.Select(answer => answer.PromptTokens));
    }

    [Fact]
    public async Task Queue_Full_Answers429WithRetryAfter()
    {
        await using var engine = await StartAsync(EngineFixture.Options with { Sequences = 1, Queue = 1 });
        using var http = engine.CreateClient();
        var statuses = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => SendAsync(http, EngineFixture.Endless(240), Token)));
        var refused = statuses.Where(answer => answer.Status == 429).ToArray();
        Assert.NotEmpty(refused);
        Assert.All(refused, answer => Assert.Equal("1", answer.RetryAfter));
        Assert.All(statuses, answer => Assert.Contains(answer.Status, new[] { 200, 429 }));
        await EngineFixture.EmptyAsync(http);
    }

    [Fact]
    public async Task Kill_DuringARequest_FailsItCleanlyAndTheRestartedEngineAnswers()
    {
        var crashed = new TaskCompletionSource<EngineEvent>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var engine = await StartAsync(EngineFixture.Options, item =>
        {
            if (item.Kind == EngineEventKind.Crashed)
            {
                crashed.TrySetResult(item);
            }
        });
        var before = await engine.Client.GreedyAsync("the printer", 10, Token);
        var first = engine.ProcessId!.Value;
        var requests = Enumerable.Range(0, 16).Select(_ => engine.Client.GreedyAsync("the printer does not print", 200, Token)).ToArray();
        using (var process = Process.GetProcessById(first))
        {
            process.Kill();
        }

        foreach (var request in requests)
        {
            var error = await Record.ExceptionAsync(() => request);
            Assert.True(error is null or EngineException { Code: "engine_unreachable" }, error?.ToString());
        }

        var report = await crashed.Task.WaitAsync(TimeSpan.FromSeconds(10), Token);
        Assert.Equal((first, "SIGKILL"), (report.ProcessId, report.Signal));
        await engine.WaitReadyAsync(Token).WaitAsync(TimeSpan.FromSeconds(20), Token);
        Assert.NotEqual(first, engine.ProcessId);
        Assert.Equal(before, await engine.Client.GreedyAsync("the printer", 10, Token), new SameAnswer());
        Assert.True(engine.CpuTime > TimeSpan.Zero);
    }

    [Fact]
    public async Task Stop_WithRequestsInFlight_EndsTheProcessWithinThreeSeconds()
    {
        var engine = await StartAsync(EngineFixture.Options);
        using var process = Process.GetProcessById(engine.ProcessId!.Value);
        var requests = Enumerable.Range(0, 40).Select(_ => Record.ExceptionAsync(() => engine.Client.GreedyAsync("the printer does not print", 200, Token)).AsTask()).ToArray();
        var clock = Stopwatch.StartNew();
        await engine.StopAsync();
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(3), $"stopping took {clock.Elapsed}");
        Assert.True(process.HasExited);
        Assert.All(await Task.WhenAll(requests), error => Assert.True(error is null or EngineException, error?.ToString()));
        await engine.DisposeAsync();
        Assert.False(File.Exists(engine.SocketPath));
    }

    [Fact]
    public async Task ParentKilled_EngineEndsToo()
    {
        using var parent = Process.Start(EngineChildEntry.ParentStart(TinyModel.Path))!;
        var line = await parent.StandardOutput.ReadLineAsync(Token).AsTask().WaitAsync(TimeSpan.FromSeconds(30), Token);
        using var engine = Process.GetProcessById(int.Parse(line!));
        parent.Kill(entireProcessTree: false);
        await engine.WaitForExitAsync(Token).WaitAsync(TimeSpan.FromSeconds(5), Token);
    }

    [Fact]
    public async Task Start_HostileOrMissingModel_IsRefusedWithTheReason()
    {
        var path = Path.Combine(Path.GetTempPath(), $"lauter-hostile-{Guid.CreateVersion7():N}.gguf");
        try
        {
            var bytes = await File.ReadAllBytesAsync(TinyModel.Path, Token);
            // The tensor count of the header.
            BitConverter.TryWriteBytes(bytes.AsSpan(8), ulong.MaxValue / 2);
            await File.WriteAllBytesAsync(path, bytes, Token);
            var error = await Assert.ThrowsAsync<EngineStartException>(() => StartAsync(EngineFixture.Options with { ModelPath = path }));
            Assert.Contains("model file cannot be used", error.Message, StringComparison.Ordinal);
            error = await Assert.ThrowsAsync<EngineStartException>(() => StartAsync(EngineFixture.Options with { ModelPath = path + ".not-there" }));
            Assert.Contains("does not exist", error.Message, StringComparison.Ordinal);
            error = await Assert.ThrowsAsync<EngineStartException>(() => StartAsync(EngineFixture.Options with { Sequences = 0 }));
            Assert.Contains("Sequences is 0; it must be 1–254", error.Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData("127.0.0.1:8080", true)]
    [InlineData("http://127.0.0.1:8080/", true)]
    [InlineData("http://localhost:8080", true)]
    [InlineData("http://[::1]:8080", true)]
    [InlineData("127.0.0.1", false)]
    [InlineData("https://127.0.0.1:8080", false)]
    [InlineData("somewhere:8080", false)]
    public void Faults_ListenAddress_MustBeAnAddressWithAPort(string address, bool sound) =>
        Assert.Equal(sound, (EngineFixture.Options with { ListenAddress = address }).Faults().Count == 0);

    private static Task<EngineProcess> StartAsync(EngineOptions options, Action<EngineEvent>? changed = null) =>
        EngineProcess.StartAsync(EngineChildEntry.Launch, options, changed, cancellationToken: Token);

    private static async Task<(int Status, string? RetryAfter)> SendAsync(HttpClient http, JsonObject body, CancellationToken token)
    {
        try
        {
            using var response = await http.PostAsJsonAsync("v1/completions", body, token);
            return ((int)response.StatusCode, response.Headers.RetryAfter?.ToString());
        }
        catch (OperationCanceledException)
        {
            return (0, null);
        }
    }

    private sealed class SameAnswer : IEqualityComparer<ChatResult>
    {
        public bool Equals(ChatResult? x, ChatResult? y) => (x?.Text, x?.FinishReason, x?.CompletionTokens) == (y?.Text, y?.FinishReason, y?.CompletionTokens);

        public int GetHashCode(ChatResult obj) => obj.Text.GetHashCode(StringComparison.Ordinal);
    }
}
