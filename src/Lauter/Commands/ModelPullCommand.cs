using System.CommandLine;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Lauter.Models.Hub;

namespace Lauter.Commands;

/// <summary><c>lauter model pull</c>: a model from a hub, resumed, checked, its licence shown.</summary>
internal static class ModelPullCommand
{
    private static readonly TimeSpan ProgressEvery = TimeSpan.FromSeconds(2);

    public static Command Create()
    {
        var model = new Argument<string>("model") { Description = "owner/name, or owner/name@revision." };
        var folder = new Option<string>("--out", "-o") { Description = "The folder to fill; default: below the cache (LAUTER_CACHE moves it)." };
        var files = new Option<string[]>("--file") { Description = "Only these files (with * for any letters); needed for repositories of GGUF files.", AllowMultipleArgumentsPerToken = false };
        var hub = new Option<string>("--hub") { Description = "huggingface or modelscope.", DefaultValueFactory = _ => "huggingface" };
        hub.AcceptOnlyFromAmong("huggingface", "modelscope");
        var endpoint = new Option<string>("--endpoint") { Description = "Another address of the hub; default: HF_ENDPOINT or MODELSCOPE_ENDPOINT, else the public one." };
        var mirrors = new Option<string[]>("--mirror") { Description = "Addresses with the same content, asked when the hub does not answer." };
        var offline = new Option<bool>("--offline") { Description = "No network: check what was fetched before." };
        var quiet = Arguments.Quiet();
        var format = Arguments.Format();
        var command = new Command("pull", "Fetch a model from Hugging Face or ModelScope; the token comes from HF_TOKEN or MODELSCOPE_API_TOKEN.") { model, folder, files, hub, endpoint, mirrors, offline, quiet, format };
        command.SetAction(async (result, cancellationToken) =>
        {
            using var client = new HubClient();
            try
            {
                var (pulled, where) = await client.PullAsync(
                    Reference(result.GetValue(model)!),
                    new HubOptions
                    {
                        Kind = result.GetValue(hub) == "modelscope" ? HubKind.ModelScope : HubKind.HuggingFace,
                        Endpoint = result.GetValue(endpoint) is { } address ? Address(address) : null,
                        Mirrors = [.. (result.GetValue(mirrors) ?? []).Select(Address)],
                        Folder = result.GetValue(folder),
                        Files = result.GetValue(files) ?? [],
                        Offline = result.GetValue(offline),
                        Progress = result.GetValue(quiet) || result.GetValue(format) == "json" ? null : Progress(),
                    },
                    cancellationToken);
                Report(pulled, where, result.GetValue(format) == "json");
                return ExitCodes.Success;
            }
            catch (HubException exception)
            {
                throw new CommandException(Code(exception.Fault), exception.Message);
            }
        });
        return command;
    }

    private static HubReference Reference(string text)
    {
        try
        {
            return HubReference.Parse(text);
        }
        catch (ArgumentException exception)
        {
            throw new CommandException(ExitCodes.Usage, exception.Message);
        }
    }

    private static Uri Address(string text) => Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "https" or "http"
        ? address
        : throw new CommandException(ExitCodes.Usage, $"'{text}' is no address like https://huggingface.co.");

    private static int Code(HubFault fault) => fault switch
    {
        HubFault.NotFound or HubFault.Offline or HubFault.Refused => ExitCodes.InputMissing,
        HubFault.Damaged => ExitCodes.VerificationFailed,
        HubFault.Busy => ExitCodes.Busy,
        _ => ExitCodes.Failure,
    };

    private static Action<string, long, long> Progress()
    {
        var watch = Stopwatch.StartNew();
        var next = TimeSpan.Zero;
        return (file, done, size) =>
        {
            if (watch.Elapsed >= next || done == size)
            {
                next = watch.Elapsed + ProgressEvery;
                System.Console.Error.WriteLine($"lauter: {file}: {ModelCommand.Size(done)} of {ModelCommand.Size(size)}");
            }
        };
    }

    private static void Report(PulledModel pulled, string folder, bool json)
    {
        if (json)
        {
            Arguments.WriteJson(new JsonObject
            {
                ["folder"] = folder,
                ["endpoint"] = pulled.Endpoint,
                ["repository"] = pulled.Repository,
                ["commit"] = pulled.Commit,
                ["license"] = pulled.License,
                ["files"] = new JsonArray([.. pulled.Files.Select(file => (JsonNode)new JsonObject { ["path"] = file.Path, ["size"] = file.Size, ["sha256"] = file.Sha256 })]),
            });
            return;
        }

        System.Console.WriteLine($"{folder}: {pulled.Repository}{(pulled.Commit is { } commit ? $" at {commit}" : "")}, {pulled.Files.Count} files, {ModelCommand.Size(pulled.Files.Sum(file => file.Size))}");
        System.Console.WriteLine(pulled.License is { } license ? $"licence: {license}" : "licence: not stated; find out whether you may use this model before you do.");
    }
}
