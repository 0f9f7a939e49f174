namespace Lauter.Models.Families;

/// <summary>The weights that a network of a shape has, in file order, with the names that most checkpoints give them.</summary>
internal static class WeightLayout
{
    private static readonly Dictionary<string, string> InLayer = new(StringComparer.Ordinal)
    {
        ["attn_norm"] = "input_layernorm",
        ["attn_q"] = "self_attn.q_proj",
        ["attn_k"] = "self_attn.k_proj",
        ["attn_v"] = "self_attn.v_proj",
        ["attn_q_norm"] = "self_attn.q_norm",
        ["attn_k_norm"] = "self_attn.k_norm",
        ["attn_output"] = "self_attn.o_proj",
        ["ffn_norm"] = "post_attention_layernorm",
        ["ffn_gate"] = "mlp.gate_proj",
        ["ffn_up"] = "mlp.up_proj",
        ["ffn_down"] = "mlp.down_proj",
    };

    public static string LayerName(string part) => InLayer[part];

    public static string OuterName(string part) => part switch { "token_embd" => "model.embed_tokens", "output_norm" => "model.norm", _ => "lm_head" };

    public static IEnumerable<(string Part, int? Layer, string Suffix, long[] Shape)> Of(ModelConfig config)
    {
        yield return ("token_embd", null, "weight", [config.VocabularySize, config.Width]);
        for (var layer = 0; layer < config.Layers; layer++)
        {
            foreach (var (part, suffix, shape) in Layer(config))
            {
                yield return (part, layer, suffix, shape);
            }
        }

        yield return ("output_norm", null, "weight", [config.Width]);
        if (!config.TiedEmbeddings)
        {
            yield return ("output", null, "weight", [config.VocabularySize, config.Width]);
        }
    }

    private static IEnumerable<(string Part, string Suffix, long[] Shape)> Layer(ModelConfig config)
    {
        long width = config.Width, hidden = config.FeedForward, head = config.HeadDimension;
        long queries = config.Heads * head, keys = config.KvHeads * head;
        yield return ("attn_norm", "weight", [width]);
        (string Part, long Rows)[] projections = config.FusedQkv ? [("attn_qkv", queries + (2 * keys))] : [("attn_q", queries), ("attn_k", keys), ("attn_v", keys)];
        foreach (var (part, rows) in projections)
        {
            yield return (part, "weight", [rows, width]);
            if (config.QkvBias)
            {
                yield return (part, "bias", [rows]);
            }
        }

        if (config.QueryKeyNorm)
        {
            yield return ("attn_q_norm", "weight", [head]);
            yield return ("attn_k_norm", "weight", [head]);
        }

        yield return ("attn_output", "weight", [width, queries]);
        if (config.AttentionOutputBias)
        {
            yield return ("attn_output", "bias", [width]);
        }

        if (config.SandwichNorm)
        {
            yield return ("post_attention_norm", "weight", [width]);
        }

        yield return ("ffn_norm", "weight", [width]);
        (string Part, long Rows, long Columns)[] dense = config.FusedGateUp
            ? [("ffn_up", 2 * hidden, width), ("ffn_down", width, hidden)]
            : [("ffn_gate", hidden, width), ("ffn_up", hidden, width), ("ffn_down", width, hidden)];
        foreach (var (part, rows, columns) in dense)
        {
            yield return (part, "weight", [rows, columns]);
            if (config.FeedForwardBias)
            {
                yield return (part, "bias", [rows]);
            }
        }

        if (config.SandwichNorm)
        {
            yield return ("post_ffw_norm", "weight", [width]);
        }
    }
}
