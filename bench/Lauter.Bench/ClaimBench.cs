using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Lauter.Ledger;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Lauter.Bench;

/// <summary>
/// <c>claim</c>: what an accepted answer costs when a model is served naively (F16, one request after the other, every prompt anew) and with what Lauter adds,
/// each factor alone and all together, through the real engine and the real gateway. The cost is machine time: seconds × cores × the price book's
/// rate of a core. Whether the quality holds is decided by <c>lauter gate decide</c> on the same requests.
/// </summary>
internal static class ClaimBench
{
    private const int EnginePort = 18110;
    private const int NearestPort = 18111;
    private const int GatewayPort = 18112;
    private const double KeepFrom = 0.2;

    private static readonly (string Name, bool Quantised, bool Shared, bool Batched, bool Cached, bool Cascaded)[] Setups =
    [
        ("naive: F16, one by one, no reuse", false, false, false, false, false),
        ("+ quantised (Q8_0)", true, false, false, false, false),
        ("+ shared prefixes", false, true, false, false, false),
        ("+ batching (8 at once)", false, false, true, false, false),
        ("+ exact cache", false, false, false, true, false),
        ("+ cascade", false, false, false, false, true),
        ("all of them", true, true, true, true, true),
    ];

    /// <summary>Runs it.</summary>
    /// <param name="model">A GGUF model; it is widened to F16 and stored anew as Q8_0, so that both hold the same weights.</param>
    /// <param name="data">A folder with <c>xquad/xquad.en.json</c> and <c>clinc150/data_full.json</c>.</param>
    /// <param name="arguments"><c>--rag N</c> and <c>--triage N</c> requests (12 and 20), <c>--margin M</c> of the gate (0.05).</param>
    public static async Task<int> RunAsync(string model, string data, string[] arguments)
    {
        var clock = Stopwatch.StartNew();
        var directory = Directory.CreateTempSubdirectory("lauter-bench-claim-").FullName;
        var margin = Option(arguments, "--margin") ?? "0.05";
        var rate = PriceBook.Default.Machine.CoreHour;
        var cores = Environment.ProcessorCount;
        try
        {
            var full = Path.Combine(directory, "f16.gguf");
            var quantised = Path.Combine(directory, "q8_0.gguf");
            await LauterAsync("model", "convert", model, "-o", full, "--type", "F16");
            await LauterAsync("model", "quantise", full, "-o", quantised, "--type", "Q8_0");
            List<ClaimWorkload> workloads = [ClaimWorkload.Rag(data, Number("--rag", 12)), ClaimWorkload.Triage(data, Number("--triage", 20), out var nearest)];
            await using var classifier = await NearestAsync(nearest);
            Console.WriteLine($"{cores} cores at {rate} a core-hour (the built-in assumption); load average {File.ReadAllText("/proc/loadavg").Split(' ')[0]}");
            foreach (var workload in workloads)
            {
                Console.WriteLine($"\n{workload.Name}: {workload.Requests.Count} requests, {workload.Requests.Distinct().Count()} of them distinct ({workload.About})");
                Console.WriteLine($"{"",-36}{"wall s",8}{"CPU s",8}{"accepted",10}{"micro-" + rate.Currency + " an accepted answer",32}{"cheaper ×",11}{"by CPU ×",10}");
                (double Wall, double Cpu)? naive = null;
                string? baseline = null;
                foreach (var setup in Setups)
                {
                    if (setup is { Cascaded: true, Quantised: false } && workload != workloads[^1])
                    {
                        continue; // nothing small answers questions about a text here
                    }

                    var file = Path.Combine(directory, $"{Guid.NewGuid():N}.jsonl");
                    var (wall, cpu, accepted) = await MeasureAsync(directory, setup.Quantised ? quantised : full, setup, workload, file);
                    var (perWall, perCpu) = (wall / Math.Max(accepted, 1), cpu / Math.Max(accepted, 1));
                    naive ??= (perWall, perCpu);
                    baseline ??= file;
                    Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                        $"{setup.Name,-36}{wall,8:0.0}{cpu,8:0.0}{$"{accepted}/{workload.Requests.Count}",10}{perWall * cores * rate.NanoUnits / 3600 / 1000,32:0.0}{naive.Value.Wall / perWall,11:0.0}{naive.Value.Cpu / perCpu,10:0.0}"));
                    if (setup == Setups[^1])
                    {
                        Console.WriteLine(await DecideAsync(directory, baseline, file, margin));
                    }
                }
            }

            Console.WriteLine($"\n{clock.Elapsed.TotalSeconds:0} s in all");
            return 0;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }

        int Number(string name, int otherwise) => int.Parse(Option(arguments, name) ?? otherwise.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
    }

    private static async Task<(double Wall, double Cpu, int Accepted)> MeasureAsync(
        string directory, string model, (string Name, bool Quantised, bool Shared, bool Batched, bool Cached, bool Cascaded) setup, ClaimWorkload workload, string results)
    {
        var state = Directory.CreateDirectory(Path.Combine(directory, Guid.NewGuid().ToString("N"))).FullName;
        var cascaded = setup.Cascaded && workload.Name.StartsWith("triage", StringComparison.Ordinal);
        await File.WriteAllTextAsync(Path.Combine(state, "GATEWAY.yaml"), $$"""
            gateway: claim
            listen: http://127.0.0.1:{{GatewayPort}}
            state: state
            providers:
              engine: { url: "http://127.0.0.1:{{EnginePort}}/v1" }
              nearest: { url: "http://127.0.0.1:{{NearestPort}}/v1" }
            applications:
              app:
                models: {{(cascaded ? "[ { provider: nearest, model: nearest }, { provider: engine, model: m, rank: 2 } ]" : "[ { provider: engine, model: m } ]")}}
                cache: {{(setup.Cached ? "exact" : "off")}}
            {{(cascaded ? $"    cascade: {{ threshold: {KeepFrom.ToString(CultureInfo.InvariantCulture)} }}" : "")}}
            """);
        List<string> engineArguments = ["engine", model, "--name", "m", "--listen", $"127.0.0.1:{EnginePort}", "--parallel", setup.Batched ? "8" : "1", "--cells", setup.Batched ? "8192" : "2048"];
        if (!setup.Shared)
        {
            engineArguments.Add("--no-reuse");
        }

        using var engine = Start(engineArguments);
        using var gateway = Start(["gateway", Path.Combine(state, "GATEWAY.yaml")]);
        try
        {
            await ListeningAsync(EnginePort, GatewayPort);
            var key = (await LauterAsync("key", "create", "bench", "--in", Path.Combine(state, "GATEWAY.yaml"))).Trim();
            using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{GatewayPort}"), Timeout = TimeSpan.FromMinutes(5) };
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
            for (var i = 0; i < 2; i++)
            {
                await AskAsync(http, new JsonObject { ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = $"Warm up {i}." }), ["max_tokens"] = 4 });
            }

            using var own = Process.GetCurrentProcess(); // the classifier runs here, beside the callers: what both use is counted
            var before = Cpu(engine) + Cpu(gateway) + Cpu(own);
            var clock = Stopwatch.StartNew();
            var answers = new string[workload.Requests.Count];
            var next = -1;
            await Task.WhenAll(Enumerable.Range(0, setup.Batched ? 8 : 1).Select(async _ =>
            {
                for (int at; (at = Interlocked.Increment(ref next)) < answers.Length;)
                {
                    answers[at] = await AskAsync(http, workload.Requests[at].Body);
                }
            }));
            var wall = clock.Elapsed.TotalSeconds;
            var cpu = Cpu(engine) + Cpu(gateway) + Cpu(own) - before;
            var right = answers.Select((a, i) => workload.Requests[i].Accepts(a)).ToArray();
            await File.WriteAllLinesAsync(results, workload.Requests.Select((r, i) => (r, i)).GroupBy(r => r.r.Id, StringComparer.Ordinal).Select(g =>
                new JsonObject { ["id"] = g.Key, ["correct"] = right[g.First().i], ["prediction"] = answers[g.First().i] }.ToJsonString()));
            return (wall, cpu, right.Count(r => r));
        }
        finally
        {
            engine.Kill(entireProcessTree: true);
            gateway.Kill(entireProcessTree: true);
            await Task.WhenAll(engine.WaitForExitAsync(), gateway.WaitForExitAsync());
        }
    }

    private static async Task<string> AskAsync(HttpClient http, JsonObject body)
    {
        var asked = body.DeepClone().AsObject();
        asked["model"] = "app";
        using var content = new StringContent(asked.ToJsonString(), Encoding.UTF8, "application/json");
        using var response = await http.PostAsync("/v1/chat/completions", content);
        var text = await response.Content.ReadAsStringAsync();
        return response.IsSuccessStatusCode
            ? JsonNode.Parse(text)!["choices"]![0]!["message"]!["content"]?.ToString() ?? ""
            : throw new InvalidOperationException($"The gateway answered {(int)response.StatusCode}: {text}");
    }

    /// <summary>The classifier as a provider: its answer and, as log probability of its only token, how sure it is.</summary>
    private static async Task<WebApplication> NearestAsync(NearestWords nearest)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, NearestPort));
        var app = builder.Build();
        app.Run(async context =>
        {
            var asked = (await JsonNode.ParseAsync(context.Request.Body))!;
            var (intent, sureness) = nearest.Classify(asked["messages"]!.AsArray()[^1]!["content"]!.ToString());
            var text = new JsonObject { ["intent"] = intent }.ToJsonString();
            var answer = new JsonObject
            {
                ["id"] = "n", ["object"] = "chat.completion", ["created"] = 0, ["model"] = "nearest",
                ["choices"] = new JsonArray(new JsonObject
                {
                    ["index"] = 0, ["message"] = new JsonObject { ["role"] = "assistant", ["content"] = text }, ["finish_reason"] = "stop",
                    ["logprobs"] = new JsonObject { ["content"] = new JsonArray(new JsonObject { ["token"] = text, ["logprob"] = Math.Log(Math.Max(sureness, 1e-6)) }) },
                }),
                ["usage"] = new JsonObject { ["prompt_tokens"] = 0, ["completion_tokens"] = 1, ["total_tokens"] = 1 },
            };
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync(answer.ToJsonString());
        });
        await app.StartAsync();
        return app;
    }

    private static async Task<string> DecideAsync(string directory, string baseline, string candidate, string margin)
    {
        var policy = Path.Combine(directory, "policy.yaml");
        await File.WriteAllTextAsync(policy, $"metric: exact_match\nmargin: {margin}\nalpha: 0.05\npower: 0.8\n");
        return (await LauterAsync(anyExit: true, "gate", "decide", "--policy", policy, "--baseline", baseline, "--candidate", candidate)).TrimEnd();
    }

    private static Task<string> LauterAsync(params string[] arguments) => LauterAsync(anyExit: false, arguments);

    private static async Task<string> LauterAsync(bool anyExit, params string[] arguments)
    {
        using var process = Start(arguments, read: true);
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 || anyExit ? output + (anyExit ? await errors : "") : throw new InvalidOperationException($"lauter {arguments[0]} {arguments[1]}: {await errors}{output}");
    }

    private static Process Start(IReadOnlyList<string> arguments, bool read = false)
    {
        var start = new ProcessStartInfo("dotnet") { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Clinc150.Program());
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        var process = Process.Start(start)!;
        if (!read)
        {
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
        }

        return process;
    }

    private static double Cpu(Process process)
    {
        process.Refresh();
        return process.TotalProcessorTime.TotalSeconds;
    }

    private static async Task ListeningAsync(params int[] ports)
    {
        var clock = Stopwatch.StartNew();
        foreach (var port in ports)
        {
            while (true)
            {
                try
                {
                    using var http = new HttpClient();
                    using var response = await http.GetAsync($"http://127.0.0.1:{port}/health");
                    if (response.IsSuccessStatusCode)
                    {
                        break;
                    }
                }
                catch (HttpRequestException e) when (e.InnerException is SocketException && clock.Elapsed < TimeSpan.FromSeconds(60))
                {
                    // It is starting.
                }

                await Task.Delay(100);
            }
        }
    }

    private static string? Option(string[] arguments, string name) => Array.IndexOf(arguments, name) is >= 0 and var at && at + 1 < arguments.Length ? arguments[at + 1] : null;
}
