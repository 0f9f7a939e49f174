using Lauter.Training.Natives;

namespace Lauter.Training.Decoders;

/// <summary>How much of a layer's forward pass is kept for its backward pass.</summary>
internal enum Keeping
{
    /// <summary>Everything that costs a matrix product.</summary>
    All,

    /// <summary>All but gate and up, more than half of the memory: one product is done again.</summary>
    WithoutGate,

    /// <summary>The layer's input alone: its forward pass is done again.</summary>
    Input,
}

/// <summary>What one layer's forward pass leaves for its backward pass, rows first.</summary>
internal sealed unsafe class LayerState : IDisposable
{
    private readonly NativeBuffer _input = new(), _rest = new(), _gate = new();

    /// <summary>[rows, width] before the layer.</summary>
    public float* Input { get; private set; }

    /// <summary>[rows, qkv] after head norms and rotation.</summary>
    public float* Qkv { get; private set; }

    /// <summary>[rows, queries and keys] before head norms; null without them.</summary>
    public float* Raw { get; private set; }

    /// <summary>[wanted, attention].</summary>
    public float* Attended { get; private set; }

    /// <summary>[wanted, heads].</summary>
    public float* LogSums { get; private set; }

    /// <summary>[wanted, width] between attention and feed-forward.</summary>
    public float* Middle { get; private set; }

    /// <summary>[wanted, width] before the norm after attention; null without it. So is <see cref="Fed"/>.</summary>
    public float* Projected { get; private set; }

    /// <summary>[wanted, width] before the norm after the feed-forward part.</summary>
    public float* Fed { get; private set; }

    /// <summary>[wanted, gate | up].</summary>
    public float* GateUp { get; private set; }

    /// <summary>Floats that a layer of this shape keeps per row.</summary>
    public static long FloatsPerRow(DecoderShape shape, Keeping keeping) => shape.Width + (keeping == Keeping.Input ? 0 : RestPerRow(shape)) + (keeping == Keeping.All ? 2L * shape.FeedForward : 0);

    /// <summary>Makes room; what is not kept lies in <paramref name="shared"/>, which all such layers use in turn.</summary>
    public void Reserve(DecoderShape shape, int rows, int wanted, Keeping keeping, LayerState? shared)
    {
        Input = _input.Reserve((long)rows * shape.Width);
        if (keeping == Keeping.Input && shared is not null)
        {
            Qkv = shared.Qkv;
            Raw = shared.Raw;
            Attended = shared.Attended;
            LogSums = shared.LogSums;
            Middle = shared.Middle;
            Projected = shared.Projected;
            Fed = shared.Fed;
        }
        else
        {
            var at = _rest.Reserve(rows * RestPerRow(shape));
            Qkv = Take((long)rows * shape.Qkv);
            Raw = shape.HeadNorms ? Take((long)rows * (shape.Attention + shape.Shared)) : null;
            Attended = Take((long)wanted * shape.Attention);
            LogSums = Take((long)wanted * shape.Heads);
            Middle = Take((long)wanted * shape.Width);
            Projected = shape.PostNorms ? Take((long)wanted * shape.Width) : null;
            Fed = shape.PostNorms ? Take((long)wanted * shape.Width) : null;

            float* Take(long count)
            {
                var here = at;
                at += count;
                return here;
            }
        }

        GateUp = keeping == Keeping.All || shared is null ? _gate.Reserve(2L * wanted * shape.FeedForward) : shared.GateUp;
    }

    public void Dispose()
    {
        _input.Dispose();
        _rest.Dispose();
        _gate.Dispose();
    }

    private static long RestPerRow(DecoderShape shape) =>
        shape.Qkv + shape.Attention + shape.Heads + shape.Width + (shape.HeadNorms ? shape.Attention + shape.Shared : 0) + (shape.PostNorms ? 2 * shape.Width : 0);
}
