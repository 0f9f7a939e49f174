using System.CommandLine;
using Lauter.Models.Conversion;

namespace Lauter.Commands;

/// <summary><c>lauter model quantise</c>: a full-precision model stored smaller.</summary>
internal static class ModelQuantiseCommand
{
    public static Command Create()
    {
        var source = new Argument<string>("source") { Description = "A GGUF model of F32, F16 or BF16." };
        var target = ModelCommand.Out("The GGUF file to write.");
        var type = new Option<string>("--type") { Description = string.Join(", ", Quantisation.All.Select(one => one.Name)) + ".", Required = true };
        var threads = new Option<int>("--threads") { Description = "Threads of the quantiser; 0 = one per core." };
        var format = Arguments.Format();
        var command = new Command("quantise", "Store a full-precision model with fewer bits.") { source, target, type, threads, format };
        command.SetAction(result =>
        {
            var from = ModelCommand.Existing(result.GetValue(source)!);
            var to = ModelCommand.Target(result.GetValue(target)!, from);
            ModelQuantiser.Quantise(from, to, ModelConvertCommand.Storage(result.GetValue(type)!), Math.Clamp(result.GetValue(threads), 0, 256));
            ModelConvertCommand.Report(to, result.GetValue(format) == "json");
            return ExitCodes.Success;
        });
        return command;
    }
}
