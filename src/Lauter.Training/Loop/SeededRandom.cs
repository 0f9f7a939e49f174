namespace Lauter.Training.Loop;

/// <summary>
/// SplitMix64 (Steele, Lea and Flood 2014). The standard library may change its seeded sequence between versions; a training run may not.
/// </summary>
internal struct SeededRandom
{
    private ulong _state;

    /// <summary>A stream that depends on every part of the key and on nothing else.</summary>
    public SeededRandom(ulong seed, ulong first = 0, ulong second = 0)
    {
        _state = seed;
        _state = Next() ^ (first * 0xD1B54A32D192ED03);
        _state = Next() ^ (second * 0x8CB92BA72F3D8DD7);
    }

    public ulong Next()
    {
        _state += 0x9E3779B97F4A7C15;
        var z = _state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>Uniform in [0, <paramref name="limit"/>).</summary>
    public int Next(int limit) => (int)Math.BigMul(Next(), (ulong)limit, out _);

    /// <summary>Uniform in [0, 1).</summary>
    public double NextDouble() => (Next() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Standard normal (Box and Muller 1958).</summary>
    public double NextNormal() => Math.Sqrt(-2 * Math.Log(1 - NextDouble())) * Math.Cos(2 * Math.PI * NextDouble());

    public void Shuffle<T>(Span<T> items)
    {
        for (var i = items.Length - 1; i > 0; i--)
        {
            var j = Next(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }
}
