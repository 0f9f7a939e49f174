using Lauter.Catalog.Objects;
using Lauter.Releases.Rollout;

namespace Lauter.Hosting;

/// <summary>A release as the plan compares with it.</summary>
/// <param name="Id">For example <c>triage-1</c>.</param>
/// <param name="Manifest">Its manifest.</param>
internal sealed record LiveRelease(string Id, string Manifest);

/// <summary>Questions about what serves, answered from the release store.</summary>
internal static class LiveReleases
{
    /// <summary>
    /// The release a candidate must be compared with, or null for the nearest labelled example. While the live release is the candidate
    /// itself, that is whatever it was compared with then, so that a second run of an unchanged project has nothing to do.
    /// </summary>
    /// <param name="workspace">The project.</param>
    /// <param name="application">The application.</param>
    /// <param name="candidateModel">The candidate's model manifest when it is known already.</param>
    public static LiveRelease? BaselineOf(Workspace workspace, string application, string? candidateModel)
    {
        var store = workspace.Releases;
        var live = store.Live(application);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var release = live is null ? null : store.Find(live.ReleaseId);
        while (release is not null && seen.Add(release.Id))
        {
            if (candidateModel is null || release.Inputs.FirstOrDefault(i => i.Role == "model")?.Sha256 != candidateModel)
            {
                return new LiveRelease(release.Id, release.Manifest);
            }

            var before = release.Inputs.FirstOrDefault(i => i.Role == "baseline")?.Sha256;
            release = before is null ? null : store.List(application).FirstOrDefault(r => r.Manifest == before);
        }

        return null;
    }

    /// <summary>The newest manifest of a kind and name in the chain of what is live, found breadth first; null when there is none.</summary>
    public static string? InLiveChain(Workspace workspace, string kind, string name)
    {
        var queue = new Queue<string>(workspace.Releases.Applications().Select(a => workspace.Releases.Live(a)?.Manifest).OfType<string>());
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (queue.TryDequeue(out var sha256))
        {
            if (!seen.Add(sha256) || !workspace.Objects.Contains(sha256))
            {
                continue;
            }

            var manifest = Manifest.Read(workspace.Objects, sha256);
            if (manifest.Kind == kind && manifest.Name == name)
            {
                return sha256;
            }

            foreach (var input in manifest.Inputs)
            {
                queue.Enqueue(input.Sha256);
            }
        }

        return null;
    }
}
