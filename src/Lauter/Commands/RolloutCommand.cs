using System.CommandLine;
using System.Text.Json.Nodes;
using Lauter.Gateway;
using Lauter.Hosting;
using Lauter.Ledger;
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
        var start = new Option<string[]>("--start")
        {
            Description = "Begin the rollout of a release whose gate passed, for example triage-2, by the application's rollout policy. Several releases are tried at once: each is compared with the live one and with the others, the worse ones leave, and one that is not worse than any that is left becomes live.",
            AllowMultipleArgumentsPerToken = true,
        };
        var candidate = new Option<string?>("--candidate") { Description = "Which of several: with --promote or --eliminate." };
        var eliminate = new Option<bool>("--eliminate") { Description = "Let one of several candidates leave; the others go on." };
        var hold = new Option<bool>("--hold") { Description = "Keep the share as it is until a person decides. Evidence of harm still rolls back." };
        var resume = new Option<bool>("--resume") { Description = "Go on: the next share, or wait for the evidence of the last one." };
        var promote = new Option<bool>("--promote") { Description = "Make the candidate live now." };
        var abort = new Option<bool>("--abort") { Description = "Give all requests back to the live release." };
        var why = new Option<string>("--why") { Description = "The reason, kept in the audit log.", DefaultValueFactory = _ => "" };
        var command = new Command("rollout", "Show what is on its way to become live, or hold, resume, promote or abort it. A running server follows within a second.")
        {
            project, application, start, hold, resume, promote, abort, eliminate, candidate, why, format,
        };
        command.SetAction(async (result, cancellationToken) =>
        {
            var workspace = Workspace.Open(result.GetValue(project)!);
            var reason = result.GetValue(why)!;
            (Option<bool> Option, RolloutAction Action)[] words =
                [(hold, RolloutAction.Hold), (resume, RolloutAction.Advance), (promote, RolloutAction.Promote), (abort, RolloutAction.Abort), (eliminate, RolloutAction.Eliminate)];
            var asked = words.Where(w => result.GetValue(w.Option)).ToList();
            var starting = result.GetValue(start) ?? [];
            if (asked.Count + (starting.Length == 0 ? 0 : 1) > 1)
            {
                throw new CommandException(ExitCodes.Usage, "one of --start, --hold, --resume, --promote, --abort and --eliminate at a time.");
            }

            if (starting.Length > 0)
            {
                await StartAsync(workspace, starting, reason, cancellationToken);
            }
            else if (asked.Count == 1)
            {
                var rollout = Active(workspace, result.GetValue(application));
                var option = asked[0].Option.Name;
                var change = await workspace.Rollouts.ChangeAsync(
                    rollout.Application, rollout.Version, asked[0].Action, Environment.UserName, reason.Length > 0 ? reason : $"lauter rollout {option}", null, cancellationToken, result.GetValue(candidate));
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

    private static async Task StartAsync(Workspace workspace, string[] candidates, string why, CancellationToken cancellationToken)
    {
        var release = candidates.Select(candidate => workspace.Releases.Find(candidate)
            ?? throw new CommandException(ExitCodes.InputMissing, $"there is no release '{candidate}'. 'lauter releases' lists them.")).ToList();
        var application = release[0].Application;
        if (release.Exists(r => r.Application != application) || candidates.Distinct(StringComparer.Ordinal).Count() != candidates.Length || candidates.Length > RolloutStore.MostCandidates)
        {
            throw new CommandException(ExitCodes.Usage, $"--start takes 1 to {RolloutStore.MostCandidates} different releases of one application, not {string.Join(", ", candidates)}.");
        }

        var definition = workspace.Project.Applications.GetValueOrDefault(application)?.Rollout
            ?? throw new CommandException(
                ExitCodes.ProjectInvalid, $"the application '{application}' has no 'rollout' in lauter.yaml, for example rollout: {{ shadow: 200, canary: [0.05, 0.25, 0.5], requests: 50 }}.");
        var change = await workspace.Rollouts.StartAsync(
            application, candidates, ReleaseFlow.Policy(definition), Environment.UserName, why.Length > 0 ? why : "lauter rollout --start", cancellationToken);
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
            // What a running server, or one that was killed, has only journalled counts as well.
            using var traces = new TraceStore(workspace.StatePath("traces.db"));
            using var ledger = new LedgerStore(workspace.StatePath("ledger.db"));
            GatewayState.CatchUp(workspace.State, ledger, traces);
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
            Write(rollout);
        }
    }

    private static void Write(Rollout rollout)
    {
        var way = !rollout.Active ? ""
            : rollout.Shadowing ? $", mirrored requests {rollout.Evidence?.Shadow?.Select(s => s.Mirrored).DefaultIfEmpty().Min() ?? 0:#,0} of {rollout.Policy.Shadow:#,0}, nobody is answered by it"
            : $", {rollout.Share:P0} of the requests, step {rollout.Steps.Count} of {rollout.Policy.Shares.Count}";
        var harm = rollout.Policy.HarmLimit(rollout.Candidates.Count);
        var safety = rollout.Policy.SafetyLimit(rollout.Candidates.Count);
        System.Console.WriteLine($"{rollout.Application}: {string.Join(", ", rollout.Active ? rollout.Standing : [rollout.Candidate])} against {rollout.Live}: {Word(rollout.Phase)}{way}, since {rollout.Since:yyyy-MM-dd HH:mm:ss}Z");
        System.Console.WriteLine($"    {rollout.Why}");
        foreach (var left in rollout.Eliminated ?? [])
        {
            System.Console.WriteLine($"    {left.Candidate} left at {left.At:yyyy-MM-dd HH:mm:ss}Z: {left.Why}");
        }

        foreach (var shadow in rollout.Evidence?.Shadow ?? [])
        {
            System.Console.WriteLine(
                $"    mirrored to {shadow.Candidate}: {shadow.Mirrored:#,0}; same answer {shadow.Agreed:#,0} of {shadow.Compared:#,0}; alone failed {shadow.OnlyCandidateFailed}, live alone {shadow.OnlyLiveFailed}; p50 {Time(shadow.CandidateP50Milliseconds)} against {Time(shadow.LiveP50Milliseconds)}, p95 {Time(shadow.CandidateP95Milliseconds)} against {Time(shadow.LiveP95Milliseconds)}; cost {(shadow.Cost is { } cost ? $"{cost:0.######} {shadow.Currency}" : "unknown")}; evidence of harm {shadow.Harm:0.###}, limit {harm:0.#}");
        }

        foreach (var signal in rollout.Evidence?.Signals ?? [])
        {
            System.Console.WriteLine(
                $"    {(signal.Signal == RolloutSignal.Failures ? "failures" : "bad feedback"),-14}{signal.Release ?? "candidate"} {signal.CandidateBad} of {signal.Candidate}, live {signal.LiveBad} of {signal.Live}; evidence of harm {signal.Harm:0.###} (limit {harm:0.#}), of safety {signal.Safety:0.###} (limit {safety:0.#})");
        }

        foreach (var candidate in rollout.Evidence?.Candidates ?? [])
        {
            System.Console.WriteLine($"    {candidate.Candidate}: strongest evidence of harm {candidate.Harm:0.###} (against {candidate.WorseThan}), weakest of safety {candidate.Safety:0.###}");
        }

        static string Time(double? milliseconds) => milliseconds is { } value ? $"{value:0} ms" : "–";
    }

    private static JsonNode Row(Rollout rollout) => new JsonObject
    {
        ["application"] = rollout.Application,
        ["candidate"] = rollout.Candidate,
        ["candidates"] = new JsonArray([.. rollout.Candidates.Select(c => (JsonNode)c)]),
        ["standing"] = new JsonArray([.. rollout.Standing.Select(c => (JsonNode)c)]),
        ["live"] = rollout.Live,
        ["phase"] = Word(rollout.Phase),
        ["shadowing"] = rollout.Shadowing,
        ["share"] = rollout.Share,
        ["step"] = rollout.Shadowing ? 0 : rollout.Steps.Count,
        ["steps"] = rollout.Policy.Shares.Count,
        ["started"] = rollout.Began.ToString("O"),
        ["since"] = rollout.Since.ToString("O"),
        ["why"] = rollout.Why,
        ["limit"] = rollout.Policy.HarmLimit(rollout.Candidates.Count),
        ["safety_limit"] = rollout.Policy.SafetyLimit(rollout.Candidates.Count),
        ["shadow"] = new JsonArray([.. (rollout.Evidence?.Shadow ?? []).Select(s => (JsonNode)new JsonObject
        {
            ["candidate"] = s.Candidate, ["mirrored"] = s.Mirrored, ["agreed"] = s.Agreed, ["compared"] = s.Compared, ["only_candidate_failed"] = s.OnlyCandidateFailed,
            ["only_live_failed"] = s.OnlyLiveFailed, ["both_failed"] = s.BothFailed, ["candidate_p95_ms"] = s.CandidateP95Milliseconds, ["live_p95_ms"] = s.LiveP95Milliseconds,
            ["cost"] = s.Cost, ["currency"] = s.Currency, ["harm"] = s.Harm,
        })]),
        ["signals"] = new JsonArray([.. (rollout.Evidence?.Signals ?? []).Select(s => (JsonNode)new JsonObject
        {
            ["signal"] = s.Signal.Code(), ["release"] = s.Release ?? rollout.Candidate,
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
