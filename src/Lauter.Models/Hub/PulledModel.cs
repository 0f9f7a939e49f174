namespace Lauter.Models.Hub;

/// <summary>What was fetched and from where; kept beside the files as <c>lauter-source.json</c>.</summary>
public sealed record PulledModel
{
    /// <summary>The hub.</summary>
    public required string Endpoint { get; init; }

    /// <summary><c>owner/name</c>.</summary>
    public required string Repository { get; init; }

    /// <summary>The revision that was asked for, or null.</summary>
    public string? Revision { get; init; }

    /// <summary>The exact revision of all files, or null.</summary>
    public string? Commit { get; init; }

    /// <summary>The licence: the hub's word, else the model card's; null = not stated.</summary>
    public string? License { get; init; }

    /// <summary>The files, each with its hash as computed here.</summary>
    public required IReadOnlyList<HubFile> Files { get; init; }

    /// <summary>When the last file was complete.</summary>
    public required DateTimeOffset PulledAt { get; init; }
}
