using Lauter.Gateway.Batches;
using Lauter.Ledger;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Lauter.Gateway.FineTuning;

/// <summary>
/// Runs jobs one at a time, for one training takes every core. A job's state is on disk before anything else happens, so a server that was killed goes on with
/// the same job from its last checkpoint. What a job used is booked whenever it stops, for whatever reason.
/// <code>validating_files → queued → running → succeeded | failed; paused and cancelled from any of the first three</code>
/// </summary>
internal sealed partial class FineTuningRunner(
    FineTuningTrainer trainer, FineTuningStore jobs, FileStore files, LedgerStore ledger, PriceBook prices, TimeProvider time, ILogger<FineTuningRunner> log) : BackgroundService
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(30);

    private readonly SemaphoreSlim _wake = new(0);
    private readonly Lock _gate = new();
    private (string Id, CancellationTokenSource Stop)? _running;

    /// <summary>A job was added.</summary>
    public void Wake() => _wake.Release();

    /// <summary>A caller changed a job: when it runs and no longer should, it is stopped.</summary>
    public void StatusChanged(FineTuningJob job)
    {
        lock (_gate)
        {
            if (_running is { } running && running.Id == job.Id && job.Status is JobStates.Paused or JobStates.Cancelled)
            {
                running.Stop.Cancel();
            }
        }

        Wake();
    }

    public override void Dispose()
    {
        _wake.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                while (!stoppingToken.IsCancellationRequested && jobs.Waiting() is [var next, ..])
                {
                    if (!await RunSafelyAsync(next, stoppingToken))
                    {
                        break;
                    }
                }

                await _wake.WaitAsync(Look, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The end of the host; what is not finished goes on after the next start.
        }
    }

    /// <summary>Whether the next job may follow at once.</summary>
    private async Task<bool> RunSafelyAsync(FineTuningJob job, CancellationToken stoppingToken)
    {
        try
        {
            if (job.Status == JobStates.Validating)
            {
                Validate(job);
            }
            else
            {
                await TrainAsync(job, stoppingToken);
            }

            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A full disk, most likely: the job stays as it is and is tried again.
            Postponed(log, job.Id, e.Message);
            return false;
        }
    }

    private void Validate(FineTuningJob job)
    {
        var (rows, fault, param) = files.Find(job.Tenant, job.TrainingFile) is not { } training ? (0, "The training file was deleted.", "training_file")
            : job.ValidationFile is not null && files.Find(job.Tenant, job.ValidationFile) is null ? (0, "The validation file was deleted.", "validation_file")
            : FineTuningRows.Write(
                jobs.RowsOf(job), files.PathOf(training), job.ValidationFile is null ? null : files.PathOf(files.Find(job.Tenant, job.ValidationFile)!), job.Method == "dpo");
        if (fault is not null)
        {
            Fail(job, "invalid_training_file", fault, param);
        }
        else if (jobs.Change(job, j => j.Status == JobStates.Validating ? j with { Status = JobStates.Queued, Rows = rows } : null) is { } queued)
        {
            jobs.Tell(queued, "info", $"Files validated: {rows} rows. The job is queued.");
        }
    }

    private async Task TrainAsync(FineTuningJob asked, CancellationToken stoppingToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        lock (_gate)
        {
            _running = (asked.Id, stop);
        }

        var again = asked.Status == JobStates.Running;
        var watch = new FineTuningWatch(jobs, asked, time);
        var job = asked;
        try
        {
            if (jobs.Change(asked, j => j.Status is JobStates.Queued or JobStates.Running ? j with { Status = JobStates.Running } : null) is not { } started)
            {
                return;
            }

            job = started;
            jobs.Tell(job, "info", again ? "The job goes on after the server was stopped." : "Fine-tuning job started.");
            Succeed(job, await RunAsync(job, watch, stop.Token));
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Paused or cancelled, which is on disk already; or the server ends, and the job stays running on disk.
        }
        catch (FineTuningFailedException e)
        {
            Fail(job, "training_failed", e.Message, null);
        }
        finally
        {
            lock (_gate)
            {
                _running = null;
            }
        }
    }

    private async Task<FineTuningOutcome> RunAsync(FineTuningJob job, FineTuningWatch watch, CancellationToken stop)
    {
        try
        {
            var outcome = await trainer.RunAsync(Work(job), watch.Note, stop);
            watch.CpuSeconds = outcome.CpuSeconds;
            return outcome;
        }
        finally
        {
            Book(job, watch.CpuSeconds);
        }
    }

    private FineTuningWork Work(FineTuningJob job) => new()
    {
        Id = job.Id, Model = job.Model, Name = FineTuningShapes.NameOf(job), Preferences = job.Method == "dpo", RowsPath = jobs.RowsOf(job), Rows = job.Rows, Directory = jobs.WorkOf(job),
        Epochs = job.Epochs, BatchSize = job.BatchSize, LearningRateMultiplier = job.LearningRateMultiplier ?? 1, Beta = job.Beta, Seed = job.Seed,
    };

    private void Succeed(FineTuningJob job, FineTuningOutcome outcome)
    {
        var results = outcome.Files.Select(f => files.Take(job.Tenant, f.Name, "fine-tune-results", f.Path).Id).ToArray();
        var done = jobs.Change(job, j => j.IsOver ? null : j with
        {
            Status = JobStates.Succeeded, Finished = time.GetUtcNow(), EstimatedFinish = null, FineTunedModel = FineTuningShapes.NameOf(j), ResultFiles = results, TrainedTokens = outcome.TrainedTokens,
            Epochs = j.Epochs ?? outcome.Epochs, BatchSize = j.BatchSize ?? outcome.BatchSize, LearningRateMultiplier = j.LearningRateMultiplier ?? 1,
        });
        if (done is not null)
        {
            jobs.Tell(done, "info", $"New fine-tuned model created: {done.FineTunedModel}");
            jobs.Tell(done, "info", "The job has successfully completed.");
        }
    }

    private void Fail(FineTuningJob job, string code, string message, string? param)
    {
        if (jobs.Change(job, j => j.IsOver ? null : j with { Status = JobStates.Failed, Finished = time.GetUtcNow(), EstimatedFinish = null, ErrorCode = code, Error = message, ErrorParam = param }) is { } failed)
        {
            jobs.Tell(failed, "error", message);
        }
    }

    /// <summary>Books what was used since the last booking. The entry's name counts bookings, so that one that was lost in a crash is made up for by the next.</summary>
    private void Book(FineTuningJob job, double cpuSeconds)
    {
        if (jobs.Find(job.Tenant, job.Id) is not { } now || cpuSeconds <= now.BookedSeconds)
        {
            return;
        }

        ledger.Post(LedgerEntry.ForCores(
            $"fine-tune:{job.Id}:{now.Bookings}", time.GetUtcNow(), LedgerPhase.Training, null, TimeSpan.FromSeconds(cpuSeconds - now.BookedSeconds), prices, job.Id, $"fine-tuning of {job.Model}") with
        {
            Tags = new Dictionary<string, string>(StringComparer.Ordinal) { ["tenant"] = job.Tenant, ["key"] = job.KeyId },
        });
        jobs.Change(job, j => j with { BookedSeconds = cpuSeconds, Bookings = j.Bookings + 1 });
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Fine-tuning job {Job} waits: {Reason}")]
    private static partial void Postponed(ILogger log, string job, string reason);
}
