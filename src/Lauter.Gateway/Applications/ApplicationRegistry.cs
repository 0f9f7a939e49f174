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
    public void SetCanary(LiveApplication candidate, double share, string salt)
    {
        if (!(share > 0 && share < 1))
        {
            throw new ArgumentException($"A canary's share lies between 0 and 1, but is {share}.", nameof(share));
        }

        var compiled = candidate.Compile();
        ImmutableInterlocked.Update(ref _canaries, map => map.SetItem(compiled.Name, new Canary(compiled, share, salt)));
    }

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
        return (bucket < canary.Share ? canary.Candidate : live, user is null ? null : Convert.ToHexStringLower(hash.AsSpan(8, 12)));
    }

    /// <summary>Takes an application off. Does nothing when it is not live.</summary>
    public void Remove(string name) => ImmutableInterlocked.Update(ref _applications, map => map.Remove(name));

    /// <summary>Makes an embedder live.</summary>
    public void Set(LiveEmbedder embedder) => ImmutableInterlocked.Update(ref _embedders, map => map.SetItem(embedder.Name, embedder));

    /// <summary>The application called <paramref name="name"/>, or null.</summary>
    public LiveApplication? Find(string name) => _applications.GetValueOrDefault(name);

    /// <summary>The embedder called <paramref name="name"/>, or null.</summary>
    public LiveEmbedder? FindEmbedder(string name) => _embedders.GetValueOrDefault(name);

    private sealed record Canary(LiveApplication Candidate, double Share, string Salt);
}
