using TorchSharp;
using static TorchSharp.torch;

namespace Lauter.Training.Examples;

/// <summary>
/// Examples of similar length side by side, padded on the right. On a CPU this beats packing into long rows: attention costs time², and a
/// causal kernel needs no mask when the padding comes last, whereas a packed row pays for a dense block-diagonal mask.
/// </summary>
internal sealed record Batch(long[] Tokens, int Examples, int Time, long[] Rows, long[] Targets, float[] Weights, int TrainedTokens)
{
    private const int PaddingId = 0;

    /// <param name="examples">1 or more examples.</param>
    /// <param name="promptWeight">Weight in 0..1 of the loss at tokens that are not trained; 0 leaves them out altogether.</param>
    public static Batch Of(IReadOnlyList<TrainingExample> examples, double promptWeight = 0)
    {
        // The last token predicts nothing, so it is no input.
        var time = examples.Max(e => e.Ids.Length) - 1;
        var tokens = new long[examples.Count * time];
        Array.Fill(tokens, PaddingId);
        List<long> rows = [], targets = [];
        List<float> weights = [];
        var trained = 0;
        for (var e = 0; e < examples.Count; e++)
        {
            var (ids, mask) = (examples[e].Ids, examples[e].Trained);
            for (var t = 0; t < ids.Length - 1; t++)
            {
                tokens[(e * time) + t] = ids[t];
                if (mask[t + 1] || promptWeight > 0)
                {
                    rows.Add((e * time) + t);
                    targets.Add(ids[t + 1]);
                    weights.Add(mask[t + 1] ? 1f : (float)promptWeight);
                    trained += mask[t + 1] ? 1 : 0;
                }
            }
        }

        return new Batch(tokens, examples.Count, time, [.. rows], [.. targets], [.. weights], trained);
    }

    /// <summary>Tokens the network computes, padding included.</summary>
    public int PaddedTokens => Tokens.Length;

    public Tensor TokenTensor() => tensor(Tokens, [Examples, Time]);

    public Tensor RowTensor() => tensor(Rows);

    public Tensor TargetTensor() => tensor(Targets);

    public Tensor WeightTensor() => tensor(Weights);
}
