using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Lauter.Data.Tables;

namespace Lauter.Data.Redaction;

/// <summary>Redacts one batch of lines and renders all that is written about it, so that nothing but copying is left to the thread that keeps the order. For one worker.</summary>
internal sealed class RedactedBatch(RedactionRequest request, Redactor redactor)
{
    private static readonly JsonWriterOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    private readonly HashSet<string> _fields = [.. request.Fields];

    /// <summary>Rows, redacted, with line feeds.</summary>
    public ArrayBufferWriter<byte> Rows { get; private set; } = new();

    public int RowCount { get; private set; }

    /// <summary>Where something was found; never what.</summary>
    public ArrayBufferWriter<byte> Places { get; } = new();

    public int PlaceCount { get; private set; }

    /// <summary>Lines that are no rows.</summary>
    public ArrayBufferWriter<byte> Rejects { get; } = new();

    public int RejectCount { get; private set; }

    /// <summary>Pseudonyms and hashes with what they stand for; empty without a vault.</summary>
    public List<(string Token, string Value)> Secrets { get; } = [];

    public RedactionTally Tally { get; } = new(request.Policy);

    public RedactedBatch Of(LineBatch batch)
    {
        Rows = new ArrayBufferWriter<byte>(batch.Length + (batch.Length / 8) + 64);
        using var edit = new JsonEdit();
        using var json = new Utf8JsonWriter(Places, Relaxed);
        var findings = new List<(string Field, string Text, IReadOnlyList<Redaction> All)>();
        var number = 0;
        var searched = (string field, string value) =>
        {
            if (_fields.Count > 0 ? !_fields.Contains(field) : field == request.IdField)
            {
                return value;
            }

            var redacted = redactor.Redact(value);
            Tally.AddTimedOut(redacted.TimedOut);
            if (redacted.Findings.Count > 0)
            {
                findings.Add((field, value, redacted.Findings));
            }

            return redacted.Text;
        };
        foreach (var (line, lineNumber) in batch.Lines())
        {
            findings.Clear();
            number = lineNumber;
            if (!edit.TryApply(line, searched, out var row))
            {
                Reject(number);
                continue;
            }

            Rows.Write(row);
            Rows.Write("\n"u8);
            RowCount++;
            foreach (var (field, _, all) in findings)
            {
                foreach (var finding in all)
                {
                    Place(json, number, field, finding);
                    if (request.Vault is not null && finding.Replacement is not null && request.Policy.ActionOf(finding.Span.Kind) is RedactionAction.Pseudonym or RedactionAction.Hash)
                    {
                        Secrets.Add((finding.Replacement, finding.Value));
                    }
                }
            }

            Tally.AddRow(number, findings);
        }

        return this;
    }

    private void Place(Utf8JsonWriter json, int line, string field, Redaction finding)
    {
        json.Reset();
        json.WriteStartObject();
        json.WriteNumber("line", line);
        json.WriteString("field", field);
        json.WriteString("type", finding.Type);
        json.WriteNumber("start", finding.Span.Start);
        json.WriteNumber("length", finding.Span.Length);
        json.WriteEndObject();
        json.Flush();
        Places.Write("\n"u8);
        PlaceCount++;
    }

    private void Reject(int line)
    {
        using var json = new Utf8JsonWriter(Rejects, Relaxed);
        json.WriteStartObject();
        json.WriteNumber("line", line);
        json.WriteString("reason", "not_json");
        json.WriteEndObject();
        json.Flush();
        Rejects.Write("\n"u8);
        RejectCount++;
    }
}
