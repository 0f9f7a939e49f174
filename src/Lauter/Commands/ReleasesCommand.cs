using System.CommandLine;
using System.Text.Json.Nodes;
using Lauter.Hosting;
using Lauter.Releases.Gates;

namespace Lauter.Commands;

/// <summary><c>lauter releases</c>: what was released, what is live, and the way back.</summary>
internal static class ReleasesCommand
{
    public static Command Create()
    {
        var project = Arguments.Project();
        var format = Arguments.Format();
        var back = new Option<string?>("--rollback") { Description = "Make an earlier release live again, for example triage-1. A running server takes it over within a second." };
        var command = new Command("releases", "List releases, or go back to an earlier one.") { project, back, format };
        command.SetAction(async (result, cancellationToken) =>
        {
            var workspace = Workspace.Open(result.GetValue(project)!);
            if (result.GetValue(back) is { } release)
            {
                var found = workspace.Releases.Find(release) ?? throw new CommandException(ExitCodes.InputMissing, $"there is no release '{release}'. 'lauter releases' lists them.");
                var done = await workspace.Releases.RollbackAsync(found.Application, release, Environment.UserName, "lauter releases --rollback", cancellationToken);
                if (!done.Done)
                {
                    throw new CommandException(ExitCodes.Failure, done.Detail);
                }
            }

            List(workspace, result.GetValue(format) == "json");
            return ExitCodes.Success;
        });
        return command;
    }

    private static void List(Workspace workspace, bool json)
    {
        var rows = new JsonArray();
        foreach (var application in workspace.Releases.Applications())
        {
            var live = workspace.Releases.Live(application)?.ReleaseId;
            foreach (var release in workspace.Releases.List(application))
            {
                if (json)
                {
                    rows.Add(new JsonObject
                    {
                        ["release"] = release.Id, ["application"] = application, ["live"] = release.Id == live, ["gate"] = release.Gate?.Word(),
                        ["candidate"] = release.CandidateName, ["created"] = release.Created.ToString("O"), ["manifest"] = release.Manifest,
                    });
                }
                else
                {
                    System.Console.WriteLine($"{(release.Id == live ? "live" : ""),-5}{release.Id,-20}{release.Gate?.Word() ?? "no gate",-24}{release.CandidateName,-20}{release.Created:yyyy-MM-dd HH:mm:ss}Z  {release.Manifest[..12]}");
                }
            }
        }

        if (json)
        {
            Arguments.WriteJson(rows);
        }
    }
}
