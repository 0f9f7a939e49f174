using System.CommandLine;
using System.Text.Json.Nodes;
using Lauter.Models.Conversion;
using Lauter.Models.Families;
using Lauter.Models.Inspection;
using Lauter.Models.Peft;

namespace Lauter.Commands;

/// <summary><c>lauter model convert</c>: checkpoint → GGUF, PEFT adapter ↔ GGUF adapter, quantised GGUF → full precision.</summary>
internal static class ModelConvertCommand
{
    public static Command Create()
    {
        var source = new Argument<string>("source") { Description = "A Hugging Face folder, a PEFT adapter folder, a GGUF adapter, or a GGUF model to widen." };
        var target = ModelCommand.Out("The GGUF file to write; for a GGUF adapter the PEFT folder.");
        var type = new Option<string>("--type") { Description = $"Storage: {string.Join(", ", Quantisation.All.Select(one => one.Name))}. Default: F16, adapters F32." };
        var basis = new Option<string>("--base") { Description = "For adapters: the model they were trained on (GGUF or folder)." };
        var format = Arguments.Format();
        var command = new Command("convert", "Turn a model or adapter into the form that is served, tokenizer and template included.") { source, target, type, basis, format };
        command.SetAction(result =>
        {
            var from = ModelCommand.Existing(result.GetValue(source)!);
            var to = ModelCommand.Target(result.GetValue(target)!, from);
            var form = ModelInspection.Read(from).Form;
            var storage = Storage(result.GetValue(type) ?? (form.EndsWith("adapter", StringComparison.Ordinal) ? "F32" : "F16"));
            switch (form)
            {
                case "checkpoint":
                    CheckpointConverter.Convert(from, to, storage);
                    break;
                case "gguf" when storage.IsFullPrecision:
                    ModelQuantiser.Widen(from, to, storage);
                    break;
                case "gguf":
                    throw new CommandException(ExitCodes.Usage, $"a GGUF model is brought to {storage.Name} with 'lauter model quantise'; convert only widens to F32, BF16 or F16.");
                case "peft-adapter":
                    GgufAdapter.Write(to, PeftAdapter.Read(from), Base(result.GetValue(basis)), storage.Name switch
                    {
                        "F32" => Models.Gguf.GgufTensorType.F32,
                        "F16" => Models.Gguf.GgufTensorType.F16,
                        "BF16" => Models.Gguf.GgufTensorType.BF16,
                        _ => throw new CommandException(ExitCodes.Usage, "an adapter is stored as F32, F16 or BF16."),
                    });
                    break;
                case "gguf-adapter":
                    GgufAdapter.Read(from, Base(result.GetValue(basis))).Write(to);
                    break;
                default:
                    throw new CommandException(ExitCodes.Usage, $"{from} is a single safetensors file; give the folder with its config.json.");
            }

            Report(to, result.GetValue(format) == "json");
            return ExitCodes.Success;
        });
        return command;
    }

    /// <summary>The storage of that name, or the usage error that lists all.</summary>
    public static Quantisation Storage(string name) => Quantisation.All.FirstOrDefault(one => one.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
        ?? throw new CommandException(ExitCodes.Usage, $"there is no storage '{name}'; known are {string.Join(", ", Quantisation.All.Select(one => one.Name))}.");

    /// <summary>Says what was written.</summary>
    public static void Report(string path, bool json)
    {
        var written = ModelInspection.Read(path);
        if (json)
        {
            Arguments.WriteJson(new JsonObject
            {
                ["path"] = written.Path, ["form"] = written.Form, ["bytes"] = written.Bytes, ["tensors"] = written.Tensors.Count, ["quantisation"] = written.Quantisation,
                ["license"] = written.License, ["warnings"] = new JsonArray([.. written.Warnings.Select(warning => (JsonNode)warning)]),
            });
            return;
        }

        System.Console.WriteLine($"{written.Path}: {written.Form}{(written.Quantisation is { } name ? $" {name}" : "")}, {written.Tensors.Count} tensors, {ModelCommand.Size(written.Bytes)}, licence {written.License ?? "not stated"}");
        foreach (var warning in written.Warnings)
        {
            System.Console.Error.WriteLine($"lauter: {warning}");
        }
    }

    private static ModelConfig Base(string? path) => path is null
        ? throw new CommandException(ExitCodes.Usage, "an adapter needs its base to be converted: add --base MODEL.")
        : ModelConfig.Read(ModelCommand.Existing(path));
}
