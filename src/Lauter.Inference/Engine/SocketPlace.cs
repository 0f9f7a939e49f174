using System.Security.Cryptography;
using System.Text;

namespace Lauter.Inference.Engine;

/// <summary>A place for a Unix socket: short enough for the kernel, in a directory of mode 0700.</summary>
internal sealed class SocketPlace : IDisposable
{
    /// <summary>Bytes of a socket's path without the ending zero.</summary>
    public const int LongestPath = 107;

    private readonly string? _ownDirectory;

    private SocketPlace(string socketPath, string? ownDirectory)
    {
        SocketPath = socketPath;
        _ownDirectory = ownDirectory;
    }

    public string SocketPath { get; }

    /// <summary>Takes <paramref name="wanted"/> when it is short enough, else a directory of its own below the runtime or temporary directory.</summary>
    public static SocketPlace Create(string? wanted)
    {
        if (wanted is not null && Encoding.UTF8.GetByteCount(Path.GetFullPath(wanted)) <= LongestPath)
        {
            return new SocketPlace(Path.GetFullPath(wanted), null);
        }

        var name = $"lauter-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6))}";
        foreach (var parent in new[] { Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR"), Path.GetTempPath(), "/tmp" })
        {
            var path = string.IsNullOrEmpty(parent) ? null : Path.Combine(parent, name, "engine.sock");
            if (path is not null && Directory.Exists(parent) && Encoding.UTF8.GetByteCount(path) <= LongestPath)
            {
                var directory = Path.GetDirectoryName(path)!;
                CreatePrivate(directory);
                return new SocketPlace(path, directory);
            }
        }

        throw new IOException("No directory is short enough for the engine's socket; set XDG_RUNTIME_DIR to one of at most 70 bytes.");
    }

    public void Dispose()
    {
        File.Delete(SocketPath);
        if (_ownDirectory is not null && Directory.Exists(_ownDirectory))
        {
            Directory.Delete(_ownDirectory, recursive: true);
        }
    }

    private static void CreatePrivate(string directory)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(directory);
        }
        else
        {
            Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }
}
