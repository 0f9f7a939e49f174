using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Lauter.Catalog.Objects;
using Microsoft.Extensions.FileSystemGlobbing;

namespace Lauter.Catalog.Plan;

/// <summary>Finds and hashes the user's files. Hashes are remembered by path, length and time of change, so a second look costs no reading.</summary>
/// <param name="projectDirectory">The project.</param>
/// <param name="stateDirectory">Its <c>.lauter</c>.</param>
public sealed class SourceFiles(string projectDirectory, string stateDirectory)
{
    private readonly string _cachePath = Path.Combine(stateDirectory, "sources.json");
    private Dictionary<string, SourceStamp>? _stamps;
    private bool _changed;

    /// <summary>The files that match the globs, sorted by path, each once. <c>.lauter</c> is never matched.</summary>
    public IReadOnlyList<ManifestSource> Find(IEnumerable<string> globs)
    {
        var matcher = new Matcher(StringComparison.Ordinal);
        foreach (var glob in globs)
        {
            matcher.AddInclude(glob);
        }

        matcher.AddExclude(".lauter/**");
        return [.. matcher.GetResultsInFullPath(projectDirectory).Select(Hash).DistinctBy(s => s.Path).OrderBy(s => s.Path, StringComparer.Ordinal)];
    }

    /// <summary>Hashes one file, given by its path relative to the project.</summary>
    public ManifestSource Hash(string path)
    {
        var full = Path.GetFullPath(path, projectDirectory);
        var relative = Path.GetRelativePath(projectDirectory, full).Replace('\\', '/');
        var info = new FileInfo(full);
        _stamps ??= Load();
        if (_stamps.TryGetValue(relative, out var stamp) && stamp.Bytes == info.Length && stamp.ChangedTicks == info.LastWriteTimeUtc.Ticks)
        {
            return new ManifestSource(relative, stamp.Sha256, stamp.Bytes);
        }

        using var stream = info.OpenRead();
        var sha256 = Convert.ToHexStringLower(SHA256.HashData(stream));
        _stamps[relative] = new SourceStamp(info.Length, info.LastWriteTimeUtc.Ticks, sha256);
        _changed = true;
        return new ManifestSource(relative, sha256, info.Length);
    }

    /// <summary>Writes what was learned to disk.</summary>
    public void Save()
    {
        if (_changed && _stamps is not null)
        {
            AtomicFile.WriteJson(_cachePath, _stamps, SourceJson.Default.DictionaryStringSourceStamp);
            _changed = false;
        }
    }

    private Dictionary<string, SourceStamp> Load()
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(_cachePath), SourceJson.Default.DictionaryStringSourceStamp) ?? [];
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or JsonException)
        {
            // Only a cache: without it every file is hashed again.
            return [];
        }
    }
}

/// <summary>What was seen of a file when it was hashed.</summary>
internal sealed record SourceStamp(long Bytes, long ChangedTicks, string Sha256);

[JsonSerializable(typeof(Dictionary<string, SourceStamp>))]
internal sealed partial class SourceJson : JsonSerializerContext;
