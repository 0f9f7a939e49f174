using System.Text;
using Lauter.Data.Text;

namespace Lauter.Data.Dedup;

/// <summary>
/// Cuts a text into the units of its shingles in one pass over the characters: a Han or kana character is a unit of its own (its code
/// point), a run of other letters and digits is one (a hash with the top bit set). Width, case, script, accents, punctuation and invisible
/// characters make no difference. Thread-safe.
/// </summary>
internal static class TextUnits
{
    private const uint WordBit = 0x8000_0000;

    /// <summary>Appends the units of <paramref name="text"/> to <paramref name="units"/>.</summary>
    public static void Append(ReadOnlySpan<char> text, UnitBuffer units)
    {
        units.Reserve(text.Length + 1);
        if (!TryAppend(text, units, normalised: false))
        {
            // Jamo, rare compatibility characters, lone surrogates: the normaliser brings them to characters that the table knows.
            var normal = TextFolding.Normalised(text.ToString(), NormalizationForm.FormKC);
            units.Reserve(normal.Length + 1);
            TryAppend(normal, units, normalised: true);
        }
    }

    /// <summary>False, with nothing appended, when the text must be normalised first.</summary>
    private static bool TryAppend(ReadOnlySpan<char> text, UnitBuffer units, bool normalised)
    {
        var table = FoldTable.All;
        var bases = FoldTable.WithoutAccents;
        var target = units.Free;
        var count = 0;
        var (word, open) = (0UL, false);
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            var entry = table[c];
            var kind = FoldTable.KindOf(entry);
            if (kind == FoldKind.Letter)
            {
                word = (word + (c < 128 ? (char)entry : bases[c]) + 1) * 0x9E37_79B9_7F4A_7C15UL;
                open = true;
                continue;
            }

            if (kind == FoldKind.Skip)
            {
                continue;
            }

            if (kind >= FoldKind.Expand)
            {
                if (kind == FoldKind.Surrogate && i + 1 < text.Length && char.IsSurrogatePair(c, text[i + 1]) && (normalised || FoldTable.IsStable(c, text[i + 1])))
                {
                    Close(target, ref count, ref word, ref open);
                    target[count++] = (uint)char.ConvertToUtf32(c, text[++i]);
                }
                else if (kind == FoldKind.Expand && IsPunctuation(FoldTable.Expansion(c), table))
                {
                    Close(target, ref count, ref word, ref open);
                }
                else if (!normalised && (kind != FoldKind.Mark || NeedsNeighbours(c)))
                {
                    return false;
                }

                continue;
            }

            Close(target, ref count, ref word, ref open);
            if (kind == FoldKind.Ideograph)
            {
                target[count++] = (char)entry;
            }
        }

        Close(target, ref count, ref word, ref open);
        units.Count += count;
        return true;
    }

    private static void Close(Span<uint> target, ref int count, ref ulong word, ref bool open)
    {
        if (open)
        {
            target[count++] = (uint)(word >> 32) | WordBit;
            (word, open) = (0, false);
        }
    }

    /// <summary>Accents are dropped; jamo and the sound marks of kana make another character.</summary>
    private static bool NeedsNeighbours(char c) => c is (>= '\u1100' and <= '\u11FF') or '\uFF9E' or '\uFF9F' or '\u3099' or '\u309A';

    private static bool IsPunctuation(string expansion, ReadOnlySpan<uint> table)
    {
        foreach (var c in expansion)
        {
            if (FoldTable.KindOf(table[c]) is not (FoldKind.Sign or FoldKind.Blank))
            {
                return false;
            }
        }

        return true;
    }
}

/// <summary>A growing array of units.</summary>
internal sealed class UnitBuffer
{
    private uint[] _units = new uint[4096];

    public int Count { get; set; }

    public ReadOnlySpan<uint> Written => _units.AsSpan(0, Count);

    /// <summary>Room after the written units.</summary>
    public Span<uint> Free => _units.AsSpan(Count);

    public void Reserve(int count)
    {
        if (_units.Length - Count < count)
        {
            Array.Resize(ref _units, Math.Max(Count + count, 2 * _units.Length));
        }
    }
}
