using Lauter.Catalog.Projects;

namespace Lauter.Tests.Catalog;

public sealed class ProjectFileTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("lauter-project-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public void Parse_WholeFile_ReadsEveryPart()
    {
        File.WriteAllText(Path.Combine(_directory.FullName, "p.j2"), "{{ text }}");
        var faults = new List<YamlFault>();
        var project = ProjectFile.Parse(
            """
            project: helpdesk
            datasets:
              tickets: { kind: examples, from: [t.jsonl], later: [later/*.jsonl], fields: { input: [text], output: [intent] }, split: { by: cluster, test: 0.25, validation: 0.05, test_where: reviewed } }
            models: { base: { scratch: nano } }
            trainings: { sft: { base: base, data: tickets, epochs: 7, batch: 64 } }
            applications:
              triage: { model: sft, prompt: p.j2, suite: tickets/test, metric: exact_match(intent), gate: { margin: 0.01 }, budget: { month: 12.5 CNY } }
            prices: { machine: { core_hour: 0.12 CNY, cores: 2 } }
            """,
            _directory.FullName,
            faults);
        Assert.Empty(faults);
        Assert.NotNull(project);
        Assert.Equal(new SplitDefinition(0.25, 0.05, "reviewed", null), project.Datasets["tickets"].Split);
        Assert.Equal(7, project.Trainings["sft"].Epochs);
        Assert.Equal(64, project.Trainings["sft"].Batch);
        Assert.Equal("intent", project.Applications["triage"].MetricField);
        Assert.Equal(new BudgetDefinition("month", 12.5m, "CNY"), project.Applications["triage"].Budget);
        Assert.Equal(0.01, project.Applications["triage"].Gate!.Margin);
        Assert.Equal("""{"machine":{"core_hour":"0.12 CNY","cores":2}}""", project.Prices!.ToJsonString());
    }

    [Fact]
    public void Load_ManyFaults_ListsAllWithPlaceAndNearestName()
    {
        File.WriteAllText(
            Path.Combine(_directory.FullName, "lauter.yaml"),
            """
            project: Help Desk
            dataset:
              x: {}
            datasets:
              tickets: { kind: exampels, from: [t.jsonl], fields: { input: [text], output: [intent] } }
            models:
              base: { scratch: nanno }
            trainings:
              sft: { base: bse, data: tickets, epochs: many }
            applications:
              triage: { model: sft, suite: tickets/test, metric: accuracy, budget: { month: lots } }
            """);
        var e = Assert.Throws<ProjectFileException>(() => ProjectFile.Load(_directory.FullName));
        Assert.Contains(e.Faults, f => f is { Line: 1, Column: 1, Key: "project" });
        Assert.Contains(e.Faults, f => f is { Line: 2, Key: "dataset" } && f.Message.Contains("Did you mean 'datasets'?"));
        Assert.Contains(e.Faults, f => f is { Line: 5, Column: 14, Key: "datasets.tickets.kind" } && f.Message.Contains("'examples'"));
        Assert.Contains(e.Faults, f => f.Key == "models.base.scratch" && f.Message.Contains("'nano'"));
        Assert.Contains(e.Faults, f => f.Key == "trainings.sft.base" && f.Message.Contains("Did you mean 'base'?"));
        Assert.Contains(e.Faults, f => f.Key == "trainings.sft.epochs" && f.Message.Contains("'many'"));
        Assert.Contains(e.Faults, f => f.Key == "applications.triage.suite" && f.Message.Contains("no 'split'"));
        Assert.Contains(e.Faults, f => f.Key == "applications.triage.metric" && f.Message.Contains("exact_match(FIELD)"));
        Assert.Contains(e.Faults, f => f.Key == "applications.triage.budget.month" && f.Message.Contains("'lots'"));
        Assert.Equal(e.Faults.OrderBy(f => f.Line).ThenBy(f => f.Column), e.Faults);
    }

    [Fact]
    public void Load_NoFile_SaysHowToMakeOne()
    {
        var e = Assert.Throws<ProjectFileException>(() => ProjectFile.Load(_directory.FullName));
        Assert.True(e.Missing);
        Assert.Contains("lauter new", e.Message);
    }

    [Fact]
    public void Parse_BrokenYaml_NamesThePlace()
    {
        var faults = new List<YamlFault>();
        Assert.Null(ProjectFile.Parse("project: a\n  b: [", _directory.FullName, faults));
        var fault = Assert.Single(faults);
        Assert.Equal(2, fault.Line);
    }

    [Theory]
    [InlineData("traning", "training")]
    [InlineData("datasetss", "datasets")]
    [InlineData("xyz", null)]
    public void NearestName_Written_FindsWhatWasMeant(string written, string? expected) =>
        Assert.Equal(expected, NearestName.Of(written, ["training", "datasets", "models"]));
}
