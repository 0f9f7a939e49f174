using Lauter.Training.Natives;

namespace Lauter.Training.Decoders;

/// <summary>Receives the inputs and output gradients of the projections in a backward pass: what the gradient of a matrix is made of.</summary>
internal unsafe interface IProjectionGradients
{
    /// <summary>The lowest layer that has anything to train; nothing below it needs a gradient.</summary>
    int LowestLayer { get; }

    /// <summary>Projections that share one input, <paramref name="x"/> [rows, inputs]; their output gradients lie side by side in <paramref name="dy"/>.</summary>
    /// <param name="layer">From 0.</param>
    /// <param name="first">The first projection of the group: Query, Output, Gate or Down.</param>
    /// <param name="weights">The layer as it was computed with, adapter included.</param>
    /// <param name="x">[rows, inputs].</param>
    /// <param name="dy">[rows, all outputs of the group].</param>
    /// <param name="rows">Rows of both.</param>
    void Add(int layer, Projection first, LayerWeights weights, float* x, float* dy, int rows);
}

/// <summary>
/// One lane's way through a decoder, forward and backward, written out by hand: every product goes straight into memory that is there already, and
/// nothing is computed that no gradient asks for. From the last attention on only the rows that predict a target are carried.
/// <code>
/// x ─norm→ n ─Wqkv→ qkv ─rotate→ attention ─Wo→ (+x) m ─norm→ n ─Wgate,up→ f(g)·u ─Wdown→ (+m) → next layer
/// </code>
/// Not thread-safe; the weights it borrows are shared between lanes.
/// </summary>
internal sealed unsafe class DecoderPass : IDisposable
{
    private readonly DecoderShape _shape;
    private readonly LayerCache _cache;
    private readonly Func<int, RotaryTable> _rotary;
    private readonly Attention _attention;
    private readonly LayerState[] _states;
    private readonly LayerState _scratch = new();
    private readonly NativeBuffer _memory = new(), _normed = new(), _hidden = new(), _gradient = new(), _gateGradient = new(), _qkvGradient = new(), _fold = new(), _features = new(), _spare = new();

    private Pack _pack = null!;
    private int[] _positions = [];
    private int[] _all = [];
    private int[] _wanted = [];
    private Keeping[] _keeping = [];
    private ILayerAdapter? _adapter;

    /// <param name="shape">The family.</param>
    /// <param name="cache">Lends the layers.</param>
    /// <param name="rotary">The rotary table of a layer; tables cover the longest document.</param>
    public DecoderPass(DecoderShape shape, LayerCache cache, Func<int, RotaryTable> rotary)
    {
        (_shape, _cache, _rotary, _attention) = (shape, cache, rotary, new Attention(shape));
        _states = [.. Enumerable.Range(0, shape.Layers).Select(_ => new LayerState())];
    }

    public PassMeter Meter { get; } = new();

    /// <summary>Runs the layers.</summary>
    /// <param name="pack">The documents.</param>
    /// <param name="embed">Fills [rows, width] with the scaled embeddings of the tokens.</param>
    /// <param name="wanted">Rows whose features are wanted, ascending.</param>
    /// <param name="adapter">Added to the weights, or null.</param>
    /// <param name="keeping">What each layer keeps for <see cref="Backward"/>; null = nothing, there will be none.</param>
    /// <returns>[wanted, width] before the last norm; valid until the next pass.</returns>
    public float* Forward(Pack pack, Action<int[], nint> embed, int[] wanted, ILayerAdapter? adapter, Keeping[]? keeping)
    {
        (_pack, _adapter, _wanted, _positions) = (pack, adapter, wanted, pack.Positions());
        _all = _all.Length == pack.Rows ? _all : [.. Enumerable.Range(0, pack.Rows)];
        _keeping = keeping ?? [.. Enumerable.Repeat(Keeping.Input, _shape.Layers)];
        Meter.Start();
        Reserve(pack.Rows, wanted.Length, keeping is not null);
        embed(pack.Tokens, (nint)_states[0].Input);
        var features = _features.Reserve((long)Math.Max(1, wanted.Length) * _shape.Width);
        for (var layer = 0; layer < _shape.Layers; layer++)
        {
            Meter.Mark(Part.Elementwise);
            var weights = _cache.Acquire(layer, adapter);
            Meter.Mark(Part.Weights);
            try
            {
                var last = layer == _shape.Layers - 1;

                // Without a backward pass two inputs take turns.
                var state = keeping is null ? _states[layer % 2] : _states[layer];
                Layer(layer, weights, state, last ? _wanted : _all, last ? features : keeping is null ? _states[(layer + 1) % 2].Input : _states[layer + 1].Input);
            }
            finally
            {
                _cache.Release(weights);
            }
        }

        return features;
    }

    /// <summary>Carries the gradient of <see cref="Forward"/>'s result down and hands what it meets to <paramref name="gradients"/>.</summary>
    /// <param name="features">[wanted, width]; overwritten.</param>
    /// <param name="gradients">What is trained.</param>
    public void Backward(float* features, IProjectionGradients gradients)
    {
        var stream = features;
        Meter.Start();
        for (var layer = _shape.Layers - 1; layer >= gradients.LowestLayer; layer--)
        {
            Meter.Mark(Part.Elementwise);
            var weights = _cache.Acquire(layer, _adapter);
            Meter.Mark(Part.Weights);
            try
            {
                stream = LayerBackward(layer, weights, stream, gradients);
            }
            finally
            {
                _cache.Release(weights);
            }
        }
    }

    public void Dispose()
    {
        _attention.Dispose();
        foreach (var buffer in new[] { _memory, _normed, _hidden, _gradient, _gateGradient, _qkvGradient, _fold, _features, _spare })
        {
            buffer.Dispose();
        }
    }

    private void Reserve(int rows, int wanted, bool backward)
    {
        // All of a pass lies in one piece of memory: it is as large as the largest pass, whatever each layer kept in which.
        var layers = backward ? _shape.Layers : Math.Min(2, _shape.Layers);
        var floats = LayerState.Floats(_shape, rows, Keeping.All) + Enumerable.Range(0, layers).Sum(l => LayerState.Floats(_shape, rows, backward ? _keeping[l] : Keeping.Input));
        Arena arena = new(_memory.Reserve(floats));
        _scratch.Place(ref arena, _shape, rows, rows, Keeping.All, null);
        for (var layer = 0; layer < layers; layer++)
        {
            _states[layer].Place(ref arena, _shape, rows, layer == _shape.Layers - 1 ? wanted : rows, backward ? _keeping[layer] : Keeping.Input, _scratch);
        }

        _normed.Reserve((long)rows * _shape.Width);
        _hidden.Reserve((long)rows * Math.Max(_shape.FeedForward, Math.Max(_shape.Attention, _shape.Width)));
    }

    private void Layer(int layer, LayerWeights w, LayerState state, int[] rows, float* output)
    {
        Attend(layer, w, state, rows);
        int width = _shape.Width, forward = _shape.FeedForward, wanted = rows.Length;
        GateUp(w, state, wanted);
        Kernels.Gate(_shape.Config.Activation, state.GateUp, _hidden.Pointer, wanted, forward);
        if (_shape.PostNorms)
        {
            Meter.Mark(Part.Elementwise);
            Blas.Linear(_hidden.Pointer, forward, w.Down, forward, state.Fed, width, wanted, width, forward);
            Meter.Mark(Part.Products);
            Kernels.RmsNorm(state.Fed, width, w.PostFeedForwardNorm, output, width, wanted, width, _shape.NormEpsilon);
            Kernels.AddScaled(output, state.Middle, 1, (long)wanted * width);
        }
        else
        {
            Kernels.Copy(state.Middle, output, (long)wanted * width);
            Meter.Mark(Part.Elementwise);
            Blas.Linear(_hidden.Pointer, forward, w.Down, forward, output, width, wanted, width, forward, beta: 1);
            Meter.Mark(Part.Products);
        }
    }

    /// <summary>From the input to <see cref="LayerState.Middle"/>.</summary>
    private void Attend(int layer, LayerWeights w, LayerState state, int[] rows)
    {
        int width = _shape.Width, all = _pack.Rows, heads = _shape.Heads, kvHeads = _shape.KvHeads, size = _shape.HeadSize;
        Kernels.RmsNorm(state.Input, width, w.AttentionNorm, _normed.Pointer, width, all, width, _shape.NormEpsilon);
        Meter.Mark(Part.Elementwise);
        Blas.Linear(_normed.Pointer, width, w.Qkv, width, state.Qkv, _shape.Qkv, all, _shape.Qkv, width);
        Meter.Mark(Part.Products);
        if (w.Bias is not null)
        {
            Kernels.AddToRows(state.Qkv, w.Bias, all, _shape.Qkv);
        }

        if (_shape.HeadNorms)
        {
            var raw = _shape.Attention + _shape.Shared;
            for (var row = 0; row < all; row++)
            {
                var here = state.Qkv + ((long)row * _shape.Qkv);
                Kernels.Copy(here, state.Raw + ((long)row * raw), raw);
                Kernels.RmsNorm(here, size, w.QueryNorm, here, size, heads, size, _shape.NormEpsilon);
                Kernels.RmsNorm(here + _shape.Attention, size, w.KeyNorm, here + _shape.Attention, size, kvHeads, size, _shape.NormEpsilon);
            }
        }

        Kernels.Rotate(_shape.Config.RotaryPairs, state.Qkv, _shape.Qkv, _positions, heads + kvHeads, size, _rotary(layer), 1);
        Meter.Mark(Part.Elementwise);
        _attention.Forward(state.Qkv, _pack, rows, _shape.Window(layer), state.Attended, state.LogSums);
        Meter.Mark(Part.Attention);
        if (_shape.PostNorms)
        {
            Meter.Mark(Part.Elementwise);
            Blas.Linear(state.Attended, _shape.Attention, w.Output, _shape.Attention, state.Projected, width, rows.Length, width, _shape.Attention);
            Meter.Mark(Part.Products);
            Kernels.RmsNorm(state.Projected, width, w.PostAttentionNorm, state.Middle, width, rows.Length, width, _shape.NormEpsilon);
            for (var i = 0; i < rows.Length; i++)
            {
                Kernels.AddScaled(state.Middle + ((long)i * width), state.Input + ((long)rows[i] * width), 1, width);
            }

            return;
        }

        for (var i = 0; i < rows.Length; i++)
        {
            Kernels.Copy(state.Input + ((long)rows[i] * width), state.Middle + ((long)i * width), width);
        }

        Meter.Mark(Part.Elementwise);
        Blas.Linear(state.Attended, _shape.Attention, w.Output, _shape.Attention, state.Middle, width, rows.Length, width, _shape.Attention, beta: 1);
        Meter.Mark(Part.Products);
    }

    /// <summary>Leaves the normalised input of the feed-forward part in the workspace.</summary>
    private void GateUp(LayerWeights w, LayerState state, int rows)
    {
        int width = _shape.Width, both = 2 * _shape.FeedForward;
        Kernels.RmsNorm(state.Middle, width, w.FeedForwardNorm, _normed.Pointer, width, rows, width, _shape.NormEpsilon);
        Meter.Mark(Part.Elementwise);
        Blas.Linear(_normed.Pointer, width, w.GateUp, width, state.GateUp, both, rows, both, width);
        Meter.Mark(Part.Products);
    }

    /// <param name="layer">From 0.</param>
    /// <param name="w">Its weights.</param>
    /// <param name="stream">The gradient of the layer's output; becomes that of <see cref="LayerState.Middle"/>.</param>
    /// <param name="gradients">What is trained.</param>
    /// <returns>The gradient of the layer's input [rows, width].</returns>
    private float* LayerBackward(int layer, LayerWeights w, float* stream, IProjectionGradients gradients)
    {
        var state = _states[layer];
        var last = layer == _shape.Layers - 1;
        var rows = last ? _wanted : _all;
        int width = _shape.Width, all = _pack.Rows, wanted = rows.Length, forward = _shape.FeedForward, size = _shape.HeadSize;
        if (_keeping[layer] == Keeping.Input)
        {
            Attend(layer, w, state, rows);
        }

        if (_keeping[layer] != Keeping.All)
        {
            GateUp(w, state, wanted);
            if (_shape.PostNorms && _keeping[layer] == Keeping.Input)
            {
                Kernels.Gate(_shape.Config.Activation, state.GateUp, _hidden.Pointer, wanted, forward);
                Meter.Mark(Part.Elementwise);
                Blas.Linear(_hidden.Pointer, forward, w.Down, forward, state.Fed, width, wanted, width, forward);
                Meter.Mark(Part.Products);
            }
        }
        else
        {
            Kernels.RmsNorm(state.Middle, width, w.FeedForwardNorm, _normed.Pointer, width, wanted, width, _shape.NormEpsilon);
        }

        // Feed-forward.
        var folded = _fold.Reserve((long)Math.Max(1, all) * width);
        var upstream = stream;
        if (_shape.PostNorms)
        {
            upstream = _spare.Reserve((long)Math.Max(1, all) * width);
            Kernels.RmsNormBackward(state.Fed, width, w.PostFeedForwardNorm, stream, width, upstream, width, wanted, width, _shape.NormEpsilon, add: false);
        }

        var both = _gateGradient.Reserve(2L * Math.Max(1, all) * forward);
        Meter.Mark(Part.Elementwise);
        Blas.Product(upstream, width, w.Down, forward, _hidden.Pointer, forward, wanted, forward, width);
        Meter.Mark(Part.Products);
        Kernels.GateBackward(_shape.Config.Activation, state.GateUp, _hidden.Pointer, both, wanted, forward);
        Meter.Mark(Part.Elementwise);
        gradients.Add(layer, Projection.Down, w, _hidden.Pointer, upstream, wanted);
        Meter.Mark(Part.Adapter);
        gradients.Add(layer, Projection.Gate, w, _normed.Pointer, both, wanted);
        Meter.Mark(Part.Adapter);
        Blas.Product(both, 2 * forward, w.GateUp, width, folded, width, wanted, width, 2 * forward);
        Meter.Mark(Part.Products);
        Kernels.RmsNormBackward(state.Middle, width, w.FeedForwardNorm, folded, width, stream, width, wanted, width, _shape.NormEpsilon, add: true);

        // Attention.
        upstream = stream;
        if (_shape.PostNorms)
        {
            upstream = _spare.Pointer;
            Kernels.RmsNormBackward(state.Projected, width, w.PostAttentionNorm, stream, width, upstream, width, wanted, width, _shape.NormEpsilon, add: false);
        }

        Meter.Mark(Part.Elementwise);
        gradients.Add(layer, Projection.Output, w, state.Attended, upstream, wanted);
        Meter.Mark(Part.Adapter);
        Blas.Product(upstream, width, w.Output, _shape.Attention, _hidden.Pointer, _shape.Attention, wanted, _shape.Attention, width);
        Meter.Mark(Part.Products);
        var qkv = _qkvGradient.Reserve((long)all * _shape.Qkv);
        System.Runtime.InteropServices.NativeMemory.Clear(qkv, (nuint)((long)all * _shape.Qkv * sizeof(float)));
        Meter.Mark(Part.Elementwise);
        _attention.Backward(state.Qkv, _pack, rows, _shape.Window(layer), state.Attended, state.LogSums, _hidden.Pointer, qkv);
        Meter.Mark(Part.Attention);
        Kernels.Rotate(_shape.Config.RotaryPairs, qkv, _shape.Qkv, _positions, _shape.Heads + _shape.KvHeads, size, _rotary(layer), -1);
        if (_shape.HeadNorms)
        {
            var raw = _shape.Attention + _shape.Shared;
            for (var row = 0; row < all; row++)
            {
                float* here = qkv + ((long)row * _shape.Qkv), before = state.Raw + ((long)row * raw);
                Kernels.RmsNormBackward(before, size, w.QueryNorm, here, size, here, size, _shape.Heads, size, _shape.NormEpsilon, add: false);
                Kernels.RmsNormBackward(before + _shape.Attention, size, w.KeyNorm, here + _shape.Attention, size, here + _shape.Attention, size, _shape.KvHeads, size, _shape.NormEpsilon, add: false);
            }
        }

        Kernels.RmsNorm(state.Input, width, w.AttentionNorm, _normed.Pointer, width, all, width, _shape.NormEpsilon);
        Meter.Mark(Part.Elementwise);
        gradients.Add(layer, Projection.Query, w, _normed.Pointer, qkv, all);
        Meter.Mark(Part.Adapter);
        if (layer == gradients.LowestLayer)
        {
            return stream;
        }

        Meter.Mark(Part.Elementwise);
        Blas.Product(qkv, _shape.Qkv, w.Qkv, width, folded, width, all, width, _shape.Qkv);
        Meter.Mark(Part.Products);
        if (last)
        {
            stream = Spread(stream, rows, all);
        }

        Kernels.RmsNormBackward(state.Input, width, w.AttentionNorm, folded, width, stream, width, all, width, _shape.NormEpsilon, add: true);
        return stream;
    }

    /// <summary>Puts the gradients of the wanted rows at their places among all rows.</summary>
    private float* Spread(float* stream, int[] rows, int all)
    {
        var target = _gradient.Reserve((long)all * _shape.Width);
        new Span<float>(target, all * _shape.Width).Clear();
        for (var i = 0; i < rows.Length; i++)
        {
            Kernels.Copy(stream + ((long)i * _shape.Width), target + ((long)rows[i] * _shape.Width), _shape.Width);
        }

        return target;
    }
}
