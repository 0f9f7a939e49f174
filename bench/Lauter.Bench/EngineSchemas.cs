using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Json.Schema;

namespace Lauter.Bench;

/// <summary>
/// Schemas of growing difficulty, several sampled answers under each, checked by a validator that is not ours. Each schema either gives
/// answers that all parse and hold, or is refused up front with the construct named. Answers cut by their limit are asked again with a larger one.
/// </summary>
internal static class EngineSchemas
{
    public static async Task<int> RunAsync(string url, int schemas, int answers)
    {
        using var http = new HttpClient { BaseAddress = new Uri(url), Timeout = TimeSpan.FromMinutes(20) };
        var counts = new SortedDictionary<string, int>(StringComparer.Ordinal);
        var limit = new SemaphoreSlim(24);
        await Task.WhenAll(Enumerable.Range(0, schemas).Select(async number =>
        {
            var text = new SchemaMaker(number).Next().ToJsonString();
            var schema = JsonSchema.FromText(text);
            for (var seed = 0; seed < answers; seed++)
            {
                await limit.WaitAsync();
                var outcome = await AskAsync(http, text, schema, seed, number).ConfigureAwait(false);
                limit.Release();
                lock (counts)
                {
                    counts[outcome] = counts.GetValueOrDefault(outcome) + 1;
                }

                if (outcome.StartsWith("refused", StringComparison.Ordinal))
                {
                    return;
                }
            }
        }));
        foreach (var (outcome, count) in counts)
        {
            Console.WriteLine($"{count,6}  {outcome}");
        }

        return counts.Keys.Any(outcome => outcome.StartsWith("wrong", StringComparison.Ordinal)) ? 1 : 0;
    }

    private static async Task<string> AskAsync(HttpClient http, string text, JsonSchema schema, int seed, int number)
    {
        for (var most = 200; most <= 3_200; most *= 4)
        {
            var body = new JsonObject
            {
                ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = $"Report number {seed} as JSON." }),
                ["response_format"] = new JsonObject { ["type"] = "json_schema", ["json_schema"] = new JsonObject { ["name"] = "report", ["schema"] = JsonNode.Parse(text) } },
                ["max_tokens"] = most, ["temperature"] = seed == 0 ? 0 : 1.0, ["seed"] = seed,
            };
            using var response = await http.PostAsJsonAsync("/v1/chat/completions", body);
            using var answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
            if (!response.IsSuccessStatusCode)
            {
                var message = answer.RootElement.GetProperty("error").GetProperty("message").GetString()!;
                return message.Contains('\'', StringComparison.Ordinal) && (int)response.StatusCode == 400 ? $"refused: {message[..Math.Min(150, message.Length)]}" : $"wrong: {(int)response.StatusCode} {message}";
            }

            var choice = answer.RootElement.GetProperty("choices")[0];
            if (choice.GetProperty("finish_reason").GetString() == "length")
            {
                continue;
            }

            var written = choice.GetProperty("message").GetProperty("content").GetString()!;
            try
            {
                using var value = JsonDocument.Parse(written);
                return schema.Evaluate(value.RootElement).IsValid ? "parses and holds" : Wrong("does not hold", text, written);
            }
            catch (JsonException)
            {
                return Wrong("does not parse", text, written);
            }
        }

        return "cut by max_tokens at 3,200";

        string Wrong(string what, string wanted, string seen)
        {
            Console.Error.WriteLine($"schema {number}: {seen} {what}: {wanted}");
            return $"wrong: {what}";
        }
    }
}

/// <summary>Seeded schemas: the number says how deep and wide they are and which constructs they use.</summary>
internal sealed class SchemaMaker(int number)
{
    private static readonly string[] Names = ["intent", "urgency", "产品", "客户编号", "items", "total amount", "a\"b", "note", "时间", "owner"];

    private static readonly string[] Patterns =
    [
        "^[A-Z]{2}-\\d{4}$", "^(?:\\+86)?1[3-9]\\d{9}$", "^[\\u4e00-\\u9fff]{2,4}$", "^v\\d+(\\.\\d+){0,2}$", "^(low|normal|high)$", "^#[0-9a-fA-F]{6}$", "^[a-z][a-z0-9_]{0,11}$", "^\\d{1,3}%$",
    ];

    private readonly Random _random = new(number);
    private readonly int _depth = 1 + (number / 50);

    public JsonObject Next()
    {
        var schema = AnObject(_depth);
        schema["$defs"] = new JsonObject
        {
            ["leaf"] = Leaf(),
            ["tree"] = JsonNode.Parse("""{"type":"object","properties":{"值":{"type":"integer","minimum":0,"maximum":99},"子":{"type":"array","maxItems":2,"items":{"$ref":"#/$defs/tree"}}},"required":["值"],"additionalProperties":false}"""),
            ["list"] = JsonNode.Parse("""{"type":"object","properties":{"head":{"type":"boolean"},"tail":{"anyOf":[{"type":"null"},{"$ref":"#/$defs/list"}]}},"required":["head","tail"],"additionalProperties":false}"""),
        };
        if (number % 20 == 19)
        {
            // One in twenty asks for what cannot be enforced.
            schema["properties"]!["never"] = JsonNode.Parse(_random.Next(4) switch
            {
                0 => """{"type":"string","pattern":"^(?!x).*$"}""",
                1 => """{"type":"integer","multipleOf":7}""",
                2 => """{"type":"array","items":{"type":"integer"},"uniqueItems":true}""",
                _ => """{"not":{"type":"string"}}""",
            });
        }

        return schema;
    }

    private JsonNode Leaf() => _random.Next(10) switch
    {
        0 => new JsonObject { ["type"] = "boolean" },
        1 => new JsonObject { ["type"] = "string", ["maxLength"] = 1 + _random.Next(20) },
        2 => new JsonObject { ["type"] = "integer", ["minimum"] = _random.Next(-500, 500), ["maximum"] = 600 + _random.Next(5_000) },
        3 => new JsonObject { ["type"] = "number", ["minimum"] = -10, ["maximum"] = _random.Next(1, 900) },
        4 => new JsonObject { ["enum"] = new JsonArray("low", "高", 3, null, true, "quote\"d") },
        5 => new JsonObject { ["const"] = new JsonArray("固定", 1) },
        6 or 7 => new JsonObject { ["type"] = "string", ["pattern"] = Patterns[_random.Next(Patterns.Length)] },
        8 => new JsonObject { ["type"] = "string", ["format"] = _random.Next(2) == 0 ? "date" : "uuid" },
        _ => new JsonObject { ["type"] = new JsonArray("integer", "null") },
    };

    private JsonNode Any(int depth) => depth <= 0 ? Leaf() : _random.Next(9) switch
    {
        0 or 1 => AnObject(depth - 1),
        2 => new JsonObject { ["type"] = "array", ["items"] = Any(depth - 1), ["minItems"] = 1, ["maxItems"] = 1 + _random.Next(3) },
        3 => new JsonObject { ["type"] = "array", ["prefixItems"] = new JsonArray(Leaf(), Leaf()), ["items"] = false, ["minItems"] = 2 },
        4 => new JsonObject { ["anyOf"] = new JsonArray(Any(depth - 1), Leaf()) },
        5 => new JsonObject { ["$ref"] = _random.Next(3) switch { 0 => "#/$defs/leaf", 1 => "#/$defs/tree", _ => "#/$defs/list" } },
        6 => new JsonObject { ["oneOf"] = new JsonArray(new JsonObject { ["type"] = "integer", ["maximum"] = 10 }, new JsonObject { ["type"] = "string", ["maxLength"] = 5 }, new JsonObject { ["type"] = "null" }) },
        _ => Leaf(),
    };

    private JsonObject AnObject(int depth)
    {
        var properties = new JsonObject();
        var required = new JsonArray();
        foreach (var name in Names.OrderBy(_ => _random.Next()).Take(2 + _random.Next(1 + _depth)))
        {
            properties[name] = Any(depth);
            if (_random.Next(3) > 0)
            {
                required.Add(name);
            }
        }

        return new JsonObject { ["type"] = "object", ["properties"] = properties, ["required"] = required, ["additionalProperties"] = false };
    }
}
