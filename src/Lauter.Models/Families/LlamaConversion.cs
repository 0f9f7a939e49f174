using Lauter.Models.Gguf;
using Lauter.Models.Safetensors;

namespace Lauter.Models.Families;

/// <summary>Carries Llama weights between checkpoints of the transformers library and GGUF files.</summary>
public static class LlamaConversion
{
    /// <summary>Declares all weights of a checkpoint in a GGUF file, query and key rows reordered; matrices as <paramref name="matrices"/>, gains as F32.</summary>
    /// <param name="checkpoint">The checkpoint; stays open until <see cref="GgufWriter.Finish"/>.</param>
    /// <param name="config">Its shape.</param>
    /// <param name="writer">Receives the tensors.</param>
    /// <param name="matrices">Storage of matrices: F32, F16, BF16 or Q8_0.</param>
    /// <exception cref="SafetensorsFormatException">A weight is missing or has another shape.</exception>
    public static void AddTensors(SafetensorsFile checkpoint, LlamaConfig config, GgufWriter writer, GgufTensorType matrices = GgufTensorType.F16)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        ArgumentNullException.ThrowIfNull(writer);
        foreach (var name in GgufNames.Of(config))
        {
            if (!checkpoint.Tensors.TryGetValue(name.HuggingFace, out var tensor) || !tensor.Shape.SequenceEqual(name.Shape))
            {
                throw new SafetensorsFormatException(
                    $"{checkpoint.Path}: '{name.HuggingFace}' is {(tensor is null ? "missing" : $"[{string.Join(", ", tensor.Shape)}]")}, but must be [{string.Join(", ", name.Shape)}].");
            }

            writer.AddTensor(name.Gguf, name.Shape.Length == 1 ? GgufTensorType.F32 : matrices, name.Shape, () =>
            {
                var values = checkpoint.ReadFloat32(name.HuggingFace);
                return name.RotatedHeads > 0 ? RotaryOrder.Interleave(values, name.RotatedHeads, (int)name.Shape[0]) : values;
            });
        }
    }
}
