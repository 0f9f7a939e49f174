using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;

namespace Lauter.Gateway.Applications;

/// <summary>
/// The applications that are live. A change replaces an immutable map, so a request sees one consistent state and those in flight end
/// with the release they began with.
/// </summary>
/// <remarks>Safe for concurrent use.</remarks>
public sealed class ApplicationRegistry
{
    private ImmutableSortedDictionary<string, LiveApplication> _applications = ImmutableSortedDictionary.Create<string, LiveApplication>(StringComparer.Ordinal);
    private ImmutableSortedDictionary<string, LiveEmbedder> _embedders = ImmutableSortedDictionary.Create<string, LiveEmbedder>(StringComparer.Ordinal);

    private ImmutableDictionary<string, ImmutableArray<LiveApplication>> _shadows = ImmutableDictionary.Create<string, ImmutableArray<LiveApplication>>(StringComparer.Ordinal);

    private ImmutableDictionary<string, Canary> _canaries = ImmutableDictionary.Create<string, Canary>(StringComparer.Ordinal);

    /// <summary>Every application, by name.</summary>
    public IEnumerable<LiveApplication> Applications => _applications.Values;

    /// <summary>Every embedder, by name.</summary>
    public IEnumerable<LiveEmbedder> Embedders => _embedders.Values;

    /// <summary>Makes <paramref name="application"/> live, in place of the one of the same name.</summary>
    /// <exception cref="ArgumentException">It contradicts itself, or a schema is not one.</exception>
    public void Set(LiveApplication application)
    {
        var compiled = application.Compile();
        ImmutableInterlocked.Update(ref _applications, map => map.SetItem(compiled.Name, compiled));
    }

    /// <summary>Lets <paramref name="candidate"/> answer a share of the requests of the application of the same name.</summary>
    /// <param name="candidate">The release on its way.</param>
    /// <param name="share">Share of the units, above 0 and below 1.</param>
    /// <param name="salt">Decides which units: keep it while the share rises, so that nobody changes back and forth.</param>
    /// <exception cref="ArgumentException">The candidate contradicts itself, or the share is out of its range.</exception>
    public void SetCanary(LiveApplication candidate, double share, string salt) => SetCanaries(candidate.Name, [candidate], share, salt);

    /// <summary>Lets several candidates answer equal parts of a share of the requests.</summary>
    /// <param name="name">The application.</param>
    /// <param name="candidates">
    /// The releases on their way, all of that application. A place that is null has left: its requests go to what is live, and nobody else changes the release.
    /// </param>
    /// <param name="share">Share of the units for all places together, above 0 and below 1.</param>
    /// <param name="salt">Decides which units: keep it while the share rises, so that nobody changes back and forth.</param>
    /// <exception cref="ArgumentException">A candidate contradicts itself, or the share is out of its range.</exception>
    public void SetCanaries(string name, IReadOnlyList<LiveApplication?> candidates, double share, string salt)
    {
        if (!(share > 0 && share < 1))
        {
            throw new ArgumentException($"A canary's share lies between 0 and 1, but is {share}.", nameof(share));
        }

        ArgumentOutOfRangeException.ThrowIfZero(candidates.Count);
        ImmutableArray<LiveApplication?> compiled = [.. candidates.Select(c => c?.Compile())];
        ImmutableInterlocked.Update(ref _canaries, map => map.SetItem(name, new Canary(compiled, share, salt)));
    }

    /// <summary>Lets candidates answer every request of <paramref name="name"/> silently, after the caller has its answer; none ends it.</summary>
    /// <exception cref="ArgumentException">A candidate contradicts itself.</exception>
    public void SetShadows(string name, IReadOnlyList<LiveApplication> candidates)
    {
        ImmutableArray<LiveApplication> compiled = [.. candidates.Select(c => c.Compile())];
        ImmutableInterlocked.Update(ref _shadows, map => compiled.IsEmpty ? map.Remove(name) : map.SetItem(name, compiled));
    }

    /// <summary>Who answers the requests of <paramref name="name"/> silently.</summary>
    internal ImmutableArray<LiveApplication> ShadowsOf(string name) => _shadows.GetValueOrDefault(name, []);

    /// <summary>All requests of <paramref name="name"/> go to what is live. Does nothing without a canary.</summary>
    public void RemoveCanary(string name) => ImmutableInterlocked.Update(ref _canaries, map => map.Remove(name));

    /// <summary>
    /// Which release answers a request: the same one for every request of a user of a tenant, so that nobody meets two behaviours in
    /// one conversation; by chance for requests that name no user.
    /// </summary>
    /// <param name="live">What <see cref="Find"/> gave.</param>
    /// <param name="tenant">Whose request it is.</param>
    /// <param name="user">The caller's <c>user</c> or <c>safety_identifier</c>, or null.</param>
    /// <param name="request">The request's id.</param>
    /// <returns>The release, and a hash that names the user; null without a user or without a canary.</returns>
    internal (LiveApplication Release, string? Unit) Assign(LiveApplication live, string tenant, string? user, Guid request)
    {
        if (!_canaries.TryGetValue(live.Name, out var canary))
        {
            return (live, null);
        }

        var key = user is null ? request.ToString("N") : $"{tenant}\n{user}";
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{canary.Salt}\n{key}"));
        var bucket = (BinaryPrimitives.ReadUInt64BigEndian(hash) >> 11) * (1.0 / (1UL << 53));
        var place = (int)(BinaryPrimitives.ReadUInt64BigEndian(hash.AsSpan(20)) % (ulong)canary.Candidates.Length);
        return (bucket < canary.Share ? canary.Candidates[place] ?? live : live, user is null ? null : Convert.ToHexStringLower(hash.AsSpan(8, 12)));
    }

    /// <summary>Takes an application off. Does nothing when it is not live.</summary>
    public void Remove(string name) => ImmutableInterlocked.Update(ref _applications, map => map.Remove(name));

    /// <summary>Makes an embedder live.</summary>
    public void Set(LiveEmbedder embedder) => ImmutableInterlocked.Update(ref _embedders, map => map.SetItem(embedder.Name, embedder));

    /// <summary>The application called <paramref name="name"/>, or null.</summary>
    public LiveApplication? Find(string name) => _applications.GetValueOrDefault(name);

    /// <summary>The embedder called <paramref name="name"/>, or null.</summary>
    public LiveEmbedder? FindEmbedder(string name) => _embedders.GetValueOrDefault(name);

    private sealed record Canary(ImmutableArray<LiveApplication?> Candidates, double Share, string Salt);
}
