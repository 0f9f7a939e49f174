using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Lauter.Evaluation.Statistics;

namespace Lauter.Bench;

/// <summary>
/// Held-out rows twice: one by one, unconstrained, in an engine that computes everything anew (<c>engine --deterministic</c>), and all at once from eight
/// tenants with shared prefixes and an answer schema. The second may not be worse: paired, with Tango's interval of the difference.
/// </summary>
internal static class EngineQuality
{
    private const double Margin = 0.02;

    /// <param name="single">Address of the deterministic engine.</param>
    /// <param name="shared">Address of the engine as it serves.</param>
    /// <param name="rows">JSON lines with <c>text</c> and the field.</param>
    /// <param name="schema">JSON Schema of the answers.</param>
    /// <param name="field">The member of the answer that is compared.</param>
    /// <param name="parallel">Callers of the second engine at once.</param>
    public static async Task<int> RunAsync(string single, string shared, string rows, string schema, string field, int parallel)
    {
        var items = File.ReadLines(rows).Where(line => line.Length > 0).Select(line => JsonNode.Parse(line)!).ToArray();
        var format = new JsonObject { ["type"] = "json_schema", ["json_schema"] = new JsonObject { ["name"] = "answer", ["schema"] = JsonNode.Parse(await File.ReadAllTextAsync(schema)) } };
        var alone = await AskAllAsync(single, items, null, 1);
        var together = await AskAllAsync(shared, items, format, parallel);
        var (both, onlyAlone, onlyTogether, equal) = (0, 0, 0, 0);
        foreach (var ((item, first), second) in items.Zip(alone).Zip(together))
        {
            var expected = item[field]!.GetValue<string>();
            var (rightAlone, rightTogether) = (Value(first, field) == expected, Value(second, field) == expected);
            both += rightAlone && rightTogether ? 1 : 0;
            onlyAlone += rightAlone && !rightTogether ? 1 : 0;
            onlyTogether += !rightAlone && rightTogether ? 1 : 0;
            equal += first == second ? 1 : 0;
        }

        var n = items.Length;
        var difference = DifferenceIntervals.Tango(new PairedTable(both, onlyTogether, onlyAlone, n - both - onlyTogether - onlyAlone), 0.90);
        Console.WriteLine($"{n} rows, {field}: one by one {(double)(both + onlyAlone) / n:0.0000}, {parallel} at once with prefixes and schema {(double)(both + onlyTogether) / n:0.0000}; {equal} answers equal to the letter");
        Console.WriteLine($"right only one by one {onlyAlone}, only together {onlyTogether}; difference {(double)(onlyTogether - onlyAlone) / n:+0.0000;-0.0000;0.0000} [{difference.Low:+0.0000;-0.0000}, {difference.High:+0.0000;-0.0000}] (90 %), McNemar mid-p {McNemar.MidP(onlyTogether, onlyAlone):0.000}: {(difference.Low > -Margin ? "not inferior" : "NOT SHOWN")} at {Margin}");
        return difference.Low > -Margin ? 0 : 1;
    }

    private static async Task<string[]> AskAllAsync(string url, JsonNode[] items, JsonObject? format, int parallel)
    {
        using var http = new HttpClient { BaseAddress = new Uri(url), Timeout = TimeSpan.FromMinutes(10) };
        var answers = new string[items.Length];
        await Parallel.ForAsync(0, items.Length, new ParallelOptions { MaxDegreeOfParallelism = parallel }, async (number, cancellationToken) =>
        {
            var body = new JsonObject
            {
                ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = items[number]["text"]!.GetValue<string>() }), ["temperature"] = 0, ["max_tokens"] = 100,
            };
            if (format is not null)
            {
                body["response_format"] = format.DeepClone();
            }

            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = JsonContent.Create(body) };
            request.Headers.Add("X-Lauter-Tenant", $"tenant-{number % 8}");
            using var response = await http.SendAsync(request, cancellationToken);
            var text = await response.Content.ReadAsStringAsync(cancellationToken);
            answers[number] = response.IsSuccessStatusCode
                ? JsonNode.Parse(text)!["choices"]![0]!["message"]!["content"]!.GetValue<string>()
                : throw new InvalidOperationException($"row {number}: {(int)response.StatusCode} {text}");
        });
        return answers;
    }

    private static string? Value(string answer, string field)
    {
        try
        {
            return JsonNode.Parse(answer)?[field]?.GetValue<string>();
        }
        catch (Exception error) when (error is System.Text.Json.JsonException or InvalidOperationException)
        {
            // Unconstrained text need not be JSON: then it is simply wrong.
            return null;
        }
    }
}
