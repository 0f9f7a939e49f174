using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Inference.Engine;
using Lauter.Tests.Support;

namespace Lauter.Tests.Inference;

/// <summary>Prefixes, preemption and cancelling in the real engine: answers stay right, tenants stay apart, nothing is left behind.</summary>
public sealed class EngineSharingTests
{
    private const string Story = "Once upon a time there was a little girl named Lily who loved to play outside in the park with her friend Tom and their dog. One day ";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Reuse_SamePrompt_IsCountedAndTheAnswerStays()
    {
        await using var engine = await StartAsync(Stories);
        using var http = engine.CreateClient();
        var first = await AskAsync(http, Story, "a");
        var second = await AskAsync(http, Story, "a");
        var other = await AskAsync(http, Story, "b");
        var salted = await AskAsync(http, Story, "a", body => body["cache_salt"] = "own");
        Assert.Equal((0, first.Prompt - 1, 0, 0), (first.Cached, second.Cached, other.Cached, salted.Cached));
        Assert.Equal([first.Text, first.Text, first.Text], [second.Text, other.Text, salted.Text]);
    }

    [Fact]
    public async Task Reuse_NextTurn_TakesTheAnswerOver()
    {
        await using var engine = await StartAsync(Stories);
        using var http = engine.CreateClient();
        var first = await AskAsync(http, Story, "a");
        var next = await AskAsync(http, Story + first.Text, "a");
        Assert.True(next.Cached >= first.Prompt + 20, $"{next.Cached} of {next.Prompt} were reused");
    }

    /// <summary>
    /// Eight tenants put a secret behind words that all share and then ask for what follows the shared words. A tenant that got another's
    /// cells would continue with that one's secret: the model repeats what stands twice in its context.
    /// </summary>
    [Fact]
    public async Task Canary_EightTenantsSharedWords_NeverSeeAnothersSecretNorItsCache()
    {
        await using var engine = await StartAsync(Stories with { Sequences = 16, Queue = 4_000, CacheCells = 1_536 });
        using var http = engine.CreateClient();
        string[] secrets = ["apple", "bear", "cat", "dog", "fish", "tree", "ball", "moon"];
        var alone = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var secret in secrets)
        {
            alone[secret] = (await AskAsync(http, Told(secret), $"alone-{secret}")).Text;
        }

        var answers = await Task.WhenAll(Enumerable.Range(0, 640).Select(async number =>
        {
            var secret = secrets[number % secrets.Length];
            var asksForIt = number % 16 < 8;
            var answer = await AskAsync(http, asksForIt ? Told(secret) : $"{Story}{Story}{number}", $"tenant-{secret}");
            return (secret, asksForIt, answer);
        }));
        foreach (var secret in secrets)
        {
            var own = answers.Where(item => item.secret == secret && item.asksForIt).ToArray();
            // Batches change the order of sums, so some texts may part late; one taken over from a neighbour would part at once.
            Assert.True(own.Count(item => item.answer.Text == alone[secret]) >= own.Length * 9 / 10, $"{secret}: {own.Count(item => item.answer.Text == alone[secret])} of {own.Length}");
            Assert.All(own, item => Assert.Equal(alone[secret][..8], item.answer.Text[..8]));
        }

        var metrics = await http.GetStringAsync("metrics", Token);
        Assert.Contains("lauter_engine_prefix_mismatches_total 0\n", metrics, StringComparison.Ordinal);
        Assert.Contains("lauter_engine_failures_total 0\n", metrics, StringComparison.Ordinal);
        // One who comes first has nothing to reuse, whatever hundreds of requests of others have left.
        Assert.Equal(0, (await AskAsync(http, Told("apple"), "newcomer")).Cached);

        static string Told(string secret) => $"{Story}Lily saw the {secret}. Lily said: I like the {secret}. Tom said: I like the {secret}. {Story}Lily saw the";
    }

    /// <summary>More prefixes than the cache holds take turns: those that left come back from ordinary memory, and the answers stay.</summary>
    [Fact]
    public async Task HostTier_PrefixesOutgrowTheCache_ComeBackUnchanged()
    {
        await using var engine = await StartAsync(Stories with { CacheCells = 512, Sequences = 2, HostCacheMebibytes = 16, TenantShare = 1 });
        using var http = engine.CreateClient();
        var prompts = Enumerable.Range(0, 6).Select(index => $"Story {index}. {Story}{Story}{index}").ToArray();
        var firsts = new List<(string Text, int Prompt, int Cached)>();
        foreach (var prompt in prompts)
        {
            firsts.Add(await AskAsync(http, prompt, "a"));
        }

        for (var round = 0; round < 2; round++)
        {
            foreach (var (prompt, first) in prompts.Zip(firsts))
            {
                var again = await AskAsync(http, prompt, "a");
                Assert.Equal((first.Text, first.Prompt - 1), (again.Text, again.Cached));
                Assert.Equal(0, (await AskAsync(http, prompt[..60], $"new-{round}-{firsts.IndexOf(first)}")).Cached);
            }
        }

        var metrics = await http.GetStringAsync("metrics", Token);
        Assert.DoesNotContain("lauter_engine_host_restored_tokens_total 0\n", metrics, StringComparison.Ordinal);
        Assert.Contains("lauter_engine_prefix_mismatches_total 0\n", metrics, StringComparison.Ordinal);
        await EngineFixture.EmptyAsync(http);
    }

    /// <summary>Guessing ahead changes how many steps an answer takes, never the answer: greedy, sampled and under a stop string.</summary>
    [Fact]
    public async Task Speculation_TextThatRepeatsItself_TakesFewerStepsAndSaysTheSame()
    {
        await using var plain = await StartAsync(Stories);
        await using var guessing = await StartAsync(Stories with { Speculation = 4 });
        using var plainHttp = plain.CreateClient();
        using var http = guessing.CreateClient();
        var repeated = string.Concat(Enumerable.Repeat("Tom saw a big red ball in the park. Lily saw a big red ball in the park. ", 4));
        Action<JsonObject>[] changes = [body => body["max_tokens"] = 120, body => { body["max_tokens"] = 60; body["temperature"] = 0.3; body["seed"] = 3; }, body => body["stop"] = "park"];
        foreach (var change in changes)
        {
            Assert.Equal((await AskAsync(plainHttp, repeated, "a", change)).Text, (await AskAsync(http, repeated, "a", change)).Text);
        }

        // How many guesses are worth their time depends on the machine; the first are always tried, and here they hold.
        var held = await MetricAsync(http, "held_tokens_total");
        Assert.InRange(held, 1, 400);
        Assert.Equal(await MetricAsync(plainHttp, "steps_total") - held, await MetricAsync(http, "steps_total"));
        Assert.Equal(0, await MetricAsync(plainHttp, "guessed_tokens_total"));
        await EngineFixture.EmptyAsync(http);
    }

    [Fact]
    public async Task Preemption_AnswersOutgrowTheCache_AllEndAsAlone()
    {
        // Six answers of 150 tokens do not fit 512 cells at once, yet all may come in.
        var options = Stories with { CacheCells = 512, Sequences = 6, Reuse = true };
        await using var engine = await StartAsync(options);
        using var http = engine.CreateClient();
        var prompts = Enumerable.Range(0, 6).Select(index => $"{Story[..(40 + (10 * index))]}").ToArray();
        var alone = new List<string>();
        foreach (var prompt in prompts)
        {
            alone.Add((await AskAsync(http, prompt, "a", body => body["max_tokens"] = 150)).Text);
        }

        var together = await Task.WhenAll(prompts.Select(prompt => AskAsync(http, prompt, "b", body => body["max_tokens"] = 150)));
        Assert.True(alone.Zip(together).Count(pair => pair.First == pair.Second.Text) >= 5);
        var metrics = await http.GetStringAsync("metrics", Token);
        Assert.DoesNotContain("lauter_engine_preemptions_total 0\n", metrics, StringComparison.Ordinal);
        Assert.Contains("lauter_engine_failures_total 0\n", metrics, StringComparison.Ordinal);
        await EngineFixture.EmptyAsync(http);
    }

    [Fact]
    public async Task Cancel_AThousandTimes_LeavesNoCellSequenceOrThread()
    {
        await using var engine = await StartAsync(EngineFixture.Options with { Sequences = 4, Queue = 2_000, BatchTokens = 16, CacheCells = 512 });
        using var http = engine.CreateClient();
        var expected = await engine.Client.GreedyAsync("the printer", 10, Token);
        await CancelAsync(http, 100);
        var threads = Threads(engine);
        await CancelAsync(http, 1_000);
        // Pool threads come and go; a thread per request would be a thousand more.
        Assert.InRange(Threads(engine), 1, threads + 8);
        Assert.Equal(expected.Text, (await engine.Client.GreedyAsync("the printer", 10, Token)).Text);
        Assert.Contains("lauter_engine_failures_total 0\n", await http.GetStringAsync("metrics", Token), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Answers_SeveralOfOnePrompt_ShareItAndDifferBySeed()
    {
        await using var engine = await StartAsync(Stories);
        using var http = engine.CreateClient();
        var body = new JsonObject { ["prompt"] = Story, ["max_tokens"] = 12, ["n"] = 4, ["seed"] = 11, ["temperature"] = 1 };
        var (status, answer) = await EngineFixture.PostAsync(http, "v1/completions", body);
        Assert.Equal(200, status);
        var texts = answer["choices"]!.AsArray().Select(choice => choice!["text"]!.GetValue<string>()).ToArray();
        Assert.Equal([0, 1, 2, 3], answer["choices"]!.AsArray().Select(choice => choice!["index"]!.GetValue<int>()));
        Assert.True(texts.Distinct(StringComparer.Ordinal).Count() >= 3);
        var prompt = answer["usage"]!["prompt_tokens"]!.GetValue<int>();
        Assert.Equal(48, answer["usage"]!["completion_tokens"]!.GetValue<int>());
        Assert.Contains($"lauter_engine_prompt_tokens_reused_total {3 * (prompt - 1)}\n", await http.GetStringAsync("metrics", Token), StringComparison.Ordinal);
        Assert.Equal(texts, (await EngineFixture.PostAsync(http, "v1/completions", body)).Body["choices"]!.AsArray().Select(choice => choice!["text"]!.GetValue<string>()));
    }

    private static EngineOptions Stories => new() { ModelPath = SharedData.Require("models/stories260k/stories260k-f32.gguf"), Threads = 1 };

    private static async Task CancelAsync(HttpClient http, int count)
    {
        var random = new Random(5);
        await Task.WhenAll(Enumerable.Range(0, count).Select(async number =>
        {
            using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Token);
            var body = number % 2 == 0 ? EngineFixture.Endless(200) : EngineFixture.Completion(string.Concat(Enumerable.Repeat("打印机不工作", 10)), 60);
            cancel.CancelAfter(TimeSpan.FromMilliseconds(random.Next(1, 400)));
            try
            {
                using var response = await http.PostAsJsonAsync("v1/completions", body, cancel.Token);
            }
            catch (OperationCanceledException) when (!Token.IsCancellationRequested)
            {
                // What this test is about.
            }
        }));
        await EngineFixture.EmptyAsync(http);
    }

    private static async Task<int> MetricAsync(HttpClient http, string name) =>
        int.Parse((await http.GetStringAsync("metrics", Token)).Split('\n').Single(line => line.StartsWith($"lauter_engine_{name} ", StringComparison.Ordinal)).Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);

    private static int Threads(EngineProcess engine)
    {
        using var process = System.Diagnostics.Process.GetProcessById(engine.ProcessId!.Value);
        return process.Threads.Count;
    }

    private static async Task<(string Text, int Prompt, int Cached)> AskAsync(HttpClient http, string prompt, string tenant, Action<JsonObject>? change = null)
    {
        var body = new JsonObject { ["prompt"] = prompt, ["max_tokens"] = 24, ["temperature"] = 0 };
        change?.Invoke(body);
        using var request = new HttpRequestMessage(HttpMethod.Post, "v1/completions") { Content = JsonContent.Create(body) };
        request.Headers.Add(EngineServer.TenantHeader, tenant);
        using var response = await http.SendAsync(request, Token);
        var text = await response.Content.ReadAsStringAsync(Token);
        Assert.True(response.IsSuccessStatusCode, text);
        using var answer = JsonDocument.Parse(text);
        var usage = answer.RootElement.GetProperty("usage");
        return (
            answer.RootElement.GetProperty("choices")[0].GetProperty("text").GetString()!,
            usage.GetProperty("prompt_tokens").GetInt32(),
            usage.GetProperty("prompt_tokens_details").GetProperty("cached_tokens").GetInt32());
    }

    private static Task<EngineProcess> StartAsync(EngineOptions options) => EngineProcess.StartAsync(EngineChildEntry.Launch, options, cancellationToken: Token);
}
