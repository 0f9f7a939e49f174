namespace Lauter.Data.Dedup;

/// <summary>
/// Hashes of the shingles of a unit sequence: multilinear hashing of the window (Carter, Wegman 1979) with constants of 64 bits, then a
/// finaliser. A sequence shorter than the window is one shingle, or all short texts would look alike. Pure.
/// </summary>
internal static class Shingles
{
    /// <summary>Longest window.</summary>
    public const int LargestSize = 32;

    private static readonly ulong[] Constants = [.. Enumerable.Range(0, LargestSize + 1).Select(i => ShingleSet.Mix((ulong)i + 77) | 1)];

    /// <summary>Shingles of <paramref name="units"/> units, repeated ones included.</summary>
    public static int Count(int units, int size) => units == 0 ? 0 : Math.Max(1, units - size + 1);

    /// <summary>64-bit hashes in order of the windows, for exact sets.</summary>
    public static void Hash(ReadOnlySpan<uint> units, int size, Span<ulong> hashes)
    {
        var (width, salt) = Window(units.Length, size);
        for (var i = 0; i < hashes.Length; i++)
        {
            hashes[i] = Finish(Linear(units, i, width) + salt);
        }
    }

    /// <summary>The upper 32 bits of the same hashes, for signatures.</summary>
    public static void Hash(ReadOnlySpan<uint> units, int size, Span<uint> hashes)
    {
        var (width, salt) = Window(units.Length, size);
        if (width == 5)
        {
            var (k0, k1, k2, k3, k4) = (Constants[0], Constants[1], Constants[2], Constants[3], Constants[4]);
            for (var i = 0; i < hashes.Length; i++)
            {
                var window = units.Slice(i, 5);
                hashes[i] = (uint)(Finish((window[0] * k0) + (window[1] * k1) + (window[2] * k2) + (window[3] * k3) + (window[4] * k4) + salt) >> 32);
            }

            return;
        }

        for (var i = 0; i < hashes.Length; i++)
        {
            hashes[i] = (uint)(Finish(Linear(units, i, width) + salt) >> 32);
        }
    }

    /// <summary>The width that is used and what tells windows of different widths apart.</summary>
    private static (int Width, ulong Salt) Window(int units, int size)
    {
        var width = Math.Min(size, units);
        return (width, Constants[LargestSize] * (ulong)width);
    }

    private static ulong Linear(ReadOnlySpan<uint> units, int start, int width)
    {
        var sum = 0UL;
        for (var k = 0; k < width; k++)
        {
            sum += units[start + k] * Constants[k];
        }

        return sum;
    }

    private static ulong Finish(ulong z)
    {
        z = (z ^ (z >> 32)) * 0xD6E8_FEB8_6659_FD93UL;
        return z ^ (z >> 32);
    }
}
