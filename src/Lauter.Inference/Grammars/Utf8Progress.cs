namespace Lauter.Inference.Grammars;

/// <summary>Follows a byte stream and says whether it can still become well-formed UTF-8 (Unicode 16, table 3-7). A value type: a copy is a try.</summary>
internal struct Utf8Progress
{
    private int _missing;
    private byte _low;
    private byte _high;

    /// <summary>Whether all characters so far are complete.</summary>
    public readonly bool IsComplete => _missing == 0;

    /// <summary>Takes the bytes; false when they break a character.</summary>
    public bool TryAdd(ReadOnlySpan<byte> bytes)
    {
        foreach (var value in bytes)
        {
            if (_missing > 0)
            {
                if (value < _low || value > _high)
                {
                    return false;
                }

                _missing--;
                (_low, _high) = (0x80, 0xBF);
                continue;
            }

            (_missing, _low, _high) = value switch
            {
                < 0x80 => (0, (byte)0, (byte)0),
                >= 0xC2 and <= 0xDF => (1, (byte)0x80, (byte)0xBF),
                0xE0 => (2, (byte)0xA0, (byte)0xBF),
                0xED => (2, (byte)0x80, (byte)0x9F),
                >= 0xE1 and <= 0xEF => (2, (byte)0x80, (byte)0xBF),
                0xF0 => (3, (byte)0x90, (byte)0xBF),
                >= 0xF1 and <= 0xF3 => (3, (byte)0x80, (byte)0xBF),
                0xF4 => (3, (byte)0x80, (byte)0x8F),
                _ => (-1, (byte)0, (byte)0),
            };
            if (_missing < 0)
            {
                return false;
            }
        }

        return true;
    }
}
