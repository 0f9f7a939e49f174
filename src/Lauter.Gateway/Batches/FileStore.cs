using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Lauter.Gateway.Batches;

/// <summary>An uploaded or produced file.</summary>
internal sealed record StoredFile
{
    public required string Id { get; init; }

    public required string Tenant { get; init; }

    public required string Filename { get; init; }

    public required string Purpose { get; init; }

    public required long Bytes { get; init; }

    public required DateTimeOffset Created { get; init; }
}

/// <summary>
/// Files of tenants in the state directory: a directory per tenant (named by a hash, so that no name of a tenant becomes a path), bytes beside a small
/// JSON description. Names in it are made here; a caller's file name is only a description.
/// </summary>
internal sealed class FileStore(GatewayOptions options, TimeProvider time)
{
    /// <summary>Most bytes of one file, as OpenAI's batch files.</summary>
    public const long MaximumBytes = 200L * 1024 * 1024;

    /// <summary>Most files of one tenant.</summary>
    public const int MaximumFiles = 1_000;

    public IReadOnlyList<StoredFile> List(string tenant) =>
        Directory.Exists(DirectoryOf(tenant))
            ? [.. Directory.EnumerateFiles(DirectoryOf(tenant), "file-*.json").Select(Read).OfType<StoredFile>().OrderByDescending(f => f.Created).ThenBy(f => f.Id, StringComparer.Ordinal)]
            : [];

    /// <summary>The file, or null: one of another tenant looks like none.</summary>
    public StoredFile? Find(string tenant, string? id) => IsId(id) ? Read(Path.Combine(DirectoryOf(tenant), id + ".json")) : null;

    public string PathOf(StoredFile file) => Path.Combine(DirectoryOf(file.Tenant), file.Id + ".bytes");

    /// <summary>Takes the bytes; null = there are more than allowed.</summary>
    public async Task<StoredFile?> AddAsync(string tenant, string filename, string purpose, Stream bytes, CancellationToken cancellationToken)
    {
        var id = "file-" + Guid.CreateVersion7(time.GetUtcNow()).ToString("N");
        Directory.CreateDirectory(DirectoryOf(tenant));
        var path = Path.Combine(DirectoryOf(tenant), id + ".bytes");
        var length = 0L;
        try
        {
            await using (var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                var buffer = new byte[64 * 1024];
                for (int read; (read = await bytes.ReadAsync(buffer, cancellationToken)) > 0;)
                {
                    length += read;
                    if (length > MaximumBytes)
                    {
                        break;
                    }

                    await file.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
                }

                file.Flush(flushToDisk: true);
            }

            if (length > MaximumBytes)
            {
                File.Delete(path);
                return null;
            }
        }
        catch
        {
            File.Delete(path);
            throw;
        }

        return Keep(new StoredFile { Id = id, Tenant = tenant, Filename = filename, Purpose = purpose, Bytes = length, Created = time.GetUtcNow() });
    }

    /// <summary>Makes a finished file of this machine known; its bytes are moved.</summary>
    public StoredFile Take(string tenant, string filename, string purpose, string from)
    {
        var file = new StoredFile
        {
            Id = "file-" + Guid.CreateVersion7(time.GetUtcNow()).ToString("N"), Tenant = tenant, Filename = filename, Purpose = purpose, Bytes = new FileInfo(from).Length, Created = time.GetUtcNow(),
        };
        File.Move(from, PathOf(file));
        return Keep(file);
    }

    /// <summary>Replaces the description of a file.</summary>
    public StoredFile Rename(StoredFile file) => Keep(file);

    public void Delete(StoredFile file)
    {
        File.Delete(Path.Combine(DirectoryOf(file.Tenant), file.Id + ".json"));
        File.Delete(PathOf(file));
    }

    public string DirectoryOf(string tenant) =>
        Path.Combine(options.StateDirectory, "files", Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(tenant)).AsSpan(0, 16)));

    private static bool IsId(string? id) => id is { Length: 37 } && id.StartsWith("file-", StringComparison.Ordinal) && id.AsSpan(5).IndexOfAnyExceptInRange('0', 'f') < 0;

    private StoredFile Keep(StoredFile file)
    {
        var path = Path.Combine(DirectoryOf(file.Tenant), file.Id + ".json");
        File.WriteAllBytes(path + ".new", JsonSerializer.SerializeToUtf8Bytes(file, BatchJson.Default.StoredFile));
        File.Move(path + ".new", path, overwrite: true);
        return file;
    }

    private static StoredFile? Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), BatchJson.Default.StoredFile);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or JsonException)
        {
            return null; // deleted meanwhile, or no description of ours
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(StoredFile))]
[JsonSerializable(typeof(StoredBatch))]
internal sealed partial class BatchJson : JsonSerializerContext;
