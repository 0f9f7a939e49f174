namespace Lauter.Gateway.Providers;

/// <summary>What a provider speaks.</summary>
public enum ProviderWire
{
    /// <summary>OpenAI's paths and bodies, the key as a bearer token.</summary>
    OpenAi,

    /// <summary>OpenAI's bodies with the key in the header <c>api-key</c>, as Azure wants it.</summary>
    Azure,

    /// <summary>Anthropic's Messages; requests and answers are translated.</summary>
    Anthropic,
}

/// <summary>An OpenAI-compatible upstream and how requests to it are made.</summary>
public sealed record ProviderTarget
{
    /// <summary>Name in accounts and messages, for example <c>openai</c>.</summary>
    public required string Name
    {
        get;
        init
        {
            field = value;
            Key = $"{value}/{Model}";
        }
    }

    /// <summary>The upstream's base address, ending in <c>/v1/</c> or whatever stands before <c>chat/completions</c>.</summary>
    public required Uri BaseAddress { get; init; }

    /// <summary>The model's name at the upstream.</summary>
    public required string Model
    {
        get;
        init
        {
            // In the setter, so that a copy made by 'with' does not keep what belongs to another model.
            field = value;
            ModelJson = System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(value);
            Key = $"{Name}/{value}";
        }
    }

    /// <summary>The wire that the upstream speaks. Default: OpenAI's.</summary>
    public ProviderWire Wire { get; init; } = ProviderWire.OpenAi;

    /// <summary>The product in the price book; null = the application's, else <see cref="Model"/>.</summary>
    public string? Sku { get; init; }

    /// <summary>Put behind the path, for example <c>?api-version=2024-10-21</c>; null = nothing.</summary>
    public string? Query { get; init; }

    /// <summary>Members that the upstream refuses and that may be left out without changing what is asked, for example <c>store</c>.</summary>
    public IReadOnlyList<string> Drops { get; init; } = [];

    internal byte[] ModelJson { get; private set; } = [];

    internal System.Net.Http.Headers.AuthenticationHeaderValue? Bearer { get; private set; }

    /// <summary>Provider and model, the unit of health.</summary>
    internal string Key { get; private set; } = "";

    /// <summary>Sends the requests. It must not follow redirects and not time out by itself. Owned by whoever made it.</summary>
    public required HttpClient Client { get; init; }

    /// <summary>The upstream's key, from the environment or a file; never logged. Null = none is sent.</summary>
    public string? ApiKey
    {
        get;
        init
        {
            field = value;
            Bearer = value is null ? null : new("Bearer", value);
        }
    }

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
        UseProxy = false,
        ActivityHeadersPropagator = null,
    })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    internal Uri AddressOf(string path)
    {
        var known = _address; // one path is asked nearly always
        if (known is null || known.Path != path || !ReferenceEquals(known.Base, BaseAddress) || known.Query != Query)
        {
            _address = known = new Address(BaseAddress, path, Query, new Uri(BaseAddress, path + Query));
        }

        return known.Whole;
    }

    private Address? _address;

    /// <summary>Holds no secret.</summary>
    public override string ToString() => $"{Name} ({Model} at {BaseAddress})";

    private sealed record Address(Uri Base, string Path, string? Query, Uri Whole);
}
