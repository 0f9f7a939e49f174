using Lauter.Training.Checkpoints;
using Lauter.Training.Examples;
using Lauter.Training.Networks;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Lauter.Training.Loop;

/// <summary>
/// Loss and accuracy in one forward pass. Greedy decoding gives exactly the reference completion if and only if each of its tokens is the most
/// probable one after the reference tokens before it, so exact match needs no decoding.
/// </summary>
internal static class Validation
{
    /// <summary>Measures <paramref name="network"/>; null without examples.</summary>
    public static ValidationResult? Measure(LlamaNetwork network, IReadOnlyList<TrainingExample> examples, int microBatchTokens, CancellationToken cancellationToken)
    {
        if (examples.Count == 0)
        {
            return null;
        }

        using var noGradient = no_grad();
        double loss = 0;
        int tokens = 0, right = 0, exact = 0;
        foreach (var part in MicroBatches.Split([.. examples.OrderBy(e => e.Ids.Length)], microBatchTokens))
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var batch = Batch.Of(part);
            var logits = network.Logits(network.Forward(batch.TokenTensor(), batch.RowTensor(), dropout: 0));
            var targets = batch.TargetTensor();
            loss += F.cross_entropy(logits, targets, reduction: nn.Reduction.Sum).item<float>();
            var hits = logits.argmax(1).eq(targets).data<bool>().ToArray();
            tokens += hits.Length;
            right += hits.Count(h => h);
            var at = 0;
            foreach (var example in part)
            {
                exact += hits.AsSpan(at, example.TrainedCount).Contains(false) ? 0 : 1;
                at += example.TrainedCount;
            }
        }

        return new ValidationResult(examples.Count, loss / tokens, (double)exact / examples.Count, (double)right / tokens);
    }
}
