using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace Lauter.Bench;

/// <summary>Short passages through <c>/v1/embeddings</c>, held against the engine's own rate on full batches of the longest texts it packs.</summary>
internal static class EngineVectors
{
    private static readonly string[] Words = ["printer", "路由器", "account", "发票", "network", "密码", "screen", "网络", "office", "请", "restart", "检查"];

    public static async Task<int> RunAsync(string url, int passages, int processId)
    {
        using var http = new HttpClient { BaseAddress = new Uri(url), Timeout = TimeSpan.FromMinutes(20) };
        var random = new Random(4);
        var (_, fullTokens, fullCpu) = await EmbedAsync(http, [.. Enumerable.Range(0, 24).Select(_ => Text(random, 200))], processId);
        var (seconds, tokens, cpu) = await EmbedAsync(http, [.. Enumerable.Range(0, passages).Select(_ => Text(random, 8 + random.Next(24)))], processId);
        Console.WriteLine($"long texts: {fullTokens / fullCpu:0} tokens per CPU second");
        Console.WriteLine($"{passages} passages: {tokens} tokens, {seconds:0.0} s, {cpu:0.0} CPU s, {tokens / cpu:0} tokens per CPU second, {tokens / cpu / (fullTokens / fullCpu):0.00} of the rate on long texts");
        return 0;
    }

    private static async Task<(double Seconds, int Tokens, double Cpu)> EmbedAsync(HttpClient http, string[] texts, int processId)
    {
        using var process = Process.GetProcessById(processId);
        var cpu = process.TotalProcessorTime;
        var started = Stopwatch.GetTimestamp();
        var tokens = 0;
        foreach (var group in texts.Chunk(1_024))
        {
            using var response = await http.PostAsJsonAsync("/v1/embeddings", new { model = "e5", input = group, encoding_format = "base64" });
            response.EnsureSuccessStatusCode();
            tokens += JsonNode.Parse(await response.Content.ReadAsStringAsync())!["usage"]!["prompt_tokens"]!.GetValue<int>();
        }

        process.Refresh();
        return (Stopwatch.GetElapsedTime(started).TotalSeconds, tokens, (process.TotalProcessorTime - cpu).TotalSeconds);
    }

    private static string Text(Random random, int words) => $"passage: {string.Join(' ', Enumerable.Range(0, words).Select(_ => Words[random.Next(Words.Length)]))}";
}
