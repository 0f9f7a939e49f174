using Lauter.Catalog.Objects;
using Lauter.Catalog.Plan;
using Lauter.Catalog.Projects;
using Lauter.Releases.Rollout;

namespace Lauter.Hosting;

/// <summary>An opened project: its file, its store, its finished steps.</summary>
internal sealed class Workspace
{
    private Workspace(Project project)
    {
        Project = project;
        Objects = new ObjectStore(Path.Combine(project.StateDirectory, "objects"));
        Records = new StepRecords(project.StateDirectory);
        Sources = new SourceFiles(project.Directory, project.StateDirectory);
        Iterations = new IterationState(project.StateDirectory);
        Releases = new ReleaseStore(project.StateDirectory, Objects, TimeProvider.System);
        Rollouts = new RolloutStore(project.StateDirectory, Releases, TimeProvider.System);
    }

    public Project Project { get; }

    public ObjectStore Objects { get; }

    public StepRecords Records { get; }

    public SourceFiles Sources { get; }

    public IterationState Iterations { get; }

    public ReleaseStore Releases { get; }

    public RolloutStore Rollouts { get; }

    public string State => Project.StateDirectory;

    /// <summary>Opens the project in <paramref name="directory"/>.</summary>
    /// <exception cref="ProjectFileException">It is missing or has faults.</exception>
    public static Workspace Open(string directory) => new(ProjectFile.Load(directory));

    /// <summary>A path inside <c>.lauter</c>.</summary>
    public string StatePath(params string[] parts) => Path.Combine([State, .. parts]);
}
