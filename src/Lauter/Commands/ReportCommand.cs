using System.CommandLine;
using Lauter.Console.Reports;
using Lauter.Hosting;

namespace Lauter.Commands;

/// <summary><c>lauter report</c>: the evidence of a release as one page for people.</summary>
internal static class ReportCommand
{
    public static Command Create()
    {
        var release = new Argument<string>("release") { Description = "For example triage-1." };
        var project = new Option<string>("--project", "-p") { Description = "The directory that holds lauter.yaml.", DefaultValueFactory = _ => "." };
        var output = new Option<string?>("--output", "-o") { Description = "The HTML file to write; default RELEASE.html here." };
        var language = new Option<string>("--language") { Description = "Shown first: en or zh-CN. The file holds both.", DefaultValueFactory = _ => "en" };
        language.AcceptOnlyFromAmong("en", "zh-CN");
        var command = new Command(
            "report", "Write an acceptance report of a release: one HTML file in English and Chinese, with the evidence checked again on the way. Needs no server.")
        {
            release, project, output, language,
        };
        command.SetAction(async (result, cancellationToken) =>
        {
            var workspace = Workspace.Open(result.GetValue(project)!);
            var id = result.GetValue(release)!;
            var found = workspace.Releases.Find(id) ?? throw new CommandException(
                ExitCodes.InputMissing,
                $"there is no release '{id}'.{Catalog.Projects.NearestName.Suggest(id, [.. workspace.Releases.Applications().SelectMany(workspace.Releases.List).Select(r => r.Id)])}");
            var data = ReleaseEvidence.Of(workspace, found, TimeProvider.System, cancellationToken);
            var path = Path.GetFullPath(result.GetValue(output) ?? $"{found.Id}.html");
            await File.WriteAllTextAsync(path, await ReleaseReport.RenderAsync(data, result.GetValue(language)), cancellationToken);
            System.Console.Error.WriteLine(data.Verification.Intact
                ? $"  {path}: {found.Id}, every byte of its evidence checked"
                : $"  {path}: {found.Id}, and the evidence has faults: {string.Join("; ", data.Verification.Faults)}");
            return data.Verification.Intact ? ExitCodes.Success : ExitCodes.VerificationFailed;
        });
        return command;
    }
}
