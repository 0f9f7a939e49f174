namespace Lauter.Models.Families;

/// <summary>The members of <c>config.json</c> that most families share.</summary>
internal static class HuggingFaceShape
{
    public static ModelConfig Read(HuggingFaceConfig config, ModelFamily family)
    {
        var heads = config.Whole("num_attention_heads");
        var width = config.Whole("hidden_size");
        var head = config.Whole("head_dim", heads > 0 ? width / heads : 0);
        var rope = config.Rope;
        var share = rope?.Has("partial_rotary_factor") == true ? rope.Number("partial_rotary_factor") : config.Number("partial_rotary_factor", 1);
        var rotated = share is > 0 and <= 1 ? (int)(head * share) : throw config.Fault("partial_rotary_factor", "more than 0 and at most 1");
        var ropeBase = rope?.Has("rope_theta") == true ? rope.Number("rope_theta") : config.Number("rope_theta", 10_000);
        var scaling = Scaling(config, rope);
        return new ModelConfig
        {
            Family = family.Name,
            VocabularySize = config.Whole("vocab_size"),
            Width = width,
            Layers = config.Whole("num_hidden_layers"),
            Heads = heads,
            KvHeads = config.Whole("num_key_value_heads", heads),
            HeadDimension = head,
            FeedForward = config.Whole("intermediate_size"),
            ContextLength = config.Whole("max_position_embeddings"),
            RopeBase = ropeBase,
            RopeDimension = rotated,
            RotaryPairs = family.GgufPairs,
            RopeScaling = scaling,
            RotaryFactors = scaling is { Kind: RopeScalingKind.Llama3 } && rotated is > 1 and < 1 << 16 ? scaling.Llama3Factors(ropeBase, rotated) : null,
            NormEpsilon = config.Number("rms_norm_eps", 1e-6),
            TiedEmbeddings = config.Flag("tie_word_embeddings"),
            Activation = Gate(config),
        };
    }

    private static GateActivation Gate(HuggingFaceConfig config)
    {
        var name = config.Text("hidden_act") ?? config.Text("hidden_activation") ?? "silu";
        return name switch
        {
            "silu" or "swish" => GateActivation.Silu,
            "gelu_pytorch_tanh" or "gelu_new" => GateActivation.GeluTanh,
            _ => throw new InvalidDataException($"{config.Path}: the activation '{name}' is not supported; silu and gelu_pytorch_tanh are."),
        };
    }

    private static RopeScaling? Scaling(HuggingFaceConfig config, HuggingFaceConfig? rope)
    {
        var kind = rope?.Text("rope_type") ?? rope?.Text("type") ?? "default";
        if (kind is "default" || rope is null)
        {
            return null;
        }

        var original = rope.Whole("original_max_position_embeddings", config.Whole("original_max_position_embeddings", kind == "llama3" ? 8192 : 0));
        return kind switch
        {
            "linear" => new RopeScaling(RopeScalingKind.Linear, Factor(rope), original),
            "yarn" => new RopeScaling(RopeScalingKind.Yarn, Factor(rope), original),
            "llama3" => new RopeScaling(RopeScalingKind.Llama3, Factor(rope), original)
            {
                LowFrequencyFactor = rope.Number("low_freq_factor", 1),
                HighFrequencyFactor = rope.Number("high_freq_factor", 4) is var high && high > rope.Number("low_freq_factor", 1) ? high : throw rope.Fault("high_freq_factor", "more than low_freq_factor"),
            },
            _ => throw new InvalidDataException($"{rope.Path}: the rope type '{kind}' is not supported; default, linear, llama3 and yarn are."),
        };
    }

    private static double Factor(HuggingFaceConfig rope) => rope.Number("factor", 8) is >= 1 and < 1e6 and var factor ? factor : throw rope.Fault("factor", "at least 1");
}
