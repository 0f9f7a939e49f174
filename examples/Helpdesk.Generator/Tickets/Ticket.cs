using System.Text.Json.Serialization;
using Helpdesk.Generator.Text;

namespace Helpdesk.Generator.Tickets;

/// <summary>One line of tickets.jsonl.</summary>
internal sealed record TicketRow(
    [property: JsonPropertyName("id")] string Id,
    [property: JsonPropertyName("received")] string Received,
    [property: JsonPropertyName("language")] string Language,
    [property: JsonPropertyName("reviewed")] bool Reviewed,
    [property: JsonPropertyName("text")] string Text,
    [property: JsonPropertyName("intent")] string Intent,
    [property: JsonPropertyName("product")] string Product,
    [property: JsonPropertyName("urgency")] string Urgency);

/// <summary>A composed ticket before it gets an id: the text, its true labels and what was planted in it.</summary>
internal sealed record Ticket(string Language, string Text, string Intent, string Product, string Urgency)
{
    public bool Reviewed { get; init; }

    public DateTimeOffset Received { get; init; }

    public string Family { get; init; } = "plain";

    public bool Mixed { get; init; }

    public IReadOnlyList<Planted> Planted { get; init; } = [];

    /// <summary>The ticket this one repeats, and how (exact, case, whitespace, typo, width).</summary>
    public Ticket? Original { get; init; }

    public string? CopyKind { get; init; }
}
