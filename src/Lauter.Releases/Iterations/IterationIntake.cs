using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Lauter.Catalog.Objects;
using Lauter.Data.Text;

namespace Lauter.Releases.Iterations;

/// <summary>What a new row must look like, and what is known already.</summary>
public sealed record IntakeOptions
{
    /// <summary>Input fields; each must be there and not empty.</summary>
    public required IReadOnlyList<string> InputFields { get; init; }

    /// <summary>Output fields; each must be there, no other may be.</summary>
    public required IReadOnlyList<string> OutputFields { get; init; }

    /// <summary>The values a field may have, by field; fields that are absent may have any. Usually the <c>enum</c> of the output schema.</summary>
    public IReadOnlyDictionary<string, IReadOnlySet<string>> AllowedValues { get; init; } = new Dictionary<string, IReadOnlySet<string>>(StringComparer.Ordinal);

    /// <summary>Ids of rows that the dataset has already.</summary>
    public IReadOnlySet<string> KnownIds { get; init; } = new HashSet<string>(StringComparer.Ordinal);

    /// <summary>Rows that the dataset has already: (input, output) as they stand in the sources.</summary>
    public IEnumerable<(JsonObject Input, JsonObject Output)> KnownRows { get; init; } = [];
}

/// <summary>A row that was not taken.</summary>
/// <param name="Reference">Where it came from.</param>
/// <param name="Reason">One of <see cref="IntakeReasons"/>.</param>
/// <param name="Detail">The reason in words with the value seen.</param>
public sealed record RefusedRow(string Reference, string Reason, string Detail);

/// <summary>Codes of <see cref="RefusedRow"/>. Frozen.</summary>
public static class IntakeReasons
{
    /// <summary>The line could not be read.</summary>
    public const string Unreadable = "unreadable";

    /// <summary>An input field is missing or empty.</summary>
    public const string InputMissing = "input_missing";

    /// <summary>An output field is missing, or the output is not an object.</summary>
    public const string OutputMissing = "output_missing";

    /// <summary>The output has a field that the application does not have.</summary>
    public const string OutputUnknown = "output_unknown";

    /// <summary>A value is not among the allowed ones.</summary>
    public const string ValueNotAllowed = "value_not_allowed";

    /// <summary>The dataset has this input with the same labels.</summary>
    public const string AlreadyKnown = "already_known";

    /// <summary>A newer row for the same input was taken.</summary>
    public const string Superseded = "superseded";

    /// <summary>Two rows of the same time disagree about the same input.</summary>
    public const string Conflict = "conflict";
}

/// <summary>What one turn of the flywheel took in.</summary>
public sealed record IterationRecord
{
    /// <summary>The application.</summary>
    public required string Application { get; init; }

    /// <summary>Corrections offered.</summary>
    public required int Corrections { get; init; }

    /// <summary>Labelled rows offered.</summary>
    public required int Labelled { get; init; }

    /// <summary>Rows taken.</summary>
    public required int Taken { get; init; }

    /// <summary>Taken rows whose labels differ from those of a known row with the same input.</summary>
    public required int Contradicting { get; init; }

    /// <summary>Refused rows by reason.</summary>
    public required IReadOnlyDictionary<string, int> RefusedByReason { get; init; }

    /// <summary>Every refused row.</summary>
    public required IReadOnlyList<RefusedRow> Refused { get; init; }

    /// <summary>SHA-256 of the bytes of the new rows.</summary>
    public required string RowsSha256 { get; init; }

    /// <summary>The record as JSON.</summary>
    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, IterationJson.Default.IterationRecord);
}

/// <summary>New rows for the dataset's sources.</summary>
/// <param name="Rows">JSON lines (UTF-8, each ends with a line feed); empty when nothing was taken.</param>
/// <param name="Record">What came in and why rows were refused.</param>
public sealed record IntakeResult(byte[] Rows, IterationRecord Record);

/// <summary>Turns corrections and labelled rows into source rows of the next dataset version: checked, deduplicated, with provenance.</summary>
public static class IterationIntake
{
    private static readonly JsonSerializerOptions LineOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>
    /// Takes what fits <paramref name="options"/>. The order of <paramref name="candidates"/> does not matter, except between rows
    /// without a time. Inputs compare folded (<see cref="TextFolding"/>), labels exactly.
    /// </summary>
    /// <param name="application">The application, for the record.</param>
    /// <param name="candidates">Corrections and labelled rows.</param>
    /// <param name="unreadable">Lines that could not be read, as (reference, fault).</param>
    /// <param name="options">Fields, allowed values, known rows.</param>
    public static IntakeResult Take(
        string application, IReadOnlyList<LabelCandidate> candidates, IEnumerable<(string Reference, string Fault)> unreadable, IntakeOptions options)
    {
        var refused = unreadable.Select(u => new RefusedRow(u.Reference, IntakeReasons.Unreadable, u.Fault)).ToList();
        var known = new Dictionary<string, HashSet<string>>(StringComparer.Ordinal);
        foreach (var (input, output) in options.KnownRows)
        {
            var key = InputKey(input, options.InputFields);
            (known.TryGetValue(key, out var labels) ? labels : known[key] = new HashSet<string>(StringComparer.Ordinal)).Add(OutputKey(output, options));
        }

        var fitting = new List<(LabelCandidate Row, string Key, string Labels)>();
        foreach (var candidate in candidates)
        {
            if (Fault(candidate, options) is { } fault)
            {
                refused.Add(fault);
                continue;
            }

            fitting.Add((candidate, InputKey(candidate.Input, options.InputFields), OutputKey((JsonObject)candidate.Output!, options)));
        }

        var rows = new StringBuilder();
        int taken = 0, contradicting = 0;
        var ids = new HashSet<string>(options.KnownIds, StringComparer.Ordinal);
        foreach (var group in fitting.GroupBy(f => f.Key, StringComparer.Ordinal))
        {
            var newest = group.Max(f => f.Row.At ?? DateTimeOffset.MinValue);
            var latest = group.Where(f => (f.Row.At ?? DateTimeOffset.MinValue) == newest).ToArray();
            refused.AddRange(group.Except(latest).Select(f => new RefusedRow(f.Row.Reference, IntakeReasons.Superseded, $"{latest[0].Row.Reference} is newer for the same input.")));
            if (latest.Select(f => f.Labels).Distinct(StringComparer.Ordinal).Skip(1).Any())
            {
                refused.AddRange(latest.Select(f => new RefusedRow(f.Row.Reference, IntakeReasons.Conflict, $"{latest.Length} rows of the same time give the same input different labels.")));
                continue;
            }

            var (row, key, labels) = latest[0];
            refused.AddRange(latest.Skip(1).Select(f => new RefusedRow(f.Row.Reference, IntakeReasons.AlreadyKnown, $"{row.Reference} says the same.")));
            if (known.TryGetValue(key, out var before))
            {
                if (before.Contains(labels))
                {
                    refused.Add(new RefusedRow(row.Reference, IntakeReasons.AlreadyKnown, "the dataset has this input with the same labels."));
                    continue;
                }

                contradicting++;
            }

            rows.Append(Line(row, key, ids, options)).Append('\n');
            taken++;
        }

        var bytes = Encoding.UTF8.GetBytes(rows.ToString());
        return new IntakeResult(bytes, new IterationRecord
        {
            Application = application,
            Corrections = candidates.Count(c => c.Origin == "correction"),
            Labelled = candidates.Count(c => c.Origin != "correction"),
            Taken = taken,
            Contradicting = contradicting,
            RefusedByReason = new SortedDictionary<string, int>(refused.GroupBy(r => r.Reason).ToDictionary(g => g.Key, g => g.Count()), StringComparer.Ordinal),
            Refused = refused,
            RowsSha256 = Convert.ToHexStringLower(SHA256.HashData(bytes)),
        });
    }

    /// <summary>The <c>enum</c> values of string properties of a JSON Schema object, for <see cref="IntakeOptions.AllowedValues"/>.</summary>
    public static IReadOnlyDictionary<string, IReadOnlySet<string>> AllowedValuesOf(JsonElement schema)
    {
        var allowed = new Dictionary<string, IReadOnlySet<string>>(StringComparer.Ordinal);
        if (schema.ValueKind != JsonValueKind.Object || !schema.TryGetProperty("properties", out var properties) || properties.ValueKind != JsonValueKind.Object)
        {
            return allowed;
        }

        foreach (var property in properties.EnumerateObject())
        {
            if (property.Value.ValueKind == JsonValueKind.Object
                && property.Value.TryGetProperty("enum", out var values) && values.ValueKind == JsonValueKind.Array
                && values.EnumerateArray().All(v => v.ValueKind == JsonValueKind.String))
            {
                allowed[property.Name] = values.EnumerateArray().Select(v => v.GetString()!).ToHashSet(StringComparer.Ordinal);
            }
        }

        return allowed;
    }

    private static RefusedRow? Fault(LabelCandidate row, IntakeOptions options)
    {
        if (options.InputFields.FirstOrDefault(f => row.Input[f] is not { } value || (value is JsonValue v && v.TryGetValue<string>(out var t) && string.IsNullOrWhiteSpace(t))) is { } input)
        {
            return new RefusedRow(row.Reference, IntakeReasons.InputMissing, $"the input field '{input}' is missing or empty.");
        }

        if (row.Output is not JsonObject output)
        {
            return new RefusedRow(row.Reference, IntakeReasons.OutputMissing, "the output is not an object of the output fields.");
        }

        if (options.OutputFields.FirstOrDefault(f => output[f] is null) is { } missing)
        {
            return new RefusedRow(row.Reference, IntakeReasons.OutputMissing, $"the output field '{missing}' is missing.");
        }

        if (output.FirstOrDefault(m => !options.OutputFields.Contains(m.Key)).Key is { } unknown)
        {
            return new RefusedRow(row.Reference, IntakeReasons.OutputUnknown, $"the application has no output field '{unknown}'; it has {string.Join(", ", options.OutputFields)}.");
        }

        foreach (var (field, allowed) in options.AllowedValues.OrderBy(a => a.Key, StringComparer.Ordinal))
        {
            if (output[field] is { } value && !(value is JsonValue v && v.TryGetValue<string>(out var text) && allowed.Contains(text)))
            {
                return new RefusedRow(row.Reference, IntakeReasons.ValueNotAllowed, $"{field}: {value.ToJsonString(LineOptions)} is not one of its {allowed.Count} values.");
            }
        }

        return null;
    }

    private static string Line(LabelCandidate row, string key, HashSet<string> ids, IntakeOptions options)
    {
        var id = row.Id is { Length: > 0 } own && ids.Add(own) ? own : $"I-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)))[..16]}";
        ids.Add(id);
        var line = new JsonObject { ["id"] = id };
        if (row.Language is { } language)
        {
            line["language"] = language;
        }

        line["reviewed"] = row.Reviewed;
        foreach (var field in options.InputFields)
        {
            line[field] = row.Input[field]!.DeepClone();
        }

        foreach (var field in options.OutputFields)
        {
            line[field] = row.Output![field]!.DeepClone();
        }

        line["provenance"] = new JsonObject { ["origin"] = row.Origin, ["from"] = row.Reference, ["at"] = row.At?.ToString("O") };
        return line.ToJsonString(LineOptions);
    }

    private static string InputKey(JsonObject input, IReadOnlyList<string> fields) => string.Join(
        '\0', fields.Select(f => input[f] is JsonValue v && v.TryGetValue<string>(out var text) ? TextFolding.Fold(text) : Canonical(input[f])));

    private static string OutputKey(JsonObject output, IntakeOptions options) => string.Join('\0', options.OutputFields.Select(f => Canonical(output[f])));

    private static string Canonical(JsonNode? node) => Encoding.UTF8.GetString(CanonicalJson.Serialize(node));
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(IterationRecord))]
internal sealed partial class IterationJson : JsonSerializerContext;
