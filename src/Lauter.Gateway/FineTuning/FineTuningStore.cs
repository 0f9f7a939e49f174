using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Lauter.Catalog.Objects;

namespace Lauter.Gateway.FineTuning;

/// <summary>
/// Jobs in the state directory, a folder each: <c>job.json</c> (replaced whole), <c>events.jsonl</c> (appended), <c>rows.jsonl</c> and the trainer's own
/// folder. The runner and the endpoints change a job only through <see cref="Change"/>, so neither undoes what the other did.
/// </summary>
internal sealed class FineTuningStore(GatewayOptions options, TimeProvider time)
{
    private const string Prefix = "ftjob-";
    private const int MostEvents = 10_000;

    private static readonly SearchValues<char> Hexadecimal = SearchValues.Create("0123456789abcdef");

    private readonly Lock _gate = new();

    public IReadOnlyList<FineTuningJob> List(string tenant) => [.. In(TenantDirectory(tenant)).OrderByDescending(j => j.Created).ThenByDescending(j => j.Id, StringComparer.Ordinal)];

    /// <summary>Jobs of all tenants that are to be validated or trained, oldest first.</summary>
    public IReadOnlyList<FineTuningJob> Waiting() =>
        Directory.Exists(Root) ? [.. Directory.EnumerateDirectories(Root).SelectMany(In).Where(j => j.Waits).OrderBy(j => j.Created)] : [];

    public FineTuningJob? Find(string tenant, string? id) =>
        id is { Length: 38 } && id.StartsWith(Prefix, StringComparison.Ordinal) && id.AsSpan(Prefix.Length).IndexOfAnyExcept(Hexadecimal) < 0 ? Read(JobPath(tenant, id)) : null;

    public static string NewId(Guid request) => Prefix + request.ToString("N");

    public void Add(FineTuningJob job)
    {
        Write(job);
        Tell(job, "info", $"Created fine-tuning job: {job.Id}");
    }

    /// <summary>Changes a job as it stands now; null when it is gone, or <paramref name="change"/> gives null.</summary>
    public FineTuningJob? Change(FineTuningJob job, Func<FineTuningJob, FineTuningJob?> change)
    {
        lock (_gate)
        {
            if (Read(JobPath(job.Tenant, job.Id)) is not { } now || change(now) is not { } changed)
            {
                return null;
            }

            Write(changed);
            return changed;
        }
    }

    public void Tell(FineTuningJob job, string level, string message, FineTuningMetrics? data = null)
    {
        var at = time.GetUtcNow();
        var line = JsonSerializer.Serialize(new FineTuningEvent($"ftevent-{Guid.CreateVersion7(at):N}", at, level, message, data), FineTuningContext.Default.FineTuningEvent);
        lock (_gate)
        {
            File.AppendAllText(Path.Combine(DirectoryOf(job), "events.jsonl"), line + "\n");
        }
    }

    /// <summary>Newest first; a torn last line, of a crash, is passed over.</summary>
    public IReadOnlyList<FineTuningEvent> Events(FineTuningJob job)
    {
        var path = Path.Combine(DirectoryOf(job), "events.jsonl");
        List<FineTuningEvent> events = [];
        foreach (var line in File.Exists(path) ? File.ReadLines(path).TakeLast(MostEvents) : [])
        {
            try
            {
                events.Add(JsonSerializer.Deserialize(line, FineTuningContext.Default.FineTuningEvent)!);
            }
            catch (JsonException)
            {
                // The line that was being written when the machine stopped.
            }
        }

        events.Reverse();
        return events;
    }

    public string DirectoryOf(FineTuningJob job) => Path.Combine(TenantDirectory(job.Tenant), job.Id);

    public string RowsOf(FineTuningJob job) => Path.Combine(DirectoryOf(job), "rows.jsonl");

    /// <summary>The trainer's folder.</summary>
    public string WorkOf(FineTuningJob job) => Path.Combine(DirectoryOf(job), "run");

    private string Root => Path.Combine(options.StateDirectory, "fine-tuning");

    private static IEnumerable<FineTuningJob> In(string directory) =>
        Directory.Exists(directory) ? Directory.EnumerateDirectories(directory, Prefix + "*").Select(d => Read(Path.Combine(d, "job.json"))).OfType<FineTuningJob>() : [];

    private static FineTuningJob? Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), FineTuningContext.Default.FineTuningJob);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or JsonException)
        {
            return null; // deleted meanwhile, or no job of ours
        }
    }

    private string TenantDirectory(string tenant) => Path.Combine(Root, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(tenant)).AsSpan(0, 16)));

    private string JobPath(string tenant, string id) => Path.Combine(TenantDirectory(tenant), id, "job.json");

    private void Write(FineTuningJob job) => AtomicFile.WriteJson(JobPath(job.Tenant, job.Id), job, FineTuningContext.Default.FineTuningJob);
}
