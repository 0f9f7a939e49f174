using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Lauter.Data.Rows;

namespace Lauter.Commands;

/// <summary><c>lauter data explain</c>: one row, operator by operator.</summary>
internal static class DataExplainCommand
{
    public static Command Create()
    {
        var row = new Argument<string>("row") { Description = "The row's id, or its line number in the first file." };
        var input = new Option<string?>("--in") { Description = "A JSONL or Parquet file or a document, or a directory of these; with --recipe." };
        var recipe = new Option<string?>("--recipe") { Description = "A recipe file, or a built-in one." };
        var project = new Option<string?>("--project") { Description = "A project: which versions of its datasets hold the row, and which models saw it." };
        var output = new Option<string?>("--out") { Description = "The output of a finished run; its rejects are searched too (copies are only known there)." };
        var text = DataRecipes.TextField();
        var id = DataRecipes.IdField();
        var format = Arguments.Format();
        var command = new Command("explain", "Say what a recipe does to one row: every edit, every measured number beside its threshold; and where it went in a project.") { row, input, recipe, output, project, text, id, format };
        command.SetAction(async (result, cancellation) =>
        {
            var name = result.GetValue(row)!;
            if ((result.GetValue(recipe) is null) != (result.GetValue(input) is null) || (result.GetValue(recipe) is null && result.GetValue(project) is null))
            {
                throw new CommandException(ExitCodes.Usage, "give --in and --recipe, to see what a recipe does to the row; or --project, to see where it went; or all three.");
            }

            var story = result.GetValue(recipe) is not { } rules ? null : await DataRecipes.GuardAsync(RowStory.OfAsync(
                DataRecipes.Load(rules), DataRecipes.Inputs(result.GetValue(input)!), name, result.GetValue(output), result.GetValue(text)!, result.GetValue(id)!, cancellation))
                ?? throw new CommandException(ExitCodes.InputMissing, $"no row has the id '{name}'. The id stands in the member '{result.GetValue(id)}' (--id names another); a number is a line of the first file.");
            var versions = result.GetValue(project) is { } directory ? DataLineage.Of(directory, story?.Id ?? name) : null;
            if (versions is { Count: 0 } && story is null)
            {
                throw new CommandException(ExitCodes.InputMissing, $"no dataset version of the project holds or dropped a row '{name}'. Ids stand in the column 'id' of its Parquet files.");
            }

            if (result.GetValue(format) == "json")
            {
                var document = story is null ? new JsonObject { ["id"] = name } : ToJson(story);
                document["versions"] = versions is null ? null : DataLineage.ToJson(versions);
                Arguments.WriteJson(document);
                return ExitCodes.Success;
            }

            if (story is not null)
            {
                Write(story);
            }

            if (versions is not null)
            {
                System.Console.WriteLine(versions.Count == 0 ? "  no dataset version of the project holds or dropped it" : $"{name} in the project");
                DataLineage.Write(versions);
            }

            return ExitCodes.Success;
        });
        return command;
    }

    private static JsonObject ToJson(RowStory story) => new()
    {
        ["id"] = story.Id, ["source"] = story.Source, ["line"] = story.Line, ["parts"] = story.Parts, ["language"] = story.Language, ["dropped"] = story.Dropped,
        ["edits"] = new JsonArray([.. story.Edits.Select(e => (JsonNode)new JsonObject { ["operator"] = e.Operator, ["changed"] = e.Changed, ["before"] = e.Before, ["after"] = e.After })]),
        ["checks"] = new JsonArray([.. story.Checks.Select(c => (JsonNode)new JsonObject
        {
            ["operator"] = c.Operator, ["threshold"] = c.Threshold, ["value"] = c.Value, ["limit"] = c.Limit, ["least"] = c.IsLeast, ["passes"] = c.Passes,
        })]),
        ["rejects"] = new JsonArray([.. story.Rejects.Select(r => (JsonNode)r)]),
    };

    private static void Write(RowStory story)
    {
        System.Console.WriteLine($"{story.Id} ({story.Source}, line {story.Line}), language {story.Language}");
        foreach (var edit in story.Edits)
        {
            System.Console.WriteLine(edit.Changed ? $"  {edit.Operator} changes it\n    - {edit.Before}\n    + {edit.After}" : $"  {edit.Operator} leaves it");
        }

        foreach (var check in story.Checks)
        {
            System.Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {(check.Passes ? "  " : "X ")}{check.Operator,-24} {check.Threshold,-32} {check.Value,12:0.####} {(check.IsLeast ? ">=" : "<=")} {check.Limit:0.####}"));
        }

        System.Console.WriteLine(story.Dropped is null ? "  kept by the rules" : $"  dropped: {story.Dropped}");
        foreach (var reject in story.Rejects)
        {
            System.Console.WriteLine($"  in the finished run: {reject}");
        }
    }
}
