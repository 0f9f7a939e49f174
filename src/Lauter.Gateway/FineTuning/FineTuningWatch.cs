namespace Lauter.Gateway.FineTuning;

/// <summary>Turns what a running training tells into events, checkpoints and the expected end of its job.</summary>
internal sealed class FineTuningWatch(FineTuningStore jobs, FineTuningJob job, TimeProvider time)
{
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(5);

    private double? _loss;
    private FineTuningNote? _validation;
    private long _told;

    public double CpuSeconds { get; set; }

    public void Note(FineTuningNote note)
    {
        CpuSeconds = note.CpuSeconds ?? CpuSeconds;
        _loss = note.Loss ?? _loss;
        _validation = note.ValidationLoss is null ? _validation : note;
        if (note.Epoch is { } epoch && note.Step is { } step)
        {
            var measured = _validation is { } v && v.Step == step ? v : null;
            var at = time.GetUtcNow();
            jobs.Change(job, j => j.Checkpoints.Any(c => c.Epoch == epoch) ? null : j with
            {
                Checkpoints = [.. j.Checkpoints, new FineTuningCheckpoint($"ftckpt-{Guid.CreateVersion7(at):N}", at, epoch, step, _loss, measured?.ValidationLoss, measured?.ValidationAccuracy)],
            });
            jobs.Tell(job, "info", $"Checkpoint created at step {step}");
        }
        else if (note.ValidationLoss is not null)
        {
            Metrics(note, $"Step {note.Step}: validation loss={note.ValidationLoss:0.0000}");
        }
        else if (note.Loss is not null && (_told == 0 || note.Step == note.Steps || time.GetElapsedTime(_told) >= Between))
        {
            _told = time.GetTimestamp();
            Metrics(note, $"Step {note.Step}/{note.Steps}: training loss={note.Loss:0.0000}");
            var finish = note.SecondsLeft is { } left ? time.GetUtcNow().AddSeconds(left) : (DateTimeOffset?)null;
            jobs.Change(job, j => j.Status == JobStates.Running ? j with { EstimatedFinish = finish } : null);
        }
        else if (note.Message is { } message)
        {
            jobs.Tell(job, note.Warns ? "warn" : "info", message);
        }
    }

    private void Metrics(FineTuningNote note, string message) =>
        jobs.Tell(job, "info", message, new FineTuningMetrics(note.Step ?? 0, note.Steps, note.Loss, note.ValidationLoss, note.ValidationAccuracy));
}
