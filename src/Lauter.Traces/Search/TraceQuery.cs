using System.Text.RegularExpressions;
using Lauter.Ledger;

namespace Lauter.Traces.Search;

/// <summary>Which traces are meant. Every condition that is not null must hold.</summary>
public sealed partial record TraceQuery
{
    /// <summary>Words that must all occur in request, answer or input; words in double quotes in that order.</summary>
    public string? Text { get; init; }

    /// <summary>The application.</summary>
    public string? Application { get; init; }

    /// <summary>The outcome.</summary>
    public TraceOutcome? Outcome { get; init; }

    /// <summary>Whose.</summary>
    public string? Tenant { get; init; }

    /// <summary>The key's id.</summary>
    public string? Key { get; init; }

    /// <summary>The caller's user tag.</summary>
    public string? User { get; init; }

    /// <summary>The release.</summary>
    public string? Release { get; init; }

    /// <summary>The HTTP status.</summary>
    public int? Status { get; init; }

    /// <summary>The code of the error.</summary>
    public string? ErrorCode { get; init; }

    /// <summary>First instant.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>First instant that no longer counts.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>Those that cost at least this, in this currency.</summary>
    public Money? CostAtLeast { get; init; }

    /// <summary>True = only those whose cost is unknown; false = only those whose cost is known.</summary>
    public bool? CostUnknown { get; init; }

    /// <summary>Those that took at least this long.</summary>
    public TimeSpan? AtLeast { get; init; }

    /// <summary>Those with a correction or a rating below zero.</summary>
    public bool? Complained { get; init; }

    /// <summary>
    /// Fields with their exact values: a path into the record such as <c>input.intent</c>, <c>finish_reason</c>, <c>request.messages[0].role</c> or
    /// <c>response.intent</c>; request and answer are read as JSON where they are.
    /// </summary>
    public IReadOnlyList<KeyValuePair<string, string>> Fields { get; init; } = [];

    /// <summary>True when <paramref name="path"/> has the form of a field's path.</summary>
    public static bool IsPath(string path) => PathForm().IsMatch(path);

    /// <summary>SQL conditions over the tables <c>traces t</c> and, for texts, <c>trace_text</c>.</summary>
    internal (string Where, List<(string Name, object? Value)> Parameters) ToSql()
    {
        List<string> where = ["t.started >= $from", "t.started < $until"];
        List<(string, object?)> parameters =
            [("$from", From?.ToUnixTimeMilliseconds() ?? long.MinValue), ("$until", Until?.ToUnixTimeMilliseconds() ?? long.MaxValue)];
        Add("t.application = $application", "$application", Application);
        Add("t.outcome = $outcome", "$outcome", Outcome is { } outcome ? (int)outcome : null);
        Add("t.tenant = $tenant", "$tenant", Tenant);
        Add("t.release = $release", "$release", Release);
        Add("t.status = $status", "$status", Status);
        Add("t.key = $key", "$key", Key);
        Add("t.user = $user", "$user", User);
        Add("t.error = $error", "$error", ErrorCode);
        Add("t.duration_us >= $duration", "$duration", AtLeast is { } least ? (long)least.TotalMicroseconds : null);
        if (CostAtLeast is { } cost)
        {
            Add("t.nanos >= $nanos", "$nanos", cost.NanoUnits);
            Add("t.currency = $currency", "$currency", cost.Currency);
        }

        if (CostUnknown is { } unknown)
        {
            where.Add(unknown ? "t.cost_unknown = 1" : "t.cost_unknown = 0");
        }

        if (Complained is { } complained)
        {
            where.Add($"{(complained ? "" : "NOT ")}EXISTS (SELECT 1 FROM feedback f WHERE f.trace = t.id AND (f.corrected = 1 OR f.rating < 0))");
        }

        if (Text is not null)
        {
            Add("t.id IN (SELECT r.trace FROM trace_text x JOIN trace_rows r ON r.n = x.rowid WHERE trace_text MATCH $text)", "$text", SearchText.ToQuery(Text) ?? "\"\"");
        }

        for (var i = 0; i < Fields.Count; i++)
        {
            var (path, value) = Fields[i];
            if (!IsPath(path))
            {
                throw new FormatException($"'{path}' is not the path of a field such as input.intent or request.messages[0].role.");
            }

            var dot = path.IndexOfAny(['.', '[']);
            var (first, rest) = dot < 0 ? (path, "") : (path[..dot], path[dot..]);
            var expression = first is "request" or "response" && rest.Length > 0
                ? $"CASE WHEN json_valid(json_extract(t.body, '$.{first}')) THEN json_extract(json_extract(t.body, '$.{first}'), $path{i}) END"
                : $"json_extract(t.body, $path{i})";
            // Reading a body as JSON is dear, looking for bytes in it is not: a word stands in the body as it is, unless the caller escaped it.
            var sieve = IsWord(value) ? $"(instr(t.body, $value{i}) > 0 OR instr(t.body, '\\u') > 0) AND " : "";
            Add($"{sieve}CAST({expression} AS TEXT) = $value{i}", $"$value{i}", value);
            parameters.Add(($"$path{i}", first is "request" or "response" && rest.Length > 0 ? "$" + rest : "$." + path));
        }

        return (string.Join(" AND ", where), parameters);

        void Add(string condition, string name, object? value)
        {
            if (value is not null)
            {
                where.Add(condition);
                parameters.Add((name, value));
            }
        }
    }

    /// <summary>True for texts that JSON writes as they are and that are no number: those come back in another form than they were written in (1.00, 1e3, true).</summary>
    internal static bool IsWord(string value) =>
        value.All(c => char.IsAsciiLetterOrDigit(c) || c is ' ' or '_' or '-' or '.' or ',' or ':' or '@') && value.Any(c => char.IsAsciiLetter(c) && c is not ('e' or 'E'));

    [GeneratedRegex(@"^[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z_][A-Za-z0-9_-]*|\[\d{1,6}\])*$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex PathForm();
}
