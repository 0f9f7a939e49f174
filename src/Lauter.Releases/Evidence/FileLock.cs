namespace Lauter.Releases.Evidence;

/// <summary>A lock between processes and between threads, held by an open file; the operating system frees it when its process dies.</summary>
internal sealed class FileLock : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);
    private readonly FileStream _file;

    private FileLock(FileStream file) => _file = file;

    /// <summary>Waits up to 10 seconds for the lock at <paramref name="path"/>.</summary>
    /// <exception cref="TimeoutException">Somebody holds it for longer.</exception>
    public static async Task<FileLock> AcquireAsync(string path, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        for (var waited = TimeSpan.Zero; ; waited += Pause)
        {
            try
            {
                return new FileLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
            }
            catch (IOException e) when (e is not (FileNotFoundException or DirectoryNotFoundException or PathTooLongException))
            {
                if (waited >= Patience)
                {
                    throw new TimeoutException($"Another process holds {path} for more than {Patience.TotalSeconds:0} s. Wait for it to end, or stop it.", e);
                }
            }

            await Task.Delay(Pause, cancellationToken);
        }
    }

    public void Dispose() => _file.Dispose();
}
