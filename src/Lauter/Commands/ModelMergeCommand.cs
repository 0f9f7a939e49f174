using System.CommandLine;
using Lauter.Models.Conversion;
using Lauter.Models.Families;
using Lauter.Models.Peft;

namespace Lauter.Commands;

/// <summary><c>lauter model merge</c>: adapter into base, never into a quantised one.</summary>
internal static class ModelMergeCommand
{
    public static Command Create()
    {
        var basis = new Argument<string>("base") { Description = "The original weights: a Hugging Face folder, or a GGUF file of F32, F16 or BF16." };
        var adapter = new Argument<string>("adapter") { Description = "A PEFT adapter folder or a GGUF adapter." };
        var target = ModelCommand.Out("The GGUF file to write.");
        var type = new Option<string>("--type") { Description = "F32, BF16 or F16; quantise afterwards.", DefaultValueFactory = _ => "F16" };
        var format = Arguments.Format();
        var command = new Command("merge", "Add an adapter to the original weights of its base.") { basis, adapter, target, type, format };
        command.SetAction(result =>
        {
            var from = ModelCommand.Existing(result.GetValue(basis)!);
            var what = ModelCommand.Existing(result.GetValue(adapter)!);
            var to = ModelCommand.Target(result.GetValue(target)!, from);
            AdapterMerge.Merge(from, Directory.Exists(what) ? PeftAdapter.Read(what) : GgufAdapter.Read(what, ModelConfig.Read(from)), to, ModelConvertCommand.Storage(result.GetValue(type)!));
            ModelConvertCommand.Report(to, result.GetValue(format) == "json");
            return ExitCodes.Success;
        });
        return command;
    }
}
