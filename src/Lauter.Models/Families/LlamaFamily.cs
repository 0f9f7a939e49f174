namespace Lauter.Models.Families;

/// <summary>Llama 2 and 3, SmolLM, TinyLlama and others of model_type llama. llama.cpp rotates adjacent pairs, so query and key rows move.</summary>
internal class LlamaFamily : ModelFamily
{
    public override string Name => "llama";

    public override string Architecture => "llama";

    protected override RotaryPairs Pairs => RotaryPairs.Adjacent;

    protected override ModelConfig FromHuggingFace(HuggingFaceConfig config, ModelConfig common) => common with
    {
        QkvBias = config.Flag("attention_bias"),
        AttentionOutputBias = config.Flag("attention_bias"),
        FeedForwardBias = config.Flag("mlp_bias"),
    };

    protected override WeightChange ChangeOf(ModelConfig config, string part, string suffix) =>
        new(part switch { "attn_q" => config.Heads, "attn_k" => config.KvHeads, _ => 0 }, 0);
}
