using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Traces;

namespace Lauter.Releases.Iterations;

/// <summary>Something that may become a labelled row: a correction of an answer, or a row that arrived labelled.</summary>
public sealed record LabelCandidate
{
    /// <summary><c>correction</c> or <c>labelled</c>.</summary>
    public required string Origin { get; init; }

    /// <summary>Where it came from: the trace, or file and line.</summary>
    public required string Reference { get; init; }

    /// <summary>The row's own id, or null to have one made.</summary>
    public string? Id { get; init; }

    /// <summary>The input fields.</summary>
    public required JsonObject Input { get; init; }

    /// <summary>The right output; anything but an object of the output fields is refused.</summary>
    public required JsonNode? Output { get; init; }

    /// <summary><c>en</c>, <c>zh</c>, or null to have it detected later.</summary>
    public string? Language { get; init; }

    /// <summary>True when a person has checked the labels.</summary>
    public bool Reviewed { get; init; }

    /// <summary>When it was given; the newest of several for the same input is kept.</summary>
    public DateTimeOffset? At { get; init; }

    /// <summary>A correction from the traces. Its input is what the application read; without one (not kept) the row is refused later.</summary>
    public static LabelCandidate Of(Correction correction) => new()
    {
        Origin = "correction",
        Reference = $"trace {correction.Trace.Id:N}",
        Id = $"C-{correction.Trace.Id:N}",
        Input = correction.Trace.Input ?? [],
        Output = correction.Feedback.Correction,
        Reviewed = true,
        At = correction.Feedback.At,
    };

    /// <summary>A row of a JSONL file with flat input and output fields; null with the reason when the line is not an object.</summary>
    public static LabelCandidate? OfLine(
        string source, int line, string text, IReadOnlyList<string> inputFields, IReadOnlyList<string> outputFields, out string? fault)
    {
        try
        {
            if (JsonNode.Parse(text) is not JsonObject row)
            {
                fault = "the line is not a JSON object.";
                return null;
            }

            fault = null;
            return new LabelCandidate
            {
                Origin = "labelled",
                Reference = $"{source}:{line}",
                Id = Text(row, "id"),
                Input = Pick(row, inputFields),
                Output = Pick(row, outputFields),
                Language = Text(row, "language"),
                Reviewed = row["reviewed"] is JsonValue v && v.TryGetValue<bool>(out var reviewed) && reviewed,
                At = DateTimeOffset.TryParse(Text(row, "received"), out var at) ? at : null,
            };
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            fault = $"the line is not valid JSON: {e.Message}";
            return null;
        }
    }

    private static JsonObject Pick(JsonObject row, IReadOnlyList<string> fields) =>
        new(fields.Where(row.ContainsKey).Select(f => KeyValuePair.Create(f, row[f]?.DeepClone())));

    private static string? Text(JsonObject row, string field) => row[field] is JsonValue v && v.TryGetValue<string>(out var text) ? text : null;
}
