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
        var adapters = new Option<string[]>("--adapter") { Description = "A LoRA adapter in GGUF, as FILE or NAME=FILE; requests ask for it by its name as their model. Can be given several times." };
        var directory = new Option<string?>("--adapter-dir") { Description = "Directory from which callers may load adapters while it runs (POST /v1/adapters). The wire asks for no key: give one only where all callers are trusted." };
        var name = new Option<string?>("--name") { Description = "The model's name on the wire; default: the file's name." };
        var threads = new Option<int?>("--threads") { Description = "Native threads; default: one for very small models, else the cores that this machine or container grants." };
        var sequences = new Option<int>("--parallel") { Description = "Requests worked on at once, 1-254; more wait.", DefaultValueFactory = _ => Defaults.Sequences };
        var queue = new Option<int>("--queue") { Description = "Requests that may wait before others get 429.", DefaultValueFactory = _ => Defaults.Queue };
        var cells = new Option<int?>("--cells") { Description = "Tokens that the key-value cache holds for all requests together." };
        var target = new Option<int>("--inter-token-ms") { Description = "Milliseconds between two tokens of an answer that other prompts should not exceed.", DefaultValueFactory = _ => (int)Defaults.InterTokenTarget.TotalMilliseconds };
        var deterministic = new Option<bool>("--deterministic") { Description = "One request at a time from an empty cache: equal requests get equal answers." };
        var noReuse = new Option<bool>("--no-reuse") { Description = "Compute every prompt anew instead of sharing what one tenant's prompts begin with." };
        var host = new Option<int?>("--host-cache-mib") { Description = "MiB of ordinary memory for prefixes that had to leave the key-value cache; 0 computes them again. Default: twice what the cells take, at most 256." };
        var speculate = new Option<int>("--speculate") { Description = "Most tokens to guess ahead from earlier text of the same request, 0-8, while that is measured to pay; for answers that quote. 0 never guesses." };
        var command = new Command("engine", "Serve one GGUF model over the OpenAI wire: chat, completions, embeddings, rerank, models, adapters, tokenize, health, metrics.")
        {
            model, listen, adapters, directory, name, threads, sequences, queue, cells, target, deterministic, noReuse, host, speculate,
        };
        command.SetAction(async (result, cancellationToken) =>
        {
            var options = new EngineOptions
            {
                ModelPath = Existing(result.GetValue(model)!, "the model"),
                ModelId = result.GetValue(name),
                ListenAddress = result.GetValue(listen),
                Adapters = ReadAdapters(result.GetValue(adapters) ?? []),
                AdapterDirectory = result.GetValue(directory),
                Threads = result.GetValue(threads),
                Sequences = result.GetValue(sequences),
                Queue = result.GetValue(queue),
                CacheCells = result.GetValue(cells),
                InterTokenTarget = TimeSpan.FromMilliseconds(Math.Clamp(result.GetValue(target), 1, 60_000)),
                Deterministic = result.GetValue(deterministic),
                Reuse = !result.GetValue(noReuse),
                HostCacheMebibytes = result.GetValue(host),
                Speculation = result.GetValue(speculate),
            };
            var code = await EngineServer.RunAsync(options, cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
            return code == 0 ? ExitCodes.Success : ExitCodes.Failure;
        });
        return command;
    }

    private static EngineOptions Defaults { get; } = new() { ModelPath = "" };

    private static Dictionary<string, string> ReadAdapters(string[] values)
    {
        var adapters = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var value in values)
        {
            var cut = value.IndexOf('=', StringComparison.Ordinal);
            var path = Existing(cut < 0 ? value : value[(cut + 1)..], "the adapter");
            var name = cut < 0 ? Path.GetFileNameWithoutExtension(path) : value[..cut];
            if (!adapters.TryAdd(name, path))
            {
                throw new CommandException(ExitCodes.Usage, $"two adapters are named '{name}'; give them as NAME=FILE.");
            }
        }

        return adapters;
    }

    private static string Existing(string path, string what)
    {
        var full = Path.GetFullPath(path);
        return File.Exists(full) ? full : throw new CommandException(ExitCodes.InputMissing, $"{what} {full} was not found.");
    }
}
