using System.CommandLine;
using System.Diagnostics;
using Lauter.Catalog.Plan;
using Lauter.Hosting;
using Lauter.Terminal;

namespace Lauter.Commands;

/// <summary><c>lauter run</c>: every step whose inputs changed, up to the gate.</summary>
internal static class RunCommand
{
    public static Command Create()
    {
        var project = Arguments.Project();
        var quiet = Arguments.Quiet();
        var command = new Command("run", "Run the steps whose inputs changed, up to the gate. Nothing is released.") { project, quiet };
        command.SetAction(async (result, cancellationToken) =>
        {
            var workspace = Workspace.Open(result.GetValue(project)!);
            using var screen = new RunScreen(result.GetValue(quiet));
            await ProjectRun.RunAsync(workspace, screen, TimeProvider.System, cancellationToken);
            return ExitCodes.Success;
        });
        return command;
    }
}

/// <summary>One run of a project's steps, with its cost booked.</summary>
internal static class ProjectRun
{
    /// <summary>Runs; throws when a step failed.</summary>
    /// <exception cref="StepFailedException">At least one step failed; the message lists them.</exception>
    public static async Task<RunResult> RunAsync(Workspace workspace, RunScreen screen, TimeProvider time, CancellationToken cancellationToken)
    {
        using var hold = ProjectLock.Take(workspace.State, "run");
        var clock = Stopwatch.StartNew();
        using var books = new RunBooks(workspace, time);
        using var hear = screen.Also(books);
        using var activity = new ActivityFile(workspace.State, time);
        using var show = screen.Also(activity);
        var steps = Steps.ProjectSteps.Of(workspace, time);
        workspace.Sources.Save();
        var runner = new StepRunner(workspace.State, workspace.Objects, workspace.Records, screen, time);
        var result = await runner.RunAsync(steps, Environment.ProcessorCount, cancellationToken);
        if (!result.Succeeded)
        {
            throw new StepFailedException(string.Join("\n", result.Failures.Select(f => $"{f.Key}: {f.Value.Message}")), result.Failures.Values.First());
        }

        screen.Line(result.Ran == 0
            ? $"  [grey]Nothing to do: all {result.Records.Count} steps are up to date ({clock.Elapsed.TotalSeconds:0.00} s).[/]"
            : $"  [grey]{result.Ran} of {result.Records.Count} steps ran in {clock.Elapsed.TotalSeconds:0.0} s.[/]");
        return result;
    }
}
