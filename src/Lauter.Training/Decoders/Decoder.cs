using Lauter.Training.Natives;

namespace Lauter.Training.Decoders;

/// <summary>A frozen decoder ready to run: weights, layer cache, output head and rotary tables, shared by the passes of all lanes.</summary>
internal sealed class Decoder : IDisposable
{
    private readonly DecoderWeights _weights;
    private readonly Lock _gate = new();
    private readonly List<RotaryTable> _outgrown = [];
    private RotaryTable? _full, _sliding;

    /// <param name="weights">Becomes this object's.</param>
    /// <param name="slots">Layers held as fp32 at once; null = all.</param>
    public Decoder(DecoderWeights weights, int? slots = null)
    {
        Torch.EnsureLoaded();
        _weights = weights;
        Cache = new LayerCache(weights, slots ?? weights.Shape.Layers);
        Head = new OutputHead(weights);
    }

    public DecoderShape Shape => _weights.Shape;

    public DecoderWeights Weights => _weights;

    public LayerCache Cache { get; }

    public OutputHead Head { get; }

    public DecoderPass NewPass() => new(Shape, Cache, Rotary);

    public HeadPass NewHeadPass() => new(Shape, Head);

    /// <summary>Makes tables long enough for a document of so many tokens; call before passes run side by side.</summary>
    public void Prepare(int positions)
    {
        lock (_gate)
        {
            if (_full is not null && _full.Positions >= positions)
            {
                return;
            }

            var length = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(64, positions));
            _outgrown.AddRange(new[] { _full, _sliding }.OfType<RotaryTable>());
            _full = Shape.Rotary(sliding: false, length);
            _sliding = Shape.Config.SlidingWindow is null ? null : Shape.Rotary(sliding: true, length);
        }
    }

    /// <summary>Natural-log probabilities of the next token after each prefix: [ids.Length, vocabulary].</summary>
    public unsafe float[,] LogProbabilities(int[] ids, ILayerAdapter? adapter = null)
    {
        ArgumentOutOfRangeException.ThrowIfZero(ids.Length);
        Prepare(ids.Length);
        using var pass = NewPass();
        using var head = NewHeadPass();
        var pack = new Pack(ids, 0, [0], [ids.Length], [], [], [], []);
        var features = pass.Forward(pack, Head.Embed, [.. Enumerable.Range(0, ids.Length)], adapter, keeping: null);
        var result = new float[ids.Length, Shape.Vocabulary];
        head.Distributions(features, ids.Length, result);
        return result;
    }

    public void Dispose()
    {
        Cache.Dispose();
        Head.Dispose();
        _outgrown.ForEach(t => t.Dispose());
        _full?.Dispose();
        _sliding?.Dispose();
        _weights.Dispose();
    }

    private RotaryTable Rotary(int layer) => Shape.Config.Slides(layer) ? _sliding! : _full!;
}
