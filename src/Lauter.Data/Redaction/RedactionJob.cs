using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Data.Dedup;
using Lauter.Data.Export;
using Lauter.Data.Tables;

namespace Lauter.Data.Redaction;

/// <summary>Redaction of one plain file of rows.</summary>
public sealed record RedactionRequest
{
    /// <summary>JSON Lines or Parquet (by suffix).</summary>
    public required string Input { get; init; }

    /// <summary>Folder for the results; created when missing.</summary>
    public required string Output { get; init; }

    /// <summary>What is looked for and what is done.</summary>
    public required RedactionPolicy Policy { get; init; }

    /// <summary>Top-level fields whose strings, at any depth, are searched; empty: all but <see cref="IdField"/>.</summary>
    public IReadOnlyList<string> Fields { get; init; } = [];

    /// <summary>Field with the row's name; it is not searched unless <see cref="Fields"/> names it.</summary>
    public string IdField { get; init; } = "id";

    /// <summary>Remembers what pseudonyms and hashes stand for. Null: there is no way back.</summary>
    public Vault? Vault { get; init; }

    /// <summary>Write Parquet instead of JSON Lines; null: as the input.</summary>
    public bool? Parquet { get; init; }

    /// <summary>Threads; changes no result.</summary>
    public int Workers { get; init; } = Environment.ProcessorCount;
}

/// <summary>Findings of one type.</summary>
/// <param name="Found">How many.</param>
/// <param name="Rows">In how many rows.</param>
/// <param name="Action">What was done with them.</param>
/// <param name="Samples">Up to five places, the text around them already redacted and the finding itself hidden.</param>
public sealed record TypeReport(int Found, int Rows, RedactionAction Action, IReadOnlyList<string> Samples);

/// <summary>What a redaction did.</summary>
/// <param name="Rows">Rows written.</param>
/// <param name="RowsChanged">Rows in which something was replaced; all others are byte for byte as before.</param>
/// <param name="Rejected">Lines that were no JSON object.</param>
/// <param name="Types">By name of the kind or of the user's pattern.</param>
/// <param name="TimedOut">Texts on which a user's pattern ran out of time, by pattern.</param>
public sealed record RedactionReport(int Rows, int RowsChanged, int Rejected, IReadOnlyDictionary<string, TypeReport> Types, IReadOnlyDictionary<string, int> TimedOut);

/// <summary>
/// Rows without their personal data: <c>redacted</c>, <c>findings.jsonl</c> (row, field, type, place; never the value), <c>rejects.jsonl</c> and <c>report.json</c>.
/// Equal input and key give equal bytes, whatever the number of workers.
/// </summary>
public static class RedactionJob
{
    private const int SamplesOfType = 5;
    private const int ContextLength = 24;

    /// <summary>Runs it.</summary>
    /// <exception cref="FileNotFoundException">The input is not there.</exception>
    /// <exception cref="InvalidDataException">The input can't be read as rows.</exception>
    public static RedactionReport Run(RedactionRequest request, CancellationToken cancellation = default)
    {
        Directory.CreateDirectory(request.Output);
        var redactor = new Redactor(request.Policy);
        var tally = new Tally(request.Policy);
        int rejected = 0, changed = 0;
        using var rows = new RowFileWriter(Path.Combine(request.Output, "redacted" + ((request.Parquet ?? RowFile.IsParquet(request.Input)) ? ".parquet" : ".jsonl")));
        using var places = new RowFileWriter(Path.Combine(request.Output, "findings.jsonl"));
        using var rejects = new RowFileWriter(Path.Combine(request.Output, "rejects.jsonl"));
        foreach (var row in OrderedMap.Run(RowFile.Read(request.Input), b => Redact(b, redactor, request), request.Workers, cancellation).SelectMany(b => b))
        {
            if (row.Findings is null)
            {
                rejected++;
                rejects.Write(JsonSerializer.SerializeToUtf8Bytes(new JsonObject { ["line"] = row.Number, ["reason"] = "not_json" }));
                continue;
            }

            rows.Write(row.Line.Span);
            changed += row.Findings.Any(f => f.Finding.Replacement is not null) ? 1 : 0;
            foreach (var (field, finding, _) in row.Findings)
            {
                places.Write(JsonSerializer.SerializeToUtf8Bytes(new JsonObject { ["line"] = row.Number, ["field"] = field, ["type"] = finding.Type, ["start"] = finding.Span.Start, ["length"] = finding.Span.Length }));
                if (finding.Replacement is not null && request.Policy.ActionOf(finding.Span.Kind) is RedactionAction.Pseudonym or RedactionAction.Hash)
                {
                    request.Vault?.Add(finding.Replacement, finding.Value);
                }
            }

            tally.Add(row);
        }

        // The vault first: no row may lie there whose pseudonyms cannot be turned back.
        request.Vault?.Save();
        rows.Complete();
        places.Complete();
        rejects.Complete();
        var report = new RedactionReport(rows.Rows, changed, rejected, tally.Types(), tally.TimedOut);
        ReportFile.Save(request.Output, ToJson(report));
        return report;
    }

    /// <summary>The report as JSON; holds no times and no personal data.</summary>
    public static JsonObject ToJson(RedactionReport report) => new()
    {
        ["rows"] = report.Rows, ["rows_changed"] = report.RowsChanged, ["rejected"] = report.Rejected,
        ["types"] = new JsonObject(report.Types.Select(t => KeyValuePair.Create(t.Key, (JsonNode?)new JsonObject
        {
            ["found"] = t.Value.Found, ["rows"] = t.Value.Rows, ["action"] = JsonNamingPolicy.SnakeCaseLower.ConvertName(t.Value.Action.ToString()), ["samples"] = new JsonArray([.. t.Value.Samples.Select(s => (JsonNode)s)]),
        }))),
        ["timed_out"] = new JsonObject(report.TimedOut.Select(t => KeyValuePair.Create(t.Key, (JsonNode?)t.Value))),
    };

    private sealed record Row(ReadOnlyMemory<byte> Line, int Number, List<(string Field, Redaction Finding, string Context)>? Findings, List<string> TimedOut);

    private static List<Row> Redact(LineBatch batch, Redactor redactor, RedactionRequest request)
    {
        var rows = new List<Row>();
        using var edit = new JsonEdit();
        foreach (var (line, number) in batch.Lines())
        {
            var findings = new List<(string, Redaction, string)>();
            var timedOut = new List<string>();
            var good = edit.TryApply(
                line,
                (field, value) =>
                {
                    if (request.Fields.Count > 0 ? !request.Fields.Contains(field) : field == request.IdField)
                    {
                        return value;
                    }

                    var redacted = redactor.Redact(value);
                    timedOut.AddRange(redacted.TimedOut);
                    findings.AddRange(redacted.Findings.Select((f, i) => (field, f, ContextOf(value, redacted.Findings, i))));
                    return redacted.Text;
                },
                out var row);
            rows.Add(new Row(row == line.Span ? line : row.ToArray(), number, good ? findings : null, timedOut));
        }

        return rows;
    }

    /// <summary>The text around a finding, every finding in it replaced by its type.</summary>
    private static string ContextOf(string text, IReadOnlyList<Redaction> findings, int which)
    {
        var span = findings[which].Span;
        var (from, to) = (Math.Max(0, span.Start - ContextLength), Math.Min(text.Length, span.End + ContextLength));
        var context = new StringBuilder();
        var at = from;
        foreach (var finding in findings)
        {
            if (finding.Span.End <= from || finding.Span.Start >= to)
            {
                continue;
            }

            context.Append(text, at, Math.Max(0, finding.Span.Start - at)).Append('[').Append(finding.Type).Append(']');
            at = finding.Span.End;
        }

        return (at < to ? context.Append(text, at, to - at) : context).ToString().ReplaceLineEndings(" ");
    }

    /// <summary>Counts, and a sample that depends on the places alone: those with the least hash.</summary>
    private sealed class Tally(RedactionPolicy policy)
    {
        private readonly SortedDictionary<string, (int Found, int Rows, RedactionAction Action, SortedSet<(ulong, string)> Samples)> _types = new(StringComparer.Ordinal);

        public SortedDictionary<string, int> TimedOut { get; } = new(StringComparer.Ordinal);

        public void Add(Row row)
        {
            foreach (var name in row.TimedOut)
            {
                TimedOut[name] = TimedOut.GetValueOrDefault(name) + 1;
            }

            foreach (var type in row.Findings!.GroupBy(f => f.Finding.Type, StringComparer.Ordinal))
            {
                if (!_types.TryGetValue(type.Key, out var tally))
                {
                    tally = (0, 0, policy.ActionOf(type.First().Finding.Span.Kind), []);
                }

                foreach (var (_, finding, context) in type)
                {
                    tally.Samples.Add((ShingleSet.Mix(((ulong)row.Number << 32) ^ (ulong)finding.Span.Start), $"line {row.Number.ToString(CultureInfo.InvariantCulture)}: {context}"));
                    if (tally.Samples.Count > SamplesOfType)
                    {
                        tally.Samples.Remove(tally.Samples.Max);
                    }
                }

                _types[type.Key] = tally with { Found = tally.Found + type.Count(), Rows = tally.Rows + 1 };
            }
        }

        public SortedDictionary<string, TypeReport> Types() => new(_types.ToDictionary(t => t.Key, t => new TypeReport(t.Value.Found, t.Value.Rows, t.Value.Action, [.. t.Value.Samples.Select(s => s.Item2)])), StringComparer.Ordinal);
    }
}
