using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Lauter.Catalog.Objects;

/// <summary>
/// The one form in which every output of a step is described and named: a dataset version, an index, a model, a suite, a scorecard,
/// a gate, a release. A manifest is itself an object (its canonical JSON), so its hash is the version, and following
/// <see cref="Inputs"/> walks the evidence chain back to <see cref="Sources"/>.
/// </summary>
/// <remarks>Holds nothing that changes from run to run (no times, no machine names): equal inputs give equal manifests.</remarks>
public sealed record Manifest
{
    /// <summary><c>sources</c>, <c>dataset</c>, <c>index</c>, <c>model</c>, <c>suite</c>, <c>scorecard</c>, <c>gate</c>, <c>release</c> …</summary>
    public required string Kind { get; init; }

    /// <summary>The name in the project file, for example <c>handbook</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The files of this version, by the name under which they are used.</summary>
    public IReadOnlyList<ManifestObject> Objects { get; init; } = [];

    /// <summary>The manifests this one was made from.</summary>
    public IReadOnlyList<ManifestLink> Inputs { get; init; } = [];

    /// <summary>Files of the user that were read, as they were (each is kept as an object too).</summary>
    public IReadOnlyList<ManifestSource> Sources { get; init; } = [];

    /// <summary>Counts and settings worth reading without opening the files; the kind decides the members.</summary>
    public JsonObject Facts { get; init; } = [];

    /// <summary>The object called <paramref name="name"/>.</summary>
    /// <exception cref="KeyNotFoundException">There is none.</exception>
    public ManifestObject Object(string name) =>
        Objects.FirstOrDefault(o => o.Name == name) ?? throw new KeyNotFoundException($"The {Kind} '{Name}' has no file '{name}'.");

    /// <summary>Canonical JSON of this manifest.</summary>
    public byte[] ToBytes() => CanonicalJson.Serialize(JsonSerializer.SerializeToElement(this, ManifestJson.Default.Manifest));

    /// <summary>Stores the manifest and returns its version (hash).</summary>
    public string WriteTo(ObjectStore store) => store.Write(ToBytes());

    /// <summary>Reads the manifest named <paramref name="sha256"/>.</summary>
    /// <exception cref="ObjectMissingException">It is not in the store.</exception>
    /// <exception cref="InvalidDataException">The object is not a manifest.</exception>
    public static Manifest Read(ObjectStore store, string sha256)
    {
        try
        {
            return JsonSerializer.Deserialize(store.ReadAllBytes(sha256), ManifestJson.Default.Manifest)
                ?? throw new InvalidDataException($"Object {sha256} is not a manifest: it holds null.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"Object {sha256} is not a manifest: {e.Message}", e);
        }
    }
}

/// <summary>One file of a manifest.</summary>
/// <param name="Name">The name under which the file is used, for example <c>data-00000.parquet</c> or <c>model.gguf</c>.</param>
/// <param name="Sha256">The name of the object.</param>
/// <param name="Bytes">Its length.</param>
public sealed record ManifestObject(string Name, string Sha256, long Bytes);

/// <summary>A manifest that this one depends on.</summary>
/// <param name="Role">What it was used as, for example <c>dataset</c>, <c>base</c>, <c>suite</c>, <c>baseline</c>.</param>
/// <param name="Kind">Its kind.</param>
/// <param name="Name">Its name.</param>
/// <param name="Sha256">Its version.</param>
public sealed record ManifestLink(string Role, string Kind, string Name, string Sha256);

/// <summary>A file of the user as it was when it was read.</summary>
/// <param name="Path">Relative to the project, with forward slashes.</param>
/// <param name="Sha256">Its content; the object of this name holds the bytes.</param>
/// <param name="Bytes">Its length.</param>
public sealed record ManifestSource(string Path, string Sha256, long Bytes);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Manifest))]
internal sealed partial class ManifestJson : JsonSerializerContext;
