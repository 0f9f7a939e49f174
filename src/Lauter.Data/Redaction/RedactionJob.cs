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
    /// <summary>Runs it.</summary>
    /// <exception cref="FileNotFoundException">The input is not there.</exception>
    /// <exception cref="InvalidDataException">The input can't be read as rows.</exception>
    public static RedactionReport Run(RedactionRequest request, CancellationToken cancellation = default)
    {
        Directory.CreateDirectory(request.Output);
        var redactor = new Redactor(request.Policy);
        var total = new RedactionTally(request.Policy);
        using var rows = new RowFileWriter(Path.Combine(request.Output, "redacted" + ((request.Parquet ?? RowFile.IsParquet(request.Input)) ? ".parquet" : ".jsonl")));
        using var places = new RowFileWriter(Path.Combine(request.Output, "findings.jsonl"));
        using var rejects = new RowFileWriter(Path.Combine(request.Output, "rejects.jsonl"));
        foreach (var batch in OrderedMap.Run(RowFile.Read(request.Input), b => new RedactedBatch(request, redactor).Of(b), request.Workers, cancellation))
        {
            rows.WriteLines(batch.Rows.WrittenSpan, batch.RowCount);
            places.WriteLines(batch.Places.WrittenSpan, batch.PlaceCount);
            rejects.WriteLines(batch.Rejects.WrittenSpan, batch.RejectCount);
            foreach (var (token, value) in batch.Secrets)
            {
                request.Vault!.Add(token, value);
            }

            total.Add(batch.Tally);
        }

        // The vault first: no row may lie there whose pseudonyms cannot be turned back.
        request.Vault?.Save();
        rows.Complete();
        places.Complete();
        rejects.Complete();
        var report = new RedactionReport(rows.Rows, total.RowsChanged, rejects.Rows, total.Types(), total.TimedOut);
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
}
