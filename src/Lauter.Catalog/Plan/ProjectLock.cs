namespace Lauter.Catalog.Plan;

/// <summary>Another process works on the same project.</summary>
public sealed class ProjectBusyException(string path)
    : IOException($"Another lauter process is working on this project (it holds {path}). Wait for it to end, or stop it.");

/// <summary>Keeps two processes from running steps of one project at once. The operating system frees it when a process dies.</summary>
public sealed class ProjectLock : IDisposable
{
    private readonly FileStream _file;

    private ProjectLock(FileStream file) => _file = file;

    /// <summary>Takes the lock called <paramref name="name"/> (<c>run</c> or <c>serve</c>).</summary>
    /// <exception cref="ProjectBusyException">Somebody else holds it.</exception>
    public static ProjectLock Take(string stateDirectory, string name)
    {
        Directory.CreateDirectory(stateDirectory);
        var path = Path.Combine(stateDirectory, name + ".lock");
        try
        {
            return new ProjectLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException e) when (File.Exists(path) && e is not (FileNotFoundException or DirectoryNotFoundException))
        {
            throw new ProjectBusyException(path);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
