using Lauter.Catalog.Objects;
using Lauter.Catalog.Plan;
using Lauter.Ledger;

namespace Lauter.Hosting;

/// <summary>Books every step of a run, finished, failed or stopped, at the machine's rate.</summary>
internal sealed class RunBooks(Workspace workspace, TimeProvider time) : IRunObserver, IDisposable
{
    private readonly LedgerStore _ledger = new(workspace.StatePath("ledger.db"));
    private readonly PriceBook _prices = ProjectPrices.Of(workspace.Project);

    public void Skipped(Step step, StepRecord record)
    {
        // Posting is idempotent by key, so a run that was killed between the record and the posting is booked by the next one.
        Post(step, record);
    }

    public void Started(Step step, IReadOnlyList<string> reasons)
    {
    }

    public void Progressed(Step step, StepProgress progress)
    {
    }

    public void Finished(Step step, StepRecord record, Manifest manifest) => Post(step, record);

    public void Failed(Step step, Exception exception, bool cancelled, double coreSeconds) =>
        _ledger.Post(LedgerEntry.ForCores(
            $"step-failed:{Guid.CreateVersion7():N}", time.GetUtcNow(), PhaseOf(step.Phase), step.Application, TimeSpan.FromSeconds(coreSeconds), _prices,
            step.Name, cancelled ? "stopped step" : "failed step"));

    public void Dispose() => _ledger.Dispose();

    private void Post(Step step, StepRecord record) =>
        _ledger.Post(LedgerEntry.ForCores(
            $"step:{record.Key}", record.Started, PhaseOf(record.Phase), record.Application, TimeSpan.FromSeconds(record.CoreSeconds), _prices, step.Name));

    private static LedgerPhase PhaseOf(StepPhase phase) => phase switch
    {
        StepPhase.Data => LedgerPhase.Data,
        StepPhase.Vectorising => LedgerPhase.Vectorising,
        StepPhase.Training => LedgerPhase.Training,
        _ => LedgerPhase.Evaluation,
    };
}
