using System.CommandLine;
using System.Text.Json.Nodes;
using Lauter.Catalog.Plan;
using Lauter.Catalog.Projects;
using Lauter.Hosting;
using Lauter.Steps;

namespace Lauter.Commands;

/// <summary><c>lauter plan</c>: what would run, and why.</summary>
internal static class PlanCommand
{
    public static Command Create()
    {
        var project = Arguments.Project();
        var format = Arguments.Format();
        var why = new Option<string?>("--why") { Description = "Name a step to see which parts of its key changed since it last ran." };
        var command = new Command("plan", "Show what 'run' would do, and why, without doing it.") { project, why, format };
        command.SetAction(result => Show(result.GetValue(project)!, result.GetValue(why), result.GetValue(format) == "json"));
        return command;
    }

    private static int Show(string directory, string? why, bool json)
    {
        var workspace = Workspace.Open(directory);
        var plan = Planner.Plan(ProjectSteps.Of(workspace, TimeProvider.System), workspace.Records, workspace.Objects);
        workspace.Sources.Save();
        if (why is not null)
        {
            plan = [plan.FirstOrDefault(p => p.Step.Name == why) ?? throw new CommandException(
                ExitCodes.Usage, $"there is no step '{why}'.{NearestName.Suggest(why, [.. plan.Select(p => p.Step.Name)])}")];
        }

        if (json)
        {
            Arguments.WriteJson(new JsonArray([.. plan.Select(ToJson)]));
            return ExitCodes.Success;
        }

        foreach (var line in plan)
        {
            var mark = line.State switch { StepState.UpToDate => "up to date", StepState.WouldRun => "would run", _ => "depends" };
            System.Console.WriteLine($"{mark,-11} {line.Step.Name}");
            foreach (var reason in why is null ? line.Reasons.Take(3) : line.Reasons)
            {
                System.Console.WriteLine($"{"",-13}{reason}");
            }

            if (why is null && line.Reasons.Count > 3)
            {
                System.Console.WriteLine($"{"",-13}… and {line.Reasons.Count - 3} more (lauter plan --why {line.Step.Name})");
            }

            if (why is not null && line.Record is { } record)
            {
                System.Console.WriteLine($"{"",-13}key {record.Key[..12]}, output {record.Manifest[..12]}, ran {record.Started:yyyy-MM-dd HH:mm:ss}Z in {record.WallSeconds:0.0} s");
            }
        }

        var wouldRun = plan.Count(p => p.State != StepState.UpToDate);
        System.Console.WriteLine(wouldRun == 0 ? "Nothing to do." : $"{wouldRun} of {plan.Count} steps would run or may have to.");
        return ExitCodes.Success;
    }

    private static JsonObject ToJson(PlannedStep planned) => new()
    {
        ["step"] = planned.Step.Name,
        ["phase"] = planned.Step.Phase.ToString().ToLowerInvariant(),
        ["state"] = planned.State switch { StepState.UpToDate => "up_to_date", StepState.WouldRun => "would_run", _ => "depends" },
        ["reasons"] = new JsonArray([.. planned.Reasons.Select(r => (JsonNode)r)]),
        ["manifest"] = planned.Record?.Manifest,
    };
}
