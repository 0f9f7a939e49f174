using System.Numerics;
using System.Runtime.InteropServices;

namespace Lauter.Retrieval.Vectors;

/// <summary>Exact search over unit vectors by dot product. Immutable; searching is thread-safe.</summary>
public sealed class VectorScan
{
    private readonly float[] _values;

    /// <summary>Takes <paramref name="values"/>, row after row of <paramref name="dimensions"/> numbers, without copying.</summary>
    /// <exception cref="ArgumentException">The length is no multiple of the dimensions.</exception>
    public VectorScan(float[] values, int dimensions)
    {
        if (dimensions <= 0 || values.Length % dimensions != 0)
        {
            throw new ArgumentException($"{values.Length} numbers do not make rows of {dimensions}.", nameof(dimensions));
        }

        _values = values;
        Dimensions = dimensions;
    }

    /// <summary>Numbers in one vector.</summary>
    public int Dimensions { get; }

    /// <summary>Number of vectors.</summary>
    public int Count => _values.Length / Dimensions;

    internal ReadOnlySpan<float> Values => _values;

    /// <summary>The vector with this number.</summary>
    public ReadOnlySpan<float> Row(int number) => _values.AsSpan(number * Dimensions, Dimensions);

    /// <summary>The <paramref name="k"/> vectors with the highest dot product, highest first, ties by number.</summary>
    public IReadOnlyList<ScoredItem> Search(ReadOnlySpan<float> query, int k)
    {
        if (query.Length != Dimensions)
        {
            throw new ArgumentException($"The query has {query.Length} dimensions, the vectors have {Dimensions}.", nameof(query));
        }

        var scores = new double[Count];
        for (var i = 0; i < scores.Length; i++)
        {
            scores[i] = Dot(query, Row(i));
        }

        return TopItems.Select(scores, k, positiveOnly: false);
    }

    /// <summary>Dot product with four running sums of SIMD width: the order of additions is fixed, so results repeat on one machine type.</summary>
    internal static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        var x = MemoryMarshal.Cast<float, Vector<float>>(a);
        var y = MemoryMarshal.Cast<float, Vector<float>>(b);
        Vector<float> s0 = default, s1 = default, s2 = default, s3 = default;
        var i = 0;
        for (; i + 4 <= x.Length; i += 4)
        {
            s0 += x[i] * y[i];
            s1 += x[i + 1] * y[i + 1];
            s2 += x[i + 2] * y[i + 2];
            s3 += x[i + 3] * y[i + 3];
        }

        for (; i < x.Length; i++)
        {
            s0 += x[i] * y[i];
        }

        var sum = Vector.Sum(s0 + s1 + (s2 + s3));
        for (var rest = x.Length * Vector<float>.Count; rest < a.Length; rest++)
        {
            sum += a[rest] * b[rest];
        }

        return sum;
    }

    /// <summary>Scales <paramref name="vector"/> to length 1 in place; a zero vector stays zero.</summary>
    internal static void Normalise(Span<float> vector)
    {
        var length = Math.Sqrt(Dot(vector, vector));
        if (length > 0 && double.IsFinite(length))
        {
            for (var i = 0; i < vector.Length; i++)
            {
                vector[i] = (float)(vector[i] / length);
            }
        }
    }
}
