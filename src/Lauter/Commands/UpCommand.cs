using System.CommandLine;
using Lauter.Hosting;
using Lauter.Releases.Gates;
using Lauter.Terminal;
using Spectre.Console;

namespace Lauter.Commands;

/// <summary><c>lauter up</c>: run, gate, release, serve.</summary>
internal static class UpCommand
{
    public static Command Create()
    {
        var project = Arguments.Project();
        var listen = new Option<string?>("--listen") { Description = "Address of gateway and console; default: serving.listen of the project file, else http://127.0.0.1:5080." };
        var once = new Option<bool>("--no-serve") { Description = "Stop after the release instead of serving it." };
        var quiet = Arguments.Quiet();
        var command = new Command("up", "From documents to a served, gated release: run what changed, decide the gate, release, serve.") { project, listen, once, quiet };
        command.SetAction(async (result, cancellationToken) =>
        {
            var workspace = Workspace.Open(result.GetValue(project)!);
            using (var screen = new RunScreen(result.GetValue(quiet)))
            {
                screen.Line($"[bold]lauter up[/] {Markup.Escape(workspace.Project.Name)} [grey]({Environment.ProcessorCount} cores)[/]");
                var run = await ProjectRun.RunAsync(workspace, screen, TimeProvider.System, cancellationToken);
                var outcomes = await ReleaseFlow.ReleaseAsync(workspace, run.Records, "lauter up", cancellationToken);
                RecordIteration(workspace, outcomes);
                foreach (var outcome in outcomes)
                {
                    Tell(screen, outcome);
                }

                if (outcomes.FirstOrDefault(o => o.Live is null) is { } stopped)
                {
                    if (stopped.Waiting is { } waiting)
                    {
                        throw new CommandException(
                            ExitCodes.GateInsufficient, $"'{stopped.Application}' is not served: '{waiting.Id}' waits for the approval of {string.Join(" and ", waiting.Missing)}, and there is no earlier release. Run 'lauter approve {waiting.Id}'.");
                    }

                    throw new CommandException(
                        stopped.Verdict!.Decision == GateDecision.Fail ? ExitCodes.GateFailed : ExitCodes.GateInsufficient,
                        $"'{stopped.Application}' is not served: its gate said {stopped.Verdict.Decision.Word()}, and there is no earlier release. {string.Join(" ", stopped.Verdict.Reasons.Select(r => r.Text))}");
                }
            }

            if (!result.GetValue(once))
            {
                await Server.RunAsync(workspace, result.GetValue(listen), ServeCommand.Tell, TimeProvider.System, cancellationToken);
                return ExitCodes.Cancelled;
            }

            return ExitCodes.Success;
        });
        return command;
    }

    /// <summary>Shows one outcome.</summary>
    public static void Tell(RunScreen screen, ReleaseOutcome outcome)
    {
        if (outcome.Verdict is { } verdict)
        {
            var colour = verdict.Decision switch { GateDecision.Pass => "green", GateDecision.Fail => "red", _ => "yellow" };
            screen.Line($"  gate [bold]{outcome.Application}[/]: [{colour}]{Markup.Escape(verdict.Decision.Word().Replace('_', ' '))}[/] · {Markup.Escape(GateLine(verdict))}");
            foreach (var reason in verdict.Reasons)
            {
                screen.Line($"       [grey]{Markup.Escape(reason.Text)}[/]");
            }
        }

        if (outcome.Waiting is { } waiting)
        {
            screen.Line($"  [yellow]{waiting.Id} waits for the approval of {Markup.Escape(string.Join(" and ", waiting.Missing))}[/] [grey](lauter approve {waiting.Id} --role {Markup.Escape(waiting.Missing[0].Role)} --as NAME)[/]");
        }

        if (outcome.Rollout is { Active: true, Shadowing: true } trial)
        {
            screen.Line($"  rollout [bold]{trial.Candidate}[/]: {trial.Policy.Shadow:#,0} requests are mirrored to it first, {trial.Live} answers all [grey](lauter rollout shows it, a running server moves it on)[/]");
            return;
        }

        if (outcome.Rollout is { Active: true } rollout)
        {
            screen.Line($"  rollout [bold]{rollout.Candidate}[/]: {rollout.Share:P0} of the requests, {rollout.Live} answers the rest [grey](lauter rollout shows it, a running server moves it on)[/]");
            return;
        }

        screen.Line(outcome.Live is null
            ? $"  [red]{outcome.Application} has no release[/]"
            : $"  {(outcome.IsNew ? "released" : "live")} [bold]{outcome.Live.ReleaseId}[/] [grey](lauter verify {outcome.Live.ReleaseId})[/]");
    }

    private static string GateLine(GateVerdict verdict)
    {
        var sides = verdict.Baseline is { } baseline
            ? $"{verdict.Candidate.Name} {verdict.Candidate.Value:0.0000} against {baseline.Name} {baseline.Value:0.0000}"
            : $"{verdict.Candidate.Name} {verdict.Candidate.Value:0.0000}";
        var discordant = verdict.Baseline is null ? "" : $", discordant {verdict.CandidateOnly}:{verdict.BaselineOnly}";
        return $"{sides}, effect {verdict.Effect:+0.0000;-0.0000} [{verdict.Low:+0.0000;-0.0000}, {verdict.High:+0.0000;-0.0000}], n = {verdict.Items}{discordant}, alpha {verdict.Policy.Alpha}";
    }

    private static void RecordIteration(Workspace workspace, IReadOnlyList<ReleaseOutcome> outcomes)
    {
        workspace.Iterations.Close(outcomes);
        if (workspace.Iterations.All().Count == 0 && outcomes.FirstOrDefault(o => o.IsNew && o.Verdict is not null)?.Live is { } live)
        {
            workspace.Iterations.Save(new Iteration(1, live.Since, LaterRows: false, new Dictionary<string, string>(), [], "released", live.ReleaseId));
        }
    }
}
