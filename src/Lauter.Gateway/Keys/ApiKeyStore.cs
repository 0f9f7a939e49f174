using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Lauter.Gateway.Keys;

/// <summary>A key as it is stored: never the key itself.</summary>
public sealed record ApiKey
{
    /// <summary>Short name for logs, traces and revocation.</summary>
    public required string Id { get; init; }

    /// <summary>What a person called it.</summary>
    public required string Name { get; init; }

    /// <summary>Lower-case hexadecimal SHA-256 of the key. The key holds 256 random bits, so no slow hash is needed.</summary>
    public required string Sha256 { get; init; }

    /// <summary>Whose data it reaches.</summary>
    public required string Tenant { get; init; }

    /// <summary>Applications it may use; <c>*</c> = all.</summary>
    public required IReadOnlyList<string> Applications { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>From when on it is refused; null = never.</summary>
    public DateTimeOffset? Expires { get; init; }

    /// <summary>Most requests a minute; null = no limit.</summary>
    public int? RequestsPerMinute { get; init; }

    /// <summary>Most tokens a minute, prompt and answer together; null = no limit.</summary>
    public int? TokensPerMinute { get; init; }

    /// <summary>Most requests at the same time; null = no limit.</summary>
    public int? ConcurrentRequests { get; init; }

    /// <summary>True when the key may administer the gateway: keys and budgets of every tenant.</summary>
    public bool Admin { get; init; }

    /// <summary>Its limits on rates; null = none.</summary>
    [JsonIgnore]
    internal Lauter.Ledger.Budgets.RateLimit? Rate => RequestsPerMinute is null && TokensPerMinute is null && ConcurrentRequests is null
        ? null
        : new($"key:{Id}") { RequestsPerMinute = RequestsPerMinute, TokensPerMinute = TokensPerMinute, Concurrent = ConcurrentRequests };

    /// <summary>True when the key may use <paramref name="application"/>.</summary>
    public bool Allows(string application) => Applications.Contains("*", StringComparer.Ordinal) || Applications.Contains(application, StringComparer.Ordinal);
}

/// <summary>
/// The keys of a project, hashed, in one JSON file. The file is read again when it changed, so a key revoked by another process is
/// refused within a second.
/// </summary>
/// <remarks>Safe for concurrent use. Two processes that change keys at the same moment: the later one wins.</remarks>
public sealed class ApiKeyStore
{
    /// <summary>What every key begins with.</summary>
    public const string Prefix = "lk-";

    private readonly string _path;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private Loaded _loaded = new([], [], default, 0);
    private long _checkedAt;

    /// <param name="path">By custom <c>.lauter/keys.json</c>; need not exist.</param>
    /// <param name="time">The clock that decides about expiry.</param>
    public ApiKeyStore(string path, TimeProvider time)
    {
        _path = path;
        _time = time;
        Load(force: true);
    }

    /// <summary>Every key, oldest first.</summary>
    public IReadOnlyList<ApiKey> Keys
    {
        get
        {
            Load(force: true);
            return _loaded.Keys;
        }
    }

    /// <summary>Makes a key. The returned text is shown once and cannot be had again.</summary>
    /// <param name="name">What a person calls it.</param>
    /// <param name="tenant">Whose data it reaches.</param>
    /// <param name="applications">Applications it may use; <c>*</c> = all.</param>
    /// <param name="expires">From when on it is refused; null = never.</param>
    /// <param name="requestsPerMinute">Most requests a minute; null = no limit.</param>
    /// <param name="more">Sets what is left: other limits, the right to administer. Null = nothing.</param>
    public (string Key, ApiKey Stored) Create(
        string name, string tenant = "default", IReadOnlyList<string>? applications = null, DateTimeOffset? expires = null, int? requestsPerMinute = null, Func<ApiKey, ApiKey>? more = null)
    {
        var key = NewKey();
        var stored = new ApiKey
        {
            Id = "k" + RandomNumberGenerator.GetHexString(8, lowercase: true),
            Name = name,
            Sha256 = HashOf(key),
            Tenant = tenant,
            Applications = applications ?? ["*"],
            Created = _time.GetUtcNow(),
            Expires = expires,
            RequestsPerMinute = requestsPerMinute,
        };
        stored = more?.Invoke(stored) ?? stored;
        Change(keys => [.. keys, stored]);
        return (key, stored);
    }

    /// <summary>
    /// Replaces a key by a new one with the same rights. The old one goes on for <paramref name="grace"/>, so that its users can change over.
    /// </summary>
    /// <returns>The new key, shown once; null when there is none of this id.</returns>
    public (string Key, ApiKey Stored)? Rotate(string id, TimeSpan grace)
    {
        (string, ApiKey)? made = null;
        Change(keys =>
        {
            if (keys.FirstOrDefault(k => k.Id == id) is not { } old)
            {
                return keys;
            }

            var (key, now) = (NewKey(), _time.GetUtcNow());
            var stored = old with { Id = "k" + RandomNumberGenerator.GetHexString(8, lowercase: true), Sha256 = HashOf(key), Created = now };
            made = (key, stored);
            var ends = old.Expires is { } expires && expires < now + grace ? expires : now + grace;
            return [.. keys.Where(k => k.Id != id), .. grace > TimeSpan.Zero ? [old with { Expires = ends }] : Array.Empty<ApiKey>(), stored];
        });
        return made;
    }

    /// <summary>Removes a key; requests in flight end normally.</summary>
    /// <returns>False when there is none of this id.</returns>
    public bool Revoke(string id)
    {
        var found = false;
        Change(keys =>
        {
            found = keys.Any(k => k.Id == id);
            return [.. keys.Where(k => k.Id != id)];
        });
        return found;
    }

    /// <summary>The key that the header <c>Authorization</c> carries, or null: missing, unknown and expired look the same.</summary>
    public ApiKey? Authenticate(string? authorization)
    {
        if (authorization is null || !authorization.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        var presented = authorization.AsSpan(7).Trim();
        if (presented.Length is 0 or > 256)
        {
            return null;
        }

        Span<byte> text = stackalloc byte[1024];
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(text[..Encoding.UTF8.GetBytes(presented, text)], hash);
        Load(force: false);
        var loaded = _loaded;
        ApiKey? match = null;
        for (var i = 0; i < loaded.Keys.Count; i++)
        {
            // Every key is compared, in constant time: the answer's delay says nothing about which one was close.
            if (CryptographicOperations.FixedTimeEquals(hash, loaded.Hashes[i]))
            {
                match = loaded.Keys[i];
            }
        }

        return match is { Expires: { } expires } && expires <= _time.GetUtcNow() ? null : match;
    }

    private static string NewKey() => Prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    private static string HashOf(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));

    private void Change(Func<IReadOnlyList<ApiKey>, IReadOnlyList<ApiKey>> change)
    {
        lock (_gate)
        {
            LoadFile();
            var keys = change(_loaded.Keys);
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(_path))!);
            var temporary = $"{_path}.{Guid.CreateVersion7():N}";
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }

            using (var file = new FileStream(temporary, options))
            {
                JsonSerializer.Serialize(file, new KeyFile(1, keys), KeyJson.Default.KeyFile);
                file.Flush(flushToDisk: true);
            }

            File.Move(temporary, _path, overwrite: true);
            LoadFile();
        }
    }

    private void Load(bool force)
    {
        var now = _time.GetTimestamp();
        if (!force && _time.GetElapsedTime(Volatile.Read(ref _checkedAt), now) < TimeSpan.FromSeconds(1))
        {
            return;
        }

        lock (_gate)
        {
            Volatile.Write(ref _checkedAt, now);
            LoadFile();
        }
    }

    private void LoadFile()
    {
        var info = new FileInfo(_path);
        if (!info.Exists)
        {
            _loaded = new Loaded([], [], default, 0);
            return;
        }

        if (info.LastWriteTimeUtc == _loaded.Written && info.Length == _loaded.Length)
        {
            return;
        }

        try
        {
            using var file = File.OpenRead(_path);
            var keys = JsonSerializer.Deserialize(file, KeyJson.Default.KeyFile)?.Keys ?? [];
            _loaded = new Loaded(keys, [.. keys.Select(k => Convert.FromHexString(k.Sha256))], info.LastWriteTimeUtc, info.Length);
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            throw new InvalidDataException($"{_path} is not a key file: {e.Message} Restore it, or delete it and create new keys.", e);
        }
    }

    private sealed record Loaded(IReadOnlyList<ApiKey> Keys, IReadOnlyList<byte[]> Hashes, DateTime Written, long Length);
}

internal sealed record KeyFile(int Version, IReadOnlyList<ApiKey> Keys);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(KeyFile))]
internal sealed partial class KeyJson : JsonSerializerContext;
