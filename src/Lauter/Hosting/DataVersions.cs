using System.Collections.Concurrent;
using Lauter.Catalog.Objects;
using Lauter.Catalog.Plan;
using Lauter.Catalog.Projects;
using Lauter.Console;
using Lauter.Data.Export;
using Lauter.Steps;

namespace Lauter.Hosting;

/// <summary>Answers the page of dataset versions from the newest version of each dataset. Thread-safe; an overview is read once for each version.</summary>
internal sealed class DataVersions(Workspace workspace) : IDataVersions
{
    private const int TextLength = 4_000;

    private readonly ConcurrentDictionary<string, DataVersion> _overviews = new(StringComparer.Ordinal);

    public DataVersion? Version(DataQuery query)
    {
        var built = workspace.Project.Datasets.Values.Where(d => Last(d) is not null).ToList();
        if (built.Count == 0)
        {
            return null;
        }

        var dataset = built.FirstOrDefault(d => d.Name == query.Dataset) ?? built[0];
        var record = Last(dataset)!;
        return _overviews.GetOrAdd(record.Manifest, _ => Overview(dataset, record)) with
        {
            Names = [.. built.Select(d => d.Name)],
            Row = query.Row is { } row ? History(dataset, record, row) : null,
        };
    }

    private DataVersion Overview(DatasetDefinition dataset, StepRecord record)
    {
        var view = WithFiles(record.Manifest, directory => DataViews.Of(dataset.Name, DatasetOverview.Read(directory))) with { Kind = dataset.Kind, Hash = record.Manifest };
        return Read(dataset) is { } read ? Joined(WithFiles(read.Manifest, directory => DataViews.Of(dataset.Name, DatasetOverview.Read(directory))), view) : view;
    }

    /// <summary>Documents are read and cleaned by two steps: a page shows them as one way.</summary>
    private static DataVersion Joined(DataVersion read, DataVersion clean) => clean with
    {
        Read = read.Read,
        Funnel = [.. read.Funnel, .. clean.Funnel],
        Rejects = [.. read.Rejects.Concat(clean.Rejects).OrderByDescending(r => r.Count)],
    };

    private RowHistory History(DatasetDefinition dataset, StepRecord record, string id)
    {
        var rejects = new List<RejectedRow>();
        if (Read(dataset) is { } read)
        {
            rejects.AddRange(WithFiles(read.Manifest, directory => DatasetOverview.RejectsOf(directory, id).Select(DataViews.Row).ToList()));
        }

        return WithFiles(record.Manifest, directory =>
        {
            rejects.AddRange(DatasetOverview.RejectsOf(directory, id).Select(DataViews.Row));
            if (dataset.Kind == "documents" && ParquetDataset.ReadDocuments(directory).FirstOrDefault(r => r.Id == id) is { } document)
            {
                return new RowHistory(
                    id, true, document.Path, rejects, Cut(document.Text),
                    [("title", document.Title), ("language", document.Language), ("cluster", document.Cluster), ("cluster_size", document.ClusterSize.ToString(System.Globalization.CultureInfo.InvariantCulture))],
                    Models(dataset, record.Manifest));
            }

            if (dataset.Kind == "examples" && ParquetDataset.ReadExamples(directory).FirstOrDefault(r => r.Id == id) is { } example)
            {
                return new RowHistory(
                    id, true, DataViews.Place(example.Source, example.Line), rejects, Cut(example.Text),
                    [
                        ("output", example.Output), ("language", example.Language), ("split", example.Split), ("cluster", example.Cluster),
                        ("cluster_size", example.ClusterSize.ToString(System.Globalization.CultureInfo.InvariantCulture)),
                    ],
                    example.Split == SplitNames.Train ? Models(dataset, record.Manifest) : []);
            }

            return new RowHistory(id, rejects.Count > 0 ? false : null, rejects.FirstOrDefault()?.Source ?? "", rejects, rejects.FirstOrDefault()?.Text ?? "", [], []);
        });
    }

    /// <summary>Trainings whose newest model was trained on exactly this version.</summary>
    private List<string> Models(DatasetDefinition dataset, string version) =>
    [
        .. from training in workspace.Project.Trainings.Values
           where training.Data == dataset.Name
           let record = workspace.Records.Last($"train:{training.Name}")
           where record is not null && workspace.Objects.Contains(record.Manifest) && Manifest.Read(workspace.Objects, record.Manifest).Inputs.Any(i => i.Sha256 == version)
           select training.Name,
    ];

    private StepRecord? Last(DatasetDefinition dataset) =>
        workspace.Records.Last($"{(dataset.Kind == "documents" ? "clean" : "build")}:{dataset.Name}") is { } record && workspace.Objects.Contains(record.Manifest) ? record : null;

    private StepRecord? Read(DatasetDefinition dataset) =>
        dataset.Kind == "documents" && workspace.Records.Last($"read:{dataset.Name}") is { } record && workspace.Objects.Contains(record.Manifest) ? record : null;

    /// <summary>The objects of a version under their own names, for as long as <paramref name="use"/> runs.</summary>
    private T WithFiles<T>(string manifest, Func<string, T> use)
    {
        var directory = Directory.CreateTempSubdirectory("lauter-version-").FullName;
        try
        {
            return use(StoredFiles.Show(workspace.Objects, Manifest.Read(workspace.Objects, manifest), directory));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static string Cut(string text) => text.Length > TextLength ? text[..TextLength] + "…" : text;
}
