namespace Lauter.Tests.Releases;

/// <summary>A directory of one test, removed at its end.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("lauter-releases-").FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose()
    {
        // Objects are read-only files, which only a system that honours that for deletion would keep.
        Directory.Delete(Path, recursive: true);
    }
}
