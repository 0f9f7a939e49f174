using System.Text.Json.Serialization;
using Lauter.Training.Jobs;
using Lauter.Training.Loop;

namespace Lauter.Training.Sweeps;

/// <summary>One combination that is tried.</summary>
/// <param name="Name">What differs, for people: <c>learning_rate 0.001, rank 8</c>.</param>
/// <param name="Job">The whole run; its output directory is its own.</param>
public sealed record SweepSetting(string Name, TrainingJob Job);

/// <summary>What became of a combination.</summary>
/// <param name="Name">As in <see cref="SweepSetting"/>.</param>
/// <param name="Losses">Validation loss after each rung it saw, in nats a trained token.</param>
/// <param name="CpuSeconds">What it cost.</param>
/// <param name="Failure">Why it failed, or null.</param>
public sealed record SweepTrial(string Name, IReadOnlyList<double> Losses, double CpuSeconds, string? Failure);

/// <summary>The outcome of a sweep.</summary>
/// <param name="Rungs">Part of the steps, 0–1, at which the worse half was left.</param>
/// <param name="Trials">Every combination, best first.</param>
/// <param name="Best">Name of the best.</param>
/// <param name="Directory">Where its model is.</param>
/// <param name="CpuSeconds">What the sweep cost.</param>
public sealed record SweepReport(IReadOnlyList<double> Rungs, IReadOnlyList<SweepTrial> Trials, string Best, string Directory, double CpuSeconds);

/// <summary>
/// Tries combinations by successive halving (Jamieson and Talwalkar 2016, arXiv:1502.07943): all of them run a part of their steps, the better half by
/// validation loss goes on to twice as many, and so on; one runs to its end. A run that goes on continues from its checkpoint, with the
/// schedule it had from its start, so that the winner is the model that its settings alone would have given.
/// </summary>
public static class TrainingSweep
{
    private const int Most = 64;

    /// <summary>Runs the sweep.</summary>
    /// <param name="settings">2 to 64 combinations.</param>
    /// <param name="run">Runs a job, paused where it says so.</param>
    /// <param name="tell">Receives a sentence after each trial.</param>
    /// <param name="cancellationToken">Stops; the same call later goes on from the checkpoints.</param>
    /// <exception cref="TrainingFailedException">There is nothing to compare by, or every combination failed.</exception>
    public static async Task<SweepReport> RunAsync(
        IReadOnlyList<SweepSetting> settings, Func<TrainingJob, CancellationToken, Task<TrainingResult>> run, Action<string>? tell, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(run);
        if (settings.Count is < 2 or > Most)
        {
            throw new TrainingFailedException($"The sweep has {settings.Count} combination(s); it takes 2 to {Most}.");
        }

        var rungs = Rungs(settings.Count);
        var trials = settings.Select(s => new Trial(s)).ToArray();
        var alive = trials.ToList();
        for (var rung = 0; rung < rungs.Count; rung++)
        {
            foreach (var trial in alive)
            {
                await TryAsync(trial, rungs[rung], run, cancellationToken);
                tell?.Invoke($"{trial.Setting.Name}: {trial.Failure ?? $"validation loss {trial.Losses[^1]:0.0000}"} after {rungs[rung]:P0} of its steps");
            }

            alive.RemoveAll(t => t.Failure is not null);
            if (alive.Count == 0)
            {
                throw new TrainingFailedException($"Every combination of the sweep failed: {trials[0].Setting.Name}: {trials[0].Failure}");
            }

            alive = [.. alive.OrderBy(t => t.Losses[^1]).Take(rung + 1 == rungs.Count ? 1 : Math.Max(1, (alive.Count + 1) / 2))];
        }

        var best = alive[0];
        return new SweepReport(
            rungs,
            [.. trials.OrderBy(t => t.Failure is not null).ThenByDescending(t => t.Losses.Count).ThenBy(t => t.Losses.LastOrDefault()).Select(t => new SweepTrial(t.Setting.Name, t.Losses, t.CpuSeconds, t.Failure))],
            best.Setting.Name, best.Setting.Job.OutputDirectory, trials.Sum(t => t.CpuSeconds));
    }

    /// <summary>Parts of the steps: halves back from all of them, as many as it takes to get from so many to one.</summary>
    public static IReadOnlyList<double> Rungs(int count)
    {
        var halvings = (int)Math.Ceiling(Math.Log2(Math.Max(2, count)));
        return [.. Enumerable.Range(0, halvings + 1).Select(i => 1.0 / (1 << (halvings - i)))];
    }

    private static async Task TryAsync(Trial trial, double part, Func<TrainingJob, CancellationToken, Task<TrainingResult>> run, CancellationToken cancellationToken)
    {
        try
        {
            var result = await run(trial.Setting.Job with { PauseAt = part < 1 ? part : null }, cancellationToken);
            trial.CpuSeconds = result.CpuSeconds;
            if (result.Validation is not { } validation)
            {
                throw new TrainingFailedException("A sweep compares by the loss on rows that are not trained on: mark some rows of the data with \"split\": \"validation\".");
            }

            trial.Losses.Add(validation.Loss);
            trial.Failure = double.IsFinite(validation.Loss) ? null : "its validation loss is no number";
        }
        catch (TrainingFailedException e) when (trial.Losses.Count > 0 || !e.Message.StartsWith("A sweep", StringComparison.Ordinal))
        {
            // One combination that diverges is a result of the sweep, not its end.
            trial.Failure = e.Message;
        }
    }

    private sealed class Trial(SweepSetting setting)
    {
        public SweepSetting Setting { get; } = setting;

        public List<double> Losses { get; } = [];

        public double CpuSeconds { get; set; }

        public string? Failure { get; set; }
    }
}

/// <summary>How a sweep is written to disk.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SweepReport))]
public sealed partial class SweepJson : JsonSerializerContext;
