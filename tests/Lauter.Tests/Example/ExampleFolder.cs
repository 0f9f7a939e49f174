using System.Text.Json;
using Lauter.Tests.Support;

namespace Lauter.Tests.Example;

/// <summary>One line of the example's tickets.</summary>
internal sealed record Ticket(string Id, string Received, string Language, bool Reviewed, string Text, string Intent, string Product, string Urgency);

/// <summary>The committed example, read without the product's own readers.</summary>
internal static class ExampleFolder
{
    private static readonly JsonSerializerOptions Web = new(JsonSerializerDefaults.Web);

    public static string Root { get; } = Path.Combine(SharedData.RepositoryRoot, "examples", "helpdesk");

    public static string PathOf(string relative) => Path.Combine(Root, relative);

    public static List<Ticket> Tickets(string relative) => [.. File.ReadLines(PathOf(relative)).Select(l => JsonSerializer.Deserialize<Ticket>(l, Web)!)];

    public static JsonElement Json(string relative)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(PathOf(relative)));
        return document.RootElement.Clone();
    }

    public static string String(this JsonElement element, string name) => element.GetProperty(name).GetString()!;
}
