using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Catalog.Objects;
using Lauter.Evaluation.Candidates;
using Lauter.Evaluation.Metrics;

namespace Lauter.Evaluation.Runs;

/// <summary>
/// Scorecards from plain files, for deciding a gate without a project. One JSON object a line:
/// <c>{"id":"7","correct":true}</c>, or <c>{"id":"7","prediction":"refund","reference":"refund"}</c>; optional members
/// <c>language</c>, <c>cluster</c> and <c>failure</c> (<c>unparsed</c>, <c>error</c> …).
/// </summary>
/// <remarks>
/// The suite's hash is made of ids, clusters and languages (and references, where given), so two files compare only when they speak of
/// the same items.
/// </remarks>
public static class PredictionFile
{
    /// <summary>The one metric of such a scorecard.</summary>
    public const string Metric = "exact_match";

    /// <summary>Reads <paramref name="lines"/>.</summary>
    /// <param name="name">The candidate's name in messages, the file name usually.</param>
    /// <param name="lines">The lines of the file; blank lines are passed over.</param>
    /// <exception cref="InvalidDataException">Lines are wrong; the message names up to ten with what is wrong in each.</exception>
    public static Scorecard Read(string name, IEnumerable<string> lines)
    {
        var items = new List<ItemOutcome>();
        var faults = new List<string>();
        var number = 0;
        foreach (var line in lines)
        {
            number++;
            if (string.IsNullOrWhiteSpace(line))
            {
                continue;
            }

            try
            {
                items.Add(Item(JsonNode.Parse(line) as JsonObject ?? throw new FormatException("the line is not a JSON object")));
            }
            catch (Exception e) when (e is JsonException or FormatException or ArgumentException)
            {
                faults.Add($"line {number}: {e.Message}");
            }
        }

        if (faults.Count > 0)
        {
            var more = faults.Count > 10 ? $"\n  and {faults.Count - 10} more" : "";
            throw new InvalidDataException($"{name} has {faults.Count} wrong line(s):\n  {string.Join("\n  ", faults.Take(10))}{more}");
        }

        var metric = new MetricSpec(MetricKind.ExactMatch, null);
        var ordered = items.OrderBy(i => i.Id, StringComparer.Ordinal).ToArray();
        return new Scorecard
        {
            SuiteName = "plain file",
            SuiteHash = HashOf(ordered),
            CandidateName = name,
            CandidateKind = "file",
            Metrics = [metric],
            Values = MetricValues.Of([metric], ordered, new EvaluationOptions()),
            Items = ordered,
        };
    }

    private static ItemOutcome Item(JsonObject row)
    {
        var id = row["id"] switch
        {
            JsonValue v when v.TryGetValue<string>(out var text) && text.Length > 0 => text,
            JsonValue v when v.TryGetValue<long>(out var whole) => whole.ToString(),
            _ => throw new FormatException("has no id"),
        };
        var failure = Text(row, "failure");
        bool right;
        JsonObject? prediction = null, reference = null;
        if (row.ContainsKey("correct"))
        {
            right = row["correct"] switch
            {
                JsonValue v when v.TryGetValue<bool>(out var flag) => flag,
                JsonValue v when v.TryGetValue<double>(out var score) && score is 0 or 1 => score == 1,
                null when failure is not null => false,
                var other => throw new FormatException($"'correct' is {other?.ToJsonString() ?? "null"}; expected true, false, 1 or 0"),
            };
        }
        else if (row["reference"] is { } expected)
        {
            right = failure is null && JsonNode.DeepEquals(expected, row["prediction"]);
            failure ??= row["prediction"] is null ? FailureKinds.Unparsed : null;
            reference = new JsonObject { ["value"] = expected.DeepClone() };
            prediction = row["prediction"] is { } said ? new JsonObject { ["value"] = said.DeepClone() } : null;
        }
        else
        {
            throw new FormatException("has neither 'correct' nor 'prediction' and 'reference'");
        }

        return new ItemOutcome
        {
            Id = id,
            Cluster = Text(row, "cluster") ?? id,
            Language = Text(row, "language") ?? "und",
            Prediction = prediction,
            Reference = reference,
            Failure = failure,
            Scores = new Dictionary<string, double>(StringComparer.Ordinal) { [Metric] = right && failure is null ? 1 : 0 },
        };
    }

    private static string HashOf(IEnumerable<ItemOutcome> items)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var item in items)
        {
            var reference = item.Reference is null ? "" : Encoding.UTF8.GetString(CanonicalJson.Serialize(item.Reference));
            hash.AppendData(Encoding.UTF8.GetBytes($"{item.Id}\0{item.Cluster}\0{item.Language}\0{reference}\n"));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static string? Text(JsonObject row, string member) => row[member] is JsonValue v && v.TryGetValue<string>(out var text) ? text : null;
}
