using System.Numerics;
using System.Runtime.InteropServices;

namespace Lauter.Gateway.Caches;

/// <summary>Vectors of length one, whose dot product is their cosine.</summary>
internal static class UnitVector
{
    /// <summary>The vector of length one in the same direction; a zero vector stays one.</summary>
    public static float[] Of(float[] vector)
    {
        var length = MathF.Sqrt(Dot(vector, vector));
        return length > 0 ? [.. vector.Select(v => v / length)] : [.. vector];
    }

    /// <summary>0 for vectors of different lengths: they come from different models.</summary>
    public static float Dot(float[] a, float[] b)
    {
        if (a.Length != b.Length)
        {
            return 0;
        }

        var x = MemoryMarshal.Cast<float, Vector<float>>(a);
        var y = MemoryMarshal.Cast<float, Vector<float>>(b);
        var sum = Vector<float>.Zero;
        for (var i = 0; i < x.Length; i++)
        {
            sum += x[i] * y[i];
        }

        var rest = 0f;
        for (var i = x.Length * Vector<float>.Count; i < a.Length; i++)
        {
            rest += a[i] * b[i];
        }

        return Vector.Sum(sum) + rest;
    }
}
