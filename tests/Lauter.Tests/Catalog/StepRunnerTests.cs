using System.Text.Json.Nodes;
using Lauter.Catalog.Objects;
using Lauter.Catalog.Plan;

namespace Lauter.Tests.Catalog;

public sealed class StepRunnerTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("lauter-steps-");
    private readonly ObjectStore _objects;
    private readonly StepRecords _records;
    private readonly Recorder _recorder = new();

    public StepRunnerTests()
    {
        _objects = new ObjectStore(Path.Combine(_directory.FullName, "objects"));
        _records = new StepRecords(_directory.FullName);
    }

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task Run_Twice_SecondTimeDoesNothing()
    {
        var first = await RunAsync(Chain(1));
        var second = await RunAsync(Chain(1));
        Assert.Equal(3, first.Ran);
        Assert.Equal(0, second.Ran);
        Assert.Equal(first.Records["c"].Manifest, second.Records["c"].Manifest);
        Assert.All(Planner.Plan(Chain(1), _records, _objects), p => Assert.Equal(StepState.UpToDate, p.State));
    }

    [Fact]
    public async Task Run_ArgumentOfMiddleStepChanged_RunsOnlyFromThere()
    {
        await RunAsync(Chain(1));
        var plan = Planner.Plan(Chain(2), _records, _objects);
        Assert.Equal([StepState.UpToDate, StepState.WouldRun, StepState.Depends], plan.Select(p => p.State));
        Assert.Equal(["arguments.threshold: 1 → 2"], plan[1].Reasons);
        _recorder.Started.Clear();
        await RunAsync(Chain(2));
        Assert.Equal(["b", "c"], _recorder.Started);
        Assert.Equal(0, (await RunAsync(Chain(1))).Ran);
    }

    [Fact]
    public async Task Run_OutputOfChangedStepEqual_StepsAfterItAreSkipped()
    {
        await RunAsync(Chain(1, ignoreThreshold: true));
        var result = await RunAsync(Chain(2, ignoreThreshold: true));
        Assert.Equal(1, result.Ran);
    }

    [Fact]
    public async Task Run_ObjectDeleted_IsMadeAgain()
    {
        var first = await RunAsync(Chain(1));
        var lost = Manifest.Read(_objects, first.Records["b"].Manifest).Objects[0].Sha256;
        _objects.Delete(lost);
        Assert.Equal(["its output is no longer in the store"], Planner.Plan(Chain(1), _records, _objects)[1].Reasons);
        await RunAsync(Chain(1));
        Assert.True(_objects.IsIntact(lost));
    }

    [Fact]
    public async Task Run_StepFails_OthersFinishAndDependentsAreLeftOut()
    {
        var steps = new List<Step>(Chain(1)) { Make("d", [], () => throw new StepFailedException("no such recipe")), Make("e", ["d"], () => "e") };
        var result = await RunAsync(steps);
        Assert.False(result.Succeeded);
        Assert.Equal("no such recipe", result.Failures["d"].Message);
        Assert.True(result.Records.ContainsKey("c"));
        Assert.DoesNotContain("e", _recorder.Started);
    }

    [Fact]
    public async Task Run_Cancelled_KeepsTheWorkDirectoryForTheNextRun()
    {
        using var stop = new CancellationTokenSource();
        var step = Make("slow", [], () => "x") with
        {
            RunAsync = async (context, token) =>
            {
                await File.WriteAllTextAsync(Path.Combine(context.WorkDirectory, "half"), "1", token);
                await stop.CancelAsync();
                await Task.Delay(Timeout.Infinite, token);
                throw new InvalidOperationException("unreachable");
            },
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Runner().RunAsync([step], 1, stop.Token));
        var resumed = step with
        {
            RunAsync = (context, _) => Task.FromResult(new Manifest { Kind = "test", Name = File.ReadAllText(Path.Combine(context.WorkDirectory, "half")) }),
        };
        var result = await Runner().RunAsync([resumed], 1, CancellationToken.None);
        Assert.Equal("1", Manifest.Read(_objects, result.Records["slow"].Manifest).Name);
    }

    [Fact]
    public void InOrder_Circle_NamesIt()
    {
        var e = Assert.Throws<ArgumentException>(() => Planner.InOrder([Make("a", ["b"], () => ""), Make("b", ["a"], () => "")]));
        Assert.Contains("circle", e.Message);
    }

    private Task<RunResult> RunAsync(IReadOnlyList<Step> steps) => Runner().RunAsync(steps, 2, CancellationToken.None);

    private StepRunner Runner() => new(_directory.FullName, _objects, _records, _recorder, TimeProvider.System);

    private List<Step> Chain(int threshold, bool ignoreThreshold = false) =>
    [
        Make("a", [], () => "a"),
        Make("b", ["a"], () => ignoreThreshold ? "b" : $"b{threshold}") with { Arguments = new JsonObject { ["threshold"] = threshold } },
        Make("c", ["b"], () => "c"),
    ];

    private static Step Make(string name, string[] inputs, Func<string> content) => new()
    {
        Name = name,
        CodeVersion = 1,
        Arguments = [],
        Phase = StepPhase.Data,
        Inputs = inputs.ToDictionary(i => i, StringComparer.Ordinal),
        RunAsync = (context, _) =>
        {
            var bytes = System.Text.Encoding.UTF8.GetBytes(content() + string.Concat(context.Inputs.Select(i => i.Value.Sha256)));
            return Task.FromResult(new Manifest
            {
                Kind = "test",
                Name = name,
                Objects = [new ManifestObject("content", context.Objects.Write(bytes), bytes.Length)],
                Inputs = [.. context.Inputs.Keys.Select(context.Link)],
            });
        },
    };

    private sealed class Recorder : IRunObserver
    {
        public List<string> Started { get; } = [];

        public void Skipped(Step step, StepRecord record)
        {
        }

        void IRunObserver.Started(Step step, IReadOnlyList<string> reasons) => Started.Add(step.Name);

        public void Progressed(Step step, StepProgress progress)
        {
        }

        public void Finished(Step step, StepRecord record, Manifest manifest)
        {
        }

        public void Failed(Step step, Exception exception, bool cancelled, double coreSeconds)
        {
        }
    }
}
