using System.Diagnostics;
using Lauter.Catalog.Projects;
using Lauter.Releases.Iterations;
using Lauter.Traces;

namespace Lauter.Hosting;

/// <summary>Starts <c>lauter iterate</c> as a child when the schedule of the project says so and there is enough to learn from.</summary>
internal sealed class IterationSchedule(Workspace workspace, IterationsDefinition definition, TraceStore traces, TimeProvider time, Action<string> tell)
{
    private static readonly TimeSpan Look = TimeSpan.FromMinutes(1);
    private string? _told;

    /// <summary>Watches until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(Look, time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            try
            {
                if (IsDue())
                {
                    await IterateAsync(cancellationToken);
                }
            }
            catch (Exception e) when (e is IOException or System.ComponentModel.Win32Exception or Microsoft.Data.Sqlite.SqliteException)
            {
                // Serving goes on; the reason is told, and the next look tries again.
                Tell($"no scheduled iteration: {e.Message}");
            }
        }
    }

    /// <summary>True when the time has come, enough corrections wait and the last iterations did not show that more data no longer helps.</summary>
    public bool IsDue()
    {
        var all = workspace.Iterations.All();
        if (all.Count == 0 || time.GetUtcNow() - all[^1].Started < definition.Every)
        {
            return false;
        }

        if (IterationStop.Reason(workspace.Iterations.Gains()) is { } reason)
        {
            Tell($"no scheduled iteration: {reason}");
            return false;
        }

        return workspace.Project.Applications.Values.Where(a => a.Model is not null && a.Suite is not null)
            .Any(a => traces.Corrections(a.Name, all[^1].Started).Count >= definition.Corrections);
    }

    private async Task IterateAsync(CancellationToken cancellationToken)
    {
        tell("scheduled iteration: begins");
        var start = Children.Iterate(workspace.Project.Directory);
        using var child = Process.Start(start) ?? throw new InvalidOperationException("The iteration did not start.");
        try
        {
            var errors = child.StandardError.ReadToEndAsync(cancellationToken);
            await child.WaitForExitAsync(cancellationToken);
            tell($"scheduled iteration: ended with exit code {child.ExitCode}{(child.ExitCode == 0 ? "" : $"; {(await errors).Trim().Split('\n')[^1]}")}");
        }
        finally
        {
            if (!child.HasExited)
            {
                child.Kill(entireProcessTree: true);
            }
        }
    }

    /// <summary>The same sentence each minute would hide everything else.</summary>
    private void Tell(string line)
    {
        if (line != _told)
        {
            _told = line;
            tell(line);
        }
    }
}
