namespace Lauter.Gateway.Limits;

/// <summary>Limits of everything that one tenant sends, whatever the key.</summary>
public sealed record TenantLimits
{
    /// <summary>Most requests a minute; null = no limit.</summary>
    public int? RequestsPerMinute { get; init; }

    /// <summary>Most tokens a minute, prompt and answer together; null = no limit.</summary>
    public int? TokensPerMinute { get; init; }

    /// <summary>Most requests at the same time; null = no limit.</summary>
    public int? ConcurrentRequests { get; init; }

    /// <summary>No limits.</summary>
    public static TenantLimits None { get; } = new();
}
