using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Lauter.Catalog.Objects;
using Lauter.Releases.Gates;

namespace Lauter.Releases.Rollout;

/// <summary>What a release is made of, before it has an id.</summary>
public sealed record ReleaseDraft
{
    /// <summary>The application: letters, digits, <c>-</c>, <c>_</c> and <c>.</c>.</summary>
    public required string Application { get; init; }

    /// <summary>The candidate's kind: <c>model</c>, <c>nearest</c>, <c>passages</c>, <c>provider</c>, <c>cascade</c>.</summary>
    public required string CandidateKind { get; init; }

    /// <summary>The candidate's name, for example <c>triage-sft</c>.</summary>
    public required string CandidateName { get; init; }

    /// <summary>What else decides its answers: sampling, limits, provider model.</summary>
    public JsonObject Settings { get; init; } = [];

    /// <summary>The manifests it rests on: model, index, prompt, suite, scorecards, gate.</summary>
    public required IReadOnlyList<ManifestLink> Inputs { get; init; }

    /// <summary>Files of the release itself, for example the prompt template and the schemas.</summary>
    public IReadOnlyList<ManifestObject> Objects { get; init; } = [];

    /// <summary>Files of the user that it reads directly.</summary>
    public IReadOnlyList<ManifestSource> Sources { get; init; } = [];

    /// <summary>Who must agree before it serves; null for nobody.</summary>
    public IReadOnlyList<ApprovalRule>? Approvals { get; init; }

    /// <summary>Licences and consents of its sources and models, as the project states them; null when it states none.</summary>
    public JsonArray? Rights { get; init; }

    /// <summary>The gate's verdict; null for an application without a gate. Becomes the file <c>gate.json</c> of the release.</summary>
    public GateVerdict? Verdict { get; init; }
}

/// <summary>A candidate that may serve, with its evidence.</summary>
public sealed record Release
{
    /// <summary>For example <c>triage-1</c>.</summary>
    public required string Id { get; init; }

    /// <summary>1 for the application's first release.</summary>
    public required int Number { get; init; }

    /// <summary>The application.</summary>
    public required string Application { get; init; }

    /// <summary>The manifest of kind <c>release</c>: where <c>lauter verify</c> begins.</summary>
    public required string Manifest { get; init; }

    /// <summary>The candidate's kind.</summary>
    public required string CandidateKind { get; init; }

    /// <summary>The candidate's name.</summary>
    public required string CandidateName { get; init; }

    /// <summary>The gate's decision; null for an application without a gate.</summary>
    public GateDecision? Gate { get; init; }

    /// <summary>What it rests on.</summary>
    public required IReadOnlyList<ManifestLink> Inputs { get; init; }

    /// <summary>Who must agree before it serves; null for nobody.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<ApprovalRule>? Approvals { get; init; }

    /// <summary>When it was recorded.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>Who recorded it.</summary>
    public required string By { get; init; }
}

/// <summary>Which release of an application serves.</summary>
public sealed record LivePointer
{
    /// <summary>The application.</summary>
    public required string Application { get; init; }

    /// <summary>The release that serves.</summary>
    public required string ReleaseId { get; init; }

    /// <summary>Its manifest.</summary>
    public required string Manifest { get; init; }

    /// <summary>1 for the first promotion, then one more for each: what a promotion must know to be allowed.</summary>
    public required long Version { get; init; }

    /// <summary>Since when.</summary>
    public required DateTimeOffset Since { get; init; }

    /// <summary>Who promoted it.</summary>
    public required string By { get; init; }

    /// <summary>Why.</summary>
    public required string Why { get; init; }

    /// <summary>Hash of the audit entry of this promotion.</summary>
    public required string Audit { get; init; }
}

/// <summary>Why a promotion was refused.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<PromotionRefusal>))]
public enum PromotionRefusal
{
    /// <summary>There is no such release of this application.</summary>
    [JsonStringEnumMemberName("unknown_release")]
    UnknownRelease,

    /// <summary>Its gate did not say pass.</summary>
    [JsonStringEnumMemberName("gate_not_passed")]
    GateNotPassed,

    /// <summary>Somebody else changed what is live in the meantime.</summary>
    [JsonStringEnumMemberName("live_changed")]
    LiveChanged,

    /// <summary>There is no earlier release to go back to.</summary>
    [JsonStringEnumMemberName("nothing_before")]
    NothingBefore,

    /// <summary>Somebody who must agree has not.</summary>
    [JsonStringEnumMemberName("approval_missing")]
    ApprovalMissing,
}

/// <summary>How a promotion or rollback ended.</summary>
/// <param name="Live">What is live now; null when nothing ever was.</param>
/// <param name="Refusal">Null when it was done.</param>
/// <param name="Detail">The refusal in words with the way out, or empty.</param>
public sealed record PromotionResult(LivePointer? Live, PromotionRefusal? Refusal, string Detail)
{
    /// <summary>True when the asked-for release is live now.</summary>
    public bool Done => Refusal is null;
}

/// <summary>An agreement that a release still waits for.</summary>
/// <param name="Role">In which role.</param>
/// <param name="Given">How many different people have agreed.</param>
/// <param name="Needed">How many must.</param>
public sealed record MissingApproval(string Role, int Given, int Needed)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Role} ({Given} of {Needed})";
}

/// <summary>One event in the life of an application.</summary>
/// <param name="At">When.</param>
/// <param name="Action"><c>release.created</c>, <c>release.promoted</c>, <c>release.rolled_back</c>.</param>
/// <param name="ReleaseId">Which release.</param>
/// <param name="By">Who.</param>
/// <param name="Why">Why, empty for a creation.</param>
/// <param name="Version">The live version after it; null for a creation.</param>
public sealed record ReleaseEvent(DateTimeOffset At, string Action, string ReleaseId, string By, string Why, long? Version);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(Release))]
[JsonSerializable(typeof(LivePointer))]
internal sealed partial class ReleaseJson : JsonSerializerContext;
