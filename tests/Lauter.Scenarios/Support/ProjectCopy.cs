namespace Lauter.Scenarios.Support;

/// <summary>A private copy of a project directory, without its state.</summary>
public sealed class ProjectCopy : IDisposable
{
    private ProjectCopy(string directory) => Directory = directory;

    public string Directory { get; }

    public static ProjectCopy Of(string relative)
    {
        var source = Path.Combine(LauterProgram.RepositoryRoot, relative);
        var target = System.IO.Directory.CreateTempSubdirectory("lauter-scenario-").FullName;
        foreach (var file in System.IO.Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories))
        {
            var name = Path.GetRelativePath(source, file);
            if (!name.StartsWith(".lauter", StringComparison.Ordinal))
            {
                var to = Path.Combine(target, name);
                System.IO.Directory.CreateDirectory(Path.GetDirectoryName(to)!);
                File.Copy(file, to);
            }
        }

        return new ProjectCopy(target);
    }

    public static ProjectCopy Empty() => new(System.IO.Directory.CreateTempSubdirectory("lauter-scenario-").FullName);

    public string Write(string relative, string content)
    {
        var path = Path.Combine(Directory, relative);
        System.IO.Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content);
        return path;
    }

    public void Dispose() => System.IO.Directory.Delete(Directory, recursive: true);
}
