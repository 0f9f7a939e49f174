using System.Diagnostics;
using System.IO.Compression;
using System.Text.Json.Nodes;
using Lauter.Scenarios.Support;

namespace Lauter.Scenarios;

/// <summary>What a person sees when something is wrong: a clear message and a documented exit code each.</summary>
public sealed class FaultScenarios
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Plan_BrokenProjectFile_ListsEveryFaultWithPlaceAndNearestName()
    {
        using var project = ProjectCopy.Empty();
        project.Write("lauter.yaml", """
            project: shop
            datasets:
              rows: { kind: exampels, from: [rows.jsonl], fields: { input: [text], output: [label] } }
            models: { base: { scratch: nono } }
            trainings: { sft: { base: basis, data: rows, epochs: 0 } }
            aplications: {}
            """);
        var result = await LauterProgram.RunAsync(Limit, "plan", project.Directory);
        Assert.Equal(3, result.ExitCode);
        Assert.Contains("lauter.yaml:3:11 datasets.rows.kind", result.Error);
        Assert.Contains("Did you mean 'examples'?", result.Error);
        Assert.Contains("Did you mean 'nano'?", result.Error);
        Assert.Contains("Did you mean 'base'?", result.Error);
        Assert.Contains("from 1 to 1000, but is '0'", result.Error);
        Assert.Contains("lauter.yaml:6:1 aplications", result.Error);
        Assert.Contains("Did you mean 'applications'?", result.Error);
        Assert.Empty(result.Output);
    }

    [Theory]
    [InlineData(3, "plan", "/nonexistent-directory-of-a-project")]
    [InlineData(2, "plan", "--no-such-option")]
    [InlineData(2, "frobnicate")]
    [InlineData(0, "--help")]
    [InlineData(0, "plan", "--help")]
    [InlineData(0, "--version")]
    public async Task CommandLine_Misuse_HasTheDocumentedExitCode(int code, params string[] arguments)
    {
        var result = await LauterProgram.RunAsync(Limit, arguments);
        Assert.Equal(code, result.ExitCode);
        Assert.NotEmpty(code == 0 ? result.Output : result.Error);
    }

    [Fact]
    public async Task Run_NoSources_NamesTheGlobAndTheDataset()
    {
        using var project = ProjectCopy.Empty();
        project.Write("lauter.yaml", """
            project: shop
            datasets:
              rows: { kind: examples, from: [rows.jsonl], fields: { input: [text], output: [label] } }
            """);
        var result = await LauterProgram.RunAsync(Limit, "run", project.Directory);
        Assert.Equal(4, result.ExitCode);
        Assert.Contains("rows.jsonl", result.Error);
        Assert.Contains("rows", result.Error);
    }

    [Fact]
    public async Task Run_BadDocuments_AreRejectsWithReasonsAndTheRestGoesOn()
    {
        using var project = ProjectCopy.Empty();
        project.Write("lauter.yaml", """
            project: shop
            datasets:
              handbook: { kind: documents, from: [documents/**] }
            """);
        project.Write("documents/good.md", "# Cleaning the mash tun\n\nRinse the mash tun with hot water for ten minutes after every brew, then drain it and leave the lid open to dry.\n");
        project.Write("documents/corrupt.docx", "this is not a zip file");
        project.Write("documents/empty.pdf", "");
        var result = await LauterProgram.RunAsync(Limit, "run", project.Directory);
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("1 documents read, 2 rejected", result.Error);

        var again = await LauterProgram.RunAsync(Limit, "run", project.Directory);
        Assert.Equal(0, again.ExitCode);
        Assert.Contains("Nothing to do", again.Error);
    }

    [Fact]
    public async Task Run_ZipBomb_IsARejectAndTheRestGoesOn()
    {
        using var project = ProjectCopy.Empty();
        project.Write("lauter.yaml", "project: shop\ndatasets:\n  handbook: { kind: documents, from: [documents/**] }\n");
        var bomb = project.Write("documents/bomb.zip", "");
        using (var archive = new ZipArchive(File.Create(bomb), ZipArchiveMode.Create))
        {
            await using var entry = archive.CreateEntry("zeros.txt", CompressionLevel.SmallestSize).Open();
            var zeros = new byte[1 << 20];
            for (var i = 0; i < 300; i++)
            {
                await entry.WriteAsync(zeros);
            }
        }

        project.Write("documents/good.md", "# Mash\n\nMash at sixty-six degrees for one hour and stir every ten minutes so that the grain does not settle.\n");
        var result = await LauterProgram.RunAsync(Limit, "run", project.Directory);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains("1 documents read, 1 rejected", result.Error);
        var rejects = await LauterProgram.RunAsync(Limit, "data", "read", bomb);
        Assert.Equal(4, rejects.ExitCode);
        Assert.Contains("zip_bomb", rejects.Error);
    }

    [Fact]
    public async Task Run_DiskFull_SaysSoAndGoesOnOnceThereIsSpace()
    {
        using var project = ProjectCopy.Empty();
        var disk = Path.Combine(project.Directory, "disk");
        Directory.CreateDirectory(disk);
        using (var mount = Process.Start(new ProcessStartInfo("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", disk]) { UseShellExecute = false, RedirectStandardError = true })!)
        {
            await mount.WaitForExitAsync();
            Assert.SkipUnless(mount.ExitCode == 0, "skipped: a small disk needs the right to mount one");
        }

        try
        {
            project.Write("disk/lauter.yaml", "project: shop\ndatasets:\n  handbook: { kind: documents, from: [documents/**] }\n");
            var line = "The boil takes one hour; add the bittering hops at its beginning and the aroma hops in its last ten minutes, batch {0}.\n\n";
            project.Write("disk/documents/long.md", "# Boil\n\n" + string.Concat(Enumerable.Range(0, 10_000).Select(i => string.Format(line, i))));
            var full = await LauterProgram.RunAsync(Limit, "run", disk);
            Assert.True(full.ExitCode == 10, full.ToString());
            Assert.Contains("the disk is full", full.Error);

            using (var grow = Process.Start("mount", ["-o", "remount,size=64m", disk]))
            {
                await grow.WaitForExitAsync();
            }

            var again = await LauterProgram.RunAsync(Limit, "run", disk);
            Assert.True(again.ExitCode == 0, again.ToString());
        }
        finally
        {
            using var unmount = Process.Start("umount", [disk]);
            await unmount.WaitForExitAsync();
        }
    }

    [Fact]
    public async Task New_ThenPlan_IsAValidProject()
    {
        using var project = ProjectCopy.Empty();
        var directory = Path.Combine(project.Directory, "my-shop");
        Assert.Equal(0, (await LauterProgram.RunAsync(Limit, "new", directory)).ExitCode);
        project.Write("my-shop/examples.jsonl", """{"id":"1","text":"hello","label":"first"}""" + "\n");
        project.Write("my-shop/documents/a.md", "# A\n\ntext\n");
        var plan = await LauterProgram.RunAsync(Limit, "plan", directory, "--format", "json");
        Assert.Equal(0, plan.ExitCode);
        Assert.Contains(JsonNode.Parse(plan.Output)!.AsArray(), s => s!["step"]!.GetValue<string>() == "train:classify-sft");
        Assert.Equal(2, (await LauterProgram.RunAsync(Limit, "new", directory)).ExitCode);
    }

    [Fact]
    public async Task Doctor_ThisMachine_FindsTheNativeLibraries()
    {
        var result = await LauterProgram.RunAsync(Limit, "doctor", Path.Combine(LauterProgram.RepositoryRoot, "examples", "helpdesk"), "--format", "json");
        var findings = JsonNode.Parse(result.Output)!.AsArray();
        foreach (var check in new[] { "training library", "inference library", "unicode", "project file" })
        {
            var finding = findings.Single(f => f!["check"]!.GetValue<string>() == check)!;
            Assert.True(finding["good"]!.GetValue<bool>(), $"{check}: {finding["seen"]}");
        }
    }
}
