using Lauter.Gateway.Applications;
using Lauter.Ledger;
using Lauter.Ledger.Budgets;
using Lauter.Traces;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Lauter.Gateway.Settlement;

/// <summary>
/// Moves the journal into ledger and store, posts idle time of engines, gives unused leases back, removes expired traces. At the start it
/// first takes over what an earlier process left behind, and reconciles that process's leases with it.
/// </summary>
internal sealed partial class JournalPump(
    GatewayOptions options, TraceJournal journal, JournalReader reader, TraceStore store, LedgerStore ledger, BudgetLeases leases, RateGate speeds, ApplicationRegistry registry,
    TimeProvider time, ILogger<JournalPump> log) : BackgroundService
{
    private DateTimeOffset _idlePosted;
    private DateTimeOffset _expired;

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        _idlePosted = time.GetUtcNow();
        Drain();
        Reconcile();
        return base.StartAsync(cancellationToken);
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            journal.Rotate();
            Drain();
            PostIdle(time.GetUtcNow());
        }
        catch (Exception e) when (e is Microsoft.Data.Sqlite.SqliteException or IOException or LedgerException)
        {
            PumpFailed(log, e.Message); // the next start takes the journal over
        }
    }

    /// <summary>One pass; also called by tests and by whoever needs the store to be current.</summary>
    public void Pump()
    {
        journal.Rotate();
        Drain();
        leases.ReturnFree();
        speeds.Set(leases.Rates);
        speeds.Forget();
        var now = time.GetUtcNow();
        if (now - _idlePosted >= options.IdleInterval)
        {
            PostIdle(now);
            Reconcile();
        }

        if (options.Retention is { } keep && now - _expired >= TimeSpan.FromHours(1))
        {
            _expired = now;
            store.Expire(now - keep);
        }
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // A thread of its own that yields to those that serve: moving a record costs more than serving its request.
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            BackgroundThread.Yield();
            using var due = new SemaphoreSlim(0);
            using var timer = time.CreateTimer(_ => Wake(due), null, options.DrainInterval, options.DrainInterval);
            try
            {
                while (true)
                {
                    due.Wait(stoppingToken);
                    PumpSafely();
                }
            }
            catch (OperationCanceledException)
            {
                // The end of the host.
            }

            ended.SetResult();
        })
        { IsBackground = true, Name = "journal pump" }.Start();
        return ended.Task;

        static void Wake(SemaphoreSlim due)
        {
            try
            {
                _ = due.CurrentCount == 0 ? due.Release() : 0;
            }
            catch (ObjectDisposedException)
            {
                // The last tick of the timer may come after the end.
            }
        }
    }

    private void PumpSafely()
    {
        try
        {
            Pump();
        }
        catch (Exception e) when (e is Microsoft.Data.Sqlite.SqliteException or IOException or LedgerException)
        {
            // The journal keeps everything; the next tick tries again. Requests go on.
            PumpFailed(log, e.Message);
        }
    }

    private void Reconcile()
    {
        // Damage is kept aside and never repaired by waiting; only a segment that is still being written means that more will come.
        var count = leases.Reconcile(ids => Drain().Complete ? store.SettledByLease(ids) : null);
        if (count > 0)
        {
            Reconciled(log, count);
        }
    }

    private JournalReport Drain()
    {
        var report = reader.Drain();
        foreach (var problem in report.Problems)
        {
            Problem(log, problem);
        }

        return report;
    }

    private void PostIdle(DateTimeOffset now)
    {
        _idlePosted = now;
        foreach (var clock in registry.Applications.Select(a => a.Clock).OfType<EngineClock>().Distinct())
        {
            var idle = clock.TakeIdle();
            if (idle > 0)
            {
                ledger.Post(LedgerEntry.ForUsage(
                    $"idle/{Guid.CreateVersion7(now):N}", now, LedgerPhase.Idle, null, LedgerAccounts.Machine,
                    [options.Prices.Charge(MachineRate.Sku, new MeterReading(Meter.CoreMicroseconds, idle, MeterSource.Local), now)],
                    clock.Name, $"{clock.Name}: {clock.Cores} cores kept without a request"));
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Count} budget leases of an earlier process were reconciled with the journal.")]
    private static partial void Reconciled(ILogger log, int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Problem}")]
    private static partial void Problem(ILogger log, string problem);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Traces stay in the journal for now: {Reason}")]
    private static partial void PumpFailed(ILogger log, string reason);
}
