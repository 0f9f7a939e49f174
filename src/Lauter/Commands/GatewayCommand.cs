using System.CommandLine;
using Lauter.Gateway;
using Lauter.Gateway.Applications;
using Lauter.Gateway.Configuration;
using Lauter.Gateway.Keys;
using Lauter.Hosting;

namespace Lauter.Commands;

/// <summary><c>lauter gateway</c>: keys, budgets, routes, guards, cache, traces and ledger in front of any providers, without a project.</summary>
internal static class GatewayCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("file") { Description = "The gateway file, for example GATEWAY.yaml." };
        var listen = new Option<string?>("--listen") { Description = "Address; default: 'listen' of the file, else http://127.0.0.1:5080." };
        var check = new Option<bool>("--check") { Description = "Only read the file, report every fault, and end." };
        var command = new Command("gateway", "Serve OpenAI's and Anthropic's API in front of any providers, from one file.") { file, listen, check };
        command.SetAction(async (result, cancellationToken) =>
        {
            var definition = Load(result.GetValue(file)!);
            if (result.GetValue(check))
            {
                System.Console.Error.WriteLine($"  {definition.Name}: {definition.Applications.Count} application(s), {definition.Options.Budgets.Count} budget(s): no fault.");
                return ExitCodes.Success;
            }

            await GatewayServer.RunAsync(result.GetValue(file)!, definition, result.GetValue(listen), ServeCommand.Tell, TimeProvider.System, cancellationToken);
            return ExitCodes.Cancelled;
        });
        return command;
    }

    /// <summary>Reads a gateway file.</summary>
    /// <exception cref="CommandException">It is missing or has faults.</exception>
    public static GatewayDefinition Load(string path)
    {
        try
        {
            return GatewayFile.Load(path);
        }
        catch (GatewayFileException e)
        {
            throw new CommandException(e.Missing ? ExitCodes.InputMissing : ExitCodes.ProjectInvalid, e.Message);
        }
    }
}
