using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Data.Text;
using Lauter.Traces;

namespace Lauter.Releases.Drift;

/// <summary>What the requests to a release look like, as features that can drift: inputs, outputs, failures, feedback, time and cost.</summary>
public static class TraceFeatures
{
    private const int MostLabels = 200;
    private const int LongestLabel = 60;

    /// <summary>The slices of two windows: all requests, and those of each language that both windows hold.</summary>
    /// <param name="reference">Requests of the reference window, with what was said about each (null = nothing).</param>
    /// <param name="current">Requests of the current window.</param>
    public static IReadOnlyList<(string Slice, Feature Reference, Feature Current)> Slices(
        IReadOnlyList<(TraceRecord Trace, bool? Bad)> reference, IReadOnlyList<(TraceRecord Trace, bool? Bad)> current)
    {
        var slices = new List<(string, Feature, Feature)>();
        var (before, now) = (Rows(reference), Rows(current));
        Add("all", before, now, withLanguage: true);
        foreach (var language in before.Select(r => r.Language).Intersect(now.Select(r => r.Language)).OfType<string>().Order(StringComparer.Ordinal))
        {
            Add($"language={language}", [.. before.Where(r => r.Language == language)], [.. now.Where(r => r.Language == language)], withLanguage: false);
        }

        return slices;

        void Add(string slice, List<Row> x, List<Row> y, bool withLanguage)
        {
            Number("input.length", r => r.Length);
            Number("time.ms", r => r.Trace.Outcome == TraceOutcome.Answered ? r.Trace.Duration.TotalMilliseconds : null);
            Number("cost", r => r.Trace.Cost is { } cost ? (double)cost.NanoUnits : null);
            Label("outcome", r => r.Trace.Outcome.ToString().ToLowerInvariant());
            Label("feedback", r => r.Bad is { } bad ? bad ? "bad" : "good" : "none");
            if (withLanguage)
            {
                Label("input.language", r => r.Language ?? "none");
            }

            foreach (var field in x.Concat(y).SelectMany(r => r.Output.Keys).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
            {
                // A field with as many values as requests is text, not a label.
                if (x.Concat(y).Select(r => r.Output.GetValueOrDefault(field)).Distinct(StringComparer.Ordinal).Count() <= MostLabels)
                {
                    Label($"output.{field}", r => r.Output.GetValueOrDefault(field));
                }
            }

            void Number(string name, Func<Row, double?> value) =>
                slices.Add((slice, new Feature(name, FeatureKind.Number, Numbers: [.. x.Select(value)]), new Feature(name, FeatureKind.Number, Numbers: [.. y.Select(value)])));

            void Label(string name, Func<Row, string?> value) =>
                slices.Add((slice, new Feature(name, FeatureKind.Label, Labels: [.. x.Select(value)]), new Feature(name, FeatureKind.Label, Labels: [.. y.Select(value)])));
        }
    }

    private static List<Row> Rows(IReadOnlyList<(TraceRecord Trace, bool? Bad)> window)
    {
        var rows = new List<Row>(window.Count);
        foreach (var (trace, bad) in window)
        {
            var text = trace.Input is null ? null : string.Join('\n', trace.Input.Select(m => m.Value).OfType<JsonValue>().Select(v => v.TryGetValue<string>(out var s) ? s : null).OfType<string>());
            rows.Add(new Row(trace, bad, text?.Length, text is { Length: > 0 } ? LanguageDetector.Detect(text) : null, Output(trace.Response)));
        }

        return rows;
    }

    /// <summary>The short members of an answer that is a JSON object; nothing of any other answer.</summary>
    private static Dictionary<string, string> Output(string? response)
    {
        var output = new Dictionary<string, string>(StringComparer.Ordinal);
        if (response is null || !response.AsSpan().TrimStart().StartsWith("{"))
        {
            return output;
        }

        try
        {
            using var answer = JsonDocument.Parse(response);
            foreach (var member in answer.RootElement.EnumerateObject())
            {
                if (member.Value.ValueKind is JsonValueKind.String or JsonValueKind.True or JsonValueKind.False && member.Value.ToString() is { Length: <= LongestLabel } label)
                {
                    output[member.Name] = label;
                }
            }
        }
        catch (JsonException)
        {
            // An answer in plain text that begins with a brace, or one that was cut.
        }

        return output;
    }

    private sealed record Row(TraceRecord Trace, bool? Bad, double? Length, string? Language, IReadOnlyDictionary<string, string> Output);
}
