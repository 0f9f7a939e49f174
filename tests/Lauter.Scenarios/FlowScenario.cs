using System.ClientModel;
using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Lauter.Scenarios.Support;
using OpenAI;
using OpenAI.Chat;

namespace Lauter.Scenarios;

/// <summary>
/// The whole product once, as a person would meet it: up (killed in the middle of everything, then up again) → ask through two SDKs →
/// feedback → iterate → second release → verify → cost. One test, because each step needs the one before and training takes minutes.
/// </summary>
public sealed partial class FlowScenario(ITestOutputHelper output)
{
    private static readonly TimeSpan TrainingLimit = TimeSpan.FromMinutes(14);
    private const string Address = "http://127.0.0.1:5093";

    [Fact]
    public async Task Helpdesk_FromDocumentsToSecondRelease_SurvivesKillsAndKeepsItsPromises()
    {
        using var project = ProjectCopy.Of("examples/helpdesk");
        var random = new Random(Seed());

        // 1. The program, then the training child, are killed at a random moment of the training.
        using (var first = LauterProgram.Start("up", project.Directory, "--listen", Address))
        {
            await first.WaitForAsync(s => s.Contains("✓ build:tickets") || s.Contains("build:tickets"), TrainingLimit, "the dataset is built");
            await first.WaitForAsync(_ => Workers("worker train", project.Directory).Count > 0, TrainingLimit, "the training child runs");
            await Task.Delay(TimeSpan.FromSeconds(15 + random.Next(10)));
            var orphans = Workers("worker train", project.Directory);
            first.KillHard();
            await Until(() => orphans.All(o => !Directory.Exists($"/proc/{o}")), TimeSpan.FromSeconds(10), "the training child ends with its parent");
        }

        using (var second = LauterProgram.Start("up", project.Directory, "--listen", Address))
        {
            await second.WaitForAsync(_ => Workers("worker train", project.Directory).Count > 0, TrainingLimit, "the training goes on");
            Assert.DoesNotContain("… build:tickets", second.Error);
            await Task.Delay(TimeSpan.FromSeconds(5 + random.Next(5)));
            LauterProgram.Signal(Workers("worker train", project.Directory)[0], 9);
            var ended = await second.WaitAsync(TimeSpan.FromMinutes(5));
            Assert.Equal(5, ended.ExitCode);
            Assert.Contains("SIGKILL", ended.Error);
        }

        // 2. Up again: it finishes, gates, releases, serves.
        using var server = LauterProgram.Start("up", project.Directory, "--listen", Address);
        await server.WaitForAsync(s => s.Contains("press Ctrl+C"), TrainingLimit, "it serves");
        output.WriteLine(server.Error);
        Assert.Contains("gate triage: pass", server.Error);
        Assert.Contains("released triage-1", server.Error);
        var key = KeyPattern().Match(server.Error).Value;
        Assert.NotEmpty(key);

        // 3. Two SDKs.
        await AskThroughNuGetAsync(key);
        await AskThroughNpmAsync(key);

        // 4. The engine is killed; the next answers come from a new one.
        var engine = Assert.Single(Workers("worker engine", ""));
        LauterProgram.Signal(engine, 9);
        using var http = new HttpClient { BaseAddress = new Uri(Address) };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        await Until(async () => (await http.PostAsJsonAsync("/v1/chat/completions", Chat("triage", "The pump is howling since this morning."))).IsSuccessStatusCode, TimeSpan.FromSeconds(30), "the engine answers again");

        // 5. Latency of warm answers, for the log.
        var times = new List<double>();
        for (var i = 0; i < 40; i++)
        {
            var clock = Stopwatch.StartNew();
            using var response = await http.PostAsJsonAsync("/v1/chat/completions", Chat("triage", $"My order {1000 + i} has not arrived, where is it?"));
            Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
            times.Add(clock.Elapsed.TotalMilliseconds);
        }

        times.Sort();
        output.WriteLine($"warm triage answers: p50 {times[20]:0.0} ms, p95 {times[38]:0.0} ms");

        // The console in a real browser, in both languages.
        var password = PasswordPattern().Match(server.Error).Groups[1].Value;
        if (File.Exists(ConsoleBrowser.Executable))
        {
            await ConsoleBrowser.LookAsync(Address, password);
        }
        else
        {
            Assert.False(Environment.GetEnvironmentVariable("CI") == "true", "CI must have Chromium.");
            output.WriteLine($"skipped: no Chromium at {ConsoleBrowser.Executable}");
        }

        // 6. Questions about the handbook quote file and heading.
        var quoted = await PostAsync(http, "/v1/chat/completions", Chat("handbook", "How do I calibrate the temperature sensor?"));
        Assert.Contains("handbook/", quoted["choices"]![0]!["message"]!["content"]!.GetValue<string>());

        // 7. Corrections, then a second iteration while the server runs.
        var lines = File.ReadLines(Path.Combine(project.Directory, "later", "tickets.jsonl")).Take(12).Select(l => JsonNode.Parse(l)!).ToList();
        foreach (var ticket in lines)
        {
            var answer = await PostAsync(http, "/v1/chat/completions", Chat("triage", ticket["text"]!.GetValue<string>()));
            using var feedback = await http.PostAsJsonAsync("/v1/feedback", new JsonObject
            {
                ["id"] = answer["id"]!.GetValue<string>(),
                ["correction"] = new JsonObject { ["intent"] = ticket["intent"]!.GetValue<string>(), ["product"] = ticket["product"]!.GetValue<string>(), ["urgency"] = ticket["urgency"]!.GetValue<string>() },
            });
            Assert.True(feedback.IsSuccessStatusCode, await feedback.Content.ReadAsStringAsync());
        }

        RollOutStepByStep(project.Directory);
        await Task.Delay(TimeSpan.FromSeconds(3));
        var iterate = await LauterProgram.RunAsync(TrainingLimit, "iterate", project.Directory);
        output.WriteLine(iterate.ToString());
        Assert.Contains("12 corrections", iterate.Error);
        Assert.True(iterate.ExitCode == 0, iterate.ToString());
        Assert.Contains("rollout triage-2", iterate.Error);

        // The second release takes over on the evidence of real requests, and goes back in one command under load.
        await server.WaitForAsync(s => s.Contains("triage-2 answers 20"), TimeSpan.FromSeconds(20), "the candidate gets its share");
        var asked = await AskUntilAsync(http, () => server.Error.Contains("rollout of triage-2 is complete"), TimeSpan.FromMinutes(3));
        output.WriteLine($"rollout: {asked.GroupBy(a => a.Release).Select(g => $"{g.Count()} answers of {g.Key}").Aggregate((a, b) => $"{a}, {b}")}");
        Assert.Equal(["triage-1", "triage-2"], asked.Select(a => a.Release).Distinct().Order());
        var clockOfRollback = Stopwatch.StartNew();
        var rollback = LauterProgram.RunAsync(TimeSpan.FromMinutes(1), "releases", project.Directory, "--rollback", "triage-1");
        string? last = null;
        while (last != "triage-1" || !rollback.IsCompleted)
        {
            Assert.True(clockOfRollback.Elapsed < TimeSpan.FromSeconds(30), "The rollback did not arrive.");
            last = (await AskAsync(http, "Where is my invoice?")).Release;
        }

        output.WriteLine($"rollback under load, from the command line's start to the first answer of triage-1 and its end: {clockOfRollback.Elapsed.TotalSeconds:0.0} s");
        Assert.Equal(0, (await rollback).ExitCode);

        // 8. The chain, and what one flipped byte does to it.
        var good = await LauterProgram.RunAsync(TimeSpan.FromMinutes(2), "verify", "triage-1", "--project", project.Directory);
        Assert.True(good.ExitCode == 0, good.ToString());
        Assert.Contains("tickets.jsonl", good.Output);
        FlipOneByte(project.Directory);
        var bad = await LauterProgram.RunAsync(TimeSpan.FromMinutes(2), "verify", "triage-1", "--project", project.Directory);
        Assert.True(bad.ExitCode == 8, bad.ToString());

        // 9. The bill knows every phase.
        var bill = await LauterProgram.RunAsync(TimeSpan.FromMinutes(1), "cost", project.Directory, "--format", "json");
        Assert.Equal(0, bill.ExitCode);
        var phases = JsonNode.Parse(bill.Output)!["phases"]!.AsArray();
        foreach (var phase in new[] { "data", "vectorising", "training", "evaluation", "serving" })
        {
            var row = phases.Single(p => string.Equals(p!["phase"]!.GetValue<string>(), phase, StringComparison.OrdinalIgnoreCase))!;
            Assert.True(row["core_seconds"]!.GetValue<decimal>() > 0, $"{phase}: {row}");
        }

        // A second server of the same project is refused; so is an address that somebody else has.
        Assert.Equal(11, (await LauterProgram.RunAsync(TimeSpan.FromMinutes(1), "serve", project.Directory, "--listen", "http://127.0.0.1:5094")).ExitCode);

        // 10. Ctrl+C: within 5 s, exit code 130, no orphan.
        var children = Workers("worker engine", "");
        var stopping = Stopwatch.StartNew();
        server.Interrupt();
        var end = await server.WaitAsync(TimeSpan.FromSeconds(15));
        Assert.Equal(130, end.ExitCode);
        Assert.True(stopping.Elapsed < TimeSpan.FromSeconds(5), $"Ctrl+C took {stopping.Elapsed}");
        await Until(() => children.All(c => !Directory.Exists($"/proc/{c}")), TimeSpan.FromSeconds(2), "no engine is left");

        using (var taken = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0))
        {
            taken.Start();
            var refused = await LauterProgram.RunAsync(
                TimeSpan.FromMinutes(1), "serve", project.Directory, "--listen", $"http://127.0.0.1:{((System.Net.IPEndPoint)taken.LocalEndpoint).Port}");
            Assert.True(refused.ExitCode == 9, refused.ToString());
        }

        // 11. Nothing to do for a second run, quickly.
        var clockOfRun = Stopwatch.StartNew();
        var again = await LauterProgram.RunAsync(TimeSpan.FromMinutes(1), "run", project.Directory);
        output.WriteLine($"second run: {clockOfRun.Elapsed.TotalSeconds:0.00} s wall\n{again.Error}");
        Assert.Equal(0, again.ExitCode);
        Assert.Contains("Nothing to do", again.Error);
    }

    private int Seed()
    {
        var seed = Environment.GetEnvironmentVariable("LAUTER_SEED") is { } text ? int.Parse(text) : Random.Shared.Next();
        output.WriteLine($"seed {seed} (set LAUTER_SEED to repeat)");
        return seed;
    }

    private static async Task AskThroughNuGetAsync(string key)
    {
        var client = new ChatClient("triage", new ApiKeyCredential(key), new OpenAIClientOptions { Endpoint = new Uri(Address + "/v1") });
        ChatCompletion plain = await client.CompleteChatAsync([new UserChatMessage("我的订单还没到，请帮我查一下物流。")], new ChatCompletionOptions
        {
            ResponseFormat = ChatResponseFormat.CreateJsonObjectFormat(),
        });
        var text = plain.Content[0].Text;
        Assert.NotNull(JsonNode.Parse(text)!["intent"]);
        Assert.Equal(ChatFinishReason.Stop, plain.FinishReason);
        var streamed = "";
        await foreach (var update in client.CompleteChatStreamingAsync([new UserChatMessage("我的订单还没到，请帮我查一下物流。")]))
        {
            streamed += string.Concat(update.ContentUpdate.Select(c => c.Text));
        }

        Assert.Equal(text, streamed);
        var error = await Assert.ThrowsAsync<ClientResultException>(() =>
            new ChatClient("no-such-application", new ApiKeyCredential(key), new OpenAIClientOptions { Endpoint = new Uri(Address + "/v1") }).CompleteChatAsync([new UserChatMessage("x")]));
        Assert.Equal(403, error.Status);
    }

    private async Task AskThroughNpmAsync(string key)
    {
        var clients = Path.Combine(LauterProgram.RepositoryRoot, "tests", "Lauter.Scenarios", "clients");
        if (!Directory.Exists(Path.Combine(clients, "node_modules")))
        {
            Assert.False(Environment.GetEnvironmentVariable("CI") == "true", "CI must have the npm clients.");
            output.WriteLine("skipped: run 'npm ci' in tests/Lauter.Scenarios/clients for the npm SDK");
            return;
        }

        using var node = Process.Start(new ProcessStartInfo("node", ["ask.mjs", Address + "/v1", key, "triage", "The refund for my order has not come yet."])
        {
            WorkingDirectory = clients, UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        var text = await node.StandardOutput.ReadToEndAsync();
        var errors = await node.StandardError.ReadToEndAsync();
        await node.WaitForExitAsync();
        Assert.True(node.ExitCode == 0, errors);
        output.WriteLine(text);
        var seen = JsonNode.Parse(text)!;
        Assert.Equal(seen["plain"]!.GetValue<string>(), seen["streamed"]!.GetValue<string>());
        Assert.Equal("stop", seen["finish"]!.GetValue<string>());
        Assert.True(seen["streamUsage"]!["completion_tokens"]!.GetValue<int>() > 0);
        Assert.Equal(403, seen["error"]!["status"]!.GetValue<int>());
        Assert.Equal(401, seen["denied"]!.GetValue<int>());
        Assert.Contains(seen["models"]!.AsArray(), m => m!.GetValue<string>() == "triage");
    }

    private static JsonObject Chat(string application, string text) => new()
    {
        ["model"] = application, ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = text }),
    };

    private static async Task<JsonNode> PostAsync(HttpClient http, string path, JsonObject body)
    {
        using var response = await http.PostAsJsonAsync(path, body);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        return JsonNode.Parse(text)!;
    }

    private static void RollOutStepByStep(string project)
    {
        var path = Path.Combine(project, "lauter.yaml");
        var yaml = File.ReadAllText(path);
        var changed = yaml.Replace(
            "    gate: { against: live,", "    rollout: { canary: [0.2, 0.5], requests: 20, margin: 0.05 }\n    gate: { against: live,", StringComparison.Ordinal);
        Assert.NotEqual(yaml, changed);
        File.WriteAllText(path, changed);
    }

    /// <summary>Asks on four connections until something holds; every answer must be one.</summary>
    private static async Task<List<(string Release, string Text)>> AskUntilAsync(HttpClient http, Func<bool> holds, TimeSpan limit)
    {
        var clock = Stopwatch.StartNew();
        var answers = new System.Collections.Concurrent.ConcurrentQueue<(string, string)>();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(async _ =>
        {
            while (!holds())
            {
                Assert.True(clock.Elapsed < limit, $"It did not come within {limit}; {answers.Count} answers.");
                answers.Enqueue(await AskAsync(http, $"My order {answers.Count} has not arrived, where is it?"));
            }
        }));
        return [.. answers];
    }

    private static async Task<(string Release, string Text)> AskAsync(HttpClient http, string text)
    {
        using var response = await http.PostAsJsonAsync("/v1/chat/completions", Chat("triage", text));
        var body = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, body);
        return (response.Headers.GetValues("x-lauter-release").Single(), body);
    }

    private static void FlipOneByte(string project)
    {
        var release = JsonNode.Parse(File.ReadAllText(Path.Combine(project, ".lauter", "releases", "triage", "1.json")))!;
        var model = release["inputs"]!.AsArray().Single(i => i!["role"]!.GetValue<string>() == "model")!["sha256"]!.GetValue<string>();
        var path = Path.Combine(project, ".lauter", "objects", model[..2], model[2..]);
        var manifest = JsonNode.Parse(File.ReadAllText(path))!;
        var gguf = manifest["objects"]!.AsArray().Single(o => o!["name"]!.GetValue<string>() == "model.gguf")!["sha256"]!.GetValue<string>();
        var file = Path.Combine(project, ".lauter", "objects", gguf[..2], gguf[2..]);
        File.SetAttributes(file, FileAttributes.Normal);
        using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite);
        stream.Position = stream.Length / 2;
        var value = stream.ReadByte();
        stream.Position--;
        stream.WriteByte((byte)(value ^ 1));
    }

    /// <summary>Processes of the program whose command line contains <paramref name="text"/> and, when given, whose working files lie in <paramref name="directory"/>.</summary>
    private static IReadOnlyList<int> Workers(string text, string directory) =>
    [
        .. from entry in Directory.EnumerateDirectories("/proc")
           let name = Path.GetFileName(entry)
           where int.TryParse(name, out _)
           let line = ReadQuietly(Path.Combine(entry, "cmdline")).Replace('\0', ' ')
           where line.Contains("lauter.dll " + text, StringComparison.Ordinal) && line.Contains(directory, StringComparison.Ordinal)
           select int.Parse(name),
    ];

    private static string ReadQuietly(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The process ended between the listing and the reading.
            return "";
        }
    }

    private static Task Until(Func<bool> holds, TimeSpan limit, string what) => Until(() => Task.FromResult(holds()), limit, what);

    private static async Task Until(Func<Task<bool>> holds, TimeSpan limit, string what)
    {
        var clock = Stopwatch.StartNew();
        while (!await holds())
        {
            Assert.True(clock.Elapsed < limit, $"Waited {limit} until {what}.");
            await Task.Delay(200);
        }
    }

    [GeneratedRegex("lk-[A-Za-z0-9_-]+")]
    private static partial Regex KeyPattern();

    [GeneratedRegex("console password \\(shown once\\): (\\S+)")]
    private static partial Regex PasswordPattern();
}
