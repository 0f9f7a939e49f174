using Json.Schema;
using Lauter.Gateway.Settlement;

namespace Lauter.Gateway.Applications;

/// <summary>What kind of candidate serves an application.</summary>
public enum ApplicationKind
{
    /// <summary>A model on a local engine, with prompt and schemas.</summary>
    Model,

    /// <summary>Passages of an index, quoted.</summary>
    Passages,

    /// <summary>The nearest labelled example.</summary>
    Nearest,

    /// <summary>Any OpenAI-compatible upstream; the caller's bytes pass through.</summary>
    Provider,
}

/// <summary>One application as it is served now. Immutable: a release replaces the whole record in the <see cref="ApplicationRegistry"/>.</summary>
public sealed record LiveApplication
{
    /// <summary>The name that callers put into <c>model</c>.</summary>
    public required string Name { get; init; }

    /// <summary>What serves it.</summary>
    public required ApplicationKind Kind { get; init; }

    /// <summary>The release, for example <c>triage-3</c>, or null.</summary>
    public string? ReleaseId { get; init; }

    /// <summary>Answers requests of every kind but <see cref="ApplicationKind.Provider"/>.</summary>
    public IAnswerSource? Source { get; init; }

    /// <summary>The upstream of kind <see cref="ApplicationKind.Provider"/>.</summary>
    public Providers.ProviderTarget? Provider { get; init; }

    /// <summary>Several upstreams with an order; null = <see cref="Provider"/> alone.</summary>
    public Routing.ProviderRoute? Route { get; init; }

    /// <summary>JSON Schema of the input object as text; null = the input is plain text.</summary>
    public string? InputSchema { get; init; }

    /// <summary>JSON Schema that every answer must satisfy, as text; null = any text.</summary>
    public string? OutputSchema { get; init; }

    /// <summary>Most tokens of one answer; also used when the caller names none. Default 1,024.</summary>
    public int MaximumOutputTokens { get; init; } = 1_024;

    /// <summary>
    /// The product in the price book whose tokens this application uses. Default: the provider's model; null for local work, whose tokens are
    /// paid by machine time.
    /// </summary>
    public string? Sku { get; init; }

    /// <summary>Most tokens that prompt and passages add to the caller's, which bounds the cost when <see cref="Sku"/> is priced. Default 0.</summary>
    public int MaximumAddedInputTokens { get; init; }

    /// <summary>Cores that a local request may occupy, which bounds its cost. Default 1.</summary>
    public int Cores { get; init; } = 1;

    /// <summary>Divides the time of an engine's cores among its concurrent requests; null = the request's own duration on <see cref="Cores"/> cores.</summary>
    public EngineClock? Clock { get; init; }

    /// <summary>Guards in the order in which they look; none by default.</summary>
    public IReadOnlyList<Guards.Guard> Guards { get; init; } = [];

    /// <summary>Which answers are kept and given again. Default: none.</summary>
    public Caches.CachePolicy Cache { get; init; } = Caches.CachePolicy.Off;

    /// <summary>How answers to questions that only mean the same are given; used with <see cref="Caches.CachePolicy.Semantic"/>. Null = not.</summary>
    public Caches.SemanticPolicy? Semantic { get; init; }

    /// <summary>When it went live, for <c>GET /v1/models</c>.</summary>
    public DateTimeOffset Created { get; init; } = DateTimeOffset.UnixEpoch;

    /// <summary>Differs between any two applications that were ever made live in this process.</summary>
    internal long Generation { get; private init; }

    private static long _generations;

    internal JsonSchema? Input { get; private init; }

    internal JsonSchema? Output { get; private init; }

    internal string? OnlyTextField { get; private init; }

    /// <summary>Checks the record and compiles its schemas once.</summary>
    /// <exception cref="ArgumentException">It contradicts itself, or a schema is not one.</exception>
    internal LiveApplication Compile()
    {
        if (string.IsNullOrEmpty(Name) || Name.Length > 128 || Name.Any(c => char.IsControl(c) || char.IsWhiteSpace(c)))
        {
            throw new ArgumentException($"'{Name}' is not a name of an application: 1 to 128 characters without spaces.", nameof(Name));
        }

        if (Kind == ApplicationKind.Provider ? Provider is null && Route is not { Entries.Count: > 0 } : Source is null)
        {
            throw new ArgumentException($"The application '{Name}' of kind {Kind} has nothing that answers: set {(Kind == ApplicationKind.Provider ? nameof(Provider) : nameof(Source))}.");
        }

        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaximumOutputTokens);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Cores);
        return this with
        {
            Generation = Interlocked.Increment(ref _generations),
            Input = InputReader.Parse(Name, "input", InputSchema),
            Output = InputReader.Parse(Name, "output", OutputSchema),
            Provider = Provider ?? Route?.Entries[0].Target,
            Route = Route ?? (Provider is null ? null : Routing.ProviderRoute.To(Provider)),
            OnlyTextField = InputReader.OnlyTextField(InputSchema),
        };
    }
}

/// <summary>What turns texts into vectors under a name.</summary>
/// <param name="Name">What callers put into <c>model</c>.</param>
/// <param name="Dimensions">Length of each vector.</param>
/// <param name="EmbedAsync">One vector per text, in order.</param>
public sealed record LiveEmbedder(string Name, int Dimensions, Func<IReadOnlyList<string>, CancellationToken, ValueTask<float[][]>> EmbedAsync)
{
    /// <summary>Counts tokens; null = they are estimated from the length.</summary>
    public Func<string, int>? CountTokens { get; init; }
}
