using System.Diagnostics;
using Lauter.Tests.Support;

namespace Lauter.Tests.Example;

/// <summary>The committed example is what its generator writes, byte for byte.</summary>
public sealed class GeneratorTests
{
    [Fact]
    public async Task Generator_SameSeed_WritesTheCommittedBytes()
    {
        var output = Path.Combine(SharedData.RepositoryRoot, "examples", "Helpdesk.Generator", "bin");
        var program = Directory.Exists(output)
            ? Directory.EnumerateFiles(output, "Helpdesk.Generator.dll", SearchOption.AllDirectories).MaxBy(File.GetLastWriteTimeUtc)
            : null;
        Assert.SkipUnless(program is not null, "skipped: examples/Helpdesk.Generator is not built");

        var folder = Directory.CreateTempSubdirectory("helpdesk").FullName;
        try
        {
            using var process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!.EndsWith("dotnet", StringComparison.Ordinal) ? Environment.ProcessPath : "dotnet", [program!, folder]))!;
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.Equal(0, process.ExitCode);
            Assert.Equal(Files(Path.Combine(folder, "handbook")), Files(ExampleFolder.PathOf("handbook")));
            foreach (var file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
            {
                var relative = Path.GetRelativePath(folder, file);
                Assert.True(File.ReadAllBytes(file).AsSpan().SequenceEqual(File.ReadAllBytes(ExampleFolder.PathOf(relative))),
                    $"{relative} differs: build examples/Helpdesk.Generator, run it over examples/helpdesk and commit both together.");
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static List<string> Files(string folder) =>
        [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(folder, f)).Order(StringComparer.Ordinal)];
}
