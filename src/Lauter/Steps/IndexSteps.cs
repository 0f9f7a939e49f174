using System.Text.Json.Nodes;
using Lauter.Catalog.Objects;
using Lauter.Catalog.Plan;
using Lauter.Catalog.Projects;
using Lauter.Data.Export;
using Lauter.Retrieval;
using Lauter.Retrieval.Embedding;

namespace Lauter.Steps;

/// <summary>Datasets of documents to indexes.</summary>
internal static class IndexSteps
{
    /// <summary><c>index:NAME</c>.</summary>
    public static Step Build(IndexDefinition index) => new()
    {
        Name = $"index:{index.Name}",
        CodeVersion = 1,
        Arguments = [],
        Phase = StepPhase.Vectorising,
        Cores = 0,
        Inputs = new Dictionary<string, string> { ["dataset"] = $"clean:{index.Data}" },
        RunAsync = async (context, cancellationToken) =>
        {
            var rows = StoredFiles.Show(context.Objects, context.Inputs["dataset"].Manifest, Path.Combine(context.WorkDirectory, "dataset"));
            var output = Directory.CreateDirectory(Path.Combine(context.WorkDirectory, "out")).FullName;
            using var embedder = new MiniLmEmbedder(Environment.ProcessorCount);
            var progress = new DirectProgress<IndexProgress>(p => context.Progress.Report(
                new StepProgress(p.Total > 0 ? (double)p.Done / p.Total : null, $"{p.Stage} {p.Done:#,0}")));
            var report = await RetrievalIndex.BuildAsync(ParquetDataset.ReadDocuments(rows), new IndexOptions(), embedder, output, progress, cancellationToken);
            return new Manifest
            {
                Kind = "index",
                Name = index.Name,
                Objects = context.StoreFiles(output),
                Inputs = [context.Link("dataset")],
                Facts = new JsonObject
                {
                    ["documents"] = report.Documents,
                    ["chunks"] = report.Chunks,
                    ["terms"] = report.Terms,
                    ["embedder"] = report.Embedder,
                    ["dimensions"] = report.Dimensions,
                },
            };
        },
    };
}
