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
