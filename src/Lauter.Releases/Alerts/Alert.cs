using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Lauter.Releases.Alerts;

/// <summary>Something an operator should know.</summary>
public sealed record Alert
{
    /// <summary>UUID version 7: a receiver that gets it twice knows it by this.</summary>
    public required Guid Id { get; init; }

    /// <summary>When it was raised.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Stable code: <c>drift</c>, <c>rollout</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>The application.</summary>
    public required string Application { get; init; }

    /// <summary>The release it is about; null for the application as a whole.</summary>
    public string? Release { get; init; }

    /// <summary>What is wrong, with its numbers, in a sentence.</summary>
    public required string Text { get; init; }

    /// <summary>The numbers for programs; the kind decides the members. Holds no text of a request.</summary>
    public JsonObject Details { get; init; } = [];
}

/// <summary>An alert and what became of its delivery.</summary>
/// <param name="Alert">The alert.</param>
/// <param name="Delivered">When the receiver took it; null when it has not, or when there is none.</param>
/// <param name="Attempts">How often it was tried.</param>
/// <param name="GivenUp">Why it will not be tried again, or null.</param>
public sealed record AlertState(Alert Alert, DateTimeOffset? Delivered, int Attempts, string? GivenUp)
{
    /// <summary>True while it may still be delivered.</summary>
    public bool Pending => Delivered is null && GivenUp is null;
}

internal sealed record AlertLine(Alert? Raised, Guid? Id, int Attempt, DateTimeOffset? Delivered, string? Fault, string? GivenUp);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AlertLine))]
[JsonSerializable(typeof(Alert))]
internal sealed partial class AlertJson : JsonSerializerContext;
