using System.Runtime.InteropServices;
using Lauter.Training.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace Lauter.Training.Optimisers;

/// <summary>
/// Muon (Jordan et al. 2024) for the matrices inside the layers: the momentum is replaced by the nearest matrix whose directions all count the
/// same, found by five Newton-Schulz steps. On small networks it needs markedly fewer steps than AdamW. Its updates are scaled to the size of
/// AdamW's (Liu et al. 2025, arXiv:2502.16982), so both share one learning rate. Fused matrices are taken apart: q, k and v are matrices of
/// their own.
/// </summary>
internal sealed class Muon : IOptimiser
{
    private const float Momentum = 0.95f;
    private const double UpdateSize = 0.2;
    private const int NewtonSchulzSteps = 5;

    private readonly IReadOnlyList<NetworkParameter> _parameters;
    private readonly Func<NetworkParameter, IReadOnlyList<long>> _rowsOfParts;
    private readonly float[][] _momentum;

    /// <param name="parameters">Matrices.</param>
    /// <param name="rowsOfParts">How many rows each of the matrices fused in one has.</param>
    public Muon(IReadOnlyList<NetworkParameter> parameters, Func<NetworkParameter, IReadOnlyList<long>> rowsOfParts)
    {
        (_parameters, _rowsOfParts) = (parameters, rowsOfParts);
        _momentum = [.. parameters.Select(p => new float[p.Count])];
    }

    public float WeightDecay { get; init; } = 0.1f;

    public IReadOnlyList<float[]> State => _momentum;

    public void Step(int step, double learningRate, double gradientScale)
    {
        using var noGradient = no_grad();
        for (var i = 0; i < _parameters.Count; i++)
        {
            using var scope = NewDisposeScope();
            var parameter = _parameters[i];
            var gradient = parameter.Tensor.grad!;
            var look = Ahead(MemoryMarshal.Cast<byte, float>(gradient.bytes), _momentum[i], (float)gradientScale, parameter.Shape);
            gradient.zero_();
            long row = 0;
            foreach (var rows in _rowsOfParts(parameter))
            {
                var size = UpdateSize * Math.Sqrt(Math.Max(rows, parameter.Shape[1]));
                var direction = Orthogonalise(look.narrow(0, row, rows));
                parameter.Tensor.narrow(0, row, rows).mul_(1 - (learningRate * WeightDecay)).add_(direction, alpha: -learningRate * size);
                row += rows;
            }
        }
    }

    /// <summary>Nesterov's momentum: updates <paramref name="momentum"/> and looks one step ahead.</summary>
    private static Tensor Ahead(ReadOnlySpan<float> gradient, float[] momentum, float scale, long[] shape)
    {
        var ahead = empty(shape, ScalarType.Float32);
        var result = MemoryMarshal.Cast<byte, float>(ahead.bytes);
        for (var i = 0; i < momentum.Length; i++)
        {
            var g = gradient[i] * scale;
            momentum[i] = (momentum[i] * Momentum) + g;
            result[i] = g + (Momentum * momentum[i]);
        }

        return ahead;
    }

    private static Tensor Orthogonalise(Tensor matrix)
    {
        var tall = matrix.shape[0] > matrix.shape[1];
        var x = tall ? matrix.t() : matrix;
        x = x / (x.norm() + 1e-7);
        for (var i = 0; i < NewtonSchulzSteps; i++)
        {
            var square = x.mm(x.t());
            x = (3.4445 * x) + ((-4.7750 * square) + (2.0315 * square.mm(square))).mm(x);
        }

        return tall ? x.t() : x;
    }
}
