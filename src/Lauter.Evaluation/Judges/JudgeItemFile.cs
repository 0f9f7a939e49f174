using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Evaluation.Metrics;
using Lauter.Evaluation.Runs;

namespace Lauter.Evaluation.Judges;

/// <summary>
/// What a judge (or a person) is to look at, from plain files joined by id: answers as <see cref="RowFile"/> reads them, a suite with <c>input</c> (or
/// <c>question</c>, <c>messages</c>) and <c>reference</c>, answers of a second candidate, and labels of people (<c>human</c>: true or false, or
/// <c>winner</c>: first, second or tie).
/// </summary>
public static class JudgeItemFile
{
    private static readonly string[] Questions = ["question", "input", "messages", "prompt"];
    private static readonly string[] Marks = ["human", "passed", "correct", "winner"];

    /// <summary>Joins the files, in the order of the suite (of the answers without one).</summary>
    /// <param name="answers">Lines of the answers.</param>
    /// <param name="suite">Lines of the suite; null when the answers carry <c>question</c> (and <c>reference</c>) themselves.</param>
    /// <param name="other">Lines of the second candidate's answers; null without a pair.</param>
    /// <param name="human">Lines of people's labels; null without any.</param>
    /// <exception cref="InvalidDataException">Lines are wrong, ids do not match, or a question is missing.</exception>
    public static IReadOnlyList<JudgeItem> Read(IReadOnlyList<string> answers, IReadOnlyList<string>? suite, IReadOnlyList<string>? other = null, IReadOnlyList<string>? human = null)
    {
        var first = RowFile.Read(answers, suite);
        var second = other is null ? null : RowFile.Read(other, suite).ToDictionary(r => r.Id, StringComparer.Ordinal);
        if (second is not null && (second.Count != first.Count || first.Any(r => !second.ContainsKey(r.Id))))
        {
            throw new InvalidDataException("The two candidates did not answer the same items.");
        }

        var asked = Objects(suite ?? answers);
        var labels = human is null ? [] : Objects(human);
        if (labels.Keys.FirstOrDefault(id => !asked.ContainsKey(id)) is { } stranger)
        {
            throw new InvalidDataException($"The label of '{stranger}' belongs to no item.");
        }

        return [.. first.Select(row =>
        {
            var source = asked[row.Id];
            var member = Array.Find(Questions, source.ContainsKey) ?? throw new InvalidDataException($"The item '{row.Id}' has no question; expected one of {string.Join(", ", Questions)}.");
            var label = labels.GetValueOrDefault(row.Id) ?? source;
            return new JudgeItem(row.Id, TextOf(source[member]), Answer(row))
            {
                Other = second is null ? null : Answer(second[row.Id]),
                Reference = row.References.Count == 0 ? null : MetricRow.Text(row.References[0]),
                Human = Flag(label), HumanWinner = Winner(label["winner"]), Cluster = row.Cluster, Language = row.Language,
            };
        })];
    }

    /// <summary>An input as text: text as it is, messages with their roles, an object with one text as that text, any other as JSON.</summary>
    public static string TextOf(JsonNode? input)
    {
        switch (input)
        {
            case JsonValue v when v.TryGetValue<string>(out var text):
                return text;
            case JsonArray messages when messages.All(m => m is JsonObject o && o.ContainsKey("content")):
                var whole = new StringBuilder();
                foreach (var message in messages)
                {
                    whole.Append(messages.Count > 1 ? $"{message!["role"]}: " : "").Append(message!["content"]).Append('\n');
                }

                return whole.ToString().TrimEnd('\n');
            case JsonObject { Count: 1 } one when one.First().Value is JsonValue v && v.TryGetValue<string>(out var only):
                return only;
            default:
                return input?.ToJsonString() ?? "";
        }
    }

    private static string? Answer(MetricRow row) => row.Failure is null && row.Prediction is not null ? MetricRow.Text(row.Prediction) : null;

    private static bool? Flag(JsonObject label)
    {
        foreach (var mark in Marks)
        {
            if (label[mark] is JsonValue v && v.TryGetValue<bool>(out var flag))
            {
                return flag;
            }
        }

        return null;
    }

    /// <summary>What a person said of a pair: first, second or tie; null for anything else.</summary>
    public static PairWinner? Winner(JsonNode? node) => node?.ToString().ToLowerInvariant() switch
    {
        "first" => PairWinner.First, "second" => PairWinner.Second, "tie" or "same" => PairWinner.Tie, _ => null,
    };

    private static Dictionary<string, JsonObject> Objects(IEnumerable<string> lines)
    {
        var rows = new Dictionary<string, JsonObject>(StringComparer.Ordinal);
        foreach (var (line, number) in lines.Select((l, i) => (l, i + 1)).Where(l => !string.IsNullOrWhiteSpace(l.l)))
        {
            try
            {
                var row = JsonNode.Parse(line) as JsonObject ?? throw new InvalidDataException($"line {number}: not a JSON object");
                if (!rows.TryAdd(row["id"]?.ToString() ?? throw new InvalidDataException($"line {number}: has no id"), row))
                {
                    throw new InvalidDataException($"line {number}: the id '{row["id"]}' occurs twice");
                }
            }
            catch (Exception e) when (e is JsonException or ArgumentException)
            {
                throw new InvalidDataException($"line {number}: {e.Message}", e);
            }
        }

        return rows;
    }
}
