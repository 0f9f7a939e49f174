using System.CommandLine;
using System.Text.Json.Nodes;
using Lauter.Hosting;
using Lauter.Releases.Alerts;

namespace Lauter.Commands;

/// <summary><c>lauter health</c>: what was last said about the requests, and the alerts.</summary>
internal static class HealthCommand
{
    private const int Alerts = 20;

    public static Command Create()
    {
        var project = Arguments.Project();
        var format = Arguments.Format();
        var command = new Command("health", "Show how the newest window of requests compares with the release's first one, and the alerts.") { project, format };
        command.SetAction(result =>
        {
            var workspace = Workspace.Open(result.GetValue(project)!);
            var states = workspace.Releases.Applications().Select(a => HealthWatch.Read(workspace, a)).OfType<HealthState>().ToList();
            var alerts = new AlertLog(workspace.StatePath("alerts.jsonl")).Read();
            if (result.GetValue(format) == "json")
            {
                Arguments.WriteJson(new JsonObject
                {
                    ["applications"] = new JsonArray([.. states.Select(Row)]),
                    ["alerts"] = new JsonArray([.. alerts.Select(Row)]),
                });
                return ExitCodes.Success;
            }

            foreach (var state in states)
            {
                System.Console.WriteLine($"{state.Application} ({state.Release}): {(state.Report is { } report ? report.Alarm ? "DRIFT" : "no drift" : $"reference window taken, the next {HealthWatch.Window} requests are compared with it")}{(state.At is { } at ? $", judged {at:yyyy-MM-dd HH:mm:ss}Z" : "")}");
                foreach (var finding in state.Report?.Findings.Where(f => f.Alarm) ?? [])
                {
                    System.Console.WriteLine($"    {HealthWatch.Line(finding)}");
                }
            }

            if (states.Count == 0)
            {
                System.Console.WriteLine($"Nothing was judged yet: a live release needs {HealthWatch.Window} requests for its reference window.");
            }

            foreach (var alert in alerts.Skip(Math.Max(0, alerts.Count - Alerts)))
            {
                System.Console.WriteLine($"{alert.Alert.At:yyyy-MM-dd HH:mm:ss}Z  {alert.Alert.Kind,-8} {(alert.Delivered is not null ? "delivered" : alert.GivenUp ?? (alert.Attempts > 0 ? $"tried {alert.Attempts} times" : "not sent"))}  {alert.Alert.Text}");
            }

            return ExitCodes.Success;
        });
        return command;
    }

    private static JsonNode Row(HealthState state) => new JsonObject
    {
        ["application"] = state.Application,
        ["release"] = state.Release,
        ["judged"] = state.At?.ToString("O"),
        ["alarm"] = state.Report?.Alarm,
        ["false_alarm_rate"] = state.Report?.FalseAlarmRate,
        ["findings"] = new JsonArray([.. (state.Report?.Findings ?? []).Select(f => (JsonNode)new JsonObject
        {
            ["slice"] = f.Slice, ["feature"] = f.Feature, ["test"] = f.Test, ["reference"] = f.Reference, ["current"] = f.Current, ["p"] = f.P, ["adjusted_p"] = f.AdjustedP, ["alarm"] = f.Alarm,
        })]),
    };

    private static JsonNode Row(AlertState state) => new JsonObject
    {
        ["id"] = state.Alert.Id.ToString(),
        ["at"] = state.Alert.At.ToString("O"),
        ["kind"] = state.Alert.Kind,
        ["application"] = state.Alert.Application,
        ["release"] = state.Alert.Release,
        ["text"] = state.Alert.Text,
        ["delivered"] = state.Delivered?.ToString("O"),
        ["attempts"] = state.Attempts,
        ["given_up"] = state.GivenUp,
    };
}
