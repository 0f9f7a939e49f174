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

/// <summary>A piece of memory that is given out from its beginning to its end.</summary>
internal unsafe struct Arena(float* start)
{
    private const int Alignment = 16;

    private float* _next = start;

    /// <summary>Floats that <see cref="Take"/> uses up for so many.</summary>
    public static long Rounded(long count) => (count + Alignment - 1) / Alignment * Alignment;

    public float* Take(long count)
    {
        var here = _next;
        _next += Rounded(count);
        return here;
    }
}

/// <summary>What one layer's forward pass leaves for its backward pass, rows first; the memory belongs to the pass.</summary>
internal sealed unsafe class LayerState
{
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

    /// <summary>Floats that <see cref="Place"/> takes from the arena, at most.</summary>
    public static long Floats(DecoderShape shape, int rows, Keeping keeping) => (rows * FloatsPerRow(shape, keeping)) + (9 * Arena.Rounded(1));

    /// <summary>Takes its memory; what is not kept lies in <paramref name="shared"/>, which all such layers use in turn.</summary>
    public void Place(ref Arena arena, DecoderShape shape, int rows, int wanted, Keeping keeping, LayerState? shared)
    {
        Input = arena.Take((long)rows * shape.Width);
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
            Qkv = arena.Take((long)rows * shape.Qkv);
            Raw = shape.HeadNorms ? arena.Take((long)rows * (shape.Attention + shape.Shared)) : null;
            Attended = arena.Take((long)wanted * shape.Attention);
            LogSums = arena.Take((long)wanted * shape.Heads);
            Middle = arena.Take((long)wanted * shape.Width);
            Projected = shape.PostNorms ? arena.Take((long)wanted * shape.Width) : null;
            Fed = shape.PostNorms ? arena.Take((long)wanted * shape.Width) : null;
        }

        GateUp = keeping == Keeping.All || shared is null ? arena.Take(2L * wanted * shape.FeedForward) : shared.GateUp;
    }

    private static long RestPerRow(DecoderShape shape) =>
        shape.Qkv + shape.Attention + shape.Heads + shape.Width + (shape.HeadNorms ? shape.Attention + shape.Shared : 0) + (shape.PostNorms ? 2 * shape.Width : 0);
}
