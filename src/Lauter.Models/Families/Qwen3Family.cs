using Lauter.Models.Gguf;

namespace Lauter.Models.Families;

/// <summary>Qwen3, dense: query and key heads are normalised, no biases, heads wider than the width divided by their number.</summary>
internal sealed class Qwen3Family : ModelFamily
{
    public override string Name => "qwen3";

    public override void WriteKeys(ModelConfig config, GgufWriter writer)
    {
        base.WriteKeys(config, writer);
        if (config.HeadDimension * config.Heads == config.Width)
        {
            writer.Add("qwen3.attention.key_length", (uint)config.HeadDimension).Add("qwen3.attention.value_length", (uint)config.HeadDimension);
        }
    }

    protected override ModelConfig FromHuggingFace(HuggingFaceConfig config, ModelConfig common) => config.Flag("attention_bias")
        ? throw new InvalidDataException($"{config.Path}: attention_bias is true, which llama.cpp's architecture qwen3 does not have.")
        : common with
        {
            QueryKeyNorm = true,
            ContextLength = config.Flag("use_sliding_window") ? Math.Min(common.ContextLength, config.WholeOrNull("sliding_window") ?? int.MaxValue) : common.ContextLength,
        };
}
