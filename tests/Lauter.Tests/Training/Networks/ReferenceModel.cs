using System.Text.Json;
using Lauter.Models.Families;
using Lauter.Training.Natives;
using Lauter.Training.Networks;

namespace Lauter.Tests.Training.Networks;

/// <summary>Reads a model directory in Hugging Face's names into our network, turning its rotate-halves q and k rows into adjacent pairs.</summary>
internal static class ReferenceModel
{
    public static LlamaNetwork Load(string directory)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(directory, "config.json")));
        var c = json.RootElement;
        var rope = c.TryGetProperty("rope_parameters", out var r) ? r : c;
        var config = new LlamaConfig
        {
            VocabularySize = c.GetProperty("vocab_size").GetInt32(),
            Width = c.GetProperty("hidden_size").GetInt32(),
            Layers = c.GetProperty("num_hidden_layers").GetInt32(),
            Heads = c.GetProperty("num_attention_heads").GetInt32(),
            KvHeads = c.GetProperty("num_key_value_heads").GetInt32(),
            FeedForward = c.GetProperty("intermediate_size").GetInt32(),
            ContextLength = c.GetProperty("max_position_embeddings").GetInt32(),
            RopeBase = rope.GetProperty("rope_theta").GetDouble(),
            NormEpsilon = c.GetProperty("rms_norm_eps").GetDouble(),
            TiedEmbeddings = c.GetProperty("tie_word_embeddings").GetBoolean(),
        };
        Torch.EnsureLoaded();
        var file = new SafetensorsReader(Path.Combine(directory, "model.safetensors"));
        return new LlamaNetwork(
            config,
            [.. LlamaWeights.Parameters(config).Select(p => new NetworkParameter(
                p.Name, p.Shape, (float[])[.. LlamaWeights.FileTensors(config, p.Name, p.Shape).SelectMany(t => Read(file, config, t.Name))]))],
            rotaryFactors: null);
    }

    private static float[] Read(SafetensorsReader file, LlamaConfig config, string ggufName)
    {
        var name = ggufName
            .Replace("token_embd", "model.embed_tokens")
            .Replace("output_norm", "model.norm")
            .Replace("attn_output", "self_attn.o_proj")
            .Replace("blk.", "model.layers.")
            .Replace("attn_norm", "input_layernorm")
            .Replace("ffn_norm", "post_attention_layernorm")
            .Replace("attn_q", "self_attn.q_proj")
            .Replace("attn_k", "self_attn.k_proj")
            .Replace("attn_v", "self_attn.v_proj")
            .Replace("ffn_gate", "mlp.gate_proj")
            .Replace("ffn_up", "mlp.up_proj")
            .Replace("ffn_down", "mlp.down_proj");
        name = name == "output.weight" ? "lm_head.weight" : name;
        var values = file.Read<float>(name);
        return name.Contains("q_proj") || name.Contains("k_proj") ? AdjacentPairs(values, config.HeadDimension, config.Width) : values;
    }

    private static float[] AdjacentPairs(float[] rows, int head, int width)
    {
        var result = new float[rows.Length];
        for (var row = 0; row < rows.Length / width; row++)
        {
            int h = row / head, within = row % head;
            var source = (h * head) + (within % 2 * (head / 2)) + (within / 2);
            rows.AsSpan(source * width, width).CopyTo(result.AsSpan(row * width));
        }

        return result;
    }
}
