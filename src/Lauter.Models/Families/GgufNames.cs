namespace Lauter.Models.Families;

/// <summary>Names of Llama weights in GGUF files and in Hugging Face checkpoints.</summary>
public static class GgufNames
{
    /// <summary>The token embedding.</summary>
    public const string Embedding = "token_embd.weight";

    /// <summary>The last normalisation.</summary>
    public const string OutputNorm = "output_norm.weight";

    /// <summary>The output matrix; missing when tied to the embedding.</summary>
    public const string Output = "output.weight";

    private static readonly (string HuggingFace, string Gguf)[] PerLayer =
    [
        ("input_layernorm", "attn_norm"),
        ("self_attn.q_proj", "attn_q"),
        ("self_attn.k_proj", "attn_k"),
        ("self_attn.v_proj", "attn_v"),
        ("self_attn.o_proj", "attn_output"),
        ("post_attention_layernorm", "ffn_norm"),
        ("mlp.gate_proj", "ffn_gate"),
        ("mlp.up_proj", "ffn_up"),
        ("mlp.down_proj", "ffn_down"),
    ];

    /// <summary>Pairs of names and shapes [rows, columns] (or [columns]) that a Llama network of this shape has, in file order.</summary>
    public static IEnumerable<LlamaTensorName> Of(LlamaConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        long width = config.Width, hidden = config.FeedForward, queries = (long)config.Heads * config.HeadDimension, keys = (long)config.KvHeads * config.HeadDimension;
        yield return new("model.embed_tokens.weight", Embedding, [config.VocabularySize, width], 0);
        for (var layer = 0; layer < config.Layers; layer++)
        {
            foreach (var (huggingFace, gguf) in PerLayer)
            {
                long[] shape = gguf switch
                {
                    "attn_norm" or "ffn_norm" => [width],
                    "attn_q" => [queries, width],
                    "attn_k" or "attn_v" => [keys, width],
                    "attn_output" => [width, queries],
                    "ffn_down" => [width, hidden],
                    _ => [hidden, width],
                };
                var rotatedHeads = gguf switch { "attn_q" => config.Heads, "attn_k" => config.KvHeads, _ => 0 };
                yield return new($"model.layers.{layer}.{huggingFace}.weight", $"blk.{layer}.{gguf}.weight", shape, rotatedHeads);
            }
        }

        yield return new("model.norm.weight", OutputNorm, [width], 0);
        if (!config.TiedEmbeddings)
        {
            yield return new("lm_head.weight", Output, [config.VocabularySize, width], 0);
        }
    }
}

/// <summary>One weight under both names.</summary>
/// <param name="HuggingFace">Name in a checkpoint of the transformers library.</param>
/// <param name="Gguf">Name in a GGUF file.</param>
/// <param name="Shape">Extents, slowest first.</param>
/// <param name="RotatedHeads">Heads whose rows are reordered between the two (see <see cref="RotaryOrder"/>); 0 = same order.</param>
public sealed record LlamaTensorName(string HuggingFace, string Gguf, long[] Shape, int RotatedHeads);
