using Lauter.Models.Gguf;

namespace Lauter.Models.Families;

/// <summary>
/// Gemma 3, text only: embeddings scaled by √width, gains kept minus one in checkpoints, norms around attention and feed-forward, normalised query and key heads, GELU,
/// and several sliding layers (with their own rotary base) before each layer that sees all.
/// </summary>
internal sealed class Gemma3Family : ModelFamily
{
    private const int DefaultPeriod = 6;

    /// <summary>llama.cpp takes the width of a head as width ÷ heads for this depth, the 27B model.</summary>
    private const int LayersOf27B = 62;

    public override string Name => "gemma3";

    protected override IReadOnlyList<string> ModelTypes => ["gemma3_text"];

    public override void WriteKeys(ModelConfig config, GgufWriter writer)
    {
        base.WriteKeys(config, writer);
        if (Math.Abs(config.QueryKeyScale - ServedScale(config)) > 1e-6)
        {
            throw new InvalidDataException($"An attention scale of {config.QueryKeyScale} cannot be expressed: llama.cpp computes {ServedScale(config)} for this shape.");
        }

        if (config.HeadDimension * config.Heads == config.Width)
        {
            writer.Add("gemma3.attention.key_length", (uint)config.HeadDimension).Add("gemma3.attention.value_length", (uint)config.HeadDimension);
        }

        if (config.SlidingWindow is { } window)
        {
            writer.Add("gemma3.attention.sliding_window", (uint)window)
                .Add("gemma3.attention.sliding_window_pattern", (uint)config.SlidingPeriod)
                .Add("gemma3.rope.freq_base_swa", (float)config.SlidingRopeBase);
        }

        if (config.LogitSoftcap is { } cap)
        {
            writer.Add("gemma3.final_logit_softcapping", (float)cap);
        }
    }

    protected override ModelConfig CommonFromHuggingFace(HuggingFaceConfig config)
    {
        if (config.Flag("attention_bias") || config.Has("attn_logit_softcapping"))
        {
            throw new InvalidDataException($"{config.Path}: attention_bias and attn_logit_softcapping are not part of Gemma 3 networks here.");
        }

        return base.CommonFromHuggingFace(config);
    }

    protected override ModelConfig FromHuggingFace(HuggingFaceConfig config, ModelConfig common)
    {
        var rope = config.Part("rope_parameters");
        var full = rope?.Part("full_attention");
        if ((full?.Text("rope_type") ?? config.Part("rope_scaling")?.Text("rope_type") ?? "default") is not ("default" or "linear"))
        {
            throw new InvalidDataException($"{config.Path}: only the rope types default and linear are supported for Gemma 3.");
        }

        return Gemma(common) with
        {
            TiedEmbeddings = config.Flag("tie_word_embeddings", true),
            AttentionScale = 1 / Math.Sqrt(config.Number("query_pre_attn_scalar", common.HeadDimension)),
            LogitSoftcap = config.Has("final_logit_softcapping") ? config.Number("final_logit_softcapping") : null,
            SlidingWindow = config.WholeOrNull("sliding_window"),
            SlidingPeriod = Period(config, common.Layers),
            RopeBase = full?.Number("rope_theta") ?? config.Number("rope_theta", 1_000_000),
            RopeScaling = full?.Text("rope_type") == "linear" ? new RopeScaling(RopeScalingKind.Linear, full.Number("factor"), 0) : common.RopeScaling,
            SlidingRopeBase = rope?.Part("sliding_attention")?.Number("rope_theta") ?? config.Number("rope_local_base_freq", 10_000),
        };
    }

    protected override ModelConfig FromGguf(GgufFile file, ModelConfig common) => Gemma(common) with
    {
        AttentionScale = ServedScale(common),
        LogitSoftcap = file.Metadata.Number("gemma3.final_logit_softcapping"),
        SlidingWindow = file.Metadata.Integer("gemma3.attention.sliding_window") is > 0 ? GgufShape.Whole(file, "gemma3.attention.sliding_window", null) : null,
        SlidingPeriod = GgufShape.Whole(file, "gemma3.attention.sliding_window_pattern", DefaultPeriod),
        SlidingRopeBase = file.Metadata.Number("gemma3.rope.freq_base_swa") ?? 10_000,
    };

    protected override string LayerName(string part) => part switch
    {
        "post_attention_norm" => "post_attention_layernorm",
        "ffn_norm" => "pre_feedforward_layernorm",
        "post_ffw_norm" => "post_feedforward_layernorm",
        _ => base.LayerName(part),
    };

    protected override WeightChange ChangeOf(ModelConfig config, string part, string suffix) => new(0, part.EndsWith("norm", StringComparison.Ordinal) ? 1 : 0);

    private static ModelConfig Gemma(ModelConfig common) => common with
    {
        QueryKeyNorm = true,
        SandwichNorm = true,
        Activation = GateActivation.GeluTanh,
        EmbeddingScale = MathF.Sqrt(common.Width),
    };

    private static double ServedScale(ModelConfig config) => 1 / Math.Sqrt(config.Layers == LayersOf27B ? (double)config.Width / config.Heads : config.HeadDimension);

    /// <summary>The period of the pattern "slide … slide, see all"; other patterns have no key in llama.cpp.</summary>
    private static int Period(HuggingFaceConfig config, int layers)
    {
        if (config.Texts("layer_types") is not { } types)
        {
            return config.Whole("sliding_window_pattern", config.Whole("_sliding_window_pattern", DefaultPeriod));
        }

        var first = types.TakeWhile(type => type == "sliding_attention").Count();
        var period = first < types.Count ? first + 1 : Math.Max(first + 1, config.Whole("_sliding_window_pattern", DefaultPeriod));
        for (var layer = 0; layer < layers; layer++)
        {
            if (layer >= types.Count || types[layer] != (layer % period < period - 1 ? "sliding_attention" : "full_attention"))
            {
                throw config.Fault("layer_types", $"sliding layers with every {period}th full, for all {layers} layers");
            }
        }

        return period;
    }
}
