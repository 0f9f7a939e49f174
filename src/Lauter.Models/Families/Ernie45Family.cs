namespace Lauter.Models.Families;

/// <summary>ERNIE 4.5, dense: like Llama, but adjacent pairs are rotated in both worlds, so no rows move.</summary>
internal sealed class Ernie45Family : ModelFamily
{
    public override string Name => "ernie4_5";

    public override string Architecture => "ernie4_5";

    protected override RotaryPairs Pairs => RotaryPairs.Adjacent;

    protected override ModelConfig FromHuggingFace(HuggingFaceConfig config, ModelConfig common) => config.Flag("use_bias")
        ? throw new InvalidDataException($"{config.Path}: use_bias is true; only networks without biases are supported.")
        : common with { ContextLength = config.Whole("max_position_embeddings"), TiedEmbeddings = config.Flag("tie_word_embeddings", true) };
}
