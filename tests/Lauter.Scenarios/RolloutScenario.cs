using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Lauter.Scenarios.Support;

namespace Lauter.Scenarios;

/// <summary>
/// A rollout of the real program that is killed in each of its phases, over an index, so that nothing has to be trained: approve → mirror → kill -9 → canary →
/// kill -9 → complete → the new release's files disappear → back in one command.
/// </summary>
public sealed partial class RolloutScenario(ITestOutputHelper output)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);
    private const string Address = "http://127.0.0.1:5098";

    [Fact]
    public async Task Rollout_KilledInEveryPhase_GoesOnFromTheTracesAndTheAuditLogIsWhole()
    {
        using var project = ProjectCopy.Empty();
        Write(project, "the first edition");

        // 1. Passed, but somebody must agree first.
        var waiting = await LauterProgram.RunAsync(Limit, "up", project.Directory, "--no-serve");
        Assert.True(waiting.ExitCode == 7, waiting.ToString());
        Assert.Contains("'handbook-1' waits for the approval of safety (0 of 1)", waiting.Error.Replace(Environment.NewLine, " ", StringComparison.Ordinal));
        var refused = await LauterProgram.RunAsync(Limit, "approve", "handbook-1", "--role", "safty", "--project", project.Directory);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("Did you mean 'safety'?", refused.Error);
        Assert.Equal(0, (await ApproveAsync(project, "handbook-1")).ExitCode);

        // 2. A second edition, approved: its rollout begins with copies of requests.
        Write(project, "the second edition");
        Assert.Equal(0, (await LauterProgram.RunAsync(Limit, "up", project.Directory, "--no-serve")).ExitCode);
        Assert.Contains("its rollout began", (await ApproveAsync(project, "handbook-2")).Output);
        string key;
        using (var first = await ServeAsync(project))
        {
            key = KeyPattern().Match(first.Error).Value;
            using var http = Client(key);
            for (var i = 0; i < 8; i++)
            {
                Assert.Equal("handbook-1", await AskAsync(http, i));
            }

            first.KillHard();
        }

        var shadow = await StateAsync(project);
        Assert.True(shadow["shadowing"]!.GetValue<bool>(), shadow.ToString());

        // 3. Again: the copies made before the kill count, and the canary begins; killed there too.
        using (var second = await ServeAsync(project))
        {
            using var http = Client(key);
            for (var i = 0; !second.Error.Contains("handbook-2 answers 50", StringComparison.Ordinal); i++)
            {
                Assert.True(i < 500, second.Error);
                Assert.StartsWith("handbook-", await AskAsync(http, i), StringComparison.Ordinal);
            }

            for (var i = 0; i < 20; i++)
            {
                await AskAsync(http, i);
            }

            second.KillHard();
        }

        var canary = await StateAsync(project);
        output.WriteLine(canary.ToString());
        Assert.Equal(("running", 0.5), (canary["phase"]!.GetValue<string>(), canary["share"]!.GetValue<double>()));
        Assert.InRange(canary["signals"]![0]!["candidate"]!.GetValue<int>(), 1, 100);

        using var server = await ServeAsync(project);
        using var client = Client(key);
        for (var i = 0; !server.Error.Contains("is complete", StringComparison.Ordinal); i++)
        {
            Assert.True(i < 3_000, server.Error);
            await AskAsync(client, i);
        }

        await WaitForReleaseAsync(client, "handbook-2");

        // 4. The index of the new release is gone; one command brings the old one back, and the program says what is missing.
        var objects = Path.Combine(project.Directory, ".lauter", "objects");
        var release = JsonNode.Parse(File.ReadAllText(Path.Combine(project.Directory, ".lauter", "releases", "handbook", "2.json")))!;
        var index = release["inputs"]!.AsArray().Single(i => i!["role"]!.GetValue<string>() == "index")!["sha256"]!.GetValue<string>();
        File.SetAttributes(Path.Combine(objects, index[..2], index[2..]), FileAttributes.Normal);
        File.Delete(Path.Combine(objects, index[..2], index[2..]));
        Assert.Equal(8, (await LauterProgram.RunAsync(Limit, "verify", "handbook-2", "--project", project.Directory)).ExitCode);
        var back = await LauterProgram.RunAsync(Limit, "releases", project.Directory, "--rollback", "handbook-1");
        Assert.True(back.ExitCode == 0, back.ToString());
        await WaitForReleaseAsync(client, "handbook-1");

        // 5. Every step is in the audit log, which is unbroken.
        var good = await LauterProgram.RunAsync(Limit, "verify", "handbook-1", "--project", project.Directory);
        Assert.True(good.ExitCode == 0, good.ToString());
        var actions = File.ReadLines(Path.Combine(project.Directory, ".lauter", "audit.jsonl")).Select(l => JsonNode.Parse(l)!["action"]!.GetValue<string>()).ToList();
        output.WriteLine(string.Join(" ", actions));
        Assert.Equal(
            ["release.created", "release.approved", "release.promoted", "release.created", "release.approved", "rollout.started", "rollout.advanced", "release.promoted", "rollout.promoted", "release.rolled_back"],
            actions);
    }

    private static void Write(ProjectCopy project, string edition)
    {
        project.Write("lauter.yaml", """
            project: shop
            datasets:
              handbook: { kind: documents, from: [documents/**], licence: CC-BY-4.0, consent: written by the team }
            indexes:
              handbook: { data: handbook }
            applications:
              handbook:
                index: handbook
                suite: questions.jsonl
                metric: exact_match(path)
                gate: { minimum: 0.3, alpha: 0.05, approvals: { safety: 1 } }
                rollout: { shadow: 20, canary: [0.5], requests: 10, margin: 0.1 }
            """);
        string[] subjects = ["mash tun", "kettle", "fermenter", "heat exchanger", "grain mill", "pump", "hop filter", "bottling line", "keg washer", "cold room", "yeast tank", "boiler"];
        for (var i = 0; i < subjects.Length; i++)
        {
            project.Write($"documents/{i:00}.md", $"# Cleaning the {subjects[i]}\n\nThis page of {edition} says how the {subjects[i]} is cleaned. Rinse the {subjects[i]} with hot water for {i + 5} minutes, then drain it and leave it open to dry.\n");
        }

        project.Write("questions.jsonl", string.Concat(subjects.Select((s, i) => new JsonObject
        {
            ["id"] = $"q{i}", ["question"] = $"How do I clean the {s}?", ["path"] = $"documents/{i:00}.md", ["language"] = "en",
        }.ToJsonString() + "\n")));
    }

    private static Task<ProgramResult> ApproveAsync(ProjectCopy project, string release) =>
        LauterProgram.RunAsync(Limit, "approve", release, "--as", "chen", "--why", "read it", "--project", project.Directory);

    private static async Task<LauterProgram> ServeAsync(ProjectCopy project)
    {
        var server = LauterProgram.Start("serve", project.Directory, "--listen", Address);
        await server.WaitForAsync(s => s.Contains("press Ctrl+C"), Limit, "it serves");
        return server;
    }

    private static HttpClient Client(string key)
    {
        var http = new HttpClient { BaseAddress = new Uri(Address) };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return http;
    }

    private static async Task<string> AskAsync(HttpClient http, int number)
    {
        using var response = await http.PostAsJsonAsync("/v1/chat/completions", new JsonObject
        {
            ["model"] = "handbook", ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = $"How do I clean the pump number {number}?" }),
        });
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        return response.Headers.GetValues("x-lauter-release").Single();
    }

    private static async Task WaitForReleaseAsync(HttpClient http, string release)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while (await AskAsync(http, 0) != release)
        {
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(30), $"{release} never answered.");
        }
    }

    private static async Task<JsonNode> StateAsync(ProjectCopy project)
    {
        var shown = await LauterProgram.RunAsync(Limit, "rollout", project.Directory, "--format", "json");
        Assert.True(shown.ExitCode == 0, shown.ToString());
        return JsonNode.Parse(shown.Output)!.AsArray().Single()!;
    }

    [GeneratedRegex("lk-[A-Za-z0-9_-]+")]
    private static partial Regex KeyPattern();
}
