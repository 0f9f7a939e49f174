using System.Text.Json;
using Lauter.Models.Gguf;

namespace Lauter.Models.Families;

/// <summary>The shape of a Llama-family network (architecture "llama" of llama.cpp).</summary>
public sealed record LlamaConfig
{
    /// <summary>Number of tokens.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Features of the residual stream.</summary>
    public required int Width { get; init; }

    /// <summary>Number of blocks.</summary>
    public required int Layers { get; init; }

    /// <summary>Query heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Key and value heads; divides <see cref="Heads"/>.</summary>
    public required int KvHeads { get; init; }

    /// <summary>Features inside the gated feed-forward part.</summary>
    public required int FeedForward { get; init; }

    /// <summary>Longest sequence, in tokens.</summary>
    public required int ContextLength { get; init; }

    /// <summary>Base of the rotary frequencies.</summary>
    public double RopeBase { get; init; } = 10_000;

    /// <summary>Added to the mean square in RMS normalisation.</summary>
    public double NormEpsilon { get; init; } = 1e-5;

    /// <summary>Whether the embedding is the output matrix too.</summary>
    public bool TiedEmbeddings { get; init; }

    /// <summary>Features of one head, <see cref="Width"/> ÷ <see cref="Heads"/>.</summary>
    public int HeadDimension => Width / Heads;

    /// <summary>Reads the shape from the keys of a file of architecture "llama".</summary>
    /// <exception cref="GgufFormatException">Another architecture, a missing key, a value out of range, or a feature that Llama networks here do not have.</exception>
    public static LlamaConfig FromGguf(GgufFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        var keys = file.Metadata;
        var architecture = keys.Text("general.architecture");
        if (architecture != "llama")
        {
            throw new GgufFormatException($"{file.Path}: general.architecture is '{architecture ?? "missing"}'; only 'llama' is read as a Llama network.");
        }

        var heads = Whole(file, "llama.attention.head_count", null);
        var width = Whole(file, "llama.embedding_length", null);
        var embedding = file.Tensor(GgufNames.Embedding);
        var config = new LlamaConfig
        {
            VocabularySize = checked((int)embedding.Shape[0]),
            Width = width,
            Layers = Whole(file, "llama.block_count", null),
            Heads = heads,
            KvHeads = Whole(file, "llama.attention.head_count_kv", heads),
            FeedForward = Whole(file, "llama.feed_forward_length", null),
            ContextLength = Whole(file, "llama.context_length", null),
            RopeBase = keys.Number("llama.rope.freq_base") ?? 10_000,
            NormEpsilon = keys.Number("llama.attention.layer_norm_rms_epsilon")
                ?? throw new GgufFormatException($"{file.Path}: the key 'llama.attention.layer_norm_rms_epsilon' is missing."),
            TiedEmbeddings = !file.TryGetTensor(GgufNames.Output, out _),
        };
        if (embedding.Shape.Count != 2 || embedding.Shape[1] != width)
        {
            throw new GgufFormatException($"{file.Path}: {GgufNames.Embedding} is [{string.Join(", ", embedding.Shape)}], but its rows must have llama.embedding_length = {width} values.");
        }

        foreach (var key in new[] { "llama.attention.key_length", "llama.attention.value_length", "llama.rope.dimension_count" })
        {
            if (keys.Integer(key) is { } value && value != config.HeadDimension)
            {
                throw new GgufFormatException($"{file.Path}: {key} is {value}, but heads of another size than {config.HeadDimension} are not supported.");
            }
        }

        return config.Faults().FirstOrDefault() is { } fault ? throw new GgufFormatException($"{file.Path}: {fault}") : config;
    }

    /// <summary>Reads the shape from a Hugging Face <c>config.json</c> of model_type llama.</summary>
    /// <exception cref="InvalidDataException">Another model type, a missing member, or a feature that Llama networks here do not have.</exception>
    public static LlamaConfig FromHuggingFace(string json)
    {
        using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 32 });
        var root = document.RootElement;
        int Get(string name, int? otherwise = null) => root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number
            ? value.GetInt32()
            : otherwise ?? throw new InvalidDataException($"config.json: '{name}' is missing.");
        if (!root.TryGetProperty("model_type", out var type) || type.GetString() != "llama")
        {
            throw new InvalidDataException($"config.json: model_type is {(type.ValueKind == JsonValueKind.Undefined ? "missing" : type.ToString())}; only 'llama' is read as a Llama network.");
        }

        var rope = root.TryGetProperty("rope_parameters", out var parameters) && parameters.ValueKind == JsonValueKind.Object ? parameters : root;
        if (rope.TryGetProperty("rope_type", out var ropeType) && ropeType.GetString() != "default")
        {
            throw new InvalidDataException($"config.json: rope_type '{ropeType}' is not supported; only 'default' is.");
        }

        if (root.TryGetProperty("rope_scaling", out var scaling) && scaling.ValueKind == JsonValueKind.Object)
        {
            throw new InvalidDataException("config.json: rope_scaling is not supported.");
        }

        var heads = Get("num_attention_heads");
        var config = new LlamaConfig
        {
            VocabularySize = Get("vocab_size"),
            Width = Get("hidden_size"),
            Layers = Get("num_hidden_layers"),
            Heads = heads,
            KvHeads = Get("num_key_value_heads", heads),
            FeedForward = Get("intermediate_size"),
            ContextLength = Get("max_position_embeddings"),
            RopeBase = rope.TryGetProperty("rope_theta", out var theta) ? theta.GetDouble() : 10_000,
            NormEpsilon = root.TryGetProperty("rms_norm_eps", out var epsilon) ? epsilon.GetDouble() : 1e-6,
            TiedEmbeddings = root.TryGetProperty("tie_word_embeddings", out var tied) && tied.ValueKind == JsonValueKind.True,
        };
        if (Get("head_dim", config.HeadDimension) != config.HeadDimension)
        {
            throw new InvalidDataException($"config.json: head_dim is {Get("head_dim")}, but heads of another size than {config.HeadDimension} are not supported.");
        }

        return config.Faults().FirstOrDefault() is { } fault ? throw new InvalidDataException($"config.json: {fault}") : config;
    }

    /// <summary>Writes the architecture's keys, without tokenizer and without tensors.</summary>
    public void WriteTo(GgufWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.Add("general.architecture", "llama")
            .Add("general.type", "model")
            .Add("llama.context_length", (uint)ContextLength)
            .Add("llama.embedding_length", (uint)Width)
            .Add("llama.block_count", (uint)Layers)
            .Add("llama.feed_forward_length", (uint)FeedForward)
            .Add("llama.attention.head_count", (uint)Heads)
            .Add("llama.attention.head_count_kv", (uint)KvHeads)
            .Add("llama.attention.layer_norm_rms_epsilon", (float)NormEpsilon)
            .Add("llama.rope.freq_base", (float)RopeBase)
            .Add("llama.rope.dimension_count", (uint)HeadDimension)
            .Add("llama.vocab_size", (uint)VocabularySize);
    }

    /// <summary>What makes this shape impossible; empty when it is sound.</summary>
    public IEnumerable<string> Faults()
    {
        foreach (var (name, value) in new (string, int)[]
        {
            ("vocabulary size", VocabularySize), ("width", Width), ("number of layers", Layers), ("number of heads", Heads),
            ("number of key-value heads", KvHeads), ("feed-forward size", FeedForward), ("context length", ContextLength),
        })
        {
            if (value is < 1 or > 1 << 24)
            {
                yield return $"The {name} is {value}, but must lie in 1 to {1 << 24}.";
            }
        }

        if (Heads > 0 && (Width % Heads != 0 || Width / Heads % 2 != 0))
        {
            yield return $"The width {Width} does not split into {Heads} heads of an even size.";
        }

        if (KvHeads > 0 && Heads % KvHeads != 0)
        {
            yield return $"{Heads} heads cannot share {KvHeads} key-value heads evenly.";
        }

        if (!(NormEpsilon is > 0 and < 1) || !(RopeBase is > 1 and < 1e12))
        {
            yield return $"The norm epsilon {NormEpsilon} must lie between 0 and 1 and the rope base {RopeBase} between 1 and 10¹².";
        }
    }

    private static int Whole(GgufFile file, string key, int? otherwise) => file.Metadata.Integer(key) switch
    {
        { } value when value is >= 1 and <= 1 << 24 => (int)value,
        { } value => throw new GgufFormatException($"{file.Path}: {key} is {value}, but must lie in 1 to {1 << 24}."),
        null when otherwise is { } value && !file.Metadata.ContainsKey(key) => value,
        _ => throw new GgufFormatException($"{file.Path}: the key '{key}' is missing or no single number."),
    };
}
