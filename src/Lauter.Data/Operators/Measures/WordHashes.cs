using Lauter.Data.Text;

namespace Lauter.Data.Operators.Measures;

/// <summary>A set of words, asked by the hash of a token: half as slow as asking by its characters. Immutable.</summary>
internal sealed class WordHashes
{
    private readonly ulong[] _keys;
    private readonly int _mask;

    /// <param name="words">As tokens spell them; English words are also known with a capital and in capitals.</param>
    public WordHashes(IEnumerable<string> words)
    {
        var hashes = words.SelectMany(w => new[] { w, char.ToUpperInvariant(w[0]) + w[1..], w.ToUpperInvariant() }).Distinct(StringComparer.Ordinal)
            .Select(w => TextView.HashOf(w)).ToList();
        _keys = new ulong[(int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(64, hashes.Count * 4))];
        _mask = _keys.Length - 1;
        foreach (var hash in hashes)
        {
            var slot = (int)hash & _mask;
            while (_keys[slot] != 0)
            {
                slot = (slot + 1) & _mask;
            }

            _keys[slot] = hash;
        }
    }

    public bool Contains(ulong hash)
    {
        var slot = (int)hash & _mask;
        while (_keys[slot] != 0)
        {
            if (_keys[slot] == hash)
            {
                return true;
            }

            slot = (slot + 1) & _mask;
        }

        return false;
    }
}
