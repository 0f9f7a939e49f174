namespace Lauter.Models.Families;

/// <summary>One weight under both of its names. The shape is the same in both forms; the order of rows or the values may differ by <paramref name="Change"/>.</summary>
/// <param name="Gguf">Name in a GGUF file, like <c>blk.0.attn_q.weight</c>.</param>
/// <param name="HuggingFace">Name in a checkpoint of the transformers library, like <c>model.layers.0.self_attn.q_proj.weight</c>.</param>
/// <param name="Shape">Extents, slowest first: [rows, columns] or [values].</param>
/// <param name="Change">What distinguishes the GGUF values from the checkpoint's.</param>
public sealed record WeightName(string Gguf, string HuggingFace, IReadOnlyList<long> Shape, WeightChange Change)
{
    /// <summary>Number of values.</summary>
    public long Count => Shape.Aggregate(1L, (product, extent) => product * extent);

    /// <summary>Whether this is a matrix, which may be quantised and may carry a LoRA pair; gains and biases stay F32.</summary>
    public bool IsMatrix => Shape.Count == 2;

    /// <summary>Path of the module in the transformers library, like <c>model.layers.0.self_attn.q_proj</c>; PEFT names are built from it.</summary>
    public string Module => HuggingFace[..HuggingFace.LastIndexOf('.')];

    /// <summary>Checkpoint values → GGUF values.</summary>
    public float[] ToGguf(float[] values) => Change.Apply(values, (int)Shape[0], toGguf: true);

    /// <summary>GGUF values → checkpoint values.</summary>
    public float[] ToHuggingFace(float[] values) => Change.Apply(values, (int)Shape[0], toGguf: false);
}

/// <summary>A reversible difference between a checkpoint's values and the GGUF file's.</summary>
/// <param name="RotatedHeads">Heads whose rows are reordered from half-split to adjacent pairs (<see cref="RotaryOrder"/>); 0 = same order.</param>
/// <param name="Added">Added to each value on the way into the GGUF file; Gemma keeps gains minus one.</param>
public readonly record struct WeightChange(int RotatedHeads, float Added)
{
    /// <summary>Same values.</summary>
    public static WeightChange None => default;

    internal float[] Apply(float[] values, int rows, bool toGguf)
    {
        if (RotatedHeads > 0)
        {
            return toGguf ? RotaryOrder.Interleave(values, RotatedHeads, rows) : RotaryOrder.Split(values, RotatedHeads, rows);
        }

        var added = toGguf ? Added : -Added;
        return Added == 0 ? values : Array.ConvertAll(values, value => value + added);
    }
}
