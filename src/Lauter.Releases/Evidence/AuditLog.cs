using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Lauter.Catalog.Objects;

namespace Lauter.Releases.Evidence;

/// <summary>One line of the audit log.</summary>
public sealed record AuditEntry
{
    /// <summary>1 for the first entry, then without gaps.</summary>
    public required long Sequence { get; init; }

    /// <summary>When, UTC.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Who: a user, or the program itself.</summary>
    public required string Actor { get; init; }

    /// <summary>What, for example <c>release.promoted</c>.</summary>
    public required string Action { get; init; }

    /// <summary>To what, for example <c>triage-2</c>.</summary>
    public required string Subject { get; init; }

    /// <summary>Further facts; the action decides the members.</summary>
    public JsonObject Details { get; init; } = [];

    /// <summary>SHA-256 of the line before, 64 zeros for the first entry.</summary>
    public required string Previous { get; init; }

    /// <summary>SHA-256 of this line; not part of it.</summary>
    [JsonIgnore]
    public string Hash { get; init; } = "";
}

/// <summary>The result of <see cref="AuditLog.Verify"/>.</summary>
/// <param name="Entries">Entries read.</param>
/// <param name="Head">Hash of the last entry; 64 zeros without entries.</param>
/// <param name="Faults">What is wrong, each with its line; empty when the chain holds.</param>
public sealed record AuditReport(long Entries, string Head, IReadOnlyList<string> Faults)
{
    /// <summary>True when every line carries the hash of the one before.</summary>
    public bool Intact => Faults.Count == 0;
}

/// <summary>
/// An append-only file of JSON lines, each of which carries the SHA-256 of the line before: a changed, removed or inserted line breaks
/// the chain from there on. Safe for concurrent use by threads and processes.
/// </summary>
/// <remarks>Cutting lines off the end is found only by who kept a later head: <see cref="Rollout.ReleaseStore.VerifyAudit"/> compares with the live pointers.</remarks>
public sealed class AuditLog
{
    private static readonly string Genesis = new('0', 64);
    private readonly string _path;
    private readonly TimeProvider _time;

    /// <param name="path">For example <c>.lauter/audit.jsonl</c>; created by the first entry.</param>
    /// <param name="time">Where the times of entries come from.</param>
    public AuditLog(string path, TimeProvider time)
    {
        _path = Path.GetFullPath(path);
        _time = time;
    }

    /// <summary>Adds an entry; on return it is on disk.</summary>
    /// <exception cref="TimeoutException">Another process holds the log.</exception>
    public async Task<AuditEntry> AppendAsync(string actor, string action, string subject, JsonObject? details, CancellationToken cancellationToken)
    {
        using (await FileLock.AcquireAsync(_path + ".lock", cancellationToken))
        {
            await using var file = new FileStream(_path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
            var torn = DropTornTail(file);
            var last = LastLine(file) is { } line ? Parse(line) : null;
            if (torn > 0)
            {
                last = Write(file, last, "lauter", "audit.repaired", "audit", new JsonObject { ["bytesDropped"] = torn });
            }

            return Write(file, last, actor, action, subject, details ?? []);
        }
    }

    /// <summary>Every entry, oldest first.</summary>
    /// <exception cref="InvalidDataException">A line is not an entry.</exception>
    public IReadOnlyList<AuditEntry> Read() => [.. Lines().Select(Parse)];

    /// <summary>Reads the whole log and checks the chain. Never throws for a fault of the log.</summary>
    public AuditReport Verify()
    {
        var faults = new List<string>();
        var previous = Genesis;
        long number = 0;
        foreach (var line in Lines())
        {
            number++;
            try
            {
                var entry = Parse(line);
                if (entry.Previous != previous)
                {
                    faults.Add($"line {number}: carries {entry.Previous[..Math.Min(12, entry.Previous.Length)]} as the hash of the line before, which is {previous[..12]}.");
                }

                if (entry.Sequence != number)
                {
                    faults.Add($"line {number}: is numbered {entry.Sequence}.");
                }
            }
            catch (InvalidDataException e)
            {
                faults.Add($"line {number}: {e.Message}");
            }

            previous = HashOf(line);
        }

        return new AuditReport(number, previous, faults);
    }

    private AuditEntry Write(FileStream file, AuditEntry? last, string actor, string action, string subject, JsonObject details)
    {
        var entry = new AuditEntry
        {
            Sequence = (last?.Sequence ?? 0) + 1,
            At = _time.GetUtcNow(),
            Actor = actor,
            Action = action,
            Subject = subject,
            Details = (JsonObject)details.DeepClone(),
            Previous = last?.Hash ?? Genesis,
        };
        var line = CanonicalJson.Serialize(JsonSerializer.SerializeToElement(entry, AuditJson.Default.AuditEntry));
        file.Position = file.Length;
        file.Write([.. line, (byte)'\n']);
        file.Flush(flushToDisk: true);
        return entry with { Hash = HashOf(line) };
    }

    /// <summary>A process that died while it wrote leaves a line without an end: it was never confirmed to anybody, so it goes.</summary>
    private static long DropTornTail(FileStream file)
    {
        var end = EndOfLastLine(file, file.Length);
        var torn = file.Length - end;
        if (torn > 0)
        {
            file.SetLength(end);
        }

        return torn;
    }

    private static byte[]? LastLine(FileStream file)
    {
        if (file.Length == 0)
        {
            return null;
        }

        var start = EndOfLastLine(file, file.Length - 1);
        var line = new byte[file.Length - 1 - start];
        file.Position = start;
        file.ReadExactly(line);
        return line;
    }

    /// <summary>The position after the last line feed before <paramref name="limit"/>, 0 when there is none.</summary>
    private static long EndOfLastLine(FileStream file, long limit)
    {
        var buffer = new byte[4096];
        for (var end = limit; end > 0;)
        {
            var length = (int)Math.Min(buffer.Length, end);
            file.Position = end - length;
            file.ReadExactly(buffer, 0, length);
            var at = Array.LastIndexOf(buffer, (byte)'\n', length - 1);
            if (at >= 0)
            {
                return end - length + at + 1;
            }

            end -= length;
        }

        return 0;
    }

    private List<byte[]> Lines()
    {
        byte[] bytes;
        try
        {
            using var file = new FileStream(_path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            bytes = new byte[file.Length];
            file.ReadExactly(bytes);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return [];
        }

        var lines = new List<byte[]>();
        for (var start = 0; start < bytes.Length;)
        {
            var end = Array.IndexOf(bytes, (byte)'\n', start);
            if (end < 0)
            {
                // The tail without an end is being written, or was when its process died: not an entry yet.
                break;
            }

            lines.Add(bytes[start..end]);
            start = end + 1;
        }

        return lines;
    }

    private static AuditEntry Parse(byte[] line)
    {
        try
        {
            var entry = JsonSerializer.Deserialize(line, AuditJson.Default.AuditEntry) ?? throw new InvalidDataException("The line holds null.");
            return entry with { Hash = HashOf(line) };
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"The line is not an audit entry: {e.Message}", e);
        }
    }

    private static string HashOf(byte[] line) => Convert.ToHexStringLower(SHA256.HashData(line));
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(AuditEntry))]
internal sealed partial class AuditJson : JsonSerializerContext;
