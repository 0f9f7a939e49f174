using System.Diagnostics;
using Lauter.Catalog.Objects;

namespace Lauter.Catalog.Plan;

/// <summary>Hears what a run does; called from any thread, one call at a time.</summary>
public interface IRunObserver
{
    /// <summary>The output was there already.</summary>
    void Skipped(Step step, StepRecord record);

    /// <summary>A step began.</summary>
    void Started(Step step, IReadOnlyList<string> reasons);

    /// <summary>A step is this far.</summary>
    void Progressed(Step step, StepProgress progress);

    /// <summary>A step ended well; its output and record are on disk.</summary>
    void Finished(Step step, StepRecord record, Manifest manifest);

    /// <summary>A step failed, or was stopped when <paramref name="cancelled"/>. <paramref name="coreSeconds"/> were used all the same.</summary>
    void Failed(Step step, Exception exception, bool cancelled, double coreSeconds);
}

/// <summary>What a run ended with.</summary>
/// <param name="Records">The finished steps by name, those that were skipped included.</param>
/// <param name="Ran">How many steps did work.</param>
/// <param name="Failures">What failed, by step name.</param>
public sealed record RunResult(IReadOnlyDictionary<string, StepRecord> Records, int Ran, IReadOnlyDictionary<string, Exception> Failures)
{
    /// <summary>True when every step has its output.</summary>
    public bool Succeeded => Failures.Count == 0;
}

/// <summary>
/// Runs the steps of a plan: each as soon as its inputs are there, side by side while their cores fit the machine. Finished outputs are
/// kept; a failed step stops only those that need it. Cancelling stops running steps, keeps their work directories and throws.
/// </summary>
/// <param name="stateDirectory">The project's <c>.lauter</c>.</param>
/// <param name="objects">The store.</param>
/// <param name="records">Finished steps.</param>
/// <param name="observer">Hears about progress.</param>
/// <param name="time">The clock.</param>
public sealed class StepRunner(string stateDirectory, ObjectStore objects, StepRecords records, IRunObserver observer, TimeProvider time)
{
    private readonly Lock _observing = new();
    private readonly CpuShares _cpu = new();

    /// <summary>Runs what is not up to date.</summary>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    public async Task<RunResult> RunAsync(IReadOnlyList<Step> steps, int cores, CancellationToken cancellationToken)
    {
        var ordered = Planner.InOrder(steps);
        using var slots = new CoreSlots(Math.Max(1, cores));
        var tasks = new Dictionary<string, Task<StepOutcome>>(StringComparer.Ordinal);
        foreach (var step in ordered)
        {
            var inputs = step.Inputs.ToDictionary(i => i.Key, i => tasks[i.Value], StringComparer.Ordinal);
            tasks[step.Name] = RunStepAsync(step, inputs, slots, cancellationToken);
        }

        await Task.WhenAll(tasks.Values);
        cancellationToken.ThrowIfCancellationRequested();
        var finished = new Dictionary<string, StepRecord>(StringComparer.Ordinal);
        var failures = new Dictionary<string, Exception>(StringComparer.Ordinal);
        var ran = 0;
        foreach (var step in ordered)
        {
            var outcome = await tasks[step.Name];
            ran += outcome.Ran ? 1 : 0;
            if (outcome.Record is { } record)
            {
                finished[step.Name] = record;
            }

            if (outcome.Failure is { } failure)
            {
                failures[step.Name] = failure;
            }
        }

        return new RunResult(finished, ran, failures);
    }

    private async Task<StepOutcome> RunStepAsync(
        Step step, Dictionary<string, Task<StepOutcome>> inputTasks, CoreSlots slots, CancellationToken cancellationToken)
    {
        var inputs = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (role, task) in inputTasks)
        {
            if ((await task).Record is not { } record)
            {
                return new StepOutcome(null, null, Ran: false);
            }

            inputs[role] = record.Manifest;
        }

        var key = StepKey.Of(step, inputs);
        if (records.Find(key.Hash) is { } done && Planner.IsComplete(objects, done.Manifest))
        {
            if (records.Last(step.Name)?.Key != done.Key)
            {
                records.Touch(done);
            }

            Observe(o => o.Skipped(step, done));
            return new StepOutcome(done, null, Ran: false);
        }

        try
        {
            using var _ = await slots.TakeAsync(step.Cores, cancellationToken);
            return await ExecuteAsync(step, key, inputs, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The run as a whole reports the cancellation, once every running step has stopped.
            return new StepOutcome(null, null, Ran: false);
        }
    }

    private async Task<StepOutcome> ExecuteAsync(Step step, StepKey key, Dictionary<string, string> inputs, CancellationToken cancellationToken)
    {
        var last = records.Last(step.Name);
        IReadOnlyList<string> reasons = last is null ? ["it has not run before"] : StepKey.Differences(last.KeyParts, key.Parts);
        Observe(o => o.Started(step, reasons));
        var work = Path.Combine(stateDirectory, "work", key.Hash[..16]);
        Directory.CreateDirectory(work);
        var manifests = inputs.Concat(step.Existing).ToDictionary(
            i => i.Key, i => new StepInput(i.Value, Manifest.Read(objects, i.Value)), StringComparer.Ordinal);
        var context = new StepContext(step, key.Hash, objects, work, manifests, p => Observe(o => o.Progressed(step, p)));
        var started = time.GetUtcNow();
        var clock = Stopwatch.StartNew();
        var share = _cpu.Begin();
        try
        {
            var manifest = await Task.Run(() => step.RunAsync(context, cancellationToken), cancellationToken);
            var record = new StepRecord
            {
                Key = key.Hash,
                Step = step.Name,
                KeyParts = key.Parts,
                Manifest = manifest.WriteTo(objects),
                Phase = step.Phase,
                Application = step.Application,
                Started = started,
                WallSeconds = clock.Elapsed.TotalSeconds,
                CoreSeconds = (_cpu.End(share) + context.ChildCpu).TotalSeconds,
                ChildPeakBytes = context.ChildPeakBytes,
            };
            records.Add(record);
            Directory.Delete(work, recursive: true);
            Observe(o => o.Finished(step, record, manifest));
            return new StepOutcome(record, null, Ran: true);
        }
        catch (Exception e)
        {
            // Every failure of a step ends here: it is reported with the step's name, and the steps that do not need it go on.
            var used = (_cpu.End(share) + context.ChildCpu).TotalSeconds;
            var cancelled = e is OperationCanceledException && cancellationToken.IsCancellationRequested;
            Observe(o => o.Failed(step, e, cancelled, used));
            return new StepOutcome(null, cancelled ? null : e, Ran: true);
        }
    }

    private void Observe(Action<IRunObserver> tell)
    {
        lock (_observing)
        {
            tell(observer);
        }
    }

    private sealed record StepOutcome(StepRecord? Record, Exception? Failure, bool Ran);
}
