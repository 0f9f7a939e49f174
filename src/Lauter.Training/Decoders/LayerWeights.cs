using Lauter.Training.Natives;

namespace Lauter.Training.Decoders;

/// <summary>
/// One layer's weights in fp32, rows = outputs. Query, key and value rows lie one after the other, and so do gate and up rows: each group is
/// one matrix product.
/// </summary>
internal sealed unsafe class LayerWeights : IDisposable
{
    private readonly NativeBuffer _memory;
    private readonly DecoderShape _shape;

    public LayerWeights(DecoderShape shape)
    {
        _shape = shape;
        long width = shape.Width, at = 0;
        long qkv = Take(shape.Qkv * width), output = Take(width * shape.Attention), gateUp = Take(2L * shape.FeedForward * width), down = Take(width * shape.FeedForward);
        long bias = Take(shape.Biases ? shape.Qkv : 0), attentionNorm = Take(width), feedForwardNorm = Take(width);
        long queryNorm = Take(shape.HeadNorms ? shape.HeadSize : 0), keyNorm = Take(shape.HeadNorms ? shape.HeadSize : 0);
        long postAttention = Take(shape.PostNorms ? width : 0), postFeedForward = Take(shape.PostNorms ? width : 0);
        _memory = new NativeBuffer(at);
        var start = _memory.Pointer;
        Qkv = start + qkv;
        Output = start + output;
        GateUp = start + gateUp;
        Down = start + down;
        Bias = shape.Biases ? start + bias : null;
        AttentionNorm = start + attentionNorm;
        FeedForwardNorm = start + feedForwardNorm;
        QueryNorm = shape.HeadNorms ? start + queryNorm : null;
        KeyNorm = shape.HeadNorms ? start + keyNorm : null;
        PostAttentionNorm = shape.PostNorms ? start + postAttention : null;
        PostFeedForwardNorm = shape.PostNorms ? start + postFeedForward : null;

        long Take(long count)
        {
            var here = at;
            at += (count + 15) / 16 * 16;
            return here;
        }
    }

    public float* Qkv { get; }

    public float* Output { get; }

    public float* GateUp { get; }

    public float* Down { get; }

    /// <summary>Null where the family has none; so are the optional norms.</summary>
    public float* Bias { get; }

    public float* AttentionNorm { get; }

    public float* FeedForwardNorm { get; }

    public float* QueryNorm { get; }

    public float* KeyNorm { get; }

    public float* PostAttentionNorm { get; }

    public float* PostFeedForwardNorm { get; }

    public static long Bytes(DecoderShape shape) => sizeof(float) * (shape.MatrixValues / shape.Layers);

    public float* Matrix(Projection projection) => projection switch
    {
        Projection.Query => Qkv,
        Projection.Key => Qkv + ((long)_shape.Attention * _shape.Width),
        Projection.Value => Qkv + ((long)(_shape.Attention + _shape.Shared) * _shape.Width),
        Projection.Output => Output,
        Projection.Gate => GateUp,
        Projection.Up => GateUp + ((long)_shape.FeedForward * _shape.Width),
        _ => Down,
    };

    public void Dispose() => _memory.Dispose();
}
