using System.CommandLine;
using System.Text.Json.Nodes;
using Lauter.Data.Operators.Perplexity;

namespace Lauter.Commands;

/// <summary><c>lauter data learn</c>: a character model of clean text, for <c>drop_perplexity</c>.</summary>
internal static class DataLearnCommand
{
    public static Command Create()
    {
        var input = DataRecipes.Input();
        var output = new Option<string>("--out") { Description = "The model's file; a recipe names it as drop_perplexity: { model: FILE }.", Required = true };
        var recipe = new Option<string?>("--recipe") { Description = "A recipe whose operators say what is clean; without it every row is." };
        var text = DataRecipes.TextField();
        var id = DataRecipes.IdField();
        var format = Arguments.Format();
        var command = new Command("learn", "Learn how clean text reads, character by character; drop_perplexity measures other texts with it.") { input, output, recipe, text, id, format };
        command.SetAction(async (result, cancellation) =>
        {
            var file = Path.GetFullPath(result.GetValue(output)!);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            var (characters, sha256) = await PerplexityTraining.LearnAsync(
                result.GetValue(recipe) is { } name ? DataRecipes.Load(name) : null, DataRecipes.Inputs(result.GetValue(input)!), file, result.GetValue(text)!, result.GetValue(id)!, cancellation);
            if (characters.Count == 0)
            {
                throw new CommandException(ExitCodes.InputMissing, "no row is clean text in English or Chinese: there is nothing to learn.");
            }

            if (result.GetValue(format) == "json")
            {
                Arguments.WriteJson(new JsonObject { ["file"] = file, ["sha256"] = sha256, ["characters"] = new JsonObject(characters.Select(c => KeyValuePair.Create(c.Key, (JsonNode?)c.Value))) });
            }
            else
            {
                System.Console.WriteLine($"{string.Join(", ", characters.Select(c => $"{c.Value:N0} characters of {c.Key}"))} → {file}");
            }

            return ExitCodes.Success;
        });
        return command;
    }
}
