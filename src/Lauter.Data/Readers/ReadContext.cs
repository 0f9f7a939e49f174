using System.Diagnostics;
using System.IO.Compression;
using Lauter.Data.Export;

namespace Lauter.Data.Readers;

/// <summary>The state of reading one source file: limits, the clock, and what has been found so far.</summary>
internal sealed class ReadContext(ReaderLimits limits, CancellationToken cancellation)
{
    private readonly long _started = Stopwatch.GetTimestamp();
    private long _characters;

    public ReaderLimits Limits { get; } = limits;

    public List<SourceDocument> Documents { get; } = [];

    public List<RejectRow> Rejects { get; } = [];

    /// <summary>Called between units of work: stops a document that takes too long.</summary>
    public void CheckTime()
    {
        cancellation.ThrowIfCancellationRequested();
        var elapsed = Stopwatch.GetElapsedTime(_started);
        if (elapsed > Limits.Timeout)
        {
            throw new ReaderFault(RejectReasons.Timeout, $"reading took longer than {Limits.Timeout.TotalSeconds:0} s.");
        }
    }

    public void Count(int characters)
    {
        _characters += characters;
        if (_characters > Limits.MaximumCharacters)
        {
            throw new ReaderFault(RejectReasons.TooLarge, $"more than {Limits.MaximumCharacters} characters of text.");
        }
    }

    public void Reject(string path, string reason, string detail) =>
        Rejects.Add(Export.Rejects.Row(Export.Rejects.IdOf(path), path, 0, "read", reason, detail, ""));

    /// <summary>
    /// Opens a zip file after checking it: number of entries, declared and real unpacked size, ratio. Declared sizes may lie, so every entry is
    /// unpacked once through a counter before anybody reads it.
    /// </summary>
    public ZipArchive OpenZip(ReadOnlyMemory<byte> bytes)
    {
        ZipArchive archive;
        try
        {
            archive = new ZipArchive(new MemoryStream(bytes.ToArray(), writable: false), ZipArchiveMode.Read);
        }
        catch (InvalidDataException e)
        {
            throw new ReaderFault(RejectReasons.Unreadable, $"it is not an intact zip container: {e.Message}");
        }

        if (archive.Entries.Count > Limits.MaximumZipEntries)
        {
            throw new ReaderFault(RejectReasons.ZipBomb, $"{archive.Entries.Count} entries, {Limits.MaximumZipEntries} are allowed.");
        }

        long unpacked = 0;
        var buffer = new byte[81_920];
        foreach (var entry in archive.Entries)
        {
            CheckTime();
            CheckRatio(unpacked + entry.Length, bytes.Length);
            if (IsPicture(entry.FullName))
            {
                continue;
            }

            using var stream = OpenEntry(entry);
            int read;
            while ((read = ReadSome(stream, buffer)) > 0)
            {
                unpacked += read;
                CheckRatio(unpacked, bytes.Length);
            }
        }

        return archive;
    }

    /// <summary>The bytes of an entry of an archive from <see cref="OpenZip"/>.</summary>
    public byte[] ReadEntry(ZipArchiveEntry entry)
    {
        CheckTime();
        using var stream = OpenEntry(entry);
        using var memory = new MemoryStream();
        var buffer = new byte[81_920];
        int read;
        while ((read = ReadSome(stream, buffer)) > 0)
        {
            memory.Write(buffer, 0, read);
            if (memory.Length > Limits.MaximumUnpackedBytes)
            {
                throw new ReaderFault(RejectReasons.ZipBomb, $"the entry '{entry.FullName}' unpacks to more than {Limits.MaximumUnpackedBytes} bytes.");
            }
        }

        return memory.ToArray();
    }

    private void CheckRatio(long unpacked, long packed)
    {
        if (unpacked > Limits.MaximumUnpackedBytes)
        {
            throw new ReaderFault(RejectReasons.ZipBomb, $"it unpacks to more than {Limits.MaximumUnpackedBytes} bytes.");
        }

        if (unpacked > 1 << 20 && unpacked > packed * Limits.MaximumZipRatio)
        {
            throw new ReaderFault(RejectReasons.ZipBomb, $"it unpacks to more than {Limits.MaximumZipRatio:0.#} times its size of {packed} bytes.");
        }
    }

    private static bool IsPicture(string name) => name.Contains("/media/", StringComparison.OrdinalIgnoreCase);

    private static Stream OpenEntry(ZipArchiveEntry entry)
    {
        try
        {
            return entry.Open();
        }
        catch (InvalidDataException e)
        {
            throw new ReaderFault(RejectReasons.Unreadable, $"the entry '{entry.FullName}' cannot be unpacked: {e.Message}");
        }
    }

    private static int ReadSome(Stream stream, byte[] buffer)
    {
        try
        {
            return stream.Read(buffer);
        }
        catch (InvalidDataException e)
        {
            throw new ReaderFault(RejectReasons.Unreadable, $"the container is damaged: {e.Message}");
        }
    }
}
