using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace Lauter.Bench;

/// <summary>
/// Mixed load for a while: short and long prompts, schemas, streams that are left, requests that are cancelled at any moment, prompts that are
/// too long. Each tenant tells the engine a secret; an answer that holds another's is counted. At the end nothing may be left in the engine
/// and its memory may not have grown.
/// </summary>
internal static class EngineSoak
{
    public static async Task<int> RunAsync(string url, int processId, int minutes, int parallel)
    {
        using var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 1_024 }) { BaseAddress = new Uri(url), Timeout = TimeSpan.FromMinutes(10) };
        var outcomes = new Dictionary<string, int>(StringComparer.Ordinal);
        var until = Stopwatch.GetTimestamp() + (minutes * 60 * Stopwatch.Frequency);
        var memory = new List<(double Seconds, double Mebibytes)>();
        var watch = WatchAsync(processId, until, memory);
        var number = -1;
        await Task.WhenAll(Enumerable.Range(0, parallel).Select(async _ =>
        {
            while (Stopwatch.GetTimestamp() < until)
            {
                var outcome = await AskAsync(http, Interlocked.Increment(ref number));
                lock (outcomes)
                {
                    outcomes[outcome] = outcomes.GetValueOrDefault(outcome) + 1;
                }
            }
        }));
        await watch;
        foreach (var (outcome, count) in outcomes.OrderBy(item => item.Key, StringComparer.Ordinal))
        {
            Console.WriteLine($"{count,7}  {outcome}");
        }

        var settled = memory.Skip(memory.Count / 3).ToArray();
        var (meanX, meanY) = (settled.Average(item => item.Seconds), settled.Average(item => item.Mebibytes));
        var slope = settled.Sum(item => (item.Seconds - meanX) * (item.Mebibytes - meanY)) / settled.Sum(item => Math.Pow(item.Seconds - meanX, 2));
        Console.WriteLine($"resident memory: {memory[0].Mebibytes:0} MiB at first, {memory[^1].Mebibytes:0} MiB at last, slope over the last two thirds {slope * 60:0.00} MiB a minute");
        using var answer = await http.PostAsJsonAsync("/v1/completions", new { prompt = "Once upon a time", max_tokens = 8 });
        Console.WriteLine($"afterwards: {(int)answer.StatusCode}");
        var metrics = await http.GetStringAsync("/metrics");
        Console.WriteLine(string.Join('\n', metrics.Split('\n').Where(line => !line.StartsWith('#') && (line.Contains("private", StringComparison.Ordinal) || line.Contains("requests", StringComparison.Ordinal)
            || line.Contains("mismatch", StringComparison.Ordinal) || line.Contains("preempt", StringComparison.Ordinal) || line.Contains("wait_steps", StringComparison.Ordinal) || line.Contains("failures", StringComparison.Ordinal) || line.Contains("reused", StringComparison.Ordinal)))));
        return outcomes.ContainsKey("ANOTHER'S SECRET") ? 1 : 0;
    }

    private static async Task<string> AskAsync(HttpClient http, int number)
    {
        var random = new Random(number);
        var tenant = random.Next(8);
        var kind = random.Next(20);
        var shared = "Once upon a time there was a girl named Lily. She had a friend whose name nobody knew. They played in the park every day. ";
        var prompt = kind == 0 ? string.Concat(Enumerable.Repeat(shared, 80)) : $"{shared}The secret word is zq{tenant}x{tenant}. {(random.Next(2) == 0 ? "" : shared[..random.Next(shared.Length)])}The secret word is";
        var body = new JsonObject { ["prompt"] = prompt, ["max_tokens"] = 4 + random.Next(40), ["temperature"] = random.Next(2), ["stream"] = kind is 1 or 2 or 3, ["n"] = kind == 4 ? 3 : 1 };
        using var cancel = new CancellationTokenSource();
        if (kind is 5 or 6 or 7)
        {
            cancel.CancelAfter(TimeSpan.FromMilliseconds(random.Next(1, 600)));
        }

        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/completions") { Content = JsonContent.Create(body) };
        request.Headers.Add("X-Lauter-Tenant", $"t{tenant}");
        try
        {
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel.Token);
            if (kind == 1)
            {
                return "left after the head";
            }

            var text = await response.Content.ReadAsStringAsync(cancel.Token);
            return Enumerable.Range(0, 8).Any(other => other != tenant && text.Contains($"zq{other}x{other}", StringComparison.Ordinal)) ? "ANOTHER'S SECRET" : $"http {(int)response.StatusCode}";
        }
        catch (OperationCanceledException)
        {
            return "cancelled";
        }
        catch (HttpRequestException error)
        {
            return $"broken: {error.HttpRequestError}";
        }
    }

    private static async Task WatchAsync(int processId, long until, List<(double Seconds, double Mebibytes)> memory)
    {
        using var process = Process.GetProcessById(processId);
        var started = Stopwatch.GetTimestamp();
        while (Stopwatch.GetTimestamp() < until)
        {
            process.Refresh();
            memory.Add((Stopwatch.GetElapsedTime(started).TotalSeconds, process.WorkingSet64 / 1_048_576.0));
            await Task.Delay(TimeSpan.FromSeconds(2));
        }
    }
}
