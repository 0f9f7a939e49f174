using System.Diagnostics;
using Lauter.Training.Natives;

namespace Lauter.Training.Jobs;

/// <summary>How fast this machine multiplies matrices, measured in a moment, to say how long a run will take.</summary>
internal static unsafe class MachineSpeed
{
    /// <summary>Part of the matrix speed that an adapter training reaches, measured on SmolLM2-135M (bench/RESULTS.md, section Training).</summary>
    public const double ExpectedShare = 0.75;

    private const int Small = 1024;

    /// <summary>Best of a few fp32 products of 1,024³ on so many threads, in floating-point operations a second.</summary>
    public static double FlopsPerSecond(int threads) => Measure(Small, threads, 4);

    /// <summary>Best of so many fp32 products of size³.</summary>
    public static double Measure(int size, int threads, int times)
    {
        using NativeBuffer a = new((long)size * size), b = new((long)size * size), c = new((long)size * size);
        a.Span(0, size * size).Fill(0.5f);
        b.Span(0, size * size).Fill(0.25f);
        c.Clear();
        var before = Blas.UseThreads(threads);
        var best = double.MaxValue;
        for (var i = 0; i < times; i++)
        {
            var start = Stopwatch.GetTimestamp();
            Blas.Product(a.Pointer, size, b.Pointer, size, c.Pointer, size, size, size, size);
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        Blas.UseThreads(before);
        return 2.0 * size * size * size / best;
    }
}
