namespace Lauter.Models.Hub;

/// <summary>A file of a model, as the hub announces it.</summary>
/// <param name="Path">Relative, with forward slashes.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Sha256">Hash of the content in lower-case hex, or null.</param>
/// <param name="GitBlob">SHA-1 of git's blob of the content in lower-case hex, or null; small files of Hugging Face have only this.</param>
public sealed record HubFile(string Path, long Size, string? Sha256, string? GitBlob)
{
    /// <summary>A hub must not write outside the model's folder, nor over our own records.</summary>
    internal static bool IsSafe(string path) =>
        path.Length is > 0 and < 512 && !path.Contains('\\', StringComparison.Ordinal) && !path.Contains(':', StringComparison.Ordinal) && !path.Contains('\0', StringComparison.Ordinal)
        && path.Split('/') is var parts && parts.All(part => part.Length > 0 && part is not ("." or "..") && !part.EndsWith(HubFolder.PartSuffix, StringComparison.Ordinal)) && parts[0] != HubFolder.RecordName && parts[0] != HubFolder.LockName;
}

/// <summary>A model as a hub lists it.</summary>
/// <param name="Commit">The exact revision, so that all files come from one; null where the hub does not say.</param>
/// <param name="License">The licence as the hub states it, or null.</param>
/// <param name="Files">Its files.</param>
public sealed record HubListing(string? Commit, string? License, IReadOnlyList<HubFile> Files);
