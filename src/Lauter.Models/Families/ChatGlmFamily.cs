namespace Lauter.Models.Families;

/// <summary>ChatGLM3 and GLM-4-9B in their own checkpoint form: fused query-key-value with bias, fused gate and up, half of each head rotated in adjacent pairs.</summary>
internal sealed class ChatGlmFamily : ModelFamily
{
    public override string Name => "chatglm";

    protected override RotaryPairs Pairs => RotaryPairs.Adjacent;

    protected override ModelConfig CommonFromHuggingFace(HuggingFaceConfig config)
    {
        int heads = config.Whole("num_attention_heads"), width = config.Whole("hidden_size");
        var head = config.Whole("kv_channels", heads > 0 ? width / heads : 0);
        return new ModelConfig
        {
            Family = Name,
            VocabularySize = config.Whole("padded_vocab_size", config.WholeOrNull("vocab_size")),
            Width = width,
            Layers = config.Whole("num_layers", config.WholeOrNull("num_hidden_layers")),
            Heads = heads,
            KvHeads = config.Flag("multi_query_attention") ? config.Whole("multi_query_group_num") : heads,
            HeadDimension = head,
            FeedForward = config.Whole("ffn_hidden_size"),
            ContextLength = config.Whole("seq_length"),
            RopeBase = 10_000 * config.Number("rope_ratio", 1),
            RopeDimension = head / 2,
            RotaryPairs = Pairs,
            NormEpsilon = config.Number("layernorm_epsilon", 1e-5),
            FusedQkv = true,
            FusedGateUp = true,
        };
    }

    protected override ModelConfig FromHuggingFace(HuggingFaceConfig config, ModelConfig common) => config.Flag("rmsnorm", true) && config.Flag("post_layer_norm", true)
        ? common with { QkvBias = config.Flag("add_qkv_bias") || config.Flag("add_bias_linear") }
        : throw new InvalidDataException($"{config.Path}: only networks with rmsnorm and post_layer_norm are supported.");

    protected override string HuggingFaceName(string part, int? layer, string suffix) => layer is null
        ? $"transformer.{part switch { "token_embd" => "embedding.word_embeddings", "output_norm" => "encoder.final_layernorm", _ => "output_layer" }}.{suffix}"
        : $"transformer.encoder.layers.{layer}.{LayerName(part)}.{suffix}";

    protected override string LayerName(string part) => part switch
    {
        "attn_qkv" => "self_attention.query_key_value",
        "attn_output" => "self_attention.dense",
        "ffn_up" => "mlp.dense_h_to_4h",
        "ffn_down" => "mlp.dense_4h_to_h",
        _ => base.LayerName(part),
    };
}
