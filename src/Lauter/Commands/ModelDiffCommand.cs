using System.CommandLine;
using System.Text.Json.Nodes;
using Lauter.Models.Inspection;

namespace Lauter.Commands;

/// <summary><c>lauter model diff</c>: keys and weights of two models, compared as values.</summary>
internal static class ModelDiffCommand
{
    private const int MostShown = 20;

    public static Command Create()
    {
        Argument<string> left = ModelCommand.Model("left"), right = ModelCommand.Model("right");
        var format = Arguments.Format();
        var command = new Command("diff", "Compare the keys and the dequantised weights of two models, whatever form each has.") { left, right, format };
        command.SetAction((result, cancellationToken) =>
        {
            var difference = ModelDifference.Between(ModelCommand.Existing(result.GetValue(left)!), ModelCommand.Existing(result.GetValue(right)!), cancellationToken);
            if (result.GetValue(format) == "json")
            {
                Arguments.WriteJson(Json(difference));
            }
            else
            {
                Show(difference);
            }

            return Task.FromResult(ExitCodes.Success);
        });
        return command;
    }

    private static JsonObject Json(ModelDifference difference) => new()
    {
        ["same_weights"] = difference.SameWeights,
        ["only_left"] = new JsonArray([.. difference.OnlyLeft.Select(name => (JsonNode)name)]),
        ["only_right"] = new JsonArray([.. difference.OnlyRight.Select(name => (JsonNode)name)]),
        ["keys"] = new JsonArray([.. difference.Keys.Select(key => (JsonNode)new JsonObject { ["key"] = key.Key, ["left"] = key.Left, ["right"] = key.Right })]),
        ["weights"] = new JsonArray([.. difference.Weights.Select(weight => (JsonNode)new JsonObject
        {
            ["name"] = weight.Name, ["left_type"] = weight.LeftType, ["right_type"] = weight.RightType,

            // Infinity, where shapes differ, has no form in JSON.
            ["largest"] = double.IsFinite(weight.Largest) ? weight.Largest : null, ["relative"] = double.IsFinite(weight.Relative) ? weight.Relative : null,
        })]),
    };

    private static void Show(ModelDifference difference)
    {
        System.Console.WriteLine(difference.SameWeights ? "The weights are the same." : $"{difference.Weights.Count(weight => weight.Largest > 0)} of {difference.Weights.Count} weights differ.");
        foreach (var name in difference.OnlyLeft.Select(name => "only left: " + name).Concat(difference.OnlyRight.Select(name => "only right: " + name)))
        {
            System.Console.WriteLine(name);
        }

        foreach (var weight in difference.Weights.Where(weight => weight.Largest > 0).Take(MostShown))
        {
            System.Console.WriteLine($"  {weight.Name,-40} {weight.LeftType,-5} {weight.RightType,-5} largest {weight.Largest:0.00e0}  relative {weight.Relative:0.00e0}");
        }

        foreach (var key in difference.Keys)
        {
            System.Console.WriteLine($"  {key.Key}: {key.Left ?? "missing"} | {key.Right ?? "missing"}");
        }
    }
}
