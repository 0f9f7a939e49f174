using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lauter.Traces;

/// <summary>When a record must be on the disk itself.</summary>
public enum JournalDurability
{
    /// <summary>Written at once (survives the end of the process), on the disk within <see cref="TraceJournalOptions.SyncInterval"/>.</summary>
    Group,

    /// <summary>On the disk before <c>Append</c> returns (survives a power failure).</summary>
    Always,
}

/// <summary>Settings of the journal.</summary>
public sealed record TraceJournalOptions
{
    /// <summary>The directory of the segments, by custom <c>.lauter/journal</c>.</summary>
    public required string Directory { get; init; }

    /// <summary>Default: <see cref="JournalDurability.Group"/>.</summary>
    public JournalDurability Durability { get; init; } = JournalDurability.Group;

    /// <summary>Longest time until a written record is on the disk in group mode. Default 50 ms.</summary>
    public TimeSpan SyncInterval { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>A new segment begins when the current one has this many bytes. Default 8 MiB.</summary>
    public long SegmentBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>With less free space than this the journal refuses, before a request spends money. Default 32 MiB.</summary>
    public long MinimumFreeBytes { get; init; } = 32 * 1024 * 1024;

    /// <summary>Request and response are cut to this many characters each. Default 65,536.</summary>
    public int MaximumTextLength { get; init; } = 65_536;

    /// <summary>Changes the text of requests, answers and inputs before it is written anywhere, for example masks personal data; null (default) = keeps it.</summary>
    public Func<string, string>? Redact { get; init; }
}

/// <summary>
/// Append-only record of every request. A plain write puts the record into the kernel's hands before the caller gets the last byte, so it
/// survives the end of the process, however it ends. A reader in the same or a later process moves segments into the store.
/// </summary>
/// <remarks>Safe for concurrent use. Several processes may share the directory: each writes segments of its own and keeps them locked.</remarks>
public sealed class TraceJournal : IDisposable
{
    private readonly TraceJournalOptions _options;
    private readonly TimeProvider _time;
    private readonly ITimer? _timer;
    private readonly Lock _gate = new(); // guards the members below; held for a write, never for a flush in group mode
    private readonly Lock _flushing = new(); // held while a segment is flushed or closed; taken before _gate or without it, never inside
    private FileStream? _segment;
    private bool _dirty;
    private long _checkedAt;
    private string? _unavailable;
    private bool _disposed;
    private FileStream? _alive;

    /// <param name="options">Where and how.</param>
    /// <param name="time">Clock of the group sync and of the check of free space.</param>
    public TraceJournal(TraceJournalOptions options, TimeProvider time)
    {
        _options = options;
        _time = time;
        Directory.CreateDirectory(options.Directory);
        if (options.Durability == JournalDurability.Group)
        {
            _timer = time.CreateTimer(_ => Sync(), null, options.SyncInterval, options.SyncInterval);
        }
    }

    /// <summary>The directory of the segments.</summary>
    public string JournalDirectory => _options.Directory;

    /// <summary>Ends the name of every segment that this journal writes.</summary>
    public string WriterId { get; } = Guid.NewGuid().ToString("N")[..12];

    /// <summary>Throws when a record could not be kept now. Call it before money is spent.</summary>
    /// <exception cref="JournalUnavailableException">The disk is full or cannot be written.</exception>
    public void EnsureAvailable()
    {
        lock (_gate)
        {
            var now = _time.GetTimestamp();
            if (_checkedAt == 0 || _time.GetElapsedTime(_checkedAt, now) >= TimeSpan.FromSeconds(1))
            {
                _checkedAt = now;
                _unavailable = Probe();
            }

            if (_unavailable is not null)
            {
                throw new JournalUnavailableException(_unavailable);
            }
        }
    }

    /// <summary>Keeps a trace. When this returns it survives the end of the process.</summary>
    /// <exception cref="JournalUnavailableException">It could not be written; nothing of it is kept.</exception>
    public void Append(TraceRecord record) =>
        Write(JournalKind.Trace, JsonSerializer.SerializeToUtf8Bytes(Cut(record), TraceJson.Relaxed.TraceRecord));

    /// <summary>
    /// Keeps that a request began which may cost money elsewhere. Call it after the budget was reserved and before the provider is asked; the trace of
    /// the same id ends it. Requests of a process that ended in between are found by the reader.
    /// </summary>
    /// <exception cref="JournalUnavailableException">It could not be written: do not ask the provider.</exception>
    public void Append(BegunRecord record)
    {
        HoldAlive();
        Write(JournalKind.Begun, JsonSerializer.SerializeToUtf8Bytes(record, TraceJson.Relaxed.BegunRecord));
    }

    /// <summary>Keeps a feedback.</summary>
    /// <exception cref="JournalUnavailableException">It could not be written; nothing of it is kept.</exception>
    public void Append(FeedbackRecord record) =>
        Write(JournalKind.Feedback, JsonSerializer.SerializeToUtf8Bytes(record, TraceJson.Relaxed.FeedbackRecord));

    /// <summary>Ends the current segment, so that a reader may take it. Does nothing when it is empty.</summary>
    public void Rotate()
    {
        FileStream? full;
        lock (_gate)
        {
            full = Detach();
        }

        Retire(full);
    }

    /// <summary>Forces what was written to the disk. Does nothing when another thread is doing so.</summary>
    public void Sync()
    {
        if (!_flushing.TryEnter())
        {
            return;
        }

        try
        {
            FileStream? segment;
            lock (_gate)
            {
                segment = _dirty ? _segment : null;
                _dirty = false;
            }

            if (segment is not null)
            {
                RandomAccess.FlushToDisk(segment.SafeFileHandle); // outside _gate: requests go on writing meanwhile
            }
        }
        catch (ObjectDisposedException)
        {
            // A failed write gave the segment up in between.
        }
        catch (IOException e)
        {
            FlushFailed(e);
        }
        finally
        {
            _flushing.Exit();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _timer?.Dispose();
        FileStream? full;
        lock (_gate)
        {
            _disposed = true;
            full = Detach();
        }

        Retire(full);
        if (_alive is not null)
        {
            _alive.Dispose();
            File.Delete(_alive.Name);
        }
    }

    /// <summary>A locked file tells readers that this writer lives and may still end what it began: the kernel drops the lock however the process ends.</summary>
    private void HoldAlive()
    {
        if (Volatile.Read(ref _alive) is not null)
        {
            return;
        }

        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            try
            {
                _alive ??= new FileStream(JournalReader.AlivePath(_options.Directory, WriterId), FileMode.Create, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new JournalUnavailableException($"The journal in {_options.Directory} cannot be written: {e.Message}", e);
            }
        }
    }

    private void Write(JournalKind kind, byte[] payload)
    {
        if (payload.Length > JournalFormat.MaximumPayload)
        {
            throw new JournalUnavailableException($"A record of {payload.Length} bytes is larger than the journal's {JournalFormat.MaximumPayload}.");
        }

        var record = JournalFormat.Frame(kind, payload);
        FileStream? full = null;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            var offset = -1L;
            try
            {
                var segment = _segment ??= OpenSegment();
                offset = segment.Position;
                segment.Write(record);
                _dirty = true;
                if (_options.Durability == JournalDurability.Always)
                {
                    RandomAccess.FlushToDisk(segment.SafeFileHandle);
                }

                full = segment.Position >= _options.SegmentBytes ? Detach() : null;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                Abandon(offset);
                _unavailable = $"The journal in {_options.Directory} cannot be written: {e.Message} Free some space; serving goes on by itself.";
                _checkedAt = _time.GetTimestamp();
                throw new JournalUnavailableException(_unavailable, e);
            }
        }

        Retire(full);
    }

    /// <summary>Takes half a record back, so that the next one does not follow damage.</summary>
    private void Abandon(long offset)
    {
        if (_segment is null)
        {
            return;
        }

        try
        {
            if (offset >= 0)
            {
                _segment.SetLength(offset);
                _segment.Position = offset;
                return;
            }
        }
        catch (IOException)
        {
            // Then the segment ends in a torn record, which the reader tolerates; the next record begins a new segment.
        }

        Detach()?.Dispose();
    }

    private FileStream OpenSegment()
    {
        // A name that sorts by time; the lock (shared among readers, exclusive for the one who deletes) tells readers that it is in use.
        var path = Path.Combine(_options.Directory, $"{Guid.CreateVersion7(_time.GetUtcNow()):N}-{WriterId}.journal");
        var segment = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0);
        segment.Write(JournalFormat.Magic);
        return segment;
    }

    private FileStream? Detach()
    {
        var segment = _segment;
        _segment = null;
        _dirty = false;
        return segment;
    }

    private void Retire(FileStream? segment)
    {
        if (segment is null)
        {
            return;
        }

        lock (_flushing)
        {
            try
            {
                RandomAccess.FlushToDisk(segment.SafeFileHandle);
            }
            catch (IOException e)
            {
                FlushFailed(e);
            }

            segment.Dispose();
        }
    }

    private void FlushFailed(IOException e)
    {
        lock (_gate)
        {
            _unavailable = $"The journal in {_options.Directory} could not be flushed: {e.Message}";
            _checkedAt = _time.GetTimestamp();
        }
    }

    private string? Probe()
    {
        try
        {
            var free = new DriveInfo(Path.GetFullPath(_options.Directory)).AvailableFreeSpace;
            return free >= _options.MinimumFreeBytes
                ? null
                : $"The disk of {_options.Directory} has {free / 1024} KiB left, less than the {_options.MinimumFreeBytes / 1024} KiB that traces need. Free some space; serving goes on by itself.";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"The journal in {_options.Directory} cannot be used: {e.Message}";
        }
    }

    private TraceRecord Cut(TraceRecord record)
    {
        if (_options.Redact is { } redact)
        {
            record = record with { Request = TextOf(record.Request), Response = TextOf(record.Response), Input = (JsonObject?)JsonTexts.Map(record.Input, redact) };
            string? TextOf(string? text) => text is null ? null : redact(text);
        }

        var most = _options.MaximumTextLength;
        return record.Request?.Length > most || record.Response?.Length > most
            ? record with { Request = Shorten(record.Request, most), Response = Shorten(record.Response, most), Truncated = true }
            : record;
    }

    private static string? Shorten(string? text, int most) =>
        text is null || text.Length <= most ? text : char.IsHighSurrogate(text[most - 1]) ? text[..(most - 1)] : text[..most];
}

/// <summary>Requests cannot be recorded, so they must not be served.</summary>
public sealed class JournalUnavailableException(string message, Exception? inner = null) : IOException(message, inner);
