using Lauter.Training.Decoders;
using Lauter.Training.Natives;

namespace Lauter.Training.Lora;

/// <summary>
/// One lane's gradient of an adapter. The forward pass ran on W + s·B·A, so what is left are products of rank-sized matrices:
/// dB += s·dYᵀ·(X·Aᵀ) and dA += (s·dY·B)ᵀ·X. Not thread-safe.
/// </summary>
internal sealed unsafe class LoraGradients : IProjectionGradients, IDisposable
{
    private readonly LoraAdapter _adapter;
    private readonly NativeBuffer _values, _inner = new(), _outer = new();
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

    public void Add(int layer, Projection first, float* x, float* dy, int rows)
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
    }
}
