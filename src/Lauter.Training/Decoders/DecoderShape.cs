using Lauter.Models.Families;

namespace Lauter.Training.Decoders;

/// <summary>The seven matrices of a layer that adapters may sit on, in their frozen order: checkpoints count on it.</summary>
internal enum Projection
{
    Query,
    Key,
    Value,
    Output,
    Gate,
    Up,
    Down,
}

/// <summary>
/// The sizes of a decoder, worked out from its <see cref="ModelConfig"/>: RMSNorm → grouped-query attention with rotary positions → residual, RMSNorm →
/// gated feed-forward → residual. A family is a combination of switches; none has code of its own below the configuration.
/// </summary>
internal sealed class DecoderShape
{
    /// <exception cref="InvalidDataException">The family has a part that is not computed here.</exception>
    public DecoderShape(ModelConfig config)
    {
        Config = config;
        string? missing = config switch
        {
            { AttentionOutputBias: true } => "a bias on the projection out of attention",
            { FeedForwardBias: true } => "a bias in the feed-forward part",
            { LogitSoftcap: not null } => "capped logits",
            { RopeScaling.Kind: RopeScalingKind.Yarn } => "rotary positions stretched by YaRN",
            _ => null,
        };
        if (missing is not null)
        {
            throw new InvalidDataException($"This {config.Family} model has {missing}, which is not computed in training; serving it is possible.");
        }

        NormEpsilon = (float)config.NormEpsilon;
        EmbeddingScale = (float)config.EmbeddingScale;
        AttentionScale = (float)config.QueryKeyScale;
    }

    public ModelConfig Config { get; }

    public int Vocabulary => Config.VocabularySize;

    public int Width => Config.Width;

    public int Layers => Config.Layers;

    public int Heads => Config.Heads;

    public int KvHeads => Config.KvHeads;

    public int HeadSize => Config.HeadDimension;

    public int FeedForward => Config.FeedForward;

    public float NormEpsilon { get; }

    public float EmbeddingScale { get; }

    public float AttentionScale { get; }

    /// <summary>RMSNorm over each query and key head before the rotation (Qwen 3, Gemma 3).</summary>
    public bool HeadNorms => Config.QueryKeyNorm;

    /// <summary>RMSNorm on what attention and feed-forward give back, before the residual sum (GLM 4, Gemma 3).</summary>
    public bool PostNorms => Config.SandwichNorm;

    /// <summary>A bias on queries, keys and values (Qwen 2, GLM 4).</summary>
    public bool Biases => Config.QkvBias;

    /// <summary>Query heads that share one key head.</summary>
    public int Group => Heads / KvHeads;

    /// <summary>Features of all query heads.</summary>
    public int Attention => Heads * HeadSize;

    /// <summary>Features of all key heads, and of all value heads.</summary>
    public int Shared => KvHeads * HeadSize;

    /// <summary>Columns of the fused query, key and value activations.</summary>
    public int Qkv => Attention + (2 * Shared);

    /// <summary>Values of the matrices that every token passes, the output matrix not counted.</summary>
    public long MatrixValues => Layers * Enum.GetValues<Projection>().Sum(p => (long)Size(p).In * Size(p).Out);

    /// <summary>Tokens that a layer looks back on, itself included.</summary>
    public int Window(int layer) => Config.Slides(layer) ? Config.SlidingWindow!.Value : int.MaxValue;

    /// <summary>A rotary table for layers that slide, or for those that see all.</summary>
    public RotaryTable Rotary(bool sliding, int positions)
    {
        var factors = Config.RotaryFactors?.ToArray();
        if (!sliding && Config.RopeScaling is { Kind: RopeScalingKind.Linear, Factor: var factor })
        {
            factors = [.. Enumerable.Repeat((float)factor, Config.RopeDimension / 2)];
        }

        return new RotaryTable(Config.RopeDimension, sliding ? Config.SlidingRopeBase : Config.RopeBase, factors, positions);
    }

    /// <summary>Inputs and outputs of a projection.</summary>
    public (int In, int Out) Size(Projection projection) => projection switch
    {
        Projection.Query => (Width, Attention),
        Projection.Key or Projection.Value => (Width, Shared),
        Projection.Output => (Attention, Width),
        Projection.Gate or Projection.Up => (Width, FeedForward),
        _ => (FeedForward, Width),
    };
}
