using System.Numerics;
using Lauter.Models.Families;

namespace Lauter.Models.Peft;

/// <summary>Adds a pair to the matrix it adapts, in fp32.</summary>
internal static class LoraDelta
{
    /// <summary>W + scale · B·A in place; with magnitudes DoRA's m · (W + scale · B·A) ÷ its row lengths (Liu et al. 2024).</summary>
    /// <param name="values">W in GGUF order, [outputs, inputs].</param>
    /// <param name="pair">The pair.</param>
    /// <param name="weight">Names the order of W's rows.</param>
    /// <param name="scale">The factor on B·A.</param>
    public static void Add(float[] values, LoraPair pair, WeightName weight, double scale)
    {
        var b = pair.GgufB(weight);
        var magnitude = pair.Magnitude is { } lengths ? weight.ToGguf(lengths) : null;
        int inputs = pair.Inputs, rank = pair.Rank;
        Parallel.For(0, pair.Outputs, row =>
        {
            var target = values.AsSpan(row * inputs, inputs);
            for (var k = 0; k < rank; k++)
            {
                AddScaled(target, pair.A.AsSpan(k * inputs, inputs), (float)(b[(row * rank) + k] * scale));
            }

            if (magnitude is not null)
            {
                var squares = 0.0;
                foreach (var value in target)
                {
                    squares += (double)value * value;
                }

                var factor = (float)(magnitude[row] / Math.Sqrt(squares));
                for (var i = 0; i < target.Length; i++)
                {
                    target[i] *= factor;
                }
            }
        });
    }

    private static void AddScaled(Span<float> target, ReadOnlySpan<float> source, float factor)
    {
        var i = 0;
        var scale = new Vector<float>(factor);
        for (; i <= target.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            (new Vector<float>(target[i..]) + (new Vector<float>(source[i..]) * scale)).CopyTo(target[i..]);
        }

        for (; i < target.Length; i++)
        {
            target[i] += source[i] * factor;
        }
    }
}
