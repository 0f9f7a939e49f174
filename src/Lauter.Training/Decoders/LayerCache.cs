namespace Lauter.Training.Decoders;

/// <summary>
/// Lends layers as fp32 to the lanes that run through them. Frozen weights stay where they are, mapped and quantised; a few slots hold the layers in use,
/// and a slot per layer keeps all of them. An adapter is added to the weights as they are widened: W + s·B·A is what a merged
/// model serves, and the layer then costs one product, not three. Lanes that want a layer still being read help to read it.
/// </summary>
internal sealed class LayerCache : IDisposable
{
    private readonly DecoderWeights _weights;
    private readonly Slot[] _slots;
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _released = new(0);
    private long _clock;
    private int _waiting;

    /// <param name="weights">The frozen weights.</param>
    /// <param name="slots">Layers held at once; more than there are lanes.</param>
    public LayerCache(DecoderWeights weights, int slots)
    {
        _weights = weights;
        _slots = [.. Enumerable.Range(0, Math.Min(slots, 2 * weights.Shape.Layers)).Select(_ => new Slot())];
    }

    /// <summary>Forgets layers with an adapter in them: its values have moved.</summary>
    public void Invalidate()
    {
        lock (_gate)
        {
            foreach (var slot in _slots)
            {
                slot.Key = slot.Key is { Adapter: not null } ? null : slot.Key;
            }
        }
    }

    /// <summary>The layer, to be given back by <see cref="Release"/>.</summary>
    /// <param name="layer">From 0.</param>
    /// <param name="adapter">Added to the weights, or null for the base.</param>
    public LayerWeights Acquire(int layer, ILayerAdapter? adapter)
    {
        var key = new Key(layer, adapter);
        while (true)
        {
            Slot? slot;
            lock (_gate)
            {
                slot = Array.Find(_slots, s => s.Key == key);
                if (slot is null && Free() is { } free)
                {
                    slot = free;
                    slot.Key = key;
                    slot.Load = new LayerLoad(_weights, layer, adapter, slot.Weights ??= new LayerWeights(_weights.Shape));
                }

                if (slot is not null)
                {
                    slot.Users++;
                    slot.Used = ++_clock;
                }
                else
                {
                    _waiting++;
                }
            }

            if (slot is not null)
            {
                slot.Load!.Help();
                return slot.Weights!;
            }

            _released.Wait();
        }
    }

    public void Release(LayerWeights weights)
    {
        lock (_gate)
        {
            Array.Find(_slots, s => ReferenceEquals(s.Weights, weights))!.Users--;
            if (_waiting > 0)
            {
                _released.Release(_waiting);
                _waiting = 0;
            }
        }
    }

    public void Dispose()
    {
        foreach (var slot in _slots)
        {
            slot.Weights?.Dispose();
        }

        _released.Dispose();
    }

    /// <summary>The slot that was used longest ago among those nobody holds.</summary>
    private Slot? Free() => _slots.Where(s => s.Users == 0).MinBy(s => s.Key is null ? -1 : s.Used);

    private sealed record Key(int Layer, ILayerAdapter? Adapter);

    private sealed class Slot
    {
        public Key? Key { get; set; }

        public LayerWeights? Weights { get; set; }

        public LayerLoad? Load { get; set; }

        public int Users { get; set; }

        public long Used { get; set; }
    }
}

/// <summary>Adds an adapter to a layer's matrix while it is widened.</summary>
internal interface ILayerAdapter
{
    /// <summary>Adds the adapter's part of rows [<paramref name="row"/>, + <paramref name="rows"/>) of a matrix to <paramref name="matrix"/>, whose first row is <paramref name="row"/>.</summary>
    unsafe void AddTo(int layer, Projection projection, int row, int rows, float* matrix);
}

/// <summary>Reads one layer in tiles that stay in a core's cache between widening and adding the adapter. Every thread that comes takes tiles until none is left.</summary>
internal sealed class LayerLoad
{
    private const int TileValues = 64 * 1024;

    private readonly DecoderWeights _source;
    private readonly int _layer;
    private readonly ILayerAdapter? _adapter;
    private readonly LayerWeights _destination;
    private readonly (Projection Projection, int Row, int Rows)[] _tiles;
    private int _next = -1;
    private int _finished;
    private Exception? _fault;

    public LayerLoad(DecoderWeights source, int layer, ILayerAdapter? adapter, LayerWeights destination)
    {
        (_source, _layer, _adapter, _destination) = (source, layer, adapter, destination);
        List<(Projection, int, int)> tiles = [];
        foreach (var projection in Enum.GetValues<Projection>())
        {
            var (inputs, outputs) = source.Shape.Size(projection);
            var rows = Math.Max(1, TileValues / inputs);
            for (var row = 0; row < outputs; row += rows)
            {
                tiles.Add((projection, row, Math.Min(rows, outputs - row)));
            }
        }

        _tiles = [.. tiles];
    }

    /// <summary>Returns when the whole layer is there.</summary>
    public void Help()
    {
        int tile;
        while (Volatile.Read(ref _next) < _tiles.Length && (tile = Interlocked.Increment(ref _next)) <= _tiles.Length)
        {
            try
            {
                if (tile == _tiles.Length)
                {
                    _source.ReadVectors(_layer, _destination);
                }
                else
                {
                    Read(_tiles[tile]);
                }
            }
            catch (Exception e)
            {
                // The other lanes must not wait for ever; each of them throws it.
                _fault = e;
            }

            if (Interlocked.Increment(ref _finished) == _tiles.Length + 1)
            {
                // Widened, the layer is in memory twice: what is mapped may go.
                _source.Forget(_layer);
            }
        }

        // At most one tile per other lane is left: a wait of microseconds.
        SpinWait wait = default;
        while (Volatile.Read(ref _finished) <= _tiles.Length)
        {
            wait.SpinOnce();
        }

        if (_fault is { } fault)
        {
            throw new InvalidOperationException($"Layer {_layer} could not be read: {fault.Message}", fault);
        }
    }

    private unsafe void Read((Projection Projection, int Row, int Rows) tile)
    {
        var inputs = _source.Shape.Size(tile.Projection).In;
        var at = _destination.Matrix(tile.Projection) + ((long)tile.Row * inputs);
        _source.Read(_layer, tile.Projection, tile.Row, new Span<float>(at, tile.Rows * inputs));
        _adapter?.AddTo(_layer, tile.Projection, tile.Row, tile.Rows, at);
    }
}
