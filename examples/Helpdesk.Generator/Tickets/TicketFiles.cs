using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Helpdesk.Generator.Tickets;

/// <summary>Writes tickets.jsonl, later/tickets.jsonl and truth/tickets.json.</summary>
internal static class TicketFiles
{
    private static readonly JsonSerializerOptions Line = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    public static void Write(string folder, ulong seed, IReadOnlyList<Filed> tickets, IReadOnlyList<Filed> later)
    {
        WriteLines(Path.Combine(folder, "tickets.jsonl"), tickets.Select(t => JsonSerializer.Serialize(t.Row, Line)));
        WriteLines(Path.Combine(folder, "later", "tickets.jsonl"), later.Select(t => JsonSerializer.Serialize(t.Row, Line)));

        // The truth keeps one fact a line: it is read by people who search it.
        var ids = tickets.ToDictionary(t => t.Ticket, t => t.Row.Id, (IEqualityComparer<Ticket>)ReferenceEqualityComparer.Instance);
        var text = new StringBuilder();
        text.Append("{\n  \"seed\": ").Append(seed).Append(",\n");
        List(text, "wrong_labels", tickets.Where(t => t.Row.Intent != t.Ticket.Intent).Select(t => (object)new { id = t.Row.Id, given = t.Row.Intent, correct = t.Ticket.Intent }));
        List(text, "duplicates", tickets.Where(t => t.Ticket.Original is not null).Select(t => (object)new { id = t.Row.Id, of = ids[t.Ticket.Original!], kind = t.Ticket.CopyKind }));
        List(text, "personal_data", tickets.Where(t => t.Ticket.CopyKind is null or "exact").SelectMany(t => t.Ticket.Planted.Where(p => t.Row.Text.Contains(p.Value, StringComparison.Ordinal)).Select(p => (object)new { id = t.Row.Id, kind = p.Kind, value = p.Value })));
        List(text, "mixed_language", tickets.Where(t => t.Ticket.Mixed).Select(t => (object)t.Row.Id));
        List(text, "later_families", later.Where(t => t.Ticket.Family != "plain").Select(t => (object)new { id = t.Row.Id, family = t.Ticket.Family }), last: true);
        text.Append("}\n");
        WriteText(Path.Combine(folder, "truth", "tickets.json"), text.ToString());
    }

    private static void List(StringBuilder text, string name, IEnumerable<object> items, bool last = false) =>
        text.Append("  \"").Append(name).Append("\": [\n    ")
            .AppendJoin(",\n    ", items.Select(i => JsonSerializer.Serialize(i, Line)))
            .Append("\n  ]").Append(last ? "\n" : ",\n");

    private static void WriteLines(string path, IEnumerable<string> lines) => WriteText(path, string.Join('\n', lines) + "\n");

    private static void WriteText(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text, Utf8);
    }
}
