using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lauter.Bench;

/// <summary>One distinct question of a workload.</summary>
/// <param name="Id">Its name in result files.</param>
/// <param name="Body">The chat request without <c>model</c>.</param>
/// <param name="Accepts">Whether an answer's text is right.</param>
internal sealed record ClaimItem(string Id, JsonObject Body, Func<string, bool> Accepts);

/// <summary>Requests in the order in which they come; some ask again what was asked before, word for word.</summary>
internal sealed record ClaimWorkload(string Name, IReadOnlyList<ClaimItem> Requests, string About)
{
    /// <summary>Share of requests that repeat an earlier one: an assumption about traffic, not a measurement of it.</summary>
    private const double Repeats = 0.3;

    /// <summary>Questions about pairs of paragraphs (XQuAD, English): the pair stands before each of its eight questions. Right = the reference stands in the answer.</summary>
    public static ClaimWorkload Rag(string data, int count)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(data, "xquad", "xquad.en.json")));
        List<ClaimItem> items = [];
        var paragraphs = document.RootElement.GetProperty("data").EnumerateArray().Select(d => d.GetProperty("paragraphs").EnumerateArray().Take(2).ToArray()).Where(p => p.Length == 2);
        foreach (var pair in paragraphs.Take(Math.Max(1, count / 8)))
        {
            var text = string.Join("\n\n", pair.Select(p => p.GetProperty("context").GetString()));
            foreach (var question in pair.SelectMany(p => p.GetProperty("qas").EnumerateArray().Take(4)))
            {
                var reference = Fold(question.GetProperty("answers")[0].GetProperty("text").GetString()!);
                items.Add(new ClaimItem(
                    $"rag-{items.Count:0000}",
                    Request($"Answer with a few words taken from the text.\n\nText: {text}", question.GetProperty("question").GetString()!, 16, null),
                    answer => Fold(answer).Contains(reference, StringComparison.Ordinal)));
            }
        }

        return Of("RAG-shaped", items, count, 11, "XQuAD en, eight questions about the same two paragraphs");
    }

    /// <summary>Utterances of eight intents (CLINC150, test part): labels and three examples each stand before every one. Right = the intent.</summary>
    public static ClaimWorkload Triage(string data, int count, out NearestWords nearest)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(data, "clinc150", "data_full.json")));
        var train = Rows(document, "train");
        var intents = train.Select(r => r.Intent).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).Where((_, i) => i % 19 == 0).Take(8).ToArray();
        train = [.. train.Where(r => intents.Contains(r.Intent, StringComparer.Ordinal))];
        nearest = new NearestWords(train);
        var prompt = new StringBuilder("Name the intent of the message. Intents: ").AppendJoin(", ", intents).Append(".\n");
        foreach (var (text, intent) in intents.SelectMany(i => train.Where(r => r.Intent == i).Take(3)))
        {
            prompt.Append("Message: ").Append(text).Append("\nIntent: ").Append(intent).Append('\n');
        }

        var schema = new JsonObject
        {
            ["type"] = "json_schema",
            ["json_schema"] = new JsonObject
            {
                ["name"] = "intent",
                ["schema"] = new JsonObject
                {
                    ["type"] = "object", ["required"] = new JsonArray("intent"), ["additionalProperties"] = false,
                    ["properties"] = new JsonObject { ["intent"] = new JsonObject { ["enum"] = new JsonArray([.. intents.Select(i => JsonValue.Create(i))]) } },
                },
            },
        };
        var shared = prompt.ToString();
        var items = Rows(document, "test").Where(r => intents.Contains(r.Intent, StringComparer.Ordinal)).OrderBy(r => r.Text, StringComparer.Ordinal).Select((row, i) => new ClaimItem(
            $"triage-{i:0000}", Request(shared, row.Text, 24, schema), answer => IntentOf(answer) == row.Intent)).ToList();
        return Of("triage-shaped", items, count, 12, "CLINC150 test, eight intents");
    }

    private static ClaimWorkload Of(string name, List<ClaimItem> items, int count, int seed, string about)
    {
        var random = new Random(seed);
        random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(items));
        List<ClaimItem> requests = [];
        var next = 0;
        while (requests.Count < count)
        {
            requests.Add(requests.Count > 3 && (random.NextDouble() < Repeats || next >= items.Count) ? requests[random.Next(requests.Count)] : items[next++]);
        }

        return new ClaimWorkload(name, requests, about);
    }

    private static JsonObject Request(string system, string user, int most, JsonObject? format)
    {
        var body = new JsonObject
        {
            ["messages"] = new JsonArray(new JsonObject { ["role"] = "system", ["content"] = system }, new JsonObject { ["role"] = "user", ["content"] = user }),
            ["temperature"] = 0, ["max_tokens"] = most,
        };
        if (format is not null)
        {
            body["response_format"] = format.DeepClone();
        }

        return body;
    }

    private static List<(string Text, string Intent)> Rows(JsonDocument document, string part) =>
        [.. document.RootElement.GetProperty(part).EnumerateArray().Select(r => (r[0].GetString()!, r[1].GetString()!))];

    private static string? IntentOf(string answer)
    {
        try
        {
            return JsonNode.Parse(answer)?["intent"]?.ToString();
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Fold(string text) => new([.. text.Normalize(NormalizationForm.FormKC).ToLowerInvariant().Where(c => char.IsLetterOrDigit(c))]);
}

/// <summary>
/// The labelled row with the most similar words (cosine of tf-idf), as a model that costs almost nothing. How sure it is: the similarity, and how far the
/// best row of any other label is behind.
/// </summary>
internal sealed class NearestWords
{
    private readonly List<(Dictionary<string, double> Words, string Intent)> _rows;
    private readonly Dictionary<string, double> _rarity;

    public NearestWords(IReadOnlyList<(string Text, string Intent)> rows)
    {
        var counts = rows.SelectMany(r => Words(r.Text).Distinct(StringComparer.Ordinal)).GroupBy(w => w, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.Count(), StringComparer.Ordinal);
        _rarity = counts.ToDictionary(c => c.Key, c => Math.Log((rows.Count + 1.0) / c.Value), StringComparer.Ordinal);
        _rows = [.. rows.Select(r => (Vector(r.Text), r.Intent))];
    }

    public (string Intent, double Sureness) Classify(string text)
    {
        var vector = Vector(text);
        var best = _rows.GroupBy(r => r.Intent, StringComparer.Ordinal).Select(g => (Intent: g.Key, Similarity: g.Max(r => Dot(vector, r.Words)))).OrderByDescending(g => g.Similarity).Take(2).ToList();
        return (best[0].Intent, Math.Clamp(best[0].Similarity * (1 - (best[1].Similarity / Math.Max(best[0].Similarity, 1e-9))), 0, 1));
    }

    private static double Dot(Dictionary<string, double> a, Dictionary<string, double> b) => a.Sum(w => b.TryGetValue(w.Key, out var other) ? w.Value * other : 0);

    private static IEnumerable<string> Words(string text)
    {
        var words = text.ToLowerInvariant().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words.Concat(words.Zip(words.Skip(1), (a, b) => $"{a} {b}"));
    }

    private Dictionary<string, double> Vector(string text)
    {
        var vector = Words(text).GroupBy(w => w, StringComparer.Ordinal).Where(g => _rarity.ContainsKey(g.Key)).ToDictionary(g => g.Key, g => g.Count() * _rarity[g.Key], StringComparer.Ordinal);
        var length = Math.Sqrt(vector.Values.Sum(v => v * v));
        return vector.ToDictionary(v => v.Key, v => v.Value / Math.Max(length, 1e-9), StringComparer.Ordinal);
    }
}
