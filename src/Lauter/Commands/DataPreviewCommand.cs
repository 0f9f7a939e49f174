using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Lauter.Data.Rows;

namespace Lauter.Commands;

/// <summary><c>lauter data preview</c>: a recipe on a sample.</summary>
internal static class DataPreviewCommand
{
    private const string Bars = " ▁▂▃▄▅▆▇█";

    public static Command Create()
    {
        var recipe = DataRecipes.Recipe();
        var input = DataRecipes.Input();
        var rows = new Option<int>("--rows") { Description = "Rows to look at.", DefaultValueFactory = _ => 2000 };
        var text = DataRecipes.TextField();
        var id = DataRecipes.IdField();
        var format = Arguments.Format();
        var command = new Command("preview", "Try a recipe on a sample: what each rule drops, histograms, texts before and after. Writes nothing.") { recipe, input, rows, text, id, format };
        command.SetAction(async (result, cancellation) =>
        {
            var preview = await DataRecipes.GuardAsync(RowPreview.RunAsync(
                DataRecipes.Load(result.GetValue(recipe)!), DataRecipes.Inputs(result.GetValue(input)!), Math.Max(1, result.GetValue(rows)), result.GetValue(text)!, result.GetValue(id)!, cancellation));
            if (result.GetValue(format) == "json")
            {
                Arguments.WriteJson(ToJson(preview));
            }
            else
            {
                Write(preview);
            }

            return ExitCodes.Success;
        });
        return command;
    }

    private static JsonObject ToJson(RecipePreview preview) => new()
    {
        ["rows"] = preview.Rows, ["unreadable"] = preview.Unreadable,
        ["languages"] = Counts(preview.Languages), ["kept"] = Counts(preview.Kept), ["changed"] = Counts(preview.Changed),
        ["checks"] = new JsonArray([.. preview.Checks.Select(c => (JsonNode)new JsonObject { ["operator"] = c.Operator, ["reason"] = c.Reason, ["alone"] = c.Alone, ["first"] = c.First })]),
        ["examples"] = new JsonArray([.. preview.Examples.Select(e => (JsonNode)new JsonObject
        {
            ["id"] = e.Id, ["operators"] = new JsonArray([.. e.Operators.Select(o => (JsonNode)o)]), ["before"] = e.Before, ["after"] = e.After,
        })]),
        ["histograms"] = new JsonObject(preview.Histograms.Select(h => KeyValuePair.Create(h.Key, (JsonNode?)new JsonArray([.. h.Value.Select(v => (JsonNode)v)])))),
    };

    private static JsonObject Counts(IReadOnlyDictionary<string, int> counts) => new(counts.Select(c => KeyValuePair.Create(c.Key, (JsonNode?)c.Value)));

    private static void Write(RecipePreview preview)
    {
        var console = System.Console.Out;
        console.WriteLine($"{preview.Rows} rows: {string.Join(", ", preview.Languages.Select(l => $"{l.Key} {l.Value} (kept {preview.Kept.GetValueOrDefault(l.Key)})"))}{(preview.Unreadable > 0 ? $", unreadable {preview.Unreadable}" : "")}");
        console.WriteLine($"\n{"dropped by",-26} {"reason",-36} {"alone",7} {"first",7} {"left",7}");
        var left = preview.Rows - preview.Unreadable;
        foreach (var check in preview.Checks)
        {
            left -= check.First;
            console.WriteLine($"{check.Operator,-26} {check.Reason,-36} {check.Alone,7} {check.First,7} {left,7}");
        }

        foreach (var (name, count) in preview.Changed.Where(c => c.Value > 0))
        {
            console.WriteLine($"{name} changes {count} texts.");
        }

        foreach (var example in preview.Examples)
        {
            console.WriteLine($"\n{example.Id}: {string.Join(", ", example.Operators)}\n  - {example.Before}\n  + {example.After}");
        }

        console.WriteLine("\nmeasured, from 0 to 1 in twentieths; counts in powers of two");
        foreach (var (key, counts) in preview.Histograms)
        {
            var most = Math.Max(1, counts.Max());
            var picture = string.Concat(counts.Select(c => c == 0 ? ' ' : Bars[1 + (int)(c * (Bars.Length - 2) / most)]));
            console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {key,-36} |{picture}|"));
        }
    }
}
