using System.CommandLine;
using System.Text.Json.Nodes;
using Lauter.Hosting;
using Lauter.Releases.Rollout;
using Lauter.Traces;

namespace Lauter.Commands;

/// <summary><c>lauter rollout</c>: what is on its way to become live, and the person's word about it.</summary>
internal static class RolloutCommand
{
    public static Command Create()
    {
        var project = Arguments.Project();
        var format = Arguments.Format();
        var application = new Option<string?>("--application", "-a") { Description = "The application; needed when more than one has a rollout." };
        var start = new Option<string?>("--start") { Description = "Begin the rollout of a release whose gate passed, for example triage-2, by the application's rollout policy." };
        var hold = new Option<bool>("--hold") { Description = "Keep the share as it is until a person decides. Evidence of harm still rolls back." };
        var resume = new Option<bool>("--resume") { Description = "Go on: the next share, or wait for the evidence of the last one." };
        var promote = new Option<bool>("--promote") { Description = "Make the candidate live now." };
        var abort = new Option<bool>("--abort") { Description = "Give all requests back to the live release." };
        var why = new Option<string>("--why") { Description = "The reason, kept in the audit log.", DefaultValueFactory = _ => "" };
        var command = new Command("rollout", "Show what is on its way to become live, or hold, resume, promote or abort it. A running server follows within a second.")
        {
            project, application, start, hold, resume, promote, abort, why, format,
        };
        command.SetAction(async (result, cancellationToken) =>
        {
            var workspace = Workspace.Open(result.GetValue(project)!);
            var reason = result.GetValue(why)!;
            (Option<bool> Option, RolloutAction Action)[] words =
                [(hold, RolloutAction.Hold), (resume, RolloutAction.Advance), (promote, RolloutAction.Promote), (abort, RolloutAction.Abort)];
            var asked = words.Where(w => result.GetValue(w.Option)).ToList();
            if (asked.Count + (result.GetValue(start) is null ? 0 : 1) > 1)
            {
                throw new CommandException(ExitCodes.Usage, "one of --start, --hold, --resume, --promote and --abort at a time.");
            }

            if (result.GetValue(start) is { } candidate)
            {
                await StartAsync(workspace, candidate, reason, cancellationToken);
            }
            else if (asked.Count == 1)
            {
                var rollout = Active(workspace, result.GetValue(application));
                var option = asked[0].Option.Name;
                var change = await workspace.Rollouts.ChangeAsync(
                    rollout.Application, rollout.Version, asked[0].Action, Environment.UserName, reason.Length > 0 ? reason : $"lauter rollout {option}", null, cancellationToken);
                if (!change.Done)
                {
                    throw new CommandException(ExitCodes.Failure, change.Refusal!);
                }
            }

            Show(workspace, result.GetValue(application), result.GetValue(format) == "json");
            return ExitCodes.Success;
        });
        return command;
    }

    private static async Task StartAsync(Workspace workspace, string candidate, string why, CancellationToken cancellationToken)
    {
        var release = workspace.Releases.Find(candidate) ?? throw new CommandException(ExitCodes.InputMissing, $"there is no release '{candidate}'. 'lauter releases' lists them.");
        var definition = workspace.Project.Applications.GetValueOrDefault(release.Application)?.Rollout
            ?? throw new CommandException(
                ExitCodes.ProjectInvalid, $"the application '{release.Application}' has no 'rollout' in lauter.yaml, for example rollout: {{ canary: [0.05, 0.25, 0.5], requests: 50 }}.");
        var change = await workspace.Rollouts.StartAsync(
            release.Application, release.Id, ReleaseFlow.Policy(definition), Environment.UserName, why.Length > 0 ? why : "lauter rollout --start", cancellationToken);
        if (!change.Done)
        {
            throw new CommandException(ExitCodes.Failure, change.Refusal!);
        }
    }

    private static Rollout Active(Workspace workspace, string? application)
    {
        var active = All(workspace, application).Where(r => r.Active).ToList();
        return active.Count switch
        {
            1 => active[0],
            0 => throw new CommandException(ExitCodes.InputMissing, "no rollout is under way."),
            _ => throw new CommandException(ExitCodes.Usage, $"say which with --application: {string.Join(", ", active.Select(r => r.Application))}."),
        };
    }

    private static IEnumerable<Rollout> All(Workspace workspace, string? application) =>
        workspace.Releases.Applications().Where(a => application is null || a == application).Select(workspace.Rollouts.Find).OfType<Rollout>();

    private static void Show(Workspace workspace, string? application, bool json)
    {
        var rollouts = All(workspace, application).ToList();
        if (rollouts.Any(r => r.Active))
        {
            // What is still in the journal of a running server follows within a second.
            using var traces = new TraceStore(workspace.StatePath("traces.db"));
            var watch = new RolloutWatch(workspace.Rollouts, traces, TimeProvider.System, _ => { });
            rollouts = [.. rollouts.Select(r => r.Active ? r with { Evidence = watch.Judge(r).Evidence } : r)];
        }

        if (json)
        {
            Arguments.WriteJson(new JsonArray([.. rollouts.Select(Row)]));
            return;
        }

        if (rollouts.Count == 0)
        {
            System.Console.WriteLine("No rollout yet. An application with 'rollout' in lauter.yaml begins one when a second release passes its gate.");
        }

        foreach (var rollout in rollouts)
        {
            System.Console.WriteLine($"{rollout.Application}: {rollout.Candidate} against {rollout.Live}: {Word(rollout.Phase)}{(rollout.Active ? $", {rollout.Share:P0} of the requests, step {rollout.Steps.Count} of {rollout.Policy.Shares.Count}" : "")}, since {rollout.Since:yyyy-MM-dd HH:mm:ss}Z");
            System.Console.WriteLine($"    {rollout.Why}");
            foreach (var signal in rollout.Evidence?.Signals ?? [])
            {
                System.Console.WriteLine(
                    $"    {(signal.Signal == RolloutSignal.Failures ? "failures" : "bad feedback"),-14}candidate {signal.CandidateBad} of {signal.Candidate}, live {signal.LiveBad} of {signal.Live}; evidence of harm {signal.Harm:0.###}, of safety {signal.Safety:0.###}, limit {1 / rollout.Policy.Alpha:0.#}");
            }
        }
    }

    private static JsonNode Row(Rollout rollout) => new JsonObject
    {
        ["application"] = rollout.Application,
        ["candidate"] = rollout.Candidate,
        ["live"] = rollout.Live,
        ["phase"] = Word(rollout.Phase),
        ["share"] = rollout.Share,
        ["step"] = rollout.Steps.Count,
        ["steps"] = rollout.Policy.Shares.Count,
        ["started"] = rollout.Started.ToString("O"),
        ["since"] = rollout.Since.ToString("O"),
        ["why"] = rollout.Why,
        ["limit"] = 1 / rollout.Policy.Alpha,
        ["signals"] = new JsonArray([.. (rollout.Evidence?.Signals ?? []).Select(s => (JsonNode)new JsonObject
        {
            ["signal"] = s.Signal.Code(),
            ["candidate"] = s.Candidate, ["candidate_bad"] = s.CandidateBad, ["live"] = s.Live, ["live_bad"] = s.LiveBad, ["harm"] = s.Harm, ["safety"] = s.Safety,
        })]),
    };

    private static string Word(RolloutPhase phase) => phase switch
    {
        RolloutPhase.Running => "running",
        RolloutPhase.Held => "held",
        RolloutPhase.Promoted => "promoted",
        RolloutPhase.RolledBack => "rolled back",
        _ => "aborted",
    };
}
