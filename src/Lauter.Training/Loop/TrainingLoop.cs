using Lauter.Training.Checkpoints;
using Lauter.Training.Examples;
using Lauter.Training.Jobs;
using Lauter.Training.Networks;
using Lauter.Training.Optimisers;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

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

    void Saved(int step);
}

/// <summary>
/// The training loop.
/// <code>
/// examples ─1→ batch of step ─2→ loss, gradients ─3→ guard ─4→ clip, AdamW ─5→ validation ─6→ checkpoint
/// </code>
/// Everything random depends on (seed, step) only, and the checkpoint holds everything else, so a run that was stopped anywhere ends with the
/// same bytes as one that was not.
/// </summary>
internal sealed class TrainingLoop
{
    private readonly LlamaNetwork _network;
    private readonly IReadOnlyList<TrainingExample> _training;
    private readonly IReadOnlyList<TrainingExample> _validation;
    private readonly TrainingOptions _options;
    private readonly TimeProvider _time;
    private readonly ITrainingObserver _observer;
    private readonly string _checkpoint;
    private readonly string _runDigest;
    private readonly BatchOrder _order;
    private readonly LearningRate _rate;
    private readonly IReadOnlyList<IOptimiser> _optimisers;
    private readonly TokenNoise _noise;
    private readonly int _steps;

    private DivergenceGuard _guard = new();
    private ValidationResult? _lastValidation;
    private ValidationResult? _bestValidation;
    private float[][]? _best;
    private int _bestStep;
    private int _step;
    private long _trainedTokens;

    public TrainingLoop(
        LlamaNetwork network,
        IReadOnlyList<TrainingExample> training,
        IReadOnlyList<TrainingExample> validation,
        TrainingOptions options,
        IReadOnlySet<int> controlTokens,
        string runDigest,
        string checkpoint,
        ITrainingObserver observer,
        TimeProvider time)
    {
        (_network, _training, _validation, _options, _runDigest, _checkpoint, _observer, _time) =
            (network, training, validation, options, runDigest, checkpoint, observer, time);
        _order = new BatchOrder([.. training.Select(e => e.Ids.Length)], options.BatchExamples, options.Seed);
        _steps = _order.StepsPerEpoch * options.Epochs;
        _rate = new LearningRate(options.LearningRate, (int)Math.Ceiling(_steps * options.WarmUpFraction), _steps, options.FloorFraction);
        _optimisers = Optimisers(network, options);
        _noise = new TokenNoise(options.TokenNoise, network.Config.VocabularySize, controlTokens, options.Seed);
    }

    /// <summary>CPU seconds of earlier processes of this run.</summary>
    public double EarlierCpuSeconds { get; private set; }

    /// <summary>CPU seconds of this process, asked for at each checkpoint.</summary>
    public Func<double> CpuSeconds { get; init; } = () => 0;

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

        var at = 0;
        foreach (var parameter in _network.Parameters)
        {
            arrays[at++].CopyTo(parameter.Values);
        }

        foreach (var state in _optimisers.SelectMany(o => o.State))
        {
            arrays[at++].CopyTo(state, 0);
        }

        _best = at < arrays.Length ? arrays[at..] : null;
        (_step, _trainedTokens, _lastValidation, _bestValidation, _bestStep) =
            (header.Step, header.TrainedTokens, header.LastValidation, header.BestValidation, header.BestStep);
        EarlierCpuSeconds = header.CpuSeconds;
        _guard = new DivergenceGuard(header.RecentLosses, header.Spikes);
        return true;
    }

    /// <summary>Runs to the end and leaves the best weights in the network; on cancellation writes a checkpoint and throws.</summary>
    /// <exception cref="TrainingFailedException">The run diverged.</exception>
    public void Run(CancellationToken cancellationToken)
    {
        var saved = _time.GetTimestamp();
        while (_step < _steps)
        {
            if (cancellationToken.IsCancellationRequested)
            {
                Save();
                cancellationToken.ThrowIfCancellationRequested();
            }

            var report = TakeStep();
            _observer.Stepped(report);

            // 5. Validation, at the end of epochs.
            if (_step == _steps || _step % (_order.StepsPerEpoch * _options.ValidateEveryEpochs) == 0)
            {
                Validate();
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

    /// <summary>Muon for the matrices inside the layers, AdamW for the embedding, whose rows are looked up one by one, and for the gains.</summary>
    private static IReadOnlyList<IOptimiser> Optimisers(LlamaNetwork network, TrainingOptions options)
    {
        var decay = (float)options.WeightDecay;
        if (!options.Muon)
        {
            return [new AdamW(network.Parameters) { WeightDecay = decay }];
        }

        var matrices = network.Parameters.ToLookup(p => p.Decays && p.Name is not (LlamaWeights.Embedding or LlamaWeights.Output));
        return
        [
            new Muon([.. matrices[true]], p => [.. LlamaWeights.FileTensors(network.Config, p.Name, p.Shape).Select(t => t.Shape[0])]) { WeightDecay = decay },
            new AdamW([.. matrices[false]]) { WeightDecay = decay },
        ];
    }

    private StepReport TakeStep()
    {
        // 1. The batch, a function of (seed, step).
        var examples = _noise.Apply([.. _order.Step(_step).Select(i => _training[i])], _step);
        var rate = _rate.At(_step);
        using (random.manual_seed((long)new SeededRandom(_options.Seed, 4, (ulong)_step).Next()))
        {
        }

        // 2. Gradients of the sum; the mean is taken once, over the trained tokens of the whole step.
        double loss = 0, weight = 0;
        int tokens = 0, trained = 0;
        foreach (var part in MicroBatches.Split(examples, _options.MicroBatchTokens))
        {
            using var scope = NewDisposeScope();
            var batch = Batch.Of(part, _options.PromptLossWeight);
            var logits = _network.Logits(_network.Forward(batch.TokenTensor(), batch.RowTensor(), _options.Dropout));
            var losses = _options.PromptLossWeight > 0
                ? (F.cross_entropy(logits, batch.TargetTensor(), reduction: nn.Reduction.None, label_smoothing: _options.LabelSmoothing) * batch.WeightTensor()).sum()
                : F.cross_entropy(logits, batch.TargetTensor(), reduction: nn.Reduction.Sum, label_smoothing: _options.LabelSmoothing);
            losses.backward();
            loss += losses.item<float>();
            weight += batch.Weights.Sum(w => (double)w);
            tokens += part.Sum(e => e.Ids.Length);
            trained += batch.TrainedTokens;
        }

        // 3. Guard, 4. clip and move.
        var norm = AdamW.GradientNorm(_network.Parameters) / weight;
        _guard.Check(_step + 1, loss / weight, norm, rate);
        var clip = norm > _options.ClipNorm ? _options.ClipNorm / norm : 1;
        _step++;
        _trainedTokens += trained;
        foreach (var optimiser in _optimisers)
        {
            optimiser.Step(_step, rate, clip / weight);
        }

        return new StepReport(_step, _steps, loss / weight, _guard.RecentLoss, tokens, rate, norm);
    }

    private void Validate()
    {
        // Not cancellable: a checkpoint must hold the validation that belongs to its step, or resuming would differ.
        _lastValidation = Validation.Measure(_network, _validation, _options.MicroBatchTokens, CancellationToken.None);
        if (_lastValidation is null)
        {
            return;
        }

        var isBest = _bestValidation is null
            || _lastValidation.ExactMatch > _bestValidation.ExactMatch
            || (_lastValidation.ExactMatch == _bestValidation.ExactMatch && _lastValidation.Loss < _bestValidation.Loss);
        if (isBest)
        {
            (_bestValidation, _bestStep) = (_lastValidation, _step);
            _best = [.. _network.Parameters.Select(p => p.Values.ToArray())];
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

        for (var i = 0; i < _best.Length; i++)
        {
            _best[i].CopyTo(_network.Parameters[i].Values);
        }
    }

    private void Save()
    {
        float[][] arrays = [.. _network.Parameters.Select(p => p.Values.ToArray()), .. _optimisers.SelectMany(o => o.State), .. _best ?? []];
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
            Lengths = [.. arrays.Select(a => a.Length)],
        };
        CheckpointFile.Write(_checkpoint, header, arrays);
        _observer.Saved(_step);
    }
}
