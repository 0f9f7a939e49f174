using System.Text.Json;

namespace Lauter.Gateway.Batches;

/// <summary>A batch as it is stored. The names of the states are OpenAI's.</summary>
internal sealed record StoredBatch
{
    public required string Id { get; init; }

    public required string Tenant { get; init; }

    public required string KeyId { get; init; }

    public required string Endpoint { get; init; }

    public required string InputFileId { get; init; }

    public required string Status { get; init; }

    public required DateTimeOffset Created { get; init; }

    public required DateTimeOffset Expires { get; init; }

    public DateTimeOffset? Started { get; init; }

    public DateTimeOffset? Ended { get; init; }

    public string? OutputFileId { get; init; }

    public string? ErrorFileId { get; init; }

    public string? Error { get; init; }

    public int Total { get; init; }

    public int Completed { get; init; }

    public int Failed { get; init; }

    public Dictionary<string, string>? Metadata { get; init; }

    public bool IsOver => Status is "completed" or "failed" or "expired" or "cancelled";
}

/// <summary>Batches beside the files of their tenant; a change replaces the whole description.</summary>
internal sealed class BatchStore(GatewayOptions options, FileStore files)
{
    private readonly Lock _gate = new();

    public IReadOnlyList<StoredBatch> List(string tenant) => [.. In(files.DirectoryOf(tenant))];

    /// <summary>Every batch that is not over, oldest first.</summary>
    public IReadOnlyList<StoredBatch> Waiting()
    {
        var root = Path.Combine(options.StateDirectory, "files");
        return Directory.Exists(root) ? [.. Directory.EnumerateDirectories(root).SelectMany(In).Where(b => !b.IsOver).OrderBy(b => b.Created)] : [];
    }

    public StoredBatch? Find(string tenant, string? id) =>
        id is { Length: 38 } && id.StartsWith("batch_", StringComparison.Ordinal) && id.AsSpan(6).IndexOfAnyExceptInRange('0', 'f') < 0 ? Read(PathOf(tenant, id)) : null;

    public void Add(StoredBatch batch) => Write(batch);

    /// <summary>Changes a batch as it stands now; nothing when it is gone or over.</summary>
    public StoredBatch? Change(StoredBatch batch, Func<StoredBatch, StoredBatch> change)
    {
        lock (_gate)
        {
            if (Read(PathOf(batch.Tenant, batch.Id)) is not { IsOver: false } now)
            {
                return null;
            }

            var changed = change(now);
            Write(changed);
            return changed;
        }
    }

    /// <summary>Where the results of a running batch grow.</summary>
    public string ResultsOf(StoredBatch batch) => Path.ChangeExtension(PathOf(batch.Tenant, batch.Id), ".results");

    private static IEnumerable<StoredBatch> In(string directory) =>
        Directory.Exists(directory) ? Directory.EnumerateFiles(directory, "batch_*.json").Select(Read).OfType<StoredBatch>().OrderByDescending(b => b.Created) : [];

    private string PathOf(string tenant, string id) => Path.Combine(files.DirectoryOf(tenant), id + ".json");

    private void Write(StoredBatch batch)
    {
        var path = PathOf(batch.Tenant, batch.Id);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path + ".new", JsonSerializer.SerializeToUtf8Bytes(batch, BatchJson.Default.StoredBatch));
        File.Move(path + ".new", path, overwrite: true);
    }

    private static StoredBatch? Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), BatchJson.Default.StoredBatch);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or JsonException)
        {
            return null;
        }
    }
}
