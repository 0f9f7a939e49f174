using System.Runtime.CompilerServices;

namespace Lauter.Tests.Support;

/// <summary>Finds the optional reference material beside the repository; tests that need it are skipped, never passed, without it.</summary>
internal static class SharedData
{
    private static readonly string? Root = Locate();

    /// <summary>The full path of <paramref name="relative"/> inside the shared folder; skips the calling test when it is not there.</summary>
    public static string Require(string relative)
    {
        var path = Root is null ? null : Path.Combine(Root, relative);
        var found = path is not null && (File.Exists(path) || Directory.Exists(path));
        Assert.SkipUnless(found, "skipped: shared data not found");
        return path!;
    }

    /// <summary>The root of the repository, found from this source file's own path.</summary>
    public static string RepositoryRoot { get; } = FindRepositoryRoot();

    private static string? Locate()
    {
        var fromEnvironment = Environment.GetEnvironmentVariable("LAUTER_SHARED");
        var candidate = string.IsNullOrEmpty(fromEnvironment) ? Path.Combine(FindRepositoryRoot(), "..", "shared") : fromEnvironment;
        return Directory.Exists(candidate) ? Path.GetFullPath(candidate) : null;
    }

    private static string FindRepositoryRoot([CallerFilePath] string thisFile = "")
    {
        for (var directory = Path.GetDirectoryName(thisFile); directory is not null; directory = Path.GetDirectoryName(directory))
        {
            if (File.Exists(Path.Combine(directory, "lauter.slnx")))
            {
                return directory;
            }
        }

        throw new DirectoryNotFoundException($"lauter.slnx was not found above {thisFile}.");
    }
}
