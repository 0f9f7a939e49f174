namespace Lauter.Models.Families;

/// <summary>
/// The shape of a decoder-only network, whatever its family: what a forward pass, a LoRA trainer and an exporter must know. Read from a Hugging Face
/// <c>config.json</c> or from GGUF keys by <see cref="ModelFamily"/>; both give the same values. All weights are meant in the order of the GGUF file
/// (see <see cref="WeightName"/>), so <see cref="RotaryPairs"/> says how llama.cpp rotates, and gains that transformers stores minus one are whole.
/// </summary>
public sealed record ModelConfig
{
    /// <summary>Family, the name of a <see cref="ModelFamily"/>: <c>llama</c>, <c>qwen2</c>, <c>gemma3</c> and so on.</summary>
    public required string Family { get; init; }

    /// <summary>Number of tokens, padding rows included.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Features of the residual stream.</summary>
    public required int Width { get; init; }

    /// <summary>Number of blocks.</summary>
    public required int Layers { get; init; }

    /// <summary>Query heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Key and value heads; divides <see cref="Heads"/>.</summary>
    public required int KvHeads { get; init; }

    /// <summary>Features of one head, of queries, keys and values alike; <see cref="Heads"/> × this need not be <see cref="Width"/>.</summary>
    public required int HeadDimension { get; init; }

    /// <summary>Features inside the gated feed-forward part.</summary>
    public required int FeedForward { get; init; }

    /// <summary>Longest sequence the weights were trained for, in tokens.</summary>
    public required int ContextLength { get; init; }

    /// <summary>Base of the rotary frequencies.</summary>
    public double RopeBase { get; init; } = 10_000;

    /// <summary>Rotated features of each head, the first ones; even, at most <see cref="HeadDimension"/>. Less = partial rotation.</summary>
    public required int RopeDimension { get; init; }

    /// <summary>Which features form a rotated pair, in GGUF order.</summary>
    public RotaryPairs RotaryPairs { get; init; }

    /// <summary>How positions beyond the original training length are squeezed; null = not.</summary>
    public RopeScaling? RopeScaling { get; init; }

    /// <summary>Divisors of the rotary frequencies, one per rotated pair; null = all 1. In GGUF the tensor <c>rope_freqs.weight</c>.</summary>
    public IReadOnlyList<float>? RotaryFactors { get; init; }

    /// <summary>Added to the mean square in RMS normalisation.</summary>
    public double NormEpsilon { get; init; } = 1e-5;

    /// <summary>Whether the embedding is the output matrix too.</summary>
    public bool TiedEmbeddings { get; init; }

    /// <summary>Whether query, key and value projections add a bias.</summary>
    public bool QkvBias { get; init; }

    /// <summary>Whether the projection out of attention adds a bias.</summary>
    public bool AttentionOutputBias { get; init; }

    /// <summary>Whether the three feed-forward projections add a bias.</summary>
    public bool FeedForwardBias { get; init; }

    /// <summary>Whether queries, keys and values are rows of one matrix <c>attn_qkv</c>, in this order.</summary>
    public bool FusedQkv { get; init; }

    /// <summary>Whether gate and up are rows of one matrix <c>ffn_up</c>, gate first.</summary>
    public bool FusedGateUp { get; init; }

    /// <summary>Whether each query and key head is RMS-normalised before it is rotated.</summary>
    public bool QueryKeyNorm { get; init; }

    /// <summary>Whether the outputs of attention and feed-forward are normalised too, before they join the residual stream.</summary>
    public bool SandwichNorm { get; init; }

    /// <summary>Activation of the gate.</summary>
    public GateActivation Activation { get; init; }

    /// <summary>Factor on embeddings as they enter the residual stream.</summary>
    public double EmbeddingScale { get; init; } = 1;

    /// <summary>Factor on query–key products; null = 1/√<see cref="HeadDimension"/>.</summary>
    public double? AttentionScale { get; init; }

    /// <summary>Cap c of the logits, c·tanh(x/c); null = none.</summary>
    public double? LogitSoftcap { get; init; }

    /// <summary>Tokens that a sliding layer sees, itself included; null = every layer sees all.</summary>
    public int? SlidingWindow { get; init; }

    /// <summary>With a window: every this-many-th layer sees all, the others slide.</summary>
    public int SlidingPeriod { get; init; } = 1;

    /// <summary>Base of the rotary frequencies of sliding layers.</summary>
    public double SlidingRopeBase { get; init; } = 10_000;

    /// <summary>Whether a layer sees only the last <see cref="SlidingWindow"/> tokens.</summary>
    public bool Slides(int layer) => SlidingWindow is not null && layer % SlidingPeriod < SlidingPeriod - 1;

    /// <summary>The factor on query–key products.</summary>
    public double QueryKeyScale => AttentionScale ?? 1 / Math.Sqrt(HeadDimension);

    /// <summary>Reads the shape of a GGUF file, of a folder with <c>config.json</c>, or of that file itself.</summary>
    /// <exception cref="InvalidDataException">No supported family, or a value that is missing or out of range; also from GGUF files as <see cref="Gguf.GgufFormatException"/>.</exception>
    public static ModelConfig Read(string path)
    {
        if (Directory.Exists(path) || Path.GetExtension(path) == ".json")
        {
            var json = HuggingFaceConfig.Open(path);
            return ModelFamily.Detect(json).Read(json);
        }

        using var file = Gguf.GgufFile.Open(path);
        return ModelFamily.Detect(file).Read(file);
    }

    /// <summary>What makes this shape impossible; empty when it is sound.</summary>
    public IEnumerable<string> Faults()
    {
        const int most = 1 << 24;
        foreach (var (name, value) in new (string, int)[]
        {
            ("vocabulary size", VocabularySize), ("width", Width), ("number of layers", Layers), ("number of heads", Heads), ("number of key-value heads", KvHeads),
            ("head dimension", HeadDimension), ("feed-forward size", FeedForward), ("context length", ContextLength), ("rope dimension", RopeDimension),
            ("sliding window", SlidingWindow ?? 1), ("sliding period", SlidingPeriod),
        })
        {
            if (value is < 1 or > most)
            {
                yield return $"The {name} is {value}, but must lie in 1 to {most}.";
            }
        }

        if (Layers > 4096 || (long)Heads * HeadDimension > most || (long)KvHeads * HeadDimension > most)
        {
            yield return $"{Layers} layers of {Heads} heads of {HeadDimension} features are more than any network of these families has.";
        }

        if (RopeDimension > HeadDimension || RopeDimension % 2 != 0)
        {
            yield return $"{RopeDimension} rotated features are no even part of a head of {HeadDimension}.";
        }

        if (KvHeads > 0 && Heads % KvHeads != 0)
        {
            yield return $"{Heads} heads cannot share {KvHeads} key-value heads evenly.";
        }

        if (!(NormEpsilon is > 0 and < 1) || !(RopeBase is > 1 and < 1e12) || !(SlidingRopeBase is > 1 and < 1e12))
        {
            yield return $"The norm epsilon {NormEpsilon} must lie between 0 and 1, the rope bases {RopeBase} and {SlidingRopeBase} between 1 and 10¹².";
        }

        if (!double.IsFinite(EmbeddingScale) || AttentionScale is { } scale && !(scale is > 0 and < 1e6) || LogitSoftcap is { } cap && !(cap is > 0 and < 1e6))
        {
            yield return $"The embedding scale {EmbeddingScale}, attention scale {AttentionScale} or logit cap {LogitSoftcap} is out of range.";
        }

        if (RotaryFactors is { } factors && (factors.Count != RopeDimension / 2 || factors.Any(f => !(f is > 0 and < 1e6f))))
        {
            yield return $"{factors.Count} rotary factors do not fit {RopeDimension / 2} rotated pairs, or one is not a positive number.";
        }
    }
}

/// <summary>Which two features of a head turn together.</summary>
public enum RotaryPairs
{
    /// <summary>Neighbours (0,1)(2,3)…</summary>
    Adjacent,

    /// <summary>Half of the rotated features apart: (0,d/2)(1,d/2+1)…</summary>
    Halves,
}

/// <summary>Activation of the feed-forward gate.</summary>
public enum GateActivation
{
    /// <summary>x·σ(x).</summary>
    Silu,

    /// <summary>GELU by its tanh approximation.</summary>
    GeluTanh,
}
