using Lauter.Models.Families;
using Lauter.Models.Gguf;

namespace Lauter.Models.Conversion;

/// <summary>Declares the weights of a model in a GGUF file.</summary>
public static class WeightExport
{
    /// <summary>Declares every weight and, where the shape has them, the rotary factors. Values are read one tensor at a time when the writer finishes.</summary>
    /// <param name="writer">Receives the tensors.</param>
    /// <param name="config">The shape.</param>
    /// <param name="typeOf">Storage of each weight; gains and biases are F32 whatever it says.</param>
    /// <param name="read">Values of a weight, in GGUF order.</param>
    public static void AddWeights(GgufWriter writer, ModelConfig config, Func<WeightName, GgufTensorType> typeOf, Func<WeightName, float[]> read)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentNullException.ThrowIfNull(typeOf);
        foreach (var weight in ModelFamily.Named(config.Family).Weights(config))
        {
            writer.AddTensor(weight.Gguf, weight.IsMatrix ? typeOf(weight) : GgufTensorType.F32, [.. weight.Shape], () => read(weight));
        }

        if (config.RotaryFactors is { } factors)
        {
            writer.AddTensor(GgufShape.RotaryFactors, GgufTensorType.F32, [factors.Count], [.. factors]);
        }
    }
}
