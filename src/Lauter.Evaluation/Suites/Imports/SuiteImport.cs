using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Data.Readers;

namespace Lauter.Evaluation.Suites.Imports;

/// <summary>Items from the forms in which people keep evaluation sets. Faults name the line and what was expected.</summary>
public static class SuiteImport
{
    private static readonly string[] Inputs = ["input", "messages", "question", "prompt", "query", "text"];
    private static readonly string[] Answers = ["reference", "references", "ideal", "answer", "answers", "target", "output", "label"];

    /// <summary>
    /// Plain JSONL or OpenAI-evals samples: a question under one of the usual names (<c>input</c>, <c>messages</c>, <c>question</c>, <c>prompt</c> …) and what is right
    /// (<c>reference</c>, <c>ideal</c>, <c>answer</c> …; a list holds alternatives). Without an <c>id</c> an item is named by its content.
    /// </summary>
    /// <param name="lines">The file's lines.</param>
    /// <param name="strata">Members that become strata.</param>
    /// <exception cref="InvalidDataException">A line is wrong.</exception>
    public static IReadOnlyList<SuiteRow> JsonLines(IEnumerable<string> lines, IReadOnlyList<string> strata) =>
        [.. Objects(lines).Select(l => Row(l.Row, strata, $"line {l.Number}"))];

    /// <summary>CSV with a header: the same names as columns; an answer column may hold a JSON list of alternatives.</summary>
    /// <exception cref="InvalidDataException">There is no header with a question, or a row is wrong.</exception>
    public static IReadOnlyList<SuiteRow> Csv(string text, IReadOnlyList<string> strata)
    {
        var table = DelimitedText.Parse(text.TrimStart('\uFEFF'), DelimitedText.SniffDelimiter(text));
        string[] header = table.Count == 0 ? [] : [.. table[0].Select(h => h.Trim())];
        if (!header.Any(h => Inputs.Contains(h, StringComparer.Ordinal)))
        {
            throw new InvalidDataException($"The table has no column of questions; expected one of {string.Join(", ", Inputs)}, found {string.Join(", ", header)}.");
        }

        return [.. table.Skip(1).Select((cells, i) =>
        {
            var row = new JsonObject();
            for (var c = 0; c < Math.Min(header.Length, cells.Count); c++)
            {
                var list = Answers.Contains(header[c], StringComparer.Ordinal) && cells[c].TrimStart().StartsWith('[');
                row[header[c]] = list ? Parse(cells[c], $"row {i + 2}, {header[c]}") : JsonValue.Create(cells[c]);
            }

            return Row(row, strata, $"row {i + 2}");
        })];
    }

    /// <summary>
    /// A task of lm-evaluation-harness: <c>doc_to_text</c>, <c>doc_to_target</c> and <c>doc_to_choice</c> over its documents. Python functions cannot be run and are
    /// refused by name.
    /// </summary>
    /// <param name="task">The task's YAML as JSON.</param>
    /// <param name="documents">The rows of its data set.</param>
    /// <param name="render">Fills a Jinja template with one document.</param>
    /// <exception cref="InvalidDataException">The task asks for what is not here, or a document does not fit.</exception>
    public static IReadOnlyList<SuiteRow> LmEvalTask(JsonObject task, IReadOnlyList<JsonObject> documents, Func<string, JsonObject, string> render)
    {
        var name = task["task"]?.ToString() ?? "task";
        foreach (var member in (string[])["process_docs", "process_results", "doc_to_text", "doc_to_target", "doc_to_choice"])
        {
            if (task[member] is not null && (member.StartsWith("process", StringComparison.Ordinal) || task[member]!.ToString().StartsWith("!function", StringComparison.Ordinal)))
            {
                throw new InvalidDataException($"{name}: '{member}' is a Python function, which cannot be run here. Run the harness with --log_samples and import its samples instead.");
            }
        }

        var question = task["doc_to_text"]?.ToString() ?? throw new InvalidDataException($"{name}: has no doc_to_text.");
        return [.. documents.Select((document, i) =>
        {
            var place = $"{name}, document {i}";
            var text = (task["description"]?.ToString() ?? "") + Value(question, document, place);
            JsonNode? target = task["doc_to_target"] is { } t ? Target(t, document, place) : null;
            if (task["doc_to_choice"] is { } choice && Choices(choice, document, place) is { } choices)
            {
                target = target?.ToString() is { } index && int.TryParse(index, out var at)
                    ? at >= 0 && at < choices.Count ? JsonValue.Create(choices[at]) : throw new InvalidDataException($"{place}: the target {at} is not one of {choices.Count} choices.")
                    : target;
            }

            JsonNode input = JsonValue.Create(text);
            IReadOnlyList<JsonNode?> references = target is JsonArray several ? [.. several.Select(s => s?.DeepClone())] : target is null ? [] : [target];
            return new SuiteRow(document["id"]?.ToString() is { Length: > 0 } id ? id : SuiteRow.IdOf(input, references), input, references);
        })];

        string Value(string template, JsonObject document, string place) =>
            document.ContainsKey(template) ? document[template]?.ToString() ?? "" : template.Contains("{{", StringComparison.Ordinal) || template.Contains("{%", StringComparison.Ordinal) ? Render(template, document, place) : template;

        JsonNode? Target(JsonNode given, JsonObject document, string place) => given is JsonValue v && v.TryGetValue<string>(out var template)
            ? document.TryGetPropertyValue(template, out var field) ? field?.DeepClone() : JsonValue.Create(Value(template, document, place)) : given.DeepClone();

        IReadOnlyList<string> Choices(JsonNode given, JsonObject document, string place) => given is JsonArray fixedList
            ? [.. fixedList.Select(c => c?.ToString() ?? "")]
            : document[given.ToString()] is JsonArray own ? [.. own.Select(c => c?.ToString() ?? "")]
            : (JsonNode.Parse(Render(given.ToString(), document, place).Replace('\'', '"')) as JsonArray)?.Select(c => c?.ToString() ?? "").ToArray() ?? throw new InvalidDataException($"{place}: doc_to_choice is no list.");

        string Render(string template, JsonObject document, string place)
        {
            try
            {
                return render(template, document);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                // The renderer is the caller's; whatever it says belongs to this document.
                throw new InvalidDataException($"{place}: {e.Message}", e);
            }
        }
    }

    /// <summary>Samples that lm-evaluation-harness logged (<c>--log_samples</c>): the prompts it really sent, with targets; the answers it got beside them.</summary>
    /// <returns>The items, and the first answer to each where one was logged.</returns>
    /// <exception cref="InvalidDataException">A line is no sample.</exception>
    public static (IReadOnlyList<SuiteRow> Rows, IReadOnlyList<(string Id, string? Answer)> Answers) LmEvalSamples(IEnumerable<string> lines)
    {
        var rows = new List<SuiteRow>();
        var answers = new List<(string, string?)>();
        foreach (var (row, number) in Objects(lines))
        {
            var arguments = row["arguments"];
            var first = arguments switch { JsonArray { Count: > 0 } list => list[0], JsonObject named => named.FirstOrDefault().Value, _ => null };
            var prompt = (first switch { JsonArray { Count: > 0 } inner => inner[0], JsonObject inner => inner.FirstOrDefault().Value, _ => first })?.ToString()
                ?? throw new InvalidDataException($"line {number}: the sample holds no 'arguments' with a prompt.");
            var id = row["doc_hash"]?.ToString() is { Length: > 0 } hash ? hash[..Math.Min(16, hash.Length)] : row["doc_id"]?.ToString() ?? throw new InvalidDataException($"line {number}: the sample has neither doc_id nor doc_hash.");
            IReadOnlyList<JsonNode?> references = row["target"] switch { null => [], JsonArray several => [.. several.Select(s => s?.DeepClone())], var one => [one.DeepClone()] };
            rows.Add(new SuiteRow(id, JsonValue.Create(prompt), references));
            var said = row["filtered_resps"] ?? row["resps"];
            while (said is JsonArray { Count: > 0 } nested)
            {
                said = nested[0];
            }

            answers.Add((id, said is JsonValue v && v.TryGetValue<string>(out var text) ? text : null));
        }

        return (rows, answers);
    }

    /// <summary>
    /// Requests exported by <c>lauter trace export --texts</c>: those that were answered in full and not from a cache. What a person corrected is the reference.
    /// All requests of one user are one cluster, under a hash of the user.
    /// </summary>
    /// <param name="traces">Lines of the export.</param>
    /// <param name="feedback">Lines of feedback with <c>trace_id</c> and <c>correction</c>; null without.</param>
    /// <exception cref="InvalidDataException">A line is no trace.</exception>
    public static IReadOnlyList<SuiteRow> Traces(IEnumerable<string> traces, IEnumerable<string>? feedback)
    {
        var corrections = new Dictionary<string, JsonNode>(StringComparer.Ordinal);
        foreach (var (row, _) in Objects(feedback ?? []).Where(f => f.Row["correction"] is not null))
        {
            corrections[row["trace_id"]?.ToString() ?? ""] = row["correction"]!;
        }

        var rows = new List<SuiteRow>();
        foreach (var (row, number) in Objects(traces))
        {
            var id = row["id"]?.ToString() ?? throw new InvalidDataException($"line {number}: a trace needs an id.");
            if (row["outcome"]?.ToString() != "answered" || Flag(row["cached"]) || Flag(row["truncated"]) || Asked(row) is not { } input)
            {
                continue;
            }

            rows.Add(new SuiteRow(id, input, corrections.TryGetValue(id, out var right) ? [right.DeepClone()] : [])
            {
                Cluster = row["user"]?.ToString() is { Length: > 0 } user ? $"user-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(user)))[..12]}" : null,
                Strata = Strata(row, ["application", "tenant"]),
            });
        }

        return rows;

        static bool Flag(JsonNode? node) => node is JsonValue v && v.TryGetValue<bool>(out var flag) && flag;

        static JsonNode? Asked(JsonObject row)
        {
            if (row["input"] is JsonObject input)
            {
                return input.DeepClone();
            }

            try
            {
                return row["request"]?.ToString() is { } body && JsonNode.Parse(body) is JsonObject request ? (request["messages"] ?? request["prompt"] ?? request["input"])?.DeepClone() : null;
            }
            catch (JsonException)
            {
                // A request that was cut off when it was kept is no question.
                return null;
            }
        }
    }

    /// <summary>The rows of a JSONL file.</summary>
    /// <exception cref="InvalidDataException">A line is not a JSON object.</exception>
    public static IEnumerable<(JsonObject Row, int Number)> Objects(IEnumerable<string> lines)
    {
        var number = 0;
        foreach (var line in lines)
        {
            number++;
            if (!string.IsNullOrWhiteSpace(line))
            {
                yield return (Parse(line, $"line {number}") as JsonObject ?? throw new InvalidDataException($"line {number}: not a JSON object."), number);
            }
        }
    }

    private static SuiteRow Row(JsonObject row, IReadOnlyList<string> strata, string place)
    {
        var asked = Array.Find(Inputs, n => row[n] is not null) ?? throw new InvalidDataException($"{place}: no question; expected one of {string.Join(", ", Inputs)}.");
        var said = Array.Find(Answers, row.ContainsKey);
        var input = row[asked]!.DeepClone();
        IReadOnlyList<JsonNode?> references = said is null ? [] : row[said] is JsonArray several ? [.. several.Select(a => a?.DeepClone())] : [row[said]?.DeepClone()];
        var id = row["id"]?.ToString() is { Length: > 0 } given ? given : SuiteRow.IdOf(input, references);
        return new SuiteRow(id, input, references)
        {
            Cluster = row["cluster"]?.ToString() is { Length: > 0 } cluster ? cluster : null,
            Language = row["language"]?.ToString() is { Length: > 0 } language ? language : null,
            Strata = row["strata"] is JsonObject own ? Strata(own, [.. own.Select(s => s.Key)]) : Strata(row, strata),
        };
    }

    private static Dictionary<string, string> Strata(JsonObject row, IReadOnlyList<string> names) =>
        names.Where(n => row[n] is not null).ToDictionary(n => n, n => row[n]!.ToString(), StringComparer.Ordinal);

    private static JsonNode? Parse(string text, string place)
    {
        try
        {
            var node = JsonNode.Parse(text);
            _ = (node as JsonObject)?.Count;
            return node;
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw new InvalidDataException($"{place}: {e.Message}", e);
        }
    }
}
