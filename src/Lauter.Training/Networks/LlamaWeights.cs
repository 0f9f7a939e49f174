using Lauter.Models.Families;

namespace Lauter.Training.Networks;

/// <summary>The tensors of a Llama-shaped network: their names and shapes in memory, and how they split into the tensors of a GGUF file.</summary>
internal static class LlamaWeights
{
    public const string Embedding = "token_embd.weight";
    public const string OutputNorm = "output_norm.weight";
    public const string Output = "output.weight";
    public const string RotaryFactors = "rope_freqs.weight";

    public static string AttentionNorm(int layer) => $"blk.{layer}.attn_norm.weight";

    public static string AttentionQkv(int layer) => $"blk.{layer}.attn_qkv.weight";

    public static string AttentionOutput(int layer) => $"blk.{layer}.attn_output.weight";

    public static string FeedForwardNorm(int layer) => $"blk.{layer}.ffn_norm.weight";

    public static string FeedForwardGateUp(int layer) => $"blk.{layer}.ffn_gate_up.weight";

    public static string FeedForwardDown(int layer) => $"blk.{layer}.ffn_down.weight";

    /// <summary>The parameters in their frozen order; checkpoints store them in this order.</summary>
    public static IEnumerable<(string Name, long[] Shape)> Parameters(LlamaConfig config)
    {
        long width = config.Width, hidden = config.FeedForward, head = config.HeadDimension;
        long attention = config.Heads * head;
        yield return (Embedding, [config.VocabularySize, width]);
        for (var layer = 0; layer < config.Layers; layer++)
        {
            yield return (AttentionNorm(layer), [width]);
            yield return (AttentionQkv(layer), [attention + (2 * config.KvHeads * head), width]);
            yield return (AttentionOutput(layer), [width, attention]);
            yield return (FeedForwardNorm(layer), [width]);
            yield return (FeedForwardGateUp(layer), [2 * hidden, width]);
            yield return (FeedForwardDown(layer), [width, hidden]);
        }

        yield return (OutputNorm, [width]);
        if (!config.TiedEmbeddings)
        {
            yield return (Output, [config.VocabularySize, width]);
        }
    }

    /// <summary>The tensors of the file that make up one parameter, top rows first.</summary>
    public static IEnumerable<(string Name, long[] Shape)> FileTensors(LlamaConfig config, string name, long[] shape)
    {
        if (name.EndsWith(".attn_qkv.weight", StringComparison.Ordinal))
        {
            var keys = (long)config.KvHeads * config.HeadDimension;
            yield return (name.Replace("attn_qkv", "attn_q"), [shape[0] - (2 * keys), shape[1]]);
            yield return (name.Replace("attn_qkv", "attn_k"), [keys, shape[1]]);
            yield return (name.Replace("attn_qkv", "attn_v"), [keys, shape[1]]);
        }
        else if (name.EndsWith(".ffn_gate_up.weight", StringComparison.Ordinal))
        {
            yield return (name.Replace("ffn_gate_up", "ffn_gate"), [shape[0] / 2, shape[1]]);
            yield return (name.Replace("ffn_gate_up", "ffn_up"), [shape[0] / 2, shape[1]]);
        }
        else
        {
            yield return (name, shape);
        }
    }
}
