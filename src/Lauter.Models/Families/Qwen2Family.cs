namespace Lauter.Models.Families;

/// <summary>Qwen2 and Qwen2.5: biases on queries, keys and values; half-split rotation in both worlds.</summary>
internal sealed class Qwen2Family : ModelFamily
{
    public override string Name => "qwen2";

    protected override ModelConfig FromHuggingFace(HuggingFaceConfig config, ModelConfig common) => common with
    {
        QkvBias = true,

        // llama.cpp runs these models without a window; within it both agree.
        ContextLength = config.Flag("use_sliding_window") ? Math.Min(common.ContextLength, config.WholeOrNull("sliding_window") ?? int.MaxValue) : common.ContextLength,
    };
}
