namespace Lauter.Ledger.Budgets;

/// <summary>How fast an account may ask. Each limit that is null does not apply.</summary>
/// <param name="Account">As of a <see cref="Budget"/>; <c>key:*</c> gives every key limits of its own unless it has some.</param>
public sealed record RateLimit(string Account)
{
    /// <summary>Requests a minute on average, at most a minute's worth at once; at least 1.</summary>
    public long? RequestsPerMinute { get; init; }

    /// <summary>Tokens a minute on average, at most a minute's worth at once; at least 1. What a request reserves and does not use is given back.</summary>
    public long? TokensPerMinute { get; init; }

    /// <summary>Requests at the same time; at least 1.</summary>
    public int? Concurrent { get; init; }

    /// <summary>True = measure and report, never refuse.</summary>
    public bool Shadow { get; init; }

    /// <summary>True when it limits nothing.</summary>
    public bool IsEmpty => RequestsPerMinute is null && TokensPerMinute is null && Concurrent is null;

    /// <summary>The tighter of both, limit by limit. A limit that only measures gives way to one that refuses.</summary>
    public RateLimit And(RateLimit other) => Shadow != other.Shadow
        ? Shadow ? other : this
        : this with
        {
            RequestsPerMinute = Least(RequestsPerMinute, other.RequestsPerMinute), TokensPerMinute = Least(TokensPerMinute, other.TokensPerMinute), Concurrent = (int?)Least(Concurrent, other.Concurrent),
        };

    private static long? Least(long? a, long? b) => a is null || b < a ? b : a;
}

/// <summary>Which rate stands in the way.</summary>
public enum RateKind
{
    /// <summary>Requests a minute.</summary>
    Requests,

    /// <summary>Tokens a minute.</summary>
    Tokens,

    /// <summary>Requests at the same time.</summary>
    Concurrency,
}

/// <summary>Why a request must wait.</summary>
/// <param name="Limit">The account's limits.</param>
/// <param name="Kind">Which of them.</param>
/// <param name="Allowed">What it allows.</param>
/// <param name="Asked">What the request needs: 1, or its tokens.</param>
/// <param name="RetryAfter">When it could succeed; null = never, because one request needs more than a minute's worth; concurrency: one second.</param>
public sealed record RateRefusal(RateLimit Limit, RateKind Kind, long Allowed, long Asked, TimeSpan? RetryAfter)
{
    /// <summary>One sentence for the caller.</summary>
    public override string ToString() => Kind switch
    {
        RateKind.Concurrency => $"{Limit.Account} has {Allowed} requests running, which is its limit: wait for one to end.",
        _ when RetryAfter is null => $"{Limit.Account} may use {Allowed} tokens a minute, and this request alone could use {Asked}: ask for fewer, or for a higher limit.",
        RateKind.Tokens => $"{Limit.Account} may use {Allowed} tokens a minute and this request could use {Asked}: try again in {Math.Ceiling(RetryAfter.Value.TotalSeconds)} s.",
        _ => $"{Limit.Account} may ask {Allowed} times a minute: try again in {Math.Ceiling(RetryAfter!.Value.TotalSeconds)} s.",
    };
}

/// <summary>How much of a rate is left, for the headers <c>x-ratelimit-*</c>.</summary>
/// <param name="Kind">Which rate.</param>
/// <param name="Limit">What a minute allows.</param>
/// <param name="Remaining">What is left now.</param>
/// <param name="ResetAfter">Until everything is there again.</param>
public sealed record RateHeadroom(RateKind Kind, long Limit, long Remaining, TimeSpan ResetAfter);
