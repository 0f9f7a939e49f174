namespace Lauter.Inference.Sampling;

/// <summary>
/// SplitMix64 (Steele, Lea, Flood 2014): the same seed gives the same numbers on every machine and runtime, which
/// <see cref="Random"/> does not promise. A struct, so that a copy restores the state.
/// </summary>
internal struct SeededRandom(ulong seed)
{
    private ulong _state = seed;

    /// <summary>Uniform in [0, 1), 53 bits.</summary>
    public double NextDouble()
    {
        _state += 0x9E3779B97F4A7C15;
        var z = _state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        z ^= z >> 31;
        return (z >> 11) * (1.0 / (1UL << 53));
    }
}
