using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Lauter.Models.Families;

namespace Lauter.Training.Decoders;

/// <summary>What a decoder does besides matrix products: one pass over memory each, vectorised, single-threaded, in a fixed order of additions.</summary>
internal static unsafe class Kernels
{
    private const int Lanes = 16;

    /// <summary>y = x / √(mean(x²) + ε) · gain, a row at a time. <paramref name="x"/> and <paramref name="y"/> may be the same.</summary>
    public static void RmsNorm(float* x, int xStride, float* gain, float* y, int yStride, int rows, int width, float epsilon)
    {
        for (var row = 0; row < rows; row++)
        {
            float* source = x + ((long)row * xStride), target = y + ((long)row * yStride);
            var scale = 1 / MathF.Sqrt((Dot(source, source, width) / width) + epsilon);
            var i = 0;
            var factor = Vector512.Create(scale);
            for (; i <= width - Lanes; i += Lanes)
            {
                (Vector512.Load(source + i) * factor * Vector512.Load(gain + i)).Store(target + i);
            }

            for (; i < width; i++)
            {
                target[i] = source[i] * scale * gain[i];
            }
        }
    }

    /// <summary>
    /// dx (+)= the gradient through <see cref="RmsNorm"/>: with n = x·r, dn = dy·gain: r·(dn − n·mean(dn·n)).
    /// </summary>
    public static void RmsNormBackward(float* x, int xStride, float* gain, float* dy, int dyStride, float* dx, int dxStride, int rows, int width, float epsilon, bool add)
    {
        for (var row = 0; row < rows; row++)
        {
            float* source = x + ((long)row * xStride), upstream = dy + ((long)row * dyStride), target = dx + ((long)row * dxStride);
            var squares = Vector512<float>.Zero;
            var products = Vector512<float>.Zero;
            float square = 0, product = 0;
            var i = 0;
            for (; i <= width - Lanes; i += Lanes)
            {
                var value = Vector512.Load(source + i);
                squares += value * value;
                products += value * Vector512.Load(upstream + i) * Vector512.Load(gain + i);
            }

            for (; i < width; i++)
            {
                square += source[i] * source[i];
                product += source[i] * upstream[i] * gain[i];
            }

            var scale = 1 / MathF.Sqrt(((Vector512.Sum(squares) + square) / width) + epsilon);
            var pull = (Vector512.Sum(products) + product) * scale * scale * scale / width;
            var (scales, pulls) = (Vector512.Create(scale), Vector512.Create(pull));
            for (i = 0; i <= width - Lanes; i += Lanes)
            {
                var gradient = (Vector512.Load(upstream + i) * Vector512.Load(gain + i) * scales) - (Vector512.Load(source + i) * pulls);
                (add ? Vector512.Load(target + i) + gradient : gradient).Store(target + i);
            }

            for (; i < width; i++)
            {
                var gradient = (upstream[i] * gain[i] * scale) - (source[i] * pull);
                target[i] = add ? target[i] + gradient : gradient;
            }
        }
    }

    /// <summary>hidden = f(gate) · up, from rows [gate | up].</summary>
    public static void Gate(GateActivation function, float* gateUp, float* hidden, int rows, int width)
    {
        for (var row = 0; row < rows; row++)
        {
            float* gate = gateUp + (2L * row * width), up = gate + width, target = hidden + ((long)row * width);
            var i = 0;
            for (; i <= width - Lanes; i += Lanes)
            {
                (Bend(function, Vector512.Load(gate + i)).Value * Vector512.Load(up + i)).Store(target + i);
            }

            for (; i < width; i++)
            {
                target[i] = Bend(function, Vector512.Create(gate[i])).Value[0] * up[i];
            }
        }
    }

    /// <summary>From the gradient of hidden in <paramref name="hidden"/>: the gradient of [gate | up], and hidden itself in its place.</summary>
    public static void GateBackward(GateActivation function, float* gateUp, float* hidden, float* gradient, int rows, int width)
    {
        for (var row = 0; row < rows; row++)
        {
            float* gate = gateUp + (2L * row * width), up = gate + width, both = gradient + (2L * row * width), here = hidden + ((long)row * width);
            var i = 0;
            for (; i <= width - Lanes; i += Lanes)
            {
                var (value, slope) = Bend(function, Vector512.Load(gate + i));
                var (upstream, other) = (Vector512.Load(here + i), Vector512.Load(up + i));
                (upstream * slope * other).Store(both + i);
                (upstream * value).Store(both + width + i);
                (value * other).Store(here + i);
            }

            for (; i < width; i++)
            {
                var (value, slope) = Bend(function, Vector512.Create(gate[i]));
                var (upstream, other) = (here[i], up[i]);
                both[i] = upstream * slope[0] * other;
                both[width + i] = upstream * value[0];
                here[i] = value[0] * other;
            }
        }
    }

    /// <summary>Turns pairs of the leading features of each head; <paramref name="direction"/> −1 turns back, as gradients do.</summary>
    public static void Rotate(RotaryPairs pairs, float* x, int stride, int[] positions, int heads, int headSize, RotaryTable table, float direction)
    {
        var half = table.Pairs;
        for (var row = 0; row < positions.Length; row++)
        {
            float* cosine = table.Cosine(positions[row]), sine = table.Sine(positions[row]);
            for (var head = 0; head < heads; head++)
            {
                var at = x + ((long)row * stride) + (head * headSize);
                if (pairs == RotaryPairs.Adjacent)
                {
                    RotateAdjacent(at, cosine, sine, half, direction);
                }
                else
                {
                    RotateHalves(at, cosine, sine, half, direction);
                }
            }
        }
    }

    public static float Dot(float* a, float* b, int count)
    {
        var sum = Vector512<float>.Zero;
        var other = Vector512<float>.Zero;
        var i = 0;
        for (; i <= count - (2 * Lanes); i += 2 * Lanes)
        {
            sum += Vector512.Load(a + i) * Vector512.Load(b + i);
            other += Vector512.Load(a + i + Lanes) * Vector512.Load(b + i + Lanes);
        }

        var rest = 0f;
        for (; i < count; i++)
        {
            rest += a[i] * b[i];
        }

        return Vector512.Sum(sum + other) + rest;
    }

    /// <summary>target += factor · source.</summary>
    public static void AddScaled(float* target, float* source, float factor, long count)
    {
        var factors = Vector512.Create(factor);
        long i = 0;
        for (; i <= count - Lanes; i += Lanes)
        {
            (Vector512.Load(target + i) + (Vector512.Load(source + i) * factors)).Store(target + i);
        }

        for (; i < count; i++)
        {
            target[i] += source[i] * factor;
        }
    }

    /// <summary>Adds one vector to every row.</summary>
    public static void AddToRows(float* x, float* vector, int rows, int width)
    {
        for (var row = 0; row < rows; row++)
        {
            AddScaled(x + ((long)row * width), vector, 1, width);
        }
    }

    public static void Scale(float* x, float factor, long count)
    {
        for (long i = 0; i < count; i++)
        {
            x[i] *= factor;
        }
    }

    public static void Copy(float* source, float* target, long count) => Buffer.MemoryCopy(source, target, count * sizeof(float), count * sizeof(float));

    public static float Max(float* x, int count)
    {
        var largest = float.NegativeInfinity;
        var i = 0;
        if (count >= Lanes)
        {
            var wide = Vector512.Load(x);
            for (i = Lanes; i <= count - Lanes; i += Lanes)
            {
                wide = Vector512.Max(wide, Vector512.Load(x + i));
            }

            for (var lane = 0; lane < Lanes; lane++)
            {
                largest = MathF.Max(largest, wide[lane]);
            }
        }

        for (; i < count; i++)
        {
            largest = MathF.Max(largest, x[i]);
        }

        return largest;
    }

    /// <summary>x = exp(x·scale − shift); returns the sum.</summary>
    public static float ExpSum(float* x, int count, float scale, float shift)
    {
        var (scales, shifts, sum) = (Vector512.Create(scale), Vector512.Create(shift), Vector512<float>.Zero);
        var i = 0;
        for (; i <= count - Lanes; i += Lanes)
        {
            var value = Exp((Vector512.Load(x + i) * scales) - shifts);
            value.Store(x + i);
            sum += value;
        }

        var rest = 0f;
        for (; i < count; i++)
        {
            x[i] = Exp(Vector512.Create((x[i] * scale) - shift))[0];
            rest += x[i];
        }

        return Vector512.Sum(sum) + rest;
    }

    /// <summary>
    /// eˣ to about 2 ulp: x = n·ln 2 + r, |r| ≤ ½ ln 2, a polynomial of degree 6 in r (Cephes), times 2ⁿ through the exponent's bits. Below −87 it gives 0.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp(Vector512<float> x)
    {
        var bounded = Vector512.Min(Vector512.Max(x, Vector512.Create(-87.3f)), Vector512.Create(88.3f));
        var n = Vector512.Round(bounded * Vector512.Create(1.44269504f));
        var r = Vector512.FusedMultiplyAdd(n, Vector512.Create(2.12194440e-4f), Vector512.FusedMultiplyAdd(n, Vector512.Create(-0.693359375f), bounded));
        var p = Vector512.Create(1.9875691500e-4f);
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.3981999507e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(8.3334519073e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(4.1665795894e-2f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.6666665459e-1f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(5.0000001201e-1f));
        p = Vector512.FusedMultiplyAdd(p * r, r, r + Vector512<float>.One);
        var power = Vector512.ShiftLeft(Vector512.ConvertToInt32(n) + Vector512.Create(127), 23).AsSingle();
        return Vector512.ConditionalSelect(Vector512.LessThan(x, Vector512.Create(-87.3f)), Vector512<float>.Zero, p * power);
    }

    /// <summary>The bent gate and its slope.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<float> Value, Vector512<float> Slope) Bend(GateActivation function, Vector512<float> x)
    {
        var one = Vector512<float>.One;
        if (function == GateActivation.Silu)
        {
            var sigmoid = one / (one + Exp(-x));
            var value = x * sigmoid;
            return (value, sigmoid + (value * (one - sigmoid)));
        }

        // tanh(z) = 1 − 2/(e^2z + 1), z = √(2/π)·(x + 0.044715·x³).
        var inner = x + (Vector512.Create(0.044715f) * x * x * x);
        var tanh = one - (Vector512.Create(2f) / (Exp(inner * Vector512.Create(2 * 0.7978845608f)) + one));
        var half = Vector512.Create(0.5f);
        var slope = Vector512.Create(0.7978845608f) * (one + (Vector512.Create(3 * 0.044715f) * x * x));
        return (half * x * (one + tanh), (half * (one + tanh)) + (half * x * (one - (tanh * tanh)) * slope));
    }

    private static void RotateAdjacent(float* x, float* cosine, float* sine, int pairs, float direction)
    {
        for (var i = 0; i < pairs; i++)
        {
            float even = x[2 * i], odd = x[(2 * i) + 1], s = sine[i] * direction;
            x[2 * i] = (even * cosine[i]) - (odd * s);
            x[(2 * i) + 1] = (odd * cosine[i]) + (even * s);
        }
    }

    private static void RotateHalves(float* x, float* cosine, float* sine, int pairs, float direction)
    {
        for (var i = 0; i < pairs; i++)
        {
            float first = x[i], second = x[pairs + i], s = sine[i] * direction;
            x[i] = (first * cosine[i]) - (second * s);
            x[pairs + i] = (second * cosine[i]) + (first * s);
        }
    }
}
