using Lauter.Models.Gguf;

namespace Lauter.Models.Families;

/// <summary>The keys that llama.cpp's architectures share, with the architecture's name before them.</summary>
internal static class GgufShape
{
    public const string RotaryFactors = "rope_freqs.weight";

    public static ModelConfig Read(GgufFile file, ModelFamily family)
    {
        var a = family.Architecture;
        var keys = file.Metadata;
        int heads = Whole(file, $"{a}.attention.head_count", null), width = Whole(file, $"{a}.embedding_length", null);
        var embedding = file.Tensor(GgufNames.Embedding);
        if (embedding.Shape.Count != 2 || embedding.Shape[1] != width || embedding.Shape[0] > int.MaxValue)
        {
            throw new GgufFormatException($"{file.Path}: {GgufNames.Embedding} is [{string.Join(", ", embedding.Shape)}], but its rows must have {a}.embedding_length = {width} values.");
        }

        var head = Whole(file, $"{a}.attention.key_length", width / heads);
        if (keys.Integer($"{a}.attention.value_length") is { } values && values != head)
        {
            throw new GgufFormatException($"{file.Path}: {a}.attention.value_length is {values}, but value heads of another size than key heads, {head}, are not supported.");
        }

        if (keys.Integer($"{a}.expert_count") is > 0 and { } experts)
        {
            throw new GgufFormatException($"{file.Path}: {a}.expert_count is {experts}; mixtures of experts are not supported.");
        }

        return new ModelConfig
        {
            Family = family.Name,
            VocabularySize = (int)embedding.Shape[0],
            Width = width,
            Layers = Whole(file, $"{a}.block_count", null),
            Heads = heads,
            KvHeads = Whole(file, $"{a}.attention.head_count_kv", heads),
            HeadDimension = head,
            FeedForward = Whole(file, $"{a}.feed_forward_length", null),
            ContextLength = Whole(file, $"{a}.context_length", null),
            RopeBase = keys.Number($"{a}.rope.freq_base") ?? 10_000,
            RopeDimension = Whole(file, $"{a}.rope.dimension_count", head),
            RotaryPairs = family.GgufPairs,
            RopeScaling = Scaling(file, a),
            RotaryFactors = file.TryGetTensor(RotaryFactors, out var factors) && factors.ElementCount <= head ? file.ReadFloat32(RotaryFactors) : null,
            NormEpsilon = keys.Number($"{a}.attention.layer_norm_rms_epsilon") ?? throw new GgufFormatException($"{file.Path}: the key '{a}.attention.layer_norm_rms_epsilon' is missing."),
            TiedEmbeddings = !file.TryGetTensor(GgufNames.Output, out _),
            QkvBias = file.TryGetTensor("blk.0.attn_q.bias", out _) || file.TryGetTensor("blk.0.attn_qkv.bias", out _),
            AttentionOutputBias = file.TryGetTensor("blk.0.attn_output.bias", out _),
            FeedForwardBias = file.TryGetTensor("blk.0.ffn_down.bias", out _),
            FusedQkv = file.TryGetTensor("blk.0.attn_qkv.weight", out _),
            FusedGateUp = !file.TryGetTensor("blk.0.ffn_gate.weight", out _),
            QueryKeyNorm = file.TryGetTensor("blk.0.attn_q_norm.weight", out _),
            SandwichNorm = file.TryGetTensor("blk.0.post_ffw_norm.weight", out _),
        };
    }

    public static void Write(ModelConfig config, string a, GgufWriter writer)
    {
        writer.Add("general.architecture", a)
            .Add("general.type", "model")
            .Add($"{a}.context_length", (uint)config.ContextLength)
            .Add($"{a}.embedding_length", (uint)config.Width)
            .Add($"{a}.block_count", (uint)config.Layers)
            .Add($"{a}.feed_forward_length", (uint)config.FeedForward)
            .Add($"{a}.attention.head_count", (uint)config.Heads)
            .Add($"{a}.attention.head_count_kv", (uint)config.KvHeads)
            .Add($"{a}.attention.layer_norm_rms_epsilon", (float)config.NormEpsilon)
            .Add($"{a}.rope.freq_base", (float)config.RopeBase)
            .Add($"{a}.rope.dimension_count", (uint)config.RopeDimension)
            .Add($"{a}.vocab_size", (uint)config.VocabularySize);
        if (config.HeadDimension * config.Heads != config.Width)
        {
            writer.Add($"{a}.attention.key_length", (uint)config.HeadDimension).Add($"{a}.attention.value_length", (uint)config.HeadDimension);
        }

        if (config.RopeScaling is { Kind: not RopeScalingKind.Llama3 } scaling)
        {
            writer.Add($"{a}.rope.scaling.type", scaling.Kind == RopeScalingKind.Linear ? "linear" : "yarn").Add($"{a}.rope.scaling.factor", (float)scaling.Factor);
            if (scaling.OriginalContextLength > 0)
            {
                writer.Add($"{a}.rope.scaling.original_context_length", (uint)scaling.OriginalContextLength);
            }
        }
    }

    public static int Whole(GgufFile file, string key, int? otherwise) => file.Metadata.Integer(key) switch
    {
        { } value when value is >= 1 and <= 1 << 24 => (int)value,
        { } value => throw new GgufFormatException($"{file.Path}: {key} is {value}, but must lie in 1 to {1 << 24}."),
        null when otherwise is { } value && !file.Metadata.ContainsKey(key) => value,
        _ => throw new GgufFormatException($"{file.Path}: the key '{key}' is missing or no single number."),
    };

    private static RopeScaling? Scaling(GgufFile file, string a)
    {
        var factor = file.Metadata.Number($"{a}.rope.scaling.factor") ?? file.Metadata.Number($"{a}.rope.scale_linear") ?? 1;
        var original = file.Metadata.Integer($"{a}.rope.scaling.original_context_length") is >= 0 and <= 1 << 24 and { } tokens ? (int)tokens : 0;
        return (file.Metadata.Text($"{a}.rope.scaling.type") ?? (file.Metadata.ContainsKey($"{a}.rope.scale_linear") ? "linear" : "none")) switch
        {
            "none" => null,
            "linear" => new RopeScaling(RopeScalingKind.Linear, factor, original),
            "yarn" => new RopeScaling(RopeScalingKind.Yarn, factor, original),
            var other => throw new GgufFormatException($"{file.Path}: {a}.rope.scaling.type is '{other}'; none, linear and yarn are supported."),
        };
    }
}
