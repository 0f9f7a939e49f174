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

    internal Lauter.Ledger.Budgets.RateLimit? ToRate(string tenant) => RequestsPerMinute is null && TokensPerMinute is null && ConcurrentRequests is null
        ? null
        : new($"tenant:{tenant}") { RequestsPerMinute = RequestsPerMinute, TokensPerMinute = TokensPerMinute, Concurrent = ConcurrentRequests };
}
