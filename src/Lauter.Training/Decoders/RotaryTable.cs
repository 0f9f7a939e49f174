using Lauter.Training.Natives;

namespace Lauter.Training.Decoders;

/// <summary>Sines and cosines of rotary positions (Su et al. 2021, arXiv:2104.09864), computed in double precision.</summary>
internal sealed unsafe class RotaryTable : IDisposable
{
    private readonly NativeBuffer _memory;

    /// <param name="features">Rotated features of a head; even.</param>
    /// <param name="frequencyBase">Usually 10,000 or more.</param>
    /// <param name="factors">Divisors of the frequencies, or null.</param>
    /// <param name="positions">Positions 0 to this − 1.</param>
    public RotaryTable(int features, double frequencyBase, float[]? factors, int positions)
    {
        (Pairs, Positions) = (features / 2, positions);
        _memory = new NativeBuffer(2L * Pairs * positions);
        for (var i = 0; i < Pairs; i++)
        {
            // The frequency is rounded to fp32 as llama.cpp and transformers do; the angle is not.
            var frequency = (float)(Math.Pow(frequencyBase, -2.0 * i / features) / (factors?[i] ?? 1f));
            for (var t = 0; t < positions; t++)
            {
                var (sine, cosine) = Math.SinCos((double)t * frequency);
                (Cosine(t)[i], Sine(t)[i]) = ((float)cosine, (float)sine);
            }
        }
    }

    public int Pairs { get; }

    public int Positions { get; }

    public float* Cosine(int position) => _memory.Pointer + (2L * position * Pairs);

    public float* Sine(int position) => Cosine(position) + Pairs;

    public void Dispose() => _memory.Dispose();
}
