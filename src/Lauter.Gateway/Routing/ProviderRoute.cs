using Lauter.Gateway.Providers;

namespace Lauter.Gateway.Routing;

/// <summary>How one of several entries of the same rank is chosen.</summary>
public enum RouteChoice
{
    /// <summary>At random, in proportion to the weights.</summary>
    Weight,

    /// <summary>The better of two drawn at random, by the time to the first byte measured lately.</summary>
    Latency,

    /// <summary>The cheapest by the price book for the request at hand.</summary>
    Cost,
}

/// <summary>When an entry takes part. Everything that is set must hold.</summary>
/// <param name="MinimumInputTokens">At least this many prompt tokens, estimated at four bytes each; null = any.</param>
/// <param name="MaximumInputTokens">At most this many.</param>
/// <param name="Stream">Only streams (true) or only whole answers (false).</param>
/// <param name="Tools">Only with tools (true) or only without (false).</param>
/// <param name="Tenants">Only these tenants; null = all.</param>
public sealed record RouteCondition(
    long? MinimumInputTokens = null, long? MaximumInputTokens = null, bool? Stream = null, bool? Tools = null, IReadOnlyList<string>? Tenants = null)
{
    internal bool Holds(in RouteQuestion question) =>
        (MinimumInputTokens is null || question.InputTokens >= MinimumInputTokens)
        && (MaximumInputTokens is null || question.InputTokens <= MaximumInputTokens)
        && (Stream is null || question.Stream == Stream)
        && (Tools is null || question.Tools == Tools)
        && (Tenants is null || Tenants.Contains(question.Tenant, StringComparer.Ordinal));
}

/// <summary>One model that may answer.</summary>
/// <param name="Target">Where.</param>
/// <param name="Rank">Lower ranks are asked first; the next rank is the fallback. Default 1.</param>
/// <param name="Weight">Share within the rank, above 0. Default 1.</param>
/// <param name="When">When it takes part; null = always.</param>
public sealed record RouteEntry(ProviderTarget Target, int Rank = 1, double Weight = 1, RouteCondition? When = null);

/// <summary>A share of the requests is also sent to a candidate whose answers nobody sees; they are traced and paid under the route <c>mirror</c>.</summary>
/// <param name="Target">The candidate.</param>
/// <param name="Share">0 to 1.</param>
public sealed record RouteMirror(ProviderTarget Target, double Share);

/// <summary>
/// The first rank answers; its answer is kept when the mean probability of its tokens is at least <paramref name="Threshold"/>, otherwise the next
/// rank answers. The entry must be able to give <c>logprobs</c>; an answer without them is escalated.
/// </summary>
/// <param name="Threshold">Geometric mean of the token probabilities, 0 to 1.</param>
public sealed record RouteCascade(double Threshold);

/// <summary>What may answer an application, and in which order. Immutable.</summary>
public sealed record ProviderRoute
{
    /// <summary>At least one entry.</summary>
    public required IReadOnlyList<RouteEntry> Entries { get; init; }

    /// <summary>How an entry is chosen within a rank.</summary>
    public RouteChoice Choose { get; init; } = RouteChoice.Weight;

    /// <summary>Asked when a model says that the text is too long for it; null = the caller is told.</summary>
    public ProviderTarget? LongerContext { get; init; }

    /// <summary>Asked when a provider's content filter refuses the request; null = the caller is told.</summary>
    public ProviderTarget? WhenFiltered { get; init; }

    /// <summary>A silent candidate; null = none.</summary>
    public RouteMirror? Mirror { get; init; }

    /// <summary>Small model first; null = every answer is kept.</summary>
    public RouteCascade? Cascade { get; init; }

    /// <summary>Longest time from sending to the first byte of an answer. Default 120 s.</summary>
    public TimeSpan FirstByteTimeout { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>Longest time between two events of a stream. Default 60 s.</summary>
    public TimeSpan EventTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Everything that may be asked and paid on behalf of a caller.</summary>
    internal IEnumerable<ProviderTarget> Targets =>
        Entries.Select(e => e.Target).Append(LongerContext).Append(WhenFiltered).OfType<ProviderTarget>();

    internal static ProviderRoute To(ProviderTarget target) => new() { Entries = [new RouteEntry(target)] };
}

/// <summary>What the choice depends on.</summary>
internal readonly record struct RouteQuestion(string Tenant, long InputTokens, long OutputTokens, bool Stream, bool Tools);
