namespace Lauter.Models.Families;

/// <summary>GLM-4-0414: half of each head rotated in adjacent pairs (in both worlds), fused gate and up, norms after attention and feed-forward too.</summary>
internal sealed class Glm4Family : ModelFamily
{
    public override string Name => "glm4";

    protected override RotaryPairs Pairs => RotaryPairs.Adjacent;

    protected override ModelConfig FromHuggingFace(HuggingFaceConfig config, ModelConfig common) => common with
    {
        QkvBias = config.Flag("attention_bias"),
        FusedGateUp = true,
        SandwichNorm = true,
        RopeDimension = config.Rope?.Has("partial_rotary_factor") == true || config.Has("partial_rotary_factor") ? common.RopeDimension : common.HeadDimension / 2,
    };

    protected override string LayerName(string part) => part switch
    {
        "post_attention_norm" => "post_self_attn_layernorm",
        "ffn_norm" => "post_attention_layernorm",
        "ffn_up" => "mlp.gate_up_proj",
        "post_ffw_norm" => "post_mlp_layernorm",
        _ => base.LayerName(part),
    };
}
