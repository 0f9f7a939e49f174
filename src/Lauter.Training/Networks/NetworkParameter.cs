using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Lauter.Training.Networks;

/// <summary>
/// One trainable tensor under its GGUF name. Fused tensors (attn_qkv, ffn_gate_up) exist in memory only: one large matrix product is faster
/// than three small ones, and <see cref="LlamaWeights"/> splits them again on export.
/// </summary>
internal sealed class NetworkParameter : IDisposable
{
    public NetworkParameter(string name, long[] shape, ReadOnlySpan<float> values)
    {
        Name = name;
        Shape = shape;
        Tensor = empty(shape, ScalarType.Float32).DetachFromDisposeScope();
        values.CopyTo(Values);
        Tensor.requires_grad = true;
    }

    public string Name { get; }

    /// <summary>Output rows first, as PyTorch counts: [out, in], or [width] for a norm.</summary>
    public long[] Shape { get; }

    public Tensor Tensor { get; }

    public int Count => checked((int)Tensor.numel());

    /// <summary>Norm gains are not decayed towards zero; matrices are.</summary>
    public bool Decays => Shape.Length > 1;

    /// <summary>The values in native memory; valid while this object lives.</summary>
    public Span<float> Values => MemoryMarshal.Cast<byte, float>(Tensor.bytes);

    public void Dispose() => Tensor.Dispose();
}
