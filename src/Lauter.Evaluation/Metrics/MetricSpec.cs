using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Lauter.Evaluation.Metrics;

/// <summary>What a metric measures.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<MetricKind>))]
public enum MetricKind
{
    /// <summary><c>exact_match(FIELD)</c>, or <c>exact_match</c> of the whole object: 1 or 0 for each item.</summary>
    [JsonStringEnumMemberName("exact_match")]
    ExactMatch,

    /// <summary><c>macro_f1(FIELD)</c>: mean F1 over the labels seen; has no value for a single item.</summary>
    [JsonStringEnumMemberName("macro_f1")]
    MacroF1,

    /// <summary><c>parse_rate</c>: 1 when the answer is a JSON object, whatever it says.</summary>
    [JsonStringEnumMemberName("parse_rate")]
    ParseRate,

    /// <summary><c>answer_exact(FIELD)</c>: 1 when the field's text equals the reference after normalising for its language.</summary>
    [JsonStringEnumMemberName("answer_exact")]
    AnswerExact,

    /// <summary><c>answer_f1(FIELD)</c>: F1 of the field's tokens, 0 to 1 for each item.</summary>
    [JsonStringEnumMemberName("answer_f1")]
    AnswerF1,

    /// <summary>A score from 0 to 1 that another program gave each item; name and signature come with it.</summary>
    [JsonStringEnumMemberName("score")]
    Score,
}

/// <summary>
/// A metric with everything that decides its value. Values compare only when <see cref="Signature"/> is equal, so a change of a
/// definition changes its signature.
/// </summary>
public sealed record MetricSpec
{
    /// <param name="kind">What it measures.</param>
    /// <param name="field">The output field, or null for the whole answer.</param>
    /// <param name="signature">
    /// Null for what this version computes. A metric read from a file keeps the signature of the file, even when this version defines
    /// the metric otherwise.
    /// </param>
    [JsonConstructor]
    public MetricSpec(MetricKind kind, string? field = null, string? signature = null)
    {
        Kind = kind;
        Field = field;
        Signature = signature ?? CurrentSignature;
    }

    /// <summary>What it measures.</summary>
    public MetricKind Kind { get; }

    /// <summary>The output field, or null for the whole answer.</summary>
    public string? Field { get; }

    /// <summary>As written in the project file, for example <c>exact_match(intent)</c>.</summary>
    public string Name => (Kind, Field) switch
    {
        (MetricKind.ExactMatch, null) => "exact_match",
        (MetricKind.ExactMatch, _) => $"exact_match({Field})",
        (MetricKind.MacroF1, _) => $"macro_f1({Field})",
        (MetricKind.AnswerExact, _) => $"answer_exact({Field})",
        (MetricKind.AnswerF1, _) => $"answer_f1({Field})",
        (MetricKind.Score, _) => Field ?? "score",
        _ => "parse_rate",
    };

    /// <summary>The name and every choice that changes the value, as it was when the value was made.</summary>
    public string Signature { get; }

    /// <summary>The signature of what this version computes.</summary>
    [JsonIgnore]
    public string CurrentSignature => Kind switch
    {
        MetricKind.ExactMatch => $"{Name}|cmp:json|unanswered:wrong|v:1",
        MetricKind.MacroF1 => $"{Name}|labels:seen|zero:0|unanswered:miss|v:1",
        MetricKind.AnswerExact => $"{Name}|norm:squad,zh|by:language|unanswered:wrong|v:1",
        MetricKind.AnswerF1 => $"{Name}|norm:squad,zh|tok:space,char|by:language|empty:zero|unanswered:0|v:1",
        MetricKind.Score => $"{Name}|given",
        _ => $"{Name}|form:object|v:1",
    };

    /// <summary>True when every item has a score, so that a paired test applies.</summary>
    [JsonIgnore]
    public bool IsPerItem => Kind is not MetricKind.MacroF1;

    /// <summary>True when every item's score is 1 or 0, so that the paired test is one of proportions.</summary>
    [JsonIgnore]
    public bool IsBinary => Kind is MetricKind.ExactMatch or MetricKind.ParseRate or MetricKind.AnswerExact;

    /// <summary>Exact match of each field and of the whole, macro-F1 of each field, parse rate.</summary>
    public static IReadOnlyList<MetricSpec> DefaultsFor(IEnumerable<string> outputFields)
    {
        var fields = outputFields.ToArray();
        return
        [
            .. fields.Select(f => new MetricSpec(MetricKind.ExactMatch, f)),
            new(MetricKind.ExactMatch, null),
            .. fields.Select(f => new MetricSpec(MetricKind.MacroF1, f)),
            new(MetricKind.ParseRate, null),
        ];
    }

    /// <summary>Reads the form of the project file: <c>exact_match</c>, <c>exact_match(F)</c>, <c>macro_f1(F)</c>, <c>parse_rate</c>.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out MetricSpec? metric)
    {
        var trimmed = text.Trim();
        var open = trimmed.IndexOf('(', StringComparison.Ordinal);
        var name = open < 0 ? trimmed : trimmed[..open].TrimEnd();
        var field = open >= 0 && trimmed.EndsWith(')') ? trimmed[(open + 1)..^1].Trim() : null;
        metric = (name, field) switch
        {
            (_, "") => null,
            _ when open >= 0 && field is null => null,
            ("exact_match", _) => new MetricSpec(MetricKind.ExactMatch, field),
            ("macro_f1", not null) => new MetricSpec(MetricKind.MacroF1, field),
            ("parse_rate", null) => new MetricSpec(MetricKind.ParseRate, null),
            ("answer_exact", not null) => new MetricSpec(MetricKind.AnswerExact, field),
            ("answer_f1", not null) => new MetricSpec(MetricKind.AnswerF1, field),
            _ => null,
        };
        return metric is not null;
    }

    /// <inheritdoc cref="TryParse"/>
    /// <exception cref="FormatException">The text names no metric.</exception>
    public static MetricSpec Parse(string text) => TryParse(text, out var metric)
        ? metric
        : throw new FormatException($"'{text}' is not a metric. Known: exact_match, exact_match(FIELD), answer_exact(FIELD), answer_f1(FIELD), macro_f1(FIELD), parse_rate.");
}
