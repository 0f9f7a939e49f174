using System.Numerics;

namespace Lauter.Data.Dedup;

/// <summary>
/// The first document of each content, in 8 bytes a slot: half a hash and a number, linear probing. What half a hash cannot tell apart is looked up on
/// disk, so the table holds 12 to 24 bytes for each content where a dictionary needs 60.
/// </summary>
/// <param name="contentOf">The content's hash of a document.</param>
internal sealed class ContentTable(Func<int, UInt128> contentOf)
{
    private ulong[] _slots = new ulong[1 << 10];
    private int _count;

    /// <summary>The number that has this content; when there is none yet, <paramref name="number"/>, which has it from now on.</summary>
    public int FirstOf(UInt128 content, int number)
    {
        if (10L * _count >= 7L * _slots.Length)
        {
            Grow();
        }

        var print = (uint)(content >> 96);
        for (var at = Place(print, _slots.Length); ; at = (at + 1) & (_slots.Length - 1))
        {
            var slot = _slots[at];
            if (slot == 0)
            {
                _slots[at] = ((ulong)print << 32) | ((uint)number + 1);
                _count++;
                return number;
            }

            if ((uint)(slot >> 32) == print && contentOf((int)((uint)slot - 1)) == content)
            {
                return (int)((uint)slot - 1);
            }
        }
    }

    private void Grow()
    {
        var old = _slots;
        _slots = new ulong[2 * old.Length];
        foreach (var slot in old)
        {
            if (slot == 0)
            {
                continue;
            }

            var at = Place((uint)(slot >> 32), _slots.Length);
            while (_slots[at] != 0)
            {
                at = (at + 1) & (_slots.Length - 1);
            }

            _slots[at] = slot;
        }
    }

    private static int Place(uint print, int slots) => (int)((ulong)print >> (32 - BitOperations.Log2((uint)slots)));
}
