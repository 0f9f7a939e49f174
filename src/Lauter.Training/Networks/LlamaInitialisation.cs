using Lauter.Models.Families;
using Lauter.Training.Loop;
using Lauter.Training.Natives;

namespace Lauter.Training.Networks;

/// <summary>
/// Random weights for training from scratch: normal with deviation 1/√(2·inputs), projections back into the residual stream further divided by
/// √(2·layers) (Radford et al. 2019), gains one.
/// </summary>
internal static class LlamaInitialisation
{
    private const double EmbeddingDeviation = 0.05;

    public static LlamaNetwork Create(LlamaConfig config, ulong seed)
    {
        Torch.EnsureLoaded();
        var index = 0UL;
        return new LlamaNetwork(
            config,
            [.. LlamaWeights.Parameters(config).Select(p => new NetworkParameter(p.Name, p.Shape, Values(config, p.Name, p.Shape, new SeededRandom(seed, 1, index++))))],
            rotaryFactors: null);
    }

    private static float[] Values(LlamaConfig config, string name, long[] shape, SeededRandom random)
    {
        var values = new float[shape.Aggregate(1L, (a, b) => a * b)];
        if (shape.Length == 1)
        {
            Array.Fill(values, 1f);
            return values;
        }

        var returnsToResidual = name.EndsWith("attn_output.weight", StringComparison.Ordinal) || name.EndsWith("ffn_down.weight", StringComparison.Ordinal);
        var deviation = name == LlamaWeights.Embedding
            ? EmbeddingDeviation
            : Math.Sqrt(0.5 / shape[1]) / (returnsToResidual ? Math.Sqrt(2.0 * config.Layers) : 1);
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = (float)(deviation * random.NextNormal());
        }

        return values;
    }
}
