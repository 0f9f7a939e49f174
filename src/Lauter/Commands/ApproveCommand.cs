using System.CommandLine;
using System.Text.Json.Nodes;
using Lauter.Hosting;
using Lauter.Releases.Gates;
using Lauter.Releases.Rollout;

namespace Lauter.Commands;

/// <summary><c>lauter approve</c>: a person agrees that a release may serve.</summary>
internal static class ApproveCommand
{
    public static Command Create()
    {
        var release = new Argument<string>("release") { Description = "For example triage-2." };
        var project = new Option<string>("--project", "-p") { Description = "The directory that holds lauter.yaml.", DefaultValueFactory = _ => "." };
        var role = new Option<string?>("--role") { Description = "In which role; needed when the release waits for more than one." };
        var name = new Option<string>("--as") { Description = "Who agrees; default: the account of this machine, which is recorded in any case.", DefaultValueFactory = _ => Environment.UserName };
        var why = new Option<string>("--why") { Description = "A remark, kept in the audit log.", DefaultValueFactory = _ => "" };
        var format = Arguments.Format();
        var command = new Command(
            "approve", "Agree that a release may serve (gate: { approvals: { safety: 1 } }). The last missing approval lets it take over. Kept in the audit log.")
        {
            release, project, role, name, why, format,
        };
        command.SetAction(async (result, cancellationToken) =>
        {
            var workspace = Workspace.Open(result.GetValue(project)!);
            var id = result.GetValue(release)!;
            var found = workspace.Releases.Find(id) ?? throw new CommandException(
                ExitCodes.InputMissing,
                $"there is no release '{id}'.{Catalog.Projects.NearestName.Suggest(id, [.. workspace.Releases.Applications().SelectMany(workspace.Releases.List).Select(r => r.Id)])}");
            var chosen = Role(workspace, found, result.GetValue(role));
            var missing = await workspace.Releases.ApproveAsync(found, chosen, result.GetValue(name)!, Environment.UserName, result.GetValue(why)!, cancellationToken);
            var outcome = missing.Count == 0 ? await ServeAsync(workspace, found, cancellationToken) : null;
            if (result.GetValue(format) == "json")
            {
                Arguments.WriteJson(new JsonObject
                {
                    ["release"] = id, ["role"] = chosen, ["by"] = result.GetValue(name),
                    ["missing"] = new JsonArray([.. missing.Select(m => (JsonNode)new JsonObject { ["role"] = m.Role, ["given"] = m.Given, ["needed"] = m.Needed })]),
                    ["live"] = workspace.Releases.Live(found.Application)?.ReleaseId,
                    ["rollout"] = outcome?.Rollout?.Candidate,
                });
            }
            else
            {
                System.Console.WriteLine($"{result.GetValue(name)} approved {id} as {chosen}");
                System.Console.WriteLine(
                    missing.Count > 0 ? $"still missing: {string.Join(", ", missing)}"
                    : outcome?.Rollout is { } rollout ? $"every approval is there: its rollout began against {rollout.Live}"
                    : $"every approval is there: {workspace.Releases.Live(found.Application)?.ReleaseId} is live");
            }

            return ExitCodes.Success;
        });
        return command;
    }

    private static string Role(Workspace workspace, Release release, string? asked)
    {
        string[] roles = [.. (release.Approvals ?? []).Select(a => a.Role)];
        if (roles.Length == 0)
        {
            throw new CommandException(ExitCodes.Usage, $"'{release.Id}' demands no approval. Demand one with gate: {{ approvals: {{ safety: 1 }} }} in lauter.yaml; it holds for releases made from then on.");
        }

        if (asked is not null)
        {
            return roles.Contains(asked)
                ? asked
                : throw new CommandException(ExitCodes.Usage, $"'{release.Id}' demands no approval in the role '{asked}', only {string.Join(", ", roles)}.{Catalog.Projects.NearestName.Suggest(asked, roles)}");
        }

        string[] missing = [.. workspace.Releases.MissingApprovals(release).Select(m => m.Role)];
        return missing.Length == 1 ? missing[0]
            : roles.Length == 1 ? roles[0]
            : throw new CommandException(ExitCodes.Usage, $"say in which role with --role: {string.Join(", ", missing.Length == 0 ? roles : missing)}.");
    }

    /// <summary>The last approval was the last thing that kept the release from serving. One that has served, or was withdrawn since, stays as it is.</summary>
    private static async Task<ReleaseOutcome?> ServeAsync(Workspace workspace, Release release, CancellationToken cancellationToken)
    {
        var history = workspace.Releases.History(release.Application);
        if (history.Any(e => e.ReleaseId == release.Id && e.Version is not null) || workspace.Rollouts.History(release.Application).Any(r => r.Candidates.Contains(release.Id))
            || !workspace.Project.Applications.TryGetValue(release.Application, out var application))
        {
            return null;
        }

        var gate = Catalog.Objects.Manifest.Read(workspace.Objects, release.Manifest).Objects.FirstOrDefault(o => o.Name == "gate.json");
        var verdict = gate is null ? null : GateVerdict.FromBytes(workspace.Objects.ReadAllBytes(gate.Sha256));
        return await ReleaseFlow.ServeAsync(workspace, application, release, verdict, "every approval was given", cancellationToken);
    }
}
