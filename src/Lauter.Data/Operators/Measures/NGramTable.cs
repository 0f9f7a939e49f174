namespace Lauter.Data.Operators.Measures;

/// <summary>
/// Counts 64-bit keys of one text by open addressing. Emptied in constant time: an entry belongs to the text whose number it carries. Not thread-safe.
/// </summary>
internal sealed class NGramTable
{
    private struct Entry
    {
        public ulong Key;
        public int Epoch;
        public int Count;
    }

    private Entry[] _entries = new Entry[4096];
    private int _epoch;
    private int _mask = 4095;

    /// <summary>Forgets all and makes room for <paramref name="keys"/> different keys.</summary>
    public void Clear(int keys)
    {
        var size = Math.Max(1024, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)keys * 2));
        if (size > _entries.Length)
        {
            (_entries, _epoch) = (new Entry[size], 0);
        }

        // A small text uses a small part of the table, which the processor's cache holds.
        _mask = size - 1;
        _epoch++;
    }

    /// <summary>Counts one more of <paramref name="key"/> and tells how many there are now.</summary>
    public int Add(ulong key)
    {
        var hash = key * 0x9E3779B97F4A7C15UL;
        var slot = (int)(hash >> 32) & _mask;
        while (true)
        {
            ref var entry = ref _entries[slot];
            if (entry.Epoch != _epoch)
            {
                (entry.Key, entry.Epoch, entry.Count) = (key, _epoch, 1);
                return 1;
            }

            if (entry.Key == key)
            {
                return ++entry.Count;
            }

            slot = (slot + 1) & _mask;
        }
    }

    /// <summary>How many times <see cref="Add"/> saw the key.</summary>
    public int Count(ulong key)
    {
        var slot = (int)((key * 0x9E3779B97F4A7C15UL) >> 32) & _mask;
        while (_entries[slot].Epoch == _epoch)
        {
            if (_entries[slot].Key == key)
            {
                return _entries[slot].Count;
            }

            slot = (slot + 1) & _mask;
        }

        return 0;
    }
}
