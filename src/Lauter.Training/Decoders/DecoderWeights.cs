using Lauter.Models.Families;
using Lauter.Models.Gguf;

namespace Lauter.Training.Decoders;

/// <summary>
/// A decoder's frozen weights by the names and in the order of GGUF files. Reading is thread-safe; values are widened to fp32 on the way.
/// </summary>
internal abstract class DecoderWeights(DecoderShape shape, IEnumerable<WeightName> names) : IDisposable
{
    private readonly Dictionary<string, WeightName> _names = names.ToDictionary(n => n.Gguf, StringComparer.Ordinal);

    public DecoderShape Shape => shape;

    public WeightName Name(int layer, Projection projection) => _names[Matrix(layer, projection).Name];

    /// <summary>The row at which a projection begins in its matrix; above 0 only where the file has several in one.</summary>
    public int FirstRow(int layer, Projection projection) => Matrix(layer, projection).FirstRow;

    /// <summary>Rows from <paramref name="row"/> of a layer's matrix, row-major.</summary>
    public void Read(int layer, Projection projection, int row, Span<float> destination)
    {
        var (name, first) = Matrix(layer, projection);
        Read(name, (long)(first + row) * shape.Size(projection).In, destination);
    }

    /// <summary>Says that a layer's matrices have been read and need no memory until they are read again.</summary>
    public void Forget(int layer)
    {
        foreach (var name in Enum.GetValues<Projection>().Select(p => Matrix(layer, p).Name).Distinct(StringComparer.Ordinal))
        {
            Forget(name);
        }
    }

    /// <summary>The same of the output matrix.</summary>
    public void ForgetOutput() => Forget(shape.Config.TiedEmbeddings ? "token_embd.weight" : "output.weight");

    /// <summary>The vectors of a layer: biases and gains.</summary>
    public unsafe void ReadVectors(int layer, LayerWeights destination)
    {
        Vector("attn_norm.weight", destination.AttentionNorm, shape.Width);
        Vector("ffn_norm.weight", destination.FeedForwardNorm, shape.Width);
        if (shape.Biases)
        {
            if (shape.Config.FusedQkv)
            {
                Vector("attn_qkv.bias", destination.Bias, shape.Qkv);
            }
            else
            {
                Vector("attn_q.bias", destination.Bias, shape.Attention);
                Vector("attn_k.bias", destination.Bias + shape.Attention, shape.Shared);
                Vector("attn_v.bias", destination.Bias + shape.Attention + shape.Shared, shape.Shared);
            }
        }

        if (shape.HeadNorms)
        {
            Vector("attn_q_norm.weight", destination.QueryNorm, shape.HeadSize);
            Vector("attn_k_norm.weight", destination.KeyNorm, shape.HeadSize);
        }

        if (shape.PostNorms)
        {
            Vector("post_attention_norm.weight", destination.PostAttentionNorm, shape.Width);
            Vector("post_ffw_norm.weight", destination.PostFeedForwardNorm, shape.Width);
        }

        void Vector(string name, float* target, int count) => Read($"blk.{layer}.{name}", 0, new Span<float>(target, count));
    }

    /// <summary>Rows of the token embedding, unscaled.</summary>
    public void ReadEmbedding(int row, Span<float> destination) => Read("token_embd.weight", (long)row * shape.Width, destination);

    /// <summary>Rows of the output matrix; the embedding's when tied.</summary>
    public void ReadOutput(int row, Span<float> destination) =>
        Read(shape.Config.TiedEmbeddings ? "token_embd.weight" : "output.weight", (long)row * shape.Width, destination);

    public void ReadOutputNorm(Span<float> destination) => Read("output_norm.weight", 0, destination);

    public abstract void Dispose();

    /// <param name="name">In the GGUF file.</param>
    /// <param name="start">First value; a multiple of a whole row.</param>
    /// <param name="destination">Receives its length.</param>
    protected abstract void Read(string name, long start, Span<float> destination);

    /// <summary>Gives memory back where weights have a place elsewhere.</summary>
    protected virtual void Forget(string name)
    {
    }

    private (string Name, int FirstRow) Matrix(int layer, Projection projection)
    {
        var (part, row) = projection switch
        {
            Projection.Query when shape.Config.FusedQkv => ("attn_qkv", 0),
            Projection.Key when shape.Config.FusedQkv => ("attn_qkv", shape.Attention),
            Projection.Value when shape.Config.FusedQkv => ("attn_qkv", shape.Attention + shape.Shared),
            Projection.Gate when shape.Config.FusedGateUp => ("ffn_up", 0),
            Projection.Up when shape.Config.FusedGateUp => ("ffn_up", shape.FeedForward),
            Projection.Query => ("attn_q", 0),
            Projection.Key => ("attn_k", 0),
            Projection.Value => ("attn_v", 0),
            Projection.Output => ("attn_output", 0),
            Projection.Gate => ("ffn_gate", 0),
            Projection.Up => ("ffn_up", 0),
            _ => ("ffn_down", 0),
        };
        return ($"blk.{layer}.{part}.weight", row);
    }
}

/// <summary>Weights that stay in their file, mapped and quantised; the file belongs to this object.</summary>
internal sealed class MappedWeights : DecoderWeights
{
    private readonly GgufFile _file;

    private MappedWeights(GgufFile file, DecoderShape shape, IEnumerable<WeightName> names)
        : base(shape, names) => _file = file;

    /// <exception cref="GgufFormatException">No supported family, or a weight is missing, unknown or of another shape.</exception>
    public static MappedWeights Open(string path)
    {
        var file = GgufFile.Open(path);
        try
        {
            using var weights = ModelWeights.Of(file);
            return new MappedWeights(file, new DecoderShape(weights.Config), weights.Names);
        }
        catch
        {
            // The mapping must not outlive a refused file.
            file.Dispose();
            throw;
        }
    }

    public override void Dispose() => _file.Dispose();

    protected override void Read(string name, long start, Span<float> destination) => _file.ReadFloat32(_file.Tensor(name), start, destination);

    protected override void Forget(string name) => _file.Forget(_file.Tensor(name));
}

/// <summary>Weights held as fp32 in memory: of a checkpoint folder, whose rows must be reordered as a whole.</summary>
internal sealed class ResidentWeights : DecoderWeights
{
    private readonly Dictionary<string, float[]> _values;

    public ResidentWeights(ModelWeights weights)
        : base(new DecoderShape(weights.Config), weights.Names) =>
        _values = weights.Names.ToDictionary(n => n.Gguf, weights.Read, StringComparer.Ordinal);

    public override void Dispose()
    {
    }

    protected override void Read(string name, long start, Span<float> destination) => _values[name].AsSpan((int)start, destination.Length).CopyTo(destination);
}
