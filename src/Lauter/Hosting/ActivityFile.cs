using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;
using Lauter.Catalog.Objects;
using Lauter.Catalog.Plan;
using Lauter.Console;

namespace Lauter.Hosting;

/// <summary>
/// What a run does at this moment, in <c>.lauter/activity.json</c>, so that the console of another process can show it. Written at most twice a
/// second; a reader believes it only while its writer lives.
/// </summary>
internal sealed class ActivityFile : IRunObserver, IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);
    private readonly string _path;
    private readonly TimeProvider _time;
    private readonly SortedDictionary<string, ActivityLine> _running = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private DateTimeOffset _written;

    public ActivityFile(string stateDirectory, TimeProvider time)
    {
        _path = PathIn(stateDirectory);
        _time = time;
    }

    /// <summary>What runs now; empty when nothing does, or when its writer has died.</summary>
    public static IReadOnlyList<ActivityView> Read(string stateDirectory, TimeProvider time)
    {
        try
        {
            var file = JsonSerializer.Deserialize(File.ReadAllBytes(PathIn(stateDirectory)), ActivityJson.Default.ActivityLines);
            return file is null || !Lives(file.ProcessId, file.ProcessStarted)
                ? []
                : [.. file.Lines.Select(l => new ActivityView(l.Step, PartOf(l.Step), l.Fraction, Left(l, time.GetUtcNow()), l.Text.Length == 0 ? null : l.Text))];
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or JsonException)
        {
            // Nothing ran yet, or a writer of another version: there is nothing to show.
            return [];
        }
    }

    public void Skipped(Step step, StepRecord record)
    {
    }

    public void Started(Step step, IReadOnlyList<string> reasons) => Change(() => _running[step.Name] = new ActivityLine(step.Name, _time.GetUtcNow(), null, ""), now: true);

    public void Progressed(Step step, StepProgress progress) => Change(
        () =>
        {
            if (_running.TryGetValue(step.Name, out var line))
            {
                _running[step.Name] = line with { Fraction = progress.Fraction, Text = progress.Text };
            }
        },
        now: false);

    public void Finished(Step step, StepRecord record, Manifest manifest) => Change(() => _running.Remove(step.Name), now: true);

    public void Failed(Step step, Exception exception, bool cancelled, double coreSeconds) => Change(() => _running.Remove(step.Name), now: true);

    public void Dispose() => File.Delete(_path);

    private static string PathIn(string stateDirectory) => Path.Combine(stateDirectory, "activity.json");

    private void Change(Action change, bool now)
    {
        lock (_gate)
        {
            change();
            var at = _time.GetUtcNow();
            if (now || at - _written >= Interval)
            {
                _written = at;
                using var self = Process.GetCurrentProcess();
                AtomicFile.WriteJson(_path, new ActivityLines(self.Id, Started(self), [.. _running.Values]), ActivityJson.Default.ActivityLines);
            }
        }
    }

    private static bool Lives(int id, long started)
    {
        try
        {
            using var process = Process.GetProcessById(id);
            return Math.Abs(Started(process) - started) <= 2;
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            // No such process any more.
            return false;
        }
    }

    /// <summary>Seconds since 1970: with the id it names one process, since ids come back.</summary>
    private static long Started(Process process) => new DateTimeOffset(process.StartTime.ToUniversalTime()).ToUnixTimeSeconds();

    private static TimeSpan? Left(ActivityLine line, DateTimeOffset now) =>
        line.Fraction is > 0.02 and < 1 and var done && now > line.Since ? (now - line.Since) * ((1 - done) / done) : null;

    private static FlowPart PartOf(string step) => step.Split(':')[0] switch
    {
        "read" or "clean" or "build" => FlowPart.Data,
        "index" => FlowPart.Index,
        "train" or "parity" or "base" => FlowPart.Training,
        "gate" => FlowPart.Gate,
        _ => FlowPart.Scorecard,
    };
}

internal sealed record ActivityLine(string Step, DateTimeOffset Since, double? Fraction, string Text);

internal sealed record ActivityLines(int ProcessId, long ProcessStarted, IReadOnlyList<ActivityLine> Lines);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ActivityLines))]
internal sealed partial class ActivityJson : JsonSerializerContext;
