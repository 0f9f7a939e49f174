using System.Text.Json;
using System.Text.Json.Serialization;
using Lauter.Catalog.Objects;
using Lauter.Releases.Iterations;

namespace Lauter.Hosting;

/// <summary>One turn of the flywheel as it is kept in <c>.lauter/iterations/state.json</c>.</summary>
/// <param name="Number">From 1: the first training from the project's own sources.</param>
/// <param name="Started">When it began (UTC).</param>
/// <param name="LaterRows">True once the rows of <c>later</c> have joined the dataset.</param>
/// <param name="Earlier">Dataset versions that the iteration builds on, by name: their clusters keep their split.</param>
/// <param name="CorrectionFiles">Files of accepted corrections, relative to the project, that are part of the dataset from here on.</param>
/// <param name="Outcome">Null while it runs; then <c>released</c>, <c>refused</c> or <c>empty</c>.</param>
/// <param name="Release">The release it led to, or null.</param>
/// <param name="Gain">What it gained against the live release, as its gate measured it; null for the first one and while it runs.</param>
internal sealed record Iteration(
    int Number, DateTimeOffset Started, bool LaterRows, IReadOnlyDictionary<string, string> Earlier, IReadOnlyList<string> CorrectionFiles, string? Outcome, string? Release,
    IterationGain? Gain = null);

/// <summary>The iterations of a project, oldest first.</summary>
internal sealed class IterationState(string stateDirectory)
{
    private readonly string _path = Path.Combine(stateDirectory, "iterations", "state.json");

    /// <summary>Every iteration.</summary>
    public IReadOnlyList<Iteration> All() =>
        File.Exists(_path) ? JsonSerializer.Deserialize(File.ReadAllBytes(_path), IterationJson.Default.IReadOnlyListIteration) ?? [] : [];

    /// <summary>The iteration whose data is current: the newest that is running or was released; the project's own sources when there is none.</summary>
    public Iteration Current(TimeProvider time) =>
        All().LastOrDefault(i => i.Outcome is null or "released") ?? new Iteration(1, time.GetUtcNow(), LaterRows: false, new Dictionary<string, string>(), [], null, null);

    /// <summary>Ends the running iteration, if there is one, with what came out of its run.</summary>
    public void Close(IReadOnlyList<ReleaseOutcome> outcomes)
    {
        if (All().LastOrDefault(i => i.Outcome is null) is { } running)
        {
            var decided = outcomes.FirstOrDefault(o => o.Verdict?.Baseline is not null) ?? outcomes.FirstOrDefault(o => o.Verdict is not null);
            var passed = decided?.Verdict?.Decision == Releases.Gates.GateDecision.Pass;
            var gain = decided?.Verdict is { Baseline: not null } verdict ? new IterationGain(running.Number, verdict.Effect, verdict.High, verdict.Policy.Margin) : null;
            Save(running with { Gain = gain, Outcome = passed ? "released" : "refused", Release = passed ? decided!.Rollout?.Candidate ?? decided.Live?.ReleaseId : null });
        }
    }

    /// <summary>What the decided iterations gained, oldest first, without the first training.</summary>
    public IReadOnlyList<IterationGain> Gains() => [.. All().Where(i => i.Outcome is not null && i.Number > 1).Select(i => i.Gain ?? new IterationGain(i.Number, null, null, 0))];

    /// <summary>Adds or replaces the iteration of the same number.</summary>
    public void Save(Iteration iteration)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_path)!);
        IReadOnlyList<Iteration> all = [.. All().Where(i => i.Number != iteration.Number), iteration];
        AtomicFile.WriteJson(_path, [.. all.OrderBy(i => i.Number)], IterationJson.Default.IReadOnlyListIteration);
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(IReadOnlyList<Iteration>))]
internal sealed partial class IterationJson : JsonSerializerContext;
