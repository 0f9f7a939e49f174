using Lauter.Models.Families;

namespace Lauter.Models.Peft;

/// <summary>
/// The two low-rank factors of one adapted matrix W [outputs, inputs]: W + scale · B·A (Hu et al. 2021). Rows of B are in the order of the checkpoint, not of GGUF files;
/// <see cref="FromGguf"/> and <see cref="GgufB"/> go between the two.
/// </summary>
public sealed record LoraPair
{
    /// <summary>Path of the module, like <c>model.layers.0.self_attn.q_proj</c>.</summary>
    public required string Module { get; init; }

    /// <summary>Rank r, at least 1.</summary>
    public required int Rank { get; init; }

    /// <summary>Columns of W.</summary>
    public required int Inputs { get; init; }

    /// <summary>Rows of W.</summary>
    public required int Outputs { get; init; }

    /// <summary>A, [r, inputs], row-major.</summary>
    public required float[] A { get; init; }

    /// <summary>B, [outputs, r], row-major.</summary>
    public required float[] B { get; init; }

    /// <summary>DoRA's length of each row of W, [outputs], in the order of the checkpoint; null = plain LoRA.</summary>
    public float[]? Magnitude { get; init; }

    /// <summary>A pair whose rows of B are in GGUF order, as a network that loads GGUF weights trains them.</summary>
    /// <param name="weight">The adapted weight.</param>
    /// <param name="rank">Rank r.</param>
    /// <param name="a">A, [r, inputs].</param>
    /// <param name="b">B, [outputs, r].</param>
    /// <param name="magnitude">DoRA's row lengths, or null.</param>
    public static LoraPair FromGguf(WeightName weight, int rank, float[] a, float[] b, float[]? magnitude = null)
    {
        ArgumentNullException.ThrowIfNull(weight);
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        var (outputs, inputs) = weight.IsMatrix ? ((int)weight.Shape[0], (int)weight.Shape[1]) : throw new ArgumentException($"{weight.Gguf} is no matrix.", nameof(weight));
        return a.Length == rank * inputs && b.Length == outputs * rank && (magnitude is null || magnitude.Length == outputs)
            ? new LoraPair
            {
                Module = weight.Module, Rank = rank, Inputs = inputs, Outputs = outputs, A = a, B = weight.ToHuggingFace(b), Magnitude = magnitude is null ? null : weight.ToHuggingFace(magnitude),
            }
            : throw new ArgumentException($"{a.Length} and {b.Length} values are no pair of rank {rank} for {weight.Gguf} [{outputs}, {inputs}].", nameof(a));
    }

    /// <summary>B with its rows in GGUF order.</summary>
    public float[] GgufB(WeightName weight)
    {
        ArgumentNullException.ThrowIfNull(weight);
        return weight.ToGguf(B);
    }
}
