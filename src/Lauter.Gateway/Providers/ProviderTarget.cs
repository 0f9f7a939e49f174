namespace Lauter.Gateway.Providers;

/// <summary>An OpenAI-compatible upstream and how requests to it are made.</summary>
public sealed record ProviderTarget
{
    /// <summary>Name in accounts and messages, for example <c>openai</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The upstream's base address, ending in <c>/v1/</c> or whatever stands before <c>chat/completions</c>.</summary>
    public required Uri BaseAddress { get; init; }

    /// <summary>The model's name at the upstream.</summary>
    public required string Model { get; init; }

    /// <summary>Sends the requests. It must not follow redirects and not time out by itself. Owned by whoever made it.</summary>
    public required HttpClient Client { get; init; }

    /// <summary>The upstream's key, from the environment or a file; never logged. Null = none is sent.</summary>
    public string? ApiKey { get; init; }

    /// <summary>The member that limits an answer when the caller names none: <c>max_tokens</c> (default) or <c>max_completion_tokens</c>.</summary>
    public string MaximumTokensMember { get; init; } = "max_tokens";

    /// <summary>False for servers that refuse <c>stream_options</c>; usage of streams is then estimated. Default true.</summary>
    public bool SupportsStreamUsage { get; init; } = true;

    /// <summary>A client as it should be: no redirects, no proxy cookies, no time limit of its own.</summary>
    public static HttpClient CreateClient() => new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        ConnectTimeout = TimeSpan.FromSeconds(10),
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    /// <summary>Holds no secret.</summary>
    public override string ToString() => $"{Name} ({Model} at {BaseAddress})";
}
