using System.Text.Json.Nodes;
using Lauter.Catalog.Objects;
using Lauter.Data.Export;
using Lauter.Hosting;

namespace Lauter.Commands;

/// <summary>A dataset version that read a row.</summary>
/// <param name="Dataset">The dataset's name.</param>
/// <param name="Version">The version: hash of its manifest.</param>
/// <param name="Part">Part of the split, of documents <c>data</c>; null when the row was dropped.</param>
/// <param name="Dropped">Operator, reason and detail, when it was dropped.</param>
/// <param name="Models">What was made from the version, directly or not: models, indexes, scorecards, releases.</param>
internal sealed record RowVersion(string Dataset, string Version, string? Part, string? Dropped, IReadOnlyList<RowUse> Models);

/// <summary>What was made from a dataset version.</summary>
/// <param name="Kind">Kind of the manifest.</param>
/// <param name="Name">Its name.</param>
/// <param name="Version">Its hash.</param>
/// <param name="Saw">What it did with the row: trained on it, chose a checkpoint by it, was measured on it, holds it for search.</param>
internal sealed record RowUse(string Kind, string Name, string Version, string Saw);

/// <summary>Where a row went in a project: (1) every version of every dataset that the store knows, (2) all that was made from it, by the links of manifests.</summary>
internal static class DataLineage
{
    public static IReadOnlyList<RowVersion> Of(string directory, string row)
    {
        var workspace = Workspace.Open(directory);
        var manifests = new Dictionary<string, Manifest>(StringComparer.Ordinal);
        foreach (var version in workspace.Records.All().Select(r => r.Manifest).Distinct(StringComparer.Ordinal))
        {
            Collect(workspace.Objects, version, manifests);
        }

        return [.. manifests.Where(m => m.Value.Kind == "dataset").OrderBy(m => m.Value.Name, StringComparer.Ordinal).ThenBy(m => m.Key, StringComparer.Ordinal)
            .Select(m => Find(workspace.Objects, m.Key, m.Value, row, manifests)).OfType<RowVersion>()];
    }

    public static JsonArray ToJson(IReadOnlyList<RowVersion> versions) => new([.. versions.Select(v => (JsonNode)new JsonObject
    {
        ["dataset"] = v.Dataset, ["version"] = v.Version, ["part"] = v.Part, ["dropped"] = v.Dropped,
        ["uses"] = new JsonArray([.. v.Models.Select(m => (JsonNode)new JsonObject { ["kind"] = m.Kind, ["name"] = m.Name, ["version"] = m.Version, ["saw"] = m.Saw })]),
    })]);

    public static void Write(IReadOnlyList<RowVersion> versions)
    {
        foreach (var version in versions)
        {
            System.Console.WriteLine($"  dataset {version.Dataset} {version.Version[..12]}: {(version.Dropped is { } dropped ? $"dropped: {dropped}" : $"kept, part {version.Part}")}");
            foreach (var use in version.Models)
            {
                System.Console.WriteLine($"    {use.Kind} {use.Name} {use.Version[..12]} {use.Saw}");
            }
        }
    }

    private static void Collect(ObjectStore store, string version, Dictionary<string, Manifest> manifests)
    {
        if (manifests.ContainsKey(version) || !store.Contains(version))
        {
            return;
        }

        manifests[version] = Manifest.Read(store, version);
        foreach (var input in manifests[version].Inputs)
        {
            Collect(store, input.Sha256, manifests);
        }
    }

    private static RowVersion? Find(ObjectStore store, string version, Manifest dataset, string row, Dictionary<string, Manifest> manifests)
    {
        var files = dataset.Objects.Where(o => o.Name.EndsWith(".parquet", StringComparison.Ordinal) && store.Contains(o.Sha256)).ToList();
        var data = files.Where(f => f.Name.StartsWith("data-", StringComparison.Ordinal)).Select(f => store.PathOf(f.Sha256)).ToList();
        var isExamples = dataset.Facts.ContainsKey("splits");
        var part = isExamples
            ? ParquetDataset.ReadExamples(data).FirstOrDefault(r => r.Id == row)?.Split
            : ParquetDataset.ReadDocuments(data).Any(r => r.Id == row) ? "data" : null;
        if (part is not null)
        {
            return new RowVersion(dataset.Name, version, part, null, Uses(version, part, manifests));
        }

        var rejects = files.Where(f => f.Name.StartsWith("rejects-", StringComparison.Ordinal)).Select(f => store.PathOf(f.Sha256));
        return ParquetDataset.ReadRejects(rejects).FirstOrDefault(r => r.Id == row) is { } reject ? new RowVersion(dataset.Name, version, null, $"{reject.Stage}: {reject.Reason}: {reject.Detail}", []) : null;
    }

    /// <summary>Everything downstream, nearest first; what only reached the version through a test part was measured on the row, not taught by it.</summary>
    private static List<RowUse> Uses(string version, string part, Dictionary<string, Manifest> manifests)
    {
        var uses = new List<RowUse>();
        var seen = new HashSet<string>(StringComparer.Ordinal) { version };
        var queue = new Queue<string>([version]);
        while (queue.TryDequeue(out var at))
        {
            foreach (var (sha256, manifest) in manifests.Where(m => m.Value.Inputs.Any(i => i.Sha256 == at)).OrderBy(m => m.Value.Kind, StringComparer.Ordinal).ThenBy(m => m.Value.Name, StringComparer.Ordinal).ThenBy(m => m.Key, StringComparer.Ordinal))
            {
                if (seen.Add(sha256))
                {
                    // A later version of the dataset is asked for the row by itself.
                    if (manifest.Kind == "dataset")
                    {
                        continue;
                    }

                    uses.Add(new RowUse(manifest.Kind, manifest.Name, sha256, Saw(manifest.Kind, part)));
                    queue.Enqueue(sha256);
                }
            }
        }

        return uses;
    }

    private static string Saw(string kind, string part) => (kind, part) switch
    {
        ("model", SplitNames.Train) => "was trained on it",
        ("model", SplitNames.Validation) => "chose its checkpoint by it",
        ("model", SplitNames.Test) => "never saw it: it is a test row",
        ("index", _) => "holds it for search",
        ("suite" or "scorecard", SplitNames.Test) => "measures on it",
        ("suite" or "scorecard", SplitNames.Train or SplitNames.Validation) => "measures on test rows of this version, not on it",
        ("nearest", SplitNames.Train) => "may answer with it",
        ("release", SplitNames.Train) => "serves a model that was trained on it, or a nearest example that may be it",
        _ => "was made from this version",
    };
}
