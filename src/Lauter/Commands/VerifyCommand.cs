using System.CommandLine;
using Lauter.Hosting;
using Lauter.Releases.Evidence;

namespace Lauter.Commands;

/// <summary><c>lauter verify</c>: the chain behind a release, byte by byte, offline.</summary>
internal static class VerifyCommand
{
    public static Command Create()
    {
        var release = new Argument<string?>("release") { Description = "For example triage-1, or the hash of a manifest. Default: every live release.", Arity = ArgumentArity.ZeroOrOne };
        var project = new Option<string>("--project", "-p") { Description = "The directory that holds lauter.yaml.", DefaultValueFactory = _ => "." };
        var format = Arguments.Format();
        var command = new Command("verify", "Walk the evidence chain from a release to every source file and read every byte again. Needs no server.") { release, project, format };
        command.SetAction((result, cancellationToken) => Task.FromResult(Verify(
            result.GetValue(release), result.GetValue(project)!, result.GetValue(format) == "json", cancellationToken)));
        return command;
    }

    private static int Verify(string? release, string directory, bool json, CancellationToken cancellationToken)
    {
        var workspace = Workspace.Open(directory);
        var roots = release is null
            ? [.. workspace.Releases.Applications().Select(a => workspace.Releases.Live(a)?.Manifest).OfType<string>()]
            : (string[])[workspace.Releases.Find(release)?.Manifest ?? (Catalog.Objects.ObjectStore.IsName(release) ? release : throw Unknown(workspace, release))];
        if (roots.Length == 0)
        {
            throw new CommandException(ExitCodes.InputMissing, "there is no release yet. Run 'lauter up' first.");
        }

        var audit = workspace.Releases.VerifyAudit();
        var good = audit.Intact;
        var documents = new System.Text.Json.Nodes.JsonArray();
        foreach (var root in roots)
        {
            var report = EvidenceChain.Verify(workspace.Objects, root, workspace.Project.Directory, cancellationToken);
            good &= report.Intact;
            if (json)
            {
                documents.Add(System.Text.Json.Nodes.JsonNode.Parse(report.ToBytes()));
            }
            else
            {
                System.Console.Write(EvidenceTree.Render(report));
            }
        }

        if (json)
        {
            Arguments.WriteJson(new System.Text.Json.Nodes.JsonObject
            {
                ["intact"] = good,
                ["audit"] = new System.Text.Json.Nodes.JsonObject { ["entries"] = audit.Entries, ["faults"] = new System.Text.Json.Nodes.JsonArray([.. audit.Faults.Select(f => (System.Text.Json.Nodes.JsonNode)f)]) },
                ["chains"] = documents,
            });
        }
        else
        {
            System.Console.WriteLine($"audit log: {audit.Entries} entries, {(audit.Intact ? "intact" : string.Join("; ", audit.Faults))}");
        }

        return good ? ExitCodes.Success : ExitCodes.VerificationFailed;
    }

    private static CommandException Unknown(Workspace workspace, string release) => new(
        ExitCodes.InputMissing,
        $"there is no release '{release}'.{Catalog.Projects.NearestName.Suggest(release, [.. workspace.Releases.Applications().SelectMany(workspace.Releases.List).Select(r => r.Id)])}");
}
