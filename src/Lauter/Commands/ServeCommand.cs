using System.CommandLine;
using Lauter.Hosting;
using Spectre.Console;

namespace Lauter.Commands;

/// <summary><c>lauter serve</c>: what is live, without running anything.</summary>
internal static class ServeCommand
{
    public static Command Create()
    {
        var project = Arguments.Project();
        var listen = new Option<string?>("--listen") { Description = "Address of gateway and console; default: serving.listen of the project file, else http://127.0.0.1:5080." };
        var command = new Command("serve", "Serve the live releases and the console. A new live release is taken over within a second.") { project, listen };
        command.SetAction(async (result, cancellationToken) =>
        {
            var workspace = Workspace.Open(result.GetValue(project)!);
            if (workspace.Releases.Applications().All(a => workspace.Releases.Live(a) is null))
            {
                throw new CommandException(ExitCodes.InputMissing, $"nothing is live in {workspace.Project.Directory}. Run 'lauter up' first.");
            }

            await Server.RunAsync(workspace, result.GetValue(listen), Tell, TimeProvider.System, cancellationToken);
            return ExitCodes.Cancelled;
        });
        return command;
    }

    /// <summary>Lines of a server go to standard error, like everything else for people.</summary>
    public static void Tell(string line) => System.Console.Error.WriteLine($"  {Markup.Remove(Markup.Escape(line))}");
}
