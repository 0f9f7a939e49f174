using Lauter.Training.Checkpoints;
using Lauter.Training.Examples;
using Lauter.Training.Jobs;

namespace Lauter.Training.Loop;

/// <summary>What a step did.</summary>
/// <param name="Step">Steps done, from 1.</param>
/// <param name="Steps">All steps of the run.</param>
/// <param name="Loss">Mean loss of the step's trained tokens.</param>
/// <param name="RecentLoss">Mean loss of the latest steps; a resumed run gives the same number as one that was not stopped.</param>
/// <param name="Tokens">Tokens of the step, without padding.</param>
/// <param name="LearningRate">Of this step.</param>
/// <param name="GradientNorm">Before clipping.</param>
internal sealed record StepReport(int Step, int Steps, double Loss, double RecentLoss, int Tokens, double LearningRate, double GradientNorm);

/// <summary>Receives what happens in a run, in order, on the training thread.</summary>
internal interface ITrainingObserver
{
    void Stepped(StepReport report);

    void Validated(int step, ValidationResult result, bool isBest);

    /// <summary>The run diverged at a step and stands again where it stood after step <paramref name="to"/>.</summary>
    void RolledBack(int step, int to, string message);

    void Saved(int step);
}

/// <summary>
/// The training loop.
/// <code>
/// examples ─1→ batch of step ─2→ loss, gradients ─3→ guard (or back) ─4→ clip, AdamW ─5→ validation ─6→ checkpoint
/// </code>
/// Everything random depends on (seed, step) only, and the checkpoint holds everything else, so a run that was stopped anywhere ends with the
/// same bytes as one that was not.
/// </summary>
internal sealed class TrainingLoop
{
    private readonly ILearner _learner;
    private readonly IReadOnlyList<TrainingExample> _training;
    private readonly IReadOnlyList<TrainingExample> _validation;
    private readonly TrainingOptions _options;
    private readonly TimeProvider _time;
    private readonly ITrainingObserver _observer;
    private readonly string _checkpoint;
    private readonly string _runDigest;
    private readonly BatchOrder _order;
    private readonly LearningRate _rate;
    private readonly int _steps;

    private DivergenceGuard _guard = new();
    private ValidationResult? _lastValidation;
    private ValidationResult? _bestValidation;
    private float[][]? _best;
    private int _bestStep;
    private int _sinceBest;
    private bool _stoppedEarly;
    private readonly SortedSet<int> _skipped = [];
    private Snapshot? _snapshot;
    private int _rollBacks;
    private int _step;
    private long _trainedTokens;

    public TrainingLoop(
        ILearner learner,
        IReadOnlyList<TrainingExample> training,
        IReadOnlyList<TrainingExample> validation,
        TrainingOptions options,
        string runDigest,
        string checkpoint,
        ITrainingObserver observer,
        TimeProvider time)
    {
        (_learner, _training, _validation, _options, _runDigest, _checkpoint, _observer, _time) =
            (learner, training, validation, options, runDigest, checkpoint, observer, time);
        _order = new BatchOrder([.. training.Select(e => e.Length)], options.BatchExamples, options.Seed);
        _steps = _order.StepsPerEpoch * options.Epochs;
        _rate = new LearningRate(options.LearningRate, (int)Math.Ceiling(_steps * options.WarmUpFraction), _steps, options.FloorFraction, options.Schedule);
    }

    /// <summary>CPU seconds of earlier processes of this run.</summary>
    public double EarlierCpuSeconds { get; private set; }

    /// <summary>CPU seconds of this process, asked for at each checkpoint.</summary>
    public Func<double> CpuSeconds { get; init; } = () => 0;

    /// <summary>Steps after which the run is measured and ends with a checkpoint; null = never.</summary>
    public int? PauseAt { get; set; }

    /// <summary>Called after each epoch with its number (from 1) and the steps done; the learner holds its weights then.</summary>
    public Action<int, int>? EpochEnded { get; set; }

    /// <summary>Whether the run ended at <see cref="PauseAt"/>.</summary>
    public bool Paused { get; private set; }

    /// <summary>The measurement at <see cref="PauseAt"/>.</summary>
    public ValidationResult? PausedValidation { get; private set; }

    /// <summary>Steps done.</summary>
    public int Step => _step;

    /// <summary>All steps of the run.</summary>
    public int Steps => _steps;

    /// <summary>Trained tokens seen in all steps.</summary>
    public long TrainedTokens => _trainedTokens;

    /// <summary>The validation of the weights that the run ends with.</summary>
    public ValidationResult? BestValidation => _bestValidation;

    /// <summary>Steps after which the weights were the best.</summary>
    public int BestStep => _bestStep;

    /// <summary>Continues from the checkpoint when it is one of this run.</summary>
    /// <returns>Whether it was.</returns>
    public bool TryResume()
    {
        if (CheckpointFile.Read(_checkpoint, _runDigest) is not var (header, arrays))
        {
            return false;
        }

        int weights = _learner.Weights.Length, state = _learner.State.Length;
        _learner.Weights = arrays[..weights];
        _learner.State = arrays[weights..(weights + state)];
        var at = weights + state;
        var kept = arrays.Length - (header.Snapshot?.Arrays ?? 0);
        _best = at < kept ? arrays[at..kept] : null;
        _snapshot = header.Snapshot is { } snapshot ? new Snapshot(snapshot, arrays[kept..]) : null;
        _rollBacks = header.RollBacks;
        _skipped.UnionWith(header.Skipped);
        (_step, _trainedTokens, _lastValidation, _bestValidation, _bestStep) =
            (header.Step, header.TrainedTokens, header.LastValidation, header.BestValidation, header.BestStep);
        (EarlierCpuSeconds, _sinceBest) = (header.CpuSeconds, header.SinceBest);
        _guard = new DivergenceGuard(header.RecentLosses, header.Spikes);
        return true;
    }

    /// <summary>Runs to the end and leaves the best weights in the network; on cancellation writes a checkpoint and throws.</summary>
    /// <exception cref="TrainingFailedException">The run diverged.</exception>
    public void Run(CancellationToken cancellationToken)
    {
        var saved = _time.GetTimestamp();
        while (_step < _steps && !_stoppedEarly)
        {
            if (cancellationToken.IsCancellationRequested)
            {
                Save();
                cancellationToken.ThrowIfCancellationRequested();
            }

            if (_step >= PauseAt)
            {
                PausedValidation = _learner.Measure(_validation);
                Paused = true;
                Save();
                return;
            }

            if (_options.RollBacks > 0 && _step % _options.RollBackSteps == 0 && _guard.Spikes == 0)
            {
                _snapshot = new Snapshot(new SnapshotHeader(_step, _trainedTokens, [.. _guard.Losses], _guard.Spikes, 0), [.. _learner.Weights, .. _learner.State]);
            }

            if (TakeStep() is not { } report)
            {
                continue;
            }

            _observer.Stepped(report);

            // 5. Validation, at the end of epochs.
            if (_step == _steps || _step % (_order.StepsPerEpoch * _options.ValidateEveryEpochs) == 0)
            {
                Validate();
                if (_options.Patience is { } patience && _sinceBest >= patience)
                {
                    _stoppedEarly = true;
                    break;
                }
            }

            if (_step % _order.StepsPerEpoch == 0)
            {
                EpochEnded?.Invoke(_step / _order.StepsPerEpoch, _step);
            }

            // 6. Checkpoint. None after the last step: the model itself follows.
            if (_step < _steps && _time.GetElapsedTime(saved).TotalSeconds >= _options.CheckpointSeconds)
            {
                Save();
                saved = _time.GetTimestamp();
            }
        }

        RestoreBest();
    }

    /// <summary>Null when the run went back instead.</summary>
    private StepReport? TakeStep()
    {
        // 1. The batch, a function of (seed, step).
        TrainingExample[] examples = [.. _order.Step(_step).Select(i => _training[i])];
        var rate = _rate.At(_step);
        if (_skipped.Contains(_step))
        {
            // The step counts, so that the schedule and the order of all others stay what they were.
            _step++;
            return new StepReport(_step, _steps, _guard.RecentLoss, _guard.RecentLoss, 0, rate, 0);
        }

        // 2. Gradients of the sum; the mean is taken once, over the whole step.
        var sums = _learner.Accumulate(examples, _step);

        // 3. Guard, 4. clip and move.
        var norm = _learner.GradientNorm() / sums.Weight;
        try
        {
            _guard.Check(_step + 1, sums.Loss / sums.Weight, norm, rate, examples);
        }
        catch (TrainingFailedException e) when (_rollBacks < _options.RollBacks && _snapshot is not null)
        {
            GoBack(_snapshot, e);
            return null;
        }

        var clip = norm > _options.ClipNorm ? _options.ClipNorm / norm : 1;
        _step++;
        _trainedTokens += sums.Trained;
        _learner.Move(_step, rate, clip / sums.Weight);
        return new StepReport(_step, _steps, sums.Loss / sums.Weight, _guard.RecentLoss, sums.Tokens, rate, norm);
    }

    /// <summary>To the state kept last, without the steps that diverged: the one that broke, or the row of spikes.</summary>
    private void GoBack(Snapshot snapshot, TrainingFailedException reason)
    {
        var (header, arrays) = (snapshot.Header, snapshot.Arrays);
        var at = _step;
        var bad = Enumerable.Range(at - _guard.LastSpikes, _guard.LastSpikes + 1).ToArray();
        var rows = bad.SelectMany(s => _order.Step(s)).Select(i => _training[i].Id).Distinct(StringComparer.Ordinal).ToArray();
        _skipped.UnionWith(bad);
        _rollBacks++;
        _learner.Discard();
        var weights = _learner.Weights.Length;
        _learner.Weights = arrays[..weights];
        _learner.State = arrays[weights..];
        (_step, _trainedTokens) = (header.Step, header.TrainedTokens);
        _guard = new DivergenceGuard(header.RecentLosses, header.Spikes);
        const int Most = 40;
        _observer.RolledBack(
            at, header.Step,
            $"{reason.Message} Back after step {header.Step}; left out from here on: {string.Join(", ", rows.Take(Most))}{(rows.Length > Most ? $" and {rows.Length - Most} more" : "")}.");
    }

    private void Validate()
    {
        _lastValidation = _learner.Measure(_validation);
        if (_lastValidation is null)
        {
            return;
        }

        var isBest = _bestValidation is null
            || _lastValidation.ExactMatch > _bestValidation.ExactMatch
            || (_lastValidation.ExactMatch == _bestValidation.ExactMatch && _lastValidation.Loss < _bestValidation.Loss);
        _sinceBest = isBest ? 0 : _sinceBest + 1;
        if (isBest)
        {
            (_bestValidation, _bestStep) = (_lastValidation, _step);
            _best = _learner.Weights;
        }

        _observer.Validated(_step, _lastValidation, isBest);
    }

    private void RestoreBest()
    {
        if (_best is null)
        {
            _bestStep = _step;
            return;
        }

        _learner.Weights = _best;
    }

    private void Save()
    {
        float[][] arrays = [.. _learner.Weights, .. _learner.State, .. _best ?? [], .. _snapshot?.Arrays ?? []];
        var header = new CheckpointHeader
        {
            RunDigest = _runDigest,
            Step = _step,
            TrainedTokens = _trainedTokens,
            CpuSeconds = EarlierCpuSeconds + CpuSeconds(),
            RecentLosses = [.. _guard.Losses],
            Spikes = _guard.Spikes,
            LastValidation = _lastValidation,
            BestValidation = _bestValidation,
            BestStep = _bestStep,
            SinceBest = _sinceBest,
            RollBacks = _rollBacks,
            Skipped = [.. _skipped],
            Snapshot = _snapshot is { } kept ? kept.Header with { Arrays = kept.Arrays.Length } : null,
            Lengths = [.. arrays.Select(a => a.Length)],
        };
        CheckpointFile.Write(_checkpoint, header, arrays);
        _observer.Saved(_step);
    }

    private sealed record Snapshot(SnapshotHeader Header, float[][] Arrays);
}
