using Lauter.Hosting;

namespace Lauter.Tests.Program;

public sealed class IterationStateTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("lauter-iterations-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public void Current_Nothing_IsTheFirstFromTheProjectsOwnSources()
    {
        var current = new IterationState(_directory.FullName).Current(TimeProvider.System);
        Assert.Equal(1, current.Number);
        Assert.False(current.LaterRows);
        Assert.Empty(current.CorrectionFiles);
    }

    [Fact]
    public void Current_RefusedIteration_IsTheReleasedOneBeforeIt()
    {
        var state = new IterationState(_directory.FullName);
        state.Save(new Iteration(1, Now, false, new Dictionary<string, string>(), [], "released", "triage-1"));
        state.Save(new Iteration(2, Now, true, new Dictionary<string, string> { ["tickets"] = "abc" }, [".lauter/iterations/0002/tickets.jsonl"], null, null));
        Assert.Equal(2, state.Current(TimeProvider.System).Number);
        Assert.Equal("abc", state.Current(TimeProvider.System).Earlier["tickets"]);

        state.Close([]);

        Assert.Equal("refused", state.All()[1].Outcome);
        Assert.Equal(1, state.Current(TimeProvider.System).Number);
    }

    [Fact]
    public void Gains_IterationOfAnEarlierProgram_IsNoEvidence()
    {
        File.WriteAllText(Path.Combine(Directory.CreateDirectory(Path.Combine(_directory.FullName, "iterations")).FullName, "state.json"), """
            [ { "number": 1, "started": "2026-01-01T00:00:00+00:00", "laterRows": false, "earlier": {}, "correctionFiles": [], "outcome": "released", "release": "triage-1" },
              { "number": 2, "started": "2026-01-02T00:00:00+00:00", "laterRows": true, "earlier": {}, "correctionFiles": [], "outcome": "refused", "release": null } ]
            """);
        var gain = Assert.Single(new IterationState(_directory.FullName).Gains());
        Assert.Equal((2, null), (gain.Number, gain.High));
    }

    [Fact]
    public void Close_NoRunningIteration_ChangesNothing()
    {
        var state = new IterationState(_directory.FullName);
        state.Save(new Iteration(1, Now, false, new Dictionary<string, string>(), [], "released", "triage-1"));
        state.Close([]);
        Assert.Equal("released", Assert.Single(state.All()).Outcome);
    }
}
