using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Lauter.Catalog.Objects;
using Lauter.Releases.Alerts;
using Lauter.Releases.Drift;
using Lauter.Releases.Rollout;
using Lauter.Traces;
using Lauter.Traces.Search;

namespace Lauter.Hosting;

/// <summary>What was last said about the requests of an application.</summary>
/// <param name="Application">The application.</param>
/// <param name="Release">The release its windows belong to.</param>
/// <param name="ReferenceUntil">The reference window ends before this.</param>
/// <param name="JudgedUntil">Requests before this have been judged.</param>
/// <param name="At">When the last window was judged; null before the first.</param>
/// <param name="Report">The comparison; null before the first.</param>
internal sealed record HealthState(string Application, string Release, DateTimeOffset ReferenceUntil, DateTimeOffset JudgedUntil, DateTimeOffset? At, DriftReport? Report);

/// <summary>
/// Compares each new window of requests to the live release with the release's first window, once each: looking more often would raise the rate of
/// false alarms. A window that differs raises an alert that names slice, feature, test and that rate.
/// </summary>
internal sealed class HealthWatch(Workspace workspace, TraceStore traces, AlertLog alerts, TimeProvider time, Action<string> tell)
{
    /// <summary>Requests of a window.</summary>
    public const int Window = 200;

    /// <summary>Chance of any alarm of one window without drift.</summary>
    public const double FalseAlarmRate = 0.01;

    /// <summary>Looks at every application; cheap while no window is full.</summary>
    public void Look()
    {
        foreach (var application in workspace.Releases.Applications())
        {
            if (workspace.Releases.Live(application) is { } live)
            {
                Look(live);
            }
        }
    }

    /// <summary>What was last said about an application; null when nothing was.</summary>
    public static HealthState? Read(Workspace workspace, string application)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(PathOf(workspace, application)), HealthJson.Default.HealthState);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or JsonException)
        {
            // Nothing was judged yet, or by another version: the next look begins anew.
            return null;
        }
    }

    private void Look(LivePointer live)
    {
        var state = Read(workspace, live.Application);
        if (state?.Release != live.ReleaseId)
        {
            var reference = Rows(live.ReleaseId, live.Since);
            if (reference.Count == Window)
            {
                var until = reference[^1].Trace.Started.AddMilliseconds(1);
                Save(new HealthState(live.Application, live.ReleaseId, until, until, null, null));
            }

            return;
        }

        var current = Rows(live.ReleaseId, state.JudgedUntil);
        if (current.Count < Window)
        {
            return;
        }

        var report = DriftWatch.Compare(TraceFeatures.Slices(Rows(live.ReleaseId, live.Since, state.ReferenceUntil), current), FalseAlarmRate);
        var now = time.GetUtcNow();
        Save(state with { JudgedUntil = current[^1].Trace.Started.AddMilliseconds(1), At = now, Report = report });
        if (report.Alarm)
        {
            Raise(live, report, now);
        }
    }

    private void Raise(LivePointer live, DriftReport report, DateTimeOffset now)
    {
        var alarms = report.Findings.Where(f => f.Alarm).ToList();
        var alert = new Alert
        {
            Id = Guid.CreateVersion7(now),
            At = now,
            Kind = "drift",
            Application = live.Application,
            Release = live.ReleaseId,
            Text = $"The last {Window} requests to '{live.ReleaseId}' differ from its first {Window}: {string.Join("; ", alarms.Take(5).Select(Line))}{(alarms.Count > 5 ? $"; and {alarms.Count - 5} more" : "")}. False-alarm rate of a window: {report.FalseAlarmRate:P0}.",
            Details = new JsonObject
            {
                ["false_alarm_rate"] = report.FalseAlarmRate,
                ["findings"] = new JsonArray([.. alarms.Select(f => (JsonNode)new JsonObject
                {
                    ["slice"] = f.Slice, ["feature"] = f.Feature, ["test"] = f.Test, ["distance"] = f.Distance, ["p"] = f.P, ["adjusted_p"] = f.AdjustedP,
                })]),
            },
        };
        alerts.Raise(alert);
        tell($"alert: {alert.Text}");
    }

    /// <summary>One finding in words.</summary>
    public static string Line(DriftFinding finding) => $"{finding.Feature}{(finding.Slice == "all" ? "" : $" ({finding.Slice})")} by {finding.Test}, p = {finding.AdjustedP:0.####} after Holm";

    private List<(TraceRecord Trace, bool? Bad)> Rows(string release, DateTimeOffset from, DateTimeOffset? until = null) =>
    [
        .. traces.Read(new TraceQuery { Release = release, From = from, Until = until })
            .Where(t => t.Outcome is TraceOutcome.Answered or TraceOutcome.Failed).Take(Window).Select(t => (t, Bad(t.Id))),
    ];

    private bool? Bad(Guid trace)
    {
        var said = traces.FeedbackOn(trace);
        return said.Any(f => f.Correction is not null || f.Rating < 0) ? true : said.Any(f => f.Rating > 0) ? false : null;
    }

    private void Save(HealthState state)
    {
        Directory.CreateDirectory(workspace.StatePath("health"));
        AtomicFile.WriteJson(PathOf(workspace, state.Application), state, HealthJson.Default.HealthState);
    }

    private static string PathOf(Workspace workspace, string application) => workspace.StatePath("health", application + ".json");
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(HealthState))]
internal sealed partial class HealthJson : JsonSerializerContext;
