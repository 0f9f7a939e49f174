using System.CommandLine;
using System.Text.Json.Nodes;
using Lauter.Training.Examples;
using Lauter.Training.Loop;

namespace Lauter.Commands;

/// <summary><c>lauter model record</c>: a teacher's most probable tokens beside each row, for training a student of the same vocabulary.</summary>
internal static class ModelRecordCommand
{
    public static Command Create()
    {
        var teacher = new Argument<string>("teacher") { Description = "A GGUF model with the student's vocabulary." };
        var rows = new Argument<string>("rows") { Description = "JSON lines with conversations." };
        var target = ModelCommand.Out("Receives the same lines, each with a member 'teacher'.");
        var top = new Option<int>("--top") { Description = "Tokens a place, 1 to 1000.", DefaultValueFactory = _ => 16 };
        var format = Arguments.Format();
        var command = new Command("record", "Record what a teacher finds probable at each token of the answers.") { teacher, rows, target, top, format };
        command.SetAction((result, cancellationToken) =>
        {
            var from = Arguments.ExistingFile(result.GetValue(rows)!);
            var to = ModelCommand.Target(result.GetValue(target)!, from);
            int count;
            try
            {
                count = TeacherRecorder.Record(ModelCommand.Existing(result.GetValue(teacher)!), from, to, Math.Clamp(result.GetValue(top), 1, 1000), null, cancellationToken);
            }
            catch (TrainingFailedException e)
            {
                throw new CommandException(ExitCodes.InputMissing, e.Message);
            }

            if (result.GetValue(format) == "json")
            {
                Arguments.WriteJson(new JsonObject { ["path"] = to, ["recorded"] = count });
            }
            else
            {
                System.Console.WriteLine($"{to}: {count:#,0} rows recorded");
            }

            return Task.FromResult(ExitCodes.Success);
        });
        return command;
    }
}
