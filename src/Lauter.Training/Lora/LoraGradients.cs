using System.Numerics.Tensors;
using Lauter.Training.Decoders;
using Lauter.Training.Natives;

namespace Lauter.Training.Lora;

/// <summary>
/// One lane's gradient of an adapter. The forward pass ran on W + s·B·A, so what is left are products of rank-sized matrices:
/// dB += s·dYᵀ·(X·Aᵀ) and dA += (s·dY·B)ᵀ·X. With DoRA, W = f·(W₀ + s·B·A) row by row with f = m ÷ length, and the length counts as constant: dY·f takes the
/// place of dY, and dm += Σ dY·Y ÷ m. Not thread-safe.
/// </summary>
internal sealed unsafe class LoraGradients : IProjectionGradients, IDisposable
{
    private readonly LoraAdapter _adapter;
    private readonly NativeBuffer _values, _inner = new(), _outer = new(), _output = new(), _scaled = new();
    private readonly Projection[]?[] _groups = new Projection[7][];

    public LoraGradients(LoraAdapter adapter)
    {
        _adapter = adapter;
        _values = new NativeBuffer(adapter.Count);
        _values.Clear();
        LowestLayer = adapter.Modules.Min(m => m.Layer);
        foreach (var group in LoraAdapter.Groups)
        {
            _groups[(int)group[0]] = group;
        }
    }

    public int LowestLayer { get; }

    public float* Pointer => _values.Pointer;

    public Span<float> Values => _values.Span(0, _adapter.Count);

    public void Add(int layer, Projection first, LayerWeights weights, float* x, float* dy, int rows)
    {
        var group = _groups[(int)first]!;
        int stride = 0, rank = 0;
        LoraModule? top = null;
        foreach (var projection in group)
        {
            stride += _adapter.Shape.Size(projection).Out;
            if (_adapter.Module(layer, projection) is { } module)
            {
                top ??= module;
                rank += module.Rank;
            }
        }

        if (top is null || rows == 0)
        {
            return;
        }

        if (_adapter.Options.WeightDecomposed)
        {
            dy = Decompose(layer, group, weights.Matrix(first), x, dy, rows, stride, top.In);
        }

        float* inner = _inner.Reserve((long)rows * rank), outer = _outer.Reserve((long)rows * rank);
        Blas.Linear(x, top.In, _adapter.Pointer + top.A, top.In, inner, rank, rows, rank, top.In);
        int column = 0, at = 0;
        foreach (var projection in group)
        {
            if (_adapter.Module(layer, projection) is { } m)
            {
                Blas.Product(dy + column, stride, _adapter.Pointer + m.B, m.Rank, outer + at, rank, rows, m.Rank, m.Out, m.Scale);
                Blas.Transposed(dy + column, stride, inner + at, rank, Pointer + m.B, m.Rank, m.Out, m.Rank, rows, m.Scale, beta: 1);
                at += m.Rank;
            }

            column += _adapter.Shape.Size(projection).Out;
        }

        Blas.Transposed(outer, rank, x, top.In, Pointer + top.A, top.In, rank, top.In, rows, beta: 1);
    }

    public void Clear() => _values.Clear();

    public void Dispose()
    {
        _values.Dispose();
        _inner.Dispose();
        _outer.Dispose();
        _output.Dispose();
        _scaled.Dispose();
    }

    /// <summary>Adds the gradients of the magnitudes and returns dY · f [rows, stride].</summary>
    private float* Decompose(int layer, Projection[] group, float* matrix, float* x, float* dy, int rows, int stride, int inputs)
    {
        float* output = _output.Reserve((long)rows * stride), scaled = _scaled.Reserve((long)rows * stride);
        Blas.Linear(x, inputs, matrix, inputs, output, stride, rows, stride, inputs);
        var column = 0;
        foreach (var projection in group)
        {
            var outputs = _adapter.Shape.Size(projection).Out;
            if (_adapter.Module(layer, projection) is { } m)
            {
                float[] sums = new float[outputs], factors = new float[outputs];
                for (var i = 0; i < outputs; i++)
                {
                    factors[i] = _adapter.Factor(m, i);
                }

                for (var row = 0; row < rows; row++)
                {
                    var at = ((long)row * stride) + column;
                    var gradient = new ReadOnlySpan<float>(dy + at, outputs);
                    TensorPrimitives.MultiplyAdd(gradient, new ReadOnlySpan<float>(output + at, outputs), sums, sums);
                    TensorPrimitives.Multiply(gradient, factors, new Span<float>(scaled + at, outputs));
                }

                for (var i = 0; i < outputs; i++)
                {
                    var magnitude = _adapter.Pointer[m.Magnitude + i];
                    Pointer[m.Magnitude + i] += magnitude == 0 ? 0 : sums[i] / magnitude;
                }
            }

            column += outputs;
        }

        return scaled;
    }
}
