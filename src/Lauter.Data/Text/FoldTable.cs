using System.Globalization;
using System.Text;

namespace Lauter.Data.Text;

/// <summary>What folding does with a character that stands alone.</summary>
internal enum FoldKind : byte
{
    /// <summary>Punctuation and signs: one character becomes one character.</summary>
    Sign,

    /// <summary>A letter or digit of a script that sets blanks between words; one to one.</summary>
    Letter,

    /// <summary>Han and kana: a word of its own; one to one.</summary>
    Ideograph,

    /// <summary>White space.</summary>
    Blank,

    /// <summary>Invisible: goes away.</summary>
    Skip,

    /// <summary>One character becomes several, for example … or ㎏.</summary>
    Expand,

    /// <summary>A combining mark or a conjoining jamo: its neighbours decide, the whole text must be normalised.</summary>
    Mark,

    /// <summary>Half of a character beyond the BMP.</summary>
    Surrogate,
}

/// <summary>
/// What folding makes of each character of the Basic Multilingual Plane, worked out once from <see cref="TextFolding"/>'s slow form. NFKC of a
/// text without marks is NFKC of its characters one by one, so a table is exact there, and it is some twenty times faster.
/// </summary>
internal static class FoldTable
{
    private const int KindShift = 16;

    /// <summary>Folded character in the low half, <see cref="FoldKind"/> above it.</summary>
    private static readonly uint[] Entries = new uint[char.MaxValue + 1];

    /// <summary>The letter without its accents, for shingles: résumé and resume are one word.</summary>
    private static readonly char[] Bases = new char[char.MaxValue + 1];

    private static readonly Dictionary<char, string> Expansions = [];

    static FoldTable()
    {
        for (var i = 0; i <= char.MaxValue; i++)
        {
            var c = (char)i;
            var (kind, folded) = Classify(c);
            Entries[i] = ((uint)kind << KindShift) | folded;
            Bases[i] = kind == FoldKind.Letter ? BaseOf(folded) : folded;
        }
    }

    public static ReadOnlySpan<uint> All => Entries;

    public static ReadOnlySpan<char> WithoutAccents => Bases;

    public static FoldKind KindOf(uint entry) => (FoldKind)(entry >> KindShift);

    /// <summary>What a character of <see cref="FoldKind.Expand"/> becomes.</summary>
    public static string Expansion(char c) => Expansions[c];

    /// <summary>True when the pair is stable under NFKC: Han of the supplementary planes and emoji. Others need the whole normaliser.</summary>
    public static bool IsStable(char high, char low)
    {
        if (!char.IsSurrogatePair(high, low))
        {
            return false;
        }

        var point = char.ConvertToUtf32(high, low);
        return point is (>= 0x1F300 and <= 0x1FAFF) or (>= 0x20000 and < 0x2F800) or (>= 0x30000 and <= 0x323AF);
    }

    private static (FoldKind Kind, char Folded) Classify(char c)
    {
        if (char.IsSurrogate(c))
        {
            return (FoldKind.Surrogate, c);
        }

        if (IsMark(c))
        {
            return (FoldKind.Mark, c);
        }

        if (TextFolding.IsHan(c) && c < '\uF900')
        {
            return (FoldKind.Ideograph, TextFolding.Simplify(c));
        }

        var normal = c < 128 ? c.ToString() : TextFolding.Normalised(c.ToString(), NormalizationForm.FormKC);
        if (normal.Any(IsMark))
        {
            return (FoldKind.Mark, c);
        }

        if (normal.Length != 1)
        {
            Expansions[c] = normal;
            return (FoldKind.Expand, c);
        }

        var one = normal[0];
        if (char.IsWhiteSpace(one))
        {
            return (FoldKind.Blank, ' ');
        }

        if (TextFolding.IsInvisible(one))
        {
            return (FoldKind.Skip, one);
        }

        var folded = char.ToLowerInvariant(one < 128 ? one : TextFolding.Simplify(one));
        return TextFolding.IsHan(folded) || folded is >= '\u3041' and <= '\u30FF' and not '\u30FB'
            ? (FoldKind.Ideograph, folded)
            : (char.IsLetterOrDigit(folded) ? FoldKind.Letter : FoldKind.Sign, folded);
    }

    /// <summary>Marks, conjoining jamo and the half-width sound marks of kana combine with what stands before them.</summary>
    private static bool IsMark(char c) =>
        char.GetUnicodeCategory(c) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark
        || c is (>= '\u1100' and <= '\u11FF') or '\uFF9E' or '\uFF9F';

    private static char BaseOf(char c)
    {
        // Accents are spelling in Latin, Greek and Cyrillic; in kana and hangul the parts of a character are not.
        if (c is < '\u00C0' or > '\u1FFF')
        {
            return c;
        }

        var parts = c.ToString().Normalize(NormalizationForm.FormKD);
        return parts.Length > 1 && char.IsLetter(parts[0]) && parts.Skip(1).All(IsMark) ? parts[0] : c;
    }
}
