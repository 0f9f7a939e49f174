using System.Collections.Immutable;

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

    /// <summary>Takes an application off. Does nothing when it is not live.</summary>
    public void Remove(string name) => ImmutableInterlocked.Update(ref _applications, map => map.Remove(name));

    /// <summary>Makes an embedder live.</summary>
    public void Set(LiveEmbedder embedder) => ImmutableInterlocked.Update(ref _embedders, map => map.SetItem(embedder.Name, embedder));

    /// <summary>The application called <paramref name="name"/>, or null.</summary>
    public LiveApplication? Find(string name) => _applications.GetValueOrDefault(name);

    /// <summary>The embedder called <paramref name="name"/>, or null.</summary>
    public LiveEmbedder? FindEmbedder(string name) => _embedders.GetValueOrDefault(name);
}
