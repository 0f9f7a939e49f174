using System.Text.Json.Nodes;
using Lauter.Catalog.Objects;
using Lauter.Catalog.Plan;
using Lauter.Catalog.Projects;
using Lauter.Commands;
using Lauter.Data;
using Lauter.Data.Documents;
using Lauter.Data.Examples;
using Lauter.Data.Export;
using Lauter.Data.Operators;
using Lauter.Data.Readers;
using Lauter.Data.Splits;
using Lauter.Hosting;

namespace Lauter.Steps;

/// <summary>Sources to datasets.</summary>
internal static class DataSteps
{
    /// <summary><c>read:NAME</c> opens the files, <c>clean:NAME</c> applies the recipe; a changed threshold re-runs only the second.</summary>
    public static IEnumerable<Step> Documents(Workspace workspace, DatasetDefinition dataset, IReadOnlyList<ManifestSource> sources)
    {
        var recipe = LoadRecipe(workspace, dataset);
        yield return new Step
        {
            Name = $"read:{dataset.Name}",
            CodeVersion = 1,
            Arguments = [],
            Phase = StepPhase.Data,
            Cores = 0,
            Sources = sources,
            RunAsync = (context, cancellationToken) =>
            {
                var files = KeepSources(context, workspace.Project.Directory);
                var output = Directory.CreateDirectory(Path.Combine(context.WorkDirectory, "out")).FullName;
                var report = DocumentDataset.Read(files, new ReaderLimits(), output, Report(context), cancellationToken);
                return Task.FromResult(new Manifest
                {
                    Kind = "documents-raw",
                    Name = dataset.Name,
                    Objects = context.StoreFiles(output),
                    Sources = context.Step.Sources,
                    Facts = new JsonObject { ["files"] = files.Count, ["documents"] = report.DocumentsOut, ["rejected"] = report.Rejected.Values.Sum(), ["reasons"] = Counts(report.Rejected) },
                });
            },
        };
        yield return new Step
        {
            Name = $"clean:{dataset.Name}",
            CodeVersion = 1,
            Arguments = new JsonObject { ["recipe"] = recipe.ToJson() },
            Phase = StepPhase.Data,
            Cores = 0,
            Inputs = new Dictionary<string, string> { ["raw"] = $"read:{dataset.Name}" },
            RunAsync = (context, cancellationToken) =>
            {
                var raw = StoredFiles.Show(context.Objects, context.Inputs["raw"].Manifest, Path.Combine(context.WorkDirectory, "raw"));
                var output = Directory.CreateDirectory(Path.Combine(context.WorkDirectory, "out")).FullName;
                var report = DocumentDataset.Clean(raw, recipe, output, workspace.StatePath("scores", dataset.Name), Report(context), cancellationToken);
                return Task.FromResult(new Manifest
                {
                    Kind = "dataset",
                    Name = dataset.Name,
                    Objects = context.StoreFiles(output),
                    Inputs = [context.Link("raw")],
                    Facts = new JsonObject
                    {
                        ["in"] = report.DocumentsIn,
                        ["rows"] = report.DocumentsOut,
                        ["dropped"] = Counts(report.Dropped),
                        ["languages"] = Counts(report.ByLanguage),
                        ["redactions"] = Counts(report.Redactions),
                    },
                });
            },
        };
    }

    /// <summary><c>build:NAME</c>: labelled rows, cleaned, deduplicated and split; clusters of an <paramref name="earlier"/> version keep their part.</summary>
    public static IEnumerable<Step> Examples(Workspace workspace, DatasetDefinition dataset, IReadOnlyList<ManifestSource> sources, string? earlier)
    {
        var recipe = LoadRecipe(workspace, dataset);
        var split = dataset.Split;
        yield return new Step
        {
            Name = $"build:{dataset.Name}",
            CodeVersion = 1,
            Arguments = new JsonObject
            {
                ["recipe"] = recipe.ToJson(),
                ["input"] = new JsonArray([.. dataset.InputFields.Select(f => (JsonNode)f)]),
                ["output"] = new JsonArray([.. dataset.OutputFields.Select(f => (JsonNode)f)]),
                ["split"] = split is null ? null : new JsonObject { ["test"] = split.Test, ["validation"] = split.Validation, ["testWhere"] = split.TestWhere, ["field"] = split.Field },
            },
            Phase = StepPhase.Data,
            Sources = sources,
            Cores = 0,
            Existing = earlier is null ? new Dictionary<string, string>() : new Dictionary<string, string> { ["earlier"] = earlier },
            RunAsync = (context, cancellationToken) =>
            {
                var files = KeepSources(context, workspace.Project.Directory);
                var options = new ExampleOptions
                {
                    InputFields = dataset.InputFields,
                    OutputFields = dataset.OutputFields,
                    Recipe = recipe,
                    Split = split is null ? new SplitOptions(0, 0) : new SplitOptions(split.Test, split.Validation, split.TestWhere),
                    SplitField = split?.Field,
                    EarlierSplits = context.Inputs.TryGetValue("earlier", out var before)
                        ? ExampleDataset.SplitsOf(StoredFiles.Show(context.Objects, before.Manifest, Path.Combine(context.WorkDirectory, "earlier")))
                        : null,
                };
                var output = Directory.CreateDirectory(Path.Combine(context.WorkDirectory, "out")).FullName;
                var report = ExampleDataset.Build(files, options, output, Report(context), cancellationToken);
                return Task.FromResult(new Manifest
                {
                    Kind = "dataset",
                    Name = dataset.Name,
                    Objects = context.StoreFiles(output),
                    Inputs = context.Inputs.ContainsKey("earlier") ? [context.Link("earlier")] : [],
                    Sources = context.Step.Sources,
                    Facts = new JsonObject
                    {
                        ["in"] = report.RowsIn,
                        ["rows"] = report.RowsOut,
                        ["clusters"] = report.Clusters,
                        ["dropped"] = Counts(report.Dropped),
                        ["languages"] = Counts(report.ByLanguage),
                        ["splits"] = Counts(report.BySplit),
                        ["redactions"] = Counts(report.Redactions),
                    },
                });
            },
        };
    }

    private static Recipe LoadRecipe(Workspace workspace, DatasetDefinition dataset)
    {
        var relative = Path.Combine("recipes", dataset.Recipe + ".yaml");
        var path = Path.Combine(workspace.Project.Directory, relative);
        if (!File.Exists(path))
        {
            return Recipe.BuiltIn(dataset.Recipe) ?? throw new CommandException(
                ExitCodes.ProjectInvalid, $"the dataset '{dataset.Name}' asks for the recipe '{dataset.Recipe}', but neither {relative} nor a built-in recipe of that name exists.{NearestName.Suggest(dataset.Recipe, [.. Recipe.BuiltInNames])}");
        }

        var context = new RecipeContext { Directory = Path.GetDirectoryName(path)!, OpenTokenizer = DataTokenCounter.Of };
        var result = Recipe.Parse(dataset.Recipe, File.ReadAllText(path), context);
        var recipe = result.Recipe ?? throw new ProjectFileException(path, result.Faults);
        var unfit = recipe.RowsOnly(documents: dataset.Kind == "documents");
        return unfit.Count == 0 ? recipe : throw new CommandException(
            ExitCodes.ProjectInvalid, $"{relative}: {string.Join(", ", unfit)} can't run on {dataset.Kind} of a project. Run 'lauter data run' with them first and name its output as the source.");
    }

    /// <summary>Puts every source into the store as it is now, so that the chain can always be walked back to it.</summary>
    private static List<SourceFile> KeepSources(StepContext context, string projectDirectory)
    {
        var files = new List<SourceFile>();
        foreach (var source in context.Step.Sources)
        {
            var path = Path.Combine(projectDirectory, source.Path);
            var (sha256, _) = context.Objects.WriteFile(path);
            if (sha256 != source.Sha256)
            {
                throw new StepFailedException($"{source.Path} changed while it was being read. Run again.");
            }

            files.Add(new SourceFile(source.Path, context.Objects.PathOf(sha256)));
        }

        return files;
    }

    private static DirectProgress<DataProgress> Report(StepContext context) => new(p => context.Progress.Report(
        new StepProgress(p.Total > 0 ? (double)p.Done / p.Total : null, p.Total > 0 ? $"{p.Stage} {p.Done:#,0} of {p.Total:#,0}" : $"{p.Stage} {p.Done:#,0}")));

    private static JsonObject Counts(IReadOnlyDictionary<string, int> counts)
    {
        var result = new JsonObject();
        foreach (var (name, count) in counts.OrderBy(c => c.Key, StringComparer.Ordinal))
        {
            result[name] = count;
        }

        return result;
    }
}
