using System.Numerics;
using System.Runtime.InteropServices;
using Lauter.Training.Networks;

namespace Lauter.Training.Optimisers;

/// <summary>
/// AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101) in one pass over memory per parameter. Written out because a chain of tensor
/// operations would read and write every moment several times; the order of additions is fixed, so a step is reproducible bit for bit.
/// </summary>
internal sealed class AdamW : IOptimiser
{
    private readonly IReadOnlyList<NetworkParameter> _parameters;
    private readonly float[][] _first;
    private readonly float[][] _second;

    public AdamW(IReadOnlyList<NetworkParameter> parameters)
    {
        _parameters = parameters;
        _first = [.. parameters.Select(p => new float[p.Count])];
        _second = [.. parameters.Select(p => new float[p.Count])];
    }

    public IReadOnlyList<float[]> State => [.. _first, .. _second];

    public float Beta1 { get; init; } = 0.9f;

    public float Beta2 { get; init; } = 0.95f;

    public float Epsilon { get; init; } = 1e-8f;

    /// <summary>Fraction of a matrix's value taken away per step and unit of learning rate.</summary>
    public float WeightDecay { get; init; } = 0.1f;

    /// <summary>Euclidean length of all gradients together.</summary>
    public static double GradientNorm(IReadOnlyList<NetworkParameter> parameters)
    {
        double sum = 0;
        foreach (var parameter in parameters)
        {
            using var gradient = parameter.Tensor.grad!;
            sum += SumOfSquares(MemoryMarshal.Cast<byte, float>(gradient.bytes));
        }

        return Math.Sqrt(sum);
    }

    /// <inheritdoc/>
    public void Step(int step, double learningRate, double gradientScale)
    {
        var correction1 = 1 - Math.Pow(Beta1, step);
        var correction2 = 1 - Math.Pow(Beta2, step);
        for (var i = 0; i < _parameters.Count; i++)
        {
            var parameter = _parameters[i];
            using var gradient = parameter.Tensor.grad!;
            Update(
                parameter.Values,
                MemoryMarshal.Cast<byte, float>(gradient.bytes),
                _first[i],
                _second[i],
                (float)gradientScale,
                (float)(learningRate / correction1),
                (float)(1 / Math.Sqrt(correction2)),
                parameter.Decays ? (float)(1 - (learningRate * WeightDecay)) : 1f);
        }
    }

    private static double SumOfSquares(ReadOnlySpan<float> values)
    {
        var wide = MemoryMarshal.Cast<float, Vector<float>>(values);
        double sum = 0;
        const int Block = 512;
        for (var start = 0; start < wide.Length; start += Block)
        {
            var partial = Vector<float>.Zero;
            foreach (var v in wide.Slice(start, Math.Min(Block, wide.Length - start)))
            {
                partial += v * v;
            }

            sum += Vector.Sum(partial);
        }

        foreach (var v in values[(wide.Length * Vector<float>.Count)..])
        {
            sum += (double)v * v;
        }

        return sum;
    }

    private void Update(Span<float> values, Span<float> gradients, Span<float> first, Span<float> second, float scale, float rate, float correction, float keep)
    {
        var v = MemoryMarshal.Cast<float, Vector<float>>(values);
        var g = MemoryMarshal.Cast<float, Vector<float>>(gradients);
        var m = MemoryMarshal.Cast<float, Vector<float>>(first);
        var s = MemoryMarshal.Cast<float, Vector<float>>(second);
        float rest1 = 1 - Beta1, rest2 = 1 - Beta2;
        var epsilon = new Vector<float>(Epsilon);
        for (var i = 0; i < v.Length; i++)
        {
            var gradient = g[i] * scale;
            var mean = (m[i] * Beta1) + (gradient * rest1);
            var square = (s[i] * Beta2) + (gradient * gradient * rest2);
            m[i] = mean;
            s[i] = square;
            v[i] = (v[i] * keep) - (mean * rate / ((Vector.SquareRoot(square) * correction) + epsilon));
        }

        for (var i = v.Length * Vector<float>.Count; i < values.Length; i++)
        {
            var gradient = gradients[i] * scale;
            first[i] = (first[i] * Beta1) + (gradient * rest1);
            second[i] = (second[i] * Beta2) + (gradient * gradient * rest2);
            values[i] = (values[i] * keep) - (first[i] * rate / ((MathF.Sqrt(second[i]) * correction) + Epsilon));
        }

        gradients.Clear();
    }
}
