using System.CommandLine;
using Lauter.Inference.Engine;

namespace Lauter.Commands;

/// <summary><c>lauter engine</c>: one GGUF model as an OpenAI-compatible server, without a project.</summary>
internal static class EngineCommand
{
    public static Command Create()
    {
        var model = new Argument<string>("model") { Description = "A GGUF file." };
        var listen = new Option<string>("--listen") { Description = "Address, for example http://127.0.0.1:8080.", DefaultValueFactory = _ => "http://127.0.0.1:8080" };
        var threads = new Option<int?>("--threads") { Description = "Native threads; default: the cores of this machine or container." };
        var command = new Command("engine", "Serve one GGUF model over the OpenAI wire: chat, completions, embeddings, models, metrics.") { model, listen, threads };
        command.SetAction(async (result, cancellationToken) =>
        {
            var path = Path.GetFullPath(result.GetValue(model)!);
            if (!File.Exists(path))
            {
                throw new CommandException(ExitCodes.InputMissing, $"the model {path} was not found.");
            }

            var code = await EngineServer.RunAsync(
                new EngineOptions { ModelPath = path, ListenAddress = result.GetValue(listen), Threads = result.GetValue(threads) ?? Environment.ProcessorCount }, cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
            return code == 0 ? ExitCodes.Success : ExitCodes.Failure;
        });
        return command;
    }
}
