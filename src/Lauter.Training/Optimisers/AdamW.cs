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
                new AdamWFactors(
                    Beta1, Beta2, Epsilon, (float)gradientScale, (float)(learningRate / correction1), (float)(1 / Math.Sqrt(correction2)),
                    parameter.Decays ? (float)(1 - (learningRate * WeightDecay)) : 1f));
        }
    }

    internal static double SumOfSquares(ReadOnlySpan<float> values)
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

    /// <summary>One pass over memory: moments, decay, move; clears the gradients.</summary>
    internal static void Update(Span<float> values, Span<float> gradients, Span<float> first, Span<float> second, AdamWFactors f)
    {
        var v = MemoryMarshal.Cast<float, Vector<float>>(values);
        var g = MemoryMarshal.Cast<float, Vector<float>>(gradients);
        var m = MemoryMarshal.Cast<float, Vector<float>>(first);
        var s = MemoryMarshal.Cast<float, Vector<float>>(second);
        float rest1 = 1 - f.Beta1, rest2 = 1 - f.Beta2;
        var epsilon = new Vector<float>(f.Epsilon);
        for (var i = 0; i < v.Length; i++)
        {
            var gradient = g[i] * f.Scale;
            var mean = (m[i] * f.Beta1) + (gradient * rest1);
            var square = (s[i] * f.Beta2) + (gradient * gradient * rest2);
            m[i] = mean;
            s[i] = square;
            v[i] = (v[i] * f.Keep) - (mean * f.Rate / ((Vector.SquareRoot(square) * f.Correction) + epsilon));
        }

        for (var i = v.Length * Vector<float>.Count; i < values.Length; i++)
        {
            var gradient = gradients[i] * f.Scale;
            first[i] = (first[i] * f.Beta1) + (gradient * rest1);
            second[i] = (second[i] * f.Beta2) + (gradient * gradient * rest2);
            values[i] = (values[i] * f.Keep) - (first[i] * f.Rate / ((MathF.Sqrt(second[i]) * f.Correction) + f.Epsilon));
        }

        gradients.Clear();
    }
}

/// <summary>The numbers of one AdamW step.</summary>
/// <param name="Beta1">Memory of the mean.</param>
/// <param name="Beta2">Memory of the square.</param>
/// <param name="Epsilon">Added to the root.</param>
/// <param name="Scale">Of the gradient.</param>
/// <param name="Rate">Learning rate ÷ bias correction of the mean.</param>
/// <param name="Correction">1 ÷ √(bias correction of the square).</param>
/// <param name="Keep">What decay leaves of a value.</param>
internal readonly record struct AdamWFactors(float Beta1, float Beta2, float Epsilon, float Scale, float Rate, float Correction, float Keep);
