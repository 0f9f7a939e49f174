using Lauter.Training.Checkpoints;
using Lauter.Training.Examples;
using Lauter.Training.Jobs;
using Lauter.Training.Networks;
using Lauter.Training.Optimisers;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Lauter.Training.Loop;

/// <summary>Trains every weight of a network, by libtorch's automatic gradients.</summary>
internal sealed class NetworkLearner : ILearner
{
    private readonly LlamaNetwork _network;
    private readonly TrainingOptions _options;
    private readonly IReadOnlyList<IOptimiser> _optimisers;
    private readonly TokenNoise _noise;

    /// <param name="network">Stays the caller's.</param>
    /// <param name="options">How to train.</param>
    /// <param name="controlTokens">Ids that noise leaves alone.</param>
    public NetworkLearner(LlamaNetwork network, TrainingOptions options, IReadOnlySet<int> controlTokens)
    {
        (_network, _options) = (network, options);
        _optimisers = Optimisers(network, options);
        _noise = new TokenNoise(options.TokenNoise, network.Config.VocabularySize, controlTokens, options.Seed);
    }

    public float[][] Weights
    {
        get => [.. _network.Parameters.Select(p => p.Values.ToArray())];
        set
        {
            for (var i = 0; i < value.Length; i++)
            {
                value[i].CopyTo(_network.Parameters[i].Values);
            }
        }
    }

    public float[][] State
    {
        get => [.. _optimisers.SelectMany(o => o.State)];
        set
        {
            var at = 0;
            foreach (var state in _optimisers.SelectMany(o => o.State))
            {
                value[at++].CopyTo(state, 0);
            }
        }
    }

    public StepSums Accumulate(IReadOnlyList<TrainingExample> examples, int step)
    {
        using (random.manual_seed((long)new SeededRandom(_options.Seed, 4, (ulong)step).Next()))
        {
        }

        StepSums sums = default;
        foreach (var part in MicroBatches.Split(_noise.Apply(examples, step), _options.MicroBatchTokens))
        {
            using var scope = NewDisposeScope();
            var batch = Batch.Of(part, _options.PromptLossWeight);
            var logits = _network.Logits(_network.Forward(batch.TokenTensor(), batch.RowTensor(), _options.Dropout));
            var losses = _options.PromptLossWeight > 0
                ? (F.cross_entropy(logits, batch.TargetTensor(), reduction: nn.Reduction.None, label_smoothing: _options.LabelSmoothing) * batch.WeightTensor()).sum()
                : F.cross_entropy(logits, batch.TargetTensor(), reduction: nn.Reduction.Sum, label_smoothing: _options.LabelSmoothing);
            losses.backward();
            sums += new StepSums(losses.item<float>(), batch.Weights.Sum(w => (double)w), part.Sum(e => e.Ids.Length), batch.TrainedTokens);
        }

        return sums;
    }

    public double GradientNorm() => AdamW.GradientNorm(_network.Parameters);

    public void Move(int step, double rate, double scale)
    {
        foreach (var optimiser in _optimisers)
        {
            optimiser.Step(step, rate, scale);
        }
    }

    public void Discard()
    {
        foreach (var parameter in _network.Parameters)
        {
            using var gradient = parameter.Tensor.grad;
            gradient?.zero_();
        }
    }

    // Not cancellable: a checkpoint must hold the validation that belongs to its step, or resuming would differ.
    public ValidationResult? Measure(IReadOnlyList<TrainingExample> examples) => Validation.Measure(_network, examples, _options.MicroBatchTokens, CancellationToken.None);

    public void Dispose()
    {
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
}
