namespace Helpdesk.Generator.Text;

/// <summary>
/// A seeded source of choices (SplitMix64). Written out here, because the committed example must not change
/// with the runtime's own random generator.
/// </summary>
internal sealed class Dice(ulong seed)
{
    private readonly ulong _seed = seed;
    private ulong _drawn;

    /// <summary>A uniform integer in [0, <paramref name="exclusive"/>).</summary>
    public int Below(int exclusive) => (int)(Next() % (ulong)exclusive);

    /// <summary>True with probability <paramref name="chance"/> (0 to 1).</summary>
    public bool Chance(double chance) => (Next() >> 11) * (1.0 / (1UL << 53)) < chance;

    /// <summary>One element, each equally likely.</summary>
    public T Pick<T>(IReadOnlyList<T> items) => items[Below(items.Count)];

    /// <summary>An own stream for one purpose, so that a change in one part leaves the others as they are.</summary>
    public Dice Fork(string purpose)
    {
        var mixed = _seed;
        foreach (var c in purpose)
        {
            mixed = (mixed ^ c) * 0x100000001B3UL;
        }

        return new Dice(mixed);
    }

    /// <summary>The items in a random order (Fisher-Yates).</summary>
    public List<T> Shuffle<T>(IEnumerable<T> items)
    {
        var list = items.ToList();
        for (var i = list.Count - 1; i > 0; i--)
        {
            var j = Below(i + 1);
            (list[i], list[j]) = (list[j], list[i]);
        }

        return list;
    }

    private ulong Next()
    {
        var z = _seed + (++_drawn * 0x9E3779B97F4A7C15UL);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }
}
