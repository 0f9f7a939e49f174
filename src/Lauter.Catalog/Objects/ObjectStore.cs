using System.Security.Cryptography;

namespace Lauter.Catalog.Objects;

/// <summary>
/// Content-addressed files: <c>ROOT/ab/cdef…</c>, named by the lower-case hexadecimal SHA-256 of their bytes. An object appears by
/// rename after its bytes were flushed to disk, and is read-only from then on, so a reader never meets half an object.
/// </summary>
/// <remarks>Safe for concurrent use by threads and by processes: two writers of the same bytes rename onto the same name.</remarks>
public sealed class ObjectStore
{
    private readonly string _root;
    private readonly string _incoming;

    /// <param name="root">The directory of the store; created when missing.</param>
    public ObjectStore(string root)
    {
        ArgumentException.ThrowIfNullOrEmpty(root);
        _root = Path.GetFullPath(root);
        _incoming = Path.Combine(_root, "incoming");
        Directory.CreateDirectory(_incoming);
    }

    /// <summary>The directory of the store.</summary>
    public string Root => _root;

    /// <summary>The path at which the object named <paramref name="sha256"/> lies, whether or not it exists.</summary>
    /// <exception cref="ArgumentException">The name is not 64 lower-case hexadecimal digits.</exception>
    public string PathOf(string sha256)
    {
        if (!IsName(sha256))
        {
            throw new ArgumentException($"'{sha256}' is not an object name: expected 64 lower-case hexadecimal digits.", nameof(sha256));
        }

        return Path.Combine(_root, sha256[..2], sha256[2..]);
    }

    /// <summary>True when <paramref name="text"/> has the form of an object name.</summary>
    public static bool IsName(string? text) => text is { Length: 64 } && text.All(char.IsAsciiHexDigitLower);

    /// <summary>True when the object is in the store. Its bytes are not read; use <see cref="IsIntact"/> for that.</summary>
    public bool Contains(string sha256) => IsName(sha256) && File.Exists(PathOf(sha256));

    /// <summary>Stores <paramref name="content"/> and returns its name.</summary>
    public string Write(ReadOnlySpan<byte> content)
    {
        var name = Convert.ToHexStringLower(SHA256.HashData(content));
        if (Contains(name))
        {
            return name;
        }

        var temporary = NewTemporaryPath();
        try
        {
            using (var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                file.Write(content);
                file.Flush(flushToDisk: true);
            }

            Publish(temporary, name);
        }
        finally
        {
            File.Delete(temporary);
        }

        return name;
    }

    /// <summary>Stores a copy of the file at <paramref name="path"/> and returns its name and length in bytes.</summary>
    public (string Sha256, long Bytes) WriteFile(string path)
    {
        using var source = File.OpenRead(path);
        return Write(source);
    }

    /// <summary>Stores what is left of <paramref name="content"/> and returns its name and length in bytes.</summary>
    public (string Sha256, long Bytes) Write(Stream content)
    {
        var temporary = NewTemporaryPath();
        try
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            long bytes = 0;
            using (var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                var buffer = new byte[128 * 1024];
                for (int read; (read = content.Read(buffer)) > 0; bytes += read)
                {
                    hash.AppendData(buffer, 0, read);
                    file.Write(buffer, 0, read);
                }

                file.Flush(flushToDisk: true);
            }

            var name = Convert.ToHexStringLower(hash.GetHashAndReset());
            Publish(temporary, name);
            return (name, bytes);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>Opens the object for reading.</summary>
    /// <exception cref="ObjectMissingException">The store does not hold it.</exception>
    public FileStream OpenRead(string sha256)
    {
        try
        {
            return new FileStream(PathOf(sha256), FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ObjectMissingException(sha256, e);
        }
    }

    /// <summary>The whole object.</summary>
    /// <exception cref="ObjectMissingException">The store does not hold it.</exception>
    public byte[] ReadAllBytes(string sha256)
    {
        using var stream = OpenRead(sha256);
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>Reads the object again and compares its hash with its name. False when it is missing or any byte differs.</summary>
    public bool IsIntact(string sha256)
    {
        if (!Contains(sha256))
        {
            return false;
        }

        using var stream = OpenRead(sha256);
        return string.Equals(Convert.ToHexStringLower(SHA256.HashData(stream)), sha256, StringComparison.Ordinal);
    }

    /// <summary>Every object name in the store, in ordinal order.</summary>
    public IEnumerable<string> Names() =>
        from directory in Directory.EnumerateDirectories(_root).Order(StringComparer.Ordinal)
        where Path.GetFileName(directory) is { Length: 2 }
        from file in Directory.EnumerateFiles(directory).Order(StringComparer.Ordinal)
        let name = Path.GetFileName(directory) + Path.GetFileName(file)
        where IsName(name)
        select name;

    /// <summary>Removes an object; used only by garbage collection.</summary>
    public void Delete(string sha256) => File.Delete(PathOf(sha256));

    /// <summary>A path for a file that is still being written, on the same file system as the objects.</summary>
    public string NewTemporaryPath() => Path.Combine(_incoming, Guid.CreateVersion7().ToString("N"));

    private void Publish(string temporary, string name)
    {
        var target = PathOf(name);
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        if (File.Exists(target))
        {
            return;
        }

        File.Move(temporary, target, overwrite: true);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(target, UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        }
    }
}

/// <summary>An object that a manifest names is not in the store.</summary>
public sealed class ObjectMissingException(string sha256, Exception? inner = null)
    : IOException($"Object {sha256} is not in the store. Run 'lauter run' to make it again, or restore .lauter/objects from a backup.", inner)
{
    /// <summary>The name of the missing object.</summary>
    public string Sha256 { get; } = sha256;
}
