using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace Lauter.Bench;

/// <summary>Closed loop of one: what a single caller waits for a warm answer.</summary>
internal static class Latency
{
    private const int WarmUp = 20;

    public static async Task<int> RunAsync(string address, string key, string application, string requests)
    {
        using var http = new HttpClient { BaseAddress = new Uri(address) };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        var times = new List<double>();
        var number = 0;
        foreach (var line in File.ReadLines(requests))
        {
            var body = new JsonObject
            {
                ["model"] = application,
                ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = JsonNode.Parse(line)!["text"]!.GetValue<string>() }),
            };
            var clock = Stopwatch.GetTimestamp();
            using var response = await http.PostAsJsonAsync("/v1/chat/completions", body);
            response.EnsureSuccessStatusCode();
            _ = await response.Content.ReadAsByteArrayAsync();
            if (number++ >= WarmUp)
            {
                times.Add(Stopwatch.GetElapsedTime(clock).TotalMilliseconds);
            }
        }

        times.Sort();
        Console.WriteLine($"{times.Count} requests: p50 {At(times, .5):0.0} ms, p95 {At(times, .95):0.0} ms, p99 {At(times, .99):0.0} ms, slowest {times[^1]:0.0} ms");
        return 0;
    }

    private static double At(List<double> sorted, double share) => sorted[Math.Clamp((int)Math.Ceiling(share * sorted.Count) - 1, 0, sorted.Count - 1)];
}
