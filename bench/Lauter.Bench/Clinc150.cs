using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lauter.Bench;

/// <summary>CLINC150 through the whole product: rows in, gate and release out.</summary>
internal static class Clinc150
{
    private static readonly (string Part, string Split)[] Parts =
        [("train", "train"), ("val", "validation"), ("test", "test"), ("oos_train", "train"), ("oos_val", "validation"), ("oos_test", "test")];

    public static async Task<int> RunAsync(string data)
    {
        var root = RepositoryRoot();
        var project = Path.Combine(root, "bench", "projects", "clinc150");
        using (var document = JsonDocument.Parse(await File.ReadAllBytesAsync(data)))
        await using (var writer = new StreamWriter(Path.Combine(project, "rows.jsonl")))
        {
            foreach (var (part, split) in Parts)
            {
                var number = 0;
                foreach (var row in document.RootElement.GetProperty(part).EnumerateArray())
                {
                    await writer.WriteLineAsync(new JsonObject
                    {
                        ["id"] = $"{part}-{number++:00000}", ["split"] = split, ["language"] = "en", ["text"] = row[0].GetString(), ["intent"] = row[1].GetString(),
                    }.ToJsonString());
                }
            }
        }

        var clock = Stopwatch.StartNew();
        using var child = Process.Start("dotnet", [Program(), "up", project, "--no-serve"]);
        await child.WaitForExitAsync();
        Console.WriteLine($"exit code {child.ExitCode}, {clock.Elapsed.TotalSeconds:0} s wall");
        return child.ExitCode;
    }

    /// <summary>The program, built in the same configuration as this bench.</summary>
    internal static string Program()
    {
        var configuration = Path.GetFileName(Path.GetDirectoryName(AppContext.BaseDirectory.TrimEnd('/'))!);
        return Path.Combine(RepositoryRoot(), "src", "Lauter", "bin", configuration, "net10.0", "lauter.dll");
    }

    internal static string RepositoryRoot()
    {
        for (var directory = AppContext.BaseDirectory; directory is not null; directory = Path.GetDirectoryName(directory))
        {
            if (File.Exists(Path.Combine(directory, "lauter.slnx")))
            {
                return directory;
            }
        }

        throw new DirectoryNotFoundException($"lauter.slnx was not found above {AppContext.BaseDirectory}.");
    }
}
