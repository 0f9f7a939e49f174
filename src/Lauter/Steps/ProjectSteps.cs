using Lauter.Catalog.Objects;
using Lauter.Catalog.Plan;
using Lauter.Catalog.Projects;
using Lauter.Hosting;

namespace Lauter.Steps;

/// <summary>Turns a project file into steps. The order below is the order in which data flows.</summary>
internal static class ProjectSteps
{
    /// <summary>Every step of the project, with the sources of the current iteration.</summary>
    /// <exception cref="Commands.CommandException">A dataset's globs match no file.</exception>
    public static IReadOnlyList<Step> Of(Workspace workspace, TimeProvider time)
    {
        var project = workspace.Project;
        var iteration = workspace.Iterations.Current(time);
        var steps = new List<Step>();
        foreach (var dataset in project.Datasets.Values)
        {
            var sources = SourcesOf(workspace, dataset, iteration);
            steps.AddRange(dataset.Kind == "documents" ? DataSteps.Documents(workspace, dataset, sources) : DataSteps.Examples(workspace, dataset, sources, iteration.Earlier.GetValueOrDefault(dataset.Name)));
        }

        steps.AddRange(project.Indexes.Values.Select(index => IndexSteps.Build(index)));
        foreach (var training in project.Trainings.Values)
        {
            steps.AddRange(TrainingSteps.Of(workspace, training));
        }

        var planned = Planner.Plan(steps, workspace.Records, workspace.Objects).ToDictionary(p => p.Step.Name, StringComparer.Ordinal);
        foreach (var application in project.Applications.Values.Where(a => a.Suite is not null))
        {
            var candidate = application.Model is null ? null : planned.GetValueOrDefault($"train:{application.Model}")?.Record?.Manifest;
            steps.AddRange(EvaluationSteps.Of(workspace, application, LiveReleases.BaselineOf(workspace, application.Name, candidate)));
        }

        return steps;
    }

    private static IReadOnlyList<ManifestSource> SourcesOf(Workspace workspace, DatasetDefinition dataset, Iteration iteration)
    {
        foreach (var glob in dataset.From)
        {
            if (workspace.Sources.Find([glob]).Count == 0)
            {
                throw new Commands.CommandException(
                    ExitCodes.InputMissing, $"the dataset '{dataset.Name}' reads '{glob}', but no file in {workspace.Project.Directory} matches. Put the file there or mend 'from' in lauter.yaml.");
            }
        }

        IEnumerable<string> globs = iteration.LaterRows ? [.. dataset.From, .. dataset.Later] : dataset.From;
        var files = workspace.Sources.Find(globs);
        return dataset.Kind == "examples" ? [.. files, .. iteration.CorrectionFiles.Where(f => BelongsTo(f, dataset)).Select(workspace.Sources.Hash)] : files;
    }

    /// <summary>Accepted corrections of a dataset lie in <c>.lauter/iterations/N/DATASET.jsonl</c>.</summary>
    private static bool BelongsTo(string correctionFile, DatasetDefinition dataset) => Path.GetFileNameWithoutExtension(correctionFile) == dataset.Name;
}
