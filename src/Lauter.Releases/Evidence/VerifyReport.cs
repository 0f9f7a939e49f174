using System.Text.Json;
using System.Text.Json.Serialization;

namespace Lauter.Releases.Evidence;

/// <summary>What a fault of the chain is. Frozen words.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<EvidenceFaultKind>))]
public enum EvidenceFaultKind
{
    /// <summary>The store does not hold it.</summary>
    [JsonStringEnumMemberName("missing")]
    Missing,

    /// <summary>Its bytes are not those it is named by.</summary>
    [JsonStringEnumMemberName("changed")]
    Changed,

    /// <summary>Its length is not the one its manifest states.</summary>
    [JsonStringEnumMemberName("wrong_length")]
    WrongLength,

    /// <summary>It should be a manifest and is not.</summary>
    [JsonStringEnumMemberName("not_a_manifest")]
    NotAManifest,

    /// <summary>The link to it states another kind or name than its manifest.</summary>
    [JsonStringEnumMemberName("wrong_link")]
    WrongLink,

    /// <summary>It could not be read.</summary>
    [JsonStringEnumMemberName("unreadable")]
    Unreadable,
}

/// <summary>One fault of a chain.</summary>
/// <param name="Kind">What is wrong.</param>
/// <param name="Sha256">The object.</param>
/// <param name="What">The object in words, for example <c>file model.gguf of model triage-sft</c>.</param>
/// <param name="Detail">What was expected and what was seen.</param>
/// <param name="Dependents">Every manifest that rests on it, nearest first, the release last.</param>
public sealed record EvidenceFault(EvidenceFaultKind Kind, string Sha256, string What, string Detail, IReadOnlyList<string> Dependents);

/// <summary>A source that the project now holds in another form. Not a fault: the chain keeps what was used.</summary>
/// <param name="Path">Relative to the project.</param>
/// <param name="State"><c>changed</c> or <c>removed</c>.</param>
public sealed record SourceChange(string Path, string State);

/// <summary>One manifest of a chain.</summary>
public sealed record EvidenceNode
{
    /// <summary>The manifest's hash.</summary>
    public required string Sha256 { get; init; }

    /// <summary>As the link that led here names it.</summary>
    public required string Kind { get; init; }

    /// <summary>As the link that led here names it.</summary>
    public required string Name { get; init; }

    /// <summary>Files of the manifest.</summary>
    public int Objects { get; init; }

    /// <summary>User's files that it read.</summary>
    public int Sources { get; init; }

    /// <summary>Their paths, relative to the project.</summary>
    public IReadOnlyList<string> SourcePaths { get; init; } = [];

    /// <summary>Bytes of files and sources, as the manifest states them.</summary>
    public long Bytes { get; init; }

    /// <summary>False when the manifest itself or one of its own files or sources has a fault.</summary>
    public required bool Intact { get; init; }

    /// <summary>The manifests it was made from.</summary>
    public IReadOnlyList<EvidenceLink> Inputs { get; init; } = [];
}

/// <summary>A step of the chain towards the sources.</summary>
/// <param name="Role">What the input was used as.</param>
/// <param name="Sha256">The input's manifest.</param>
public sealed record EvidenceLink(string Role, string Sha256);

/// <summary>The result of <see cref="EvidenceChain.Verify"/>.</summary>
public sealed record VerifyReport
{
    /// <summary>The manifest at which the walk began.</summary>
    public required string Root { get; init; }

    /// <summary>True when every byte of the chain is what it was.</summary>
    public bool Intact => Faults.Count == 0;

    /// <summary>Distinct manifests, the root first, then in the order of the walk.</summary>
    public required IReadOnlyList<EvidenceNode> Nodes { get; init; }

    /// <summary>Every fault, in the order of the walk.</summary>
    public required IReadOnlyList<EvidenceFault> Faults { get; init; }

    /// <summary>Sources that differ in the project today; empty when no project was given.</summary>
    public required IReadOnlyList<SourceChange> SourceChanges { get; init; }

    /// <summary>Distinct files checked, without manifests and sources.</summary>
    public required int ObjectsChecked { get; init; }

    /// <summary>Distinct sources checked.</summary>
    public required int SourcesChecked { get; init; }

    /// <summary>Bytes read and hashed.</summary>
    public required long BytesChecked { get; init; }

    /// <summary>The report as JSON.</summary>
    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, VerifyJson.Default.VerifyReport);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(VerifyReport))]
internal sealed partial class VerifyJson : JsonSerializerContext;
