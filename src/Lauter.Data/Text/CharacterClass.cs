using System.Globalization;

namespace Lauter.Data.Text;

/// <summary>What a UTF-16 unit is, as far as rules for prose care.</summary>
[Flags]
internal enum CharacterClass : byte
{
    None = 0,
    Letter = 1,
    Digit = 2,
    White = 4,

    /// <summary>Han characters; they are letters too.</summary>
    Han = 8,

    /// <summary>Punctuation of prose, ASCII and East Asian: never held against a text.</summary>
    Prose = 16,

    /// <summary>Any other punctuation or symbol.</summary>
    Sign = 32,

    /// <summary>Unreadable: U+FFFD, private use, controls and invisible marks.</summary>
    Garbled = 64,

    /// <summary>Part of a word: letters, digits, marks, surrogates.</summary>
    Word = 128,
}

/// <summary>One table look-up a character instead of a Unicode query.</summary>
internal static class CharacterClasses
{
    private static readonly CharacterClass[] Table = Build();

    /// <summary>The table itself, indexed by the character: for loops that look up every character of a text.</summary>
    public static ReadOnlySpan<CharacterClass> All => Table;

    public static CharacterClass Of(char c) => Table[c];

    private static CharacterClass[] Build()
    {
        var table = new CharacterClass[char.MaxValue + 1];
        for (var i = 0; i < table.Length; i++)
        {
            table[i] = Classify((char)i);
        }

        return table;
    }

    private static CharacterClass Classify(char c)
    {
        if (char.IsWhiteSpace(c))
        {
            return CharacterClass.White;
        }

        if (c is '\uFFFD' or (>= '\uE000' and <= '\uF8FF') || TextFolding.IsInvisible(c))
        {
            return CharacterClass.Garbled;
        }

        if (TextFolding.IsHan(c))
        {
            return CharacterClass.Han | CharacterClass.Letter | CharacterClass.Word;
        }

        // Surrogates count as letters: rare Han characters stand there, and so do emoji, which the rules for signs name by themselves.
        if (char.IsLetter(c) || char.IsSurrogate(c))
        {
            return CharacterClass.Letter | CharacterClass.Word;
        }

        if (char.IsDigit(c) || char.IsNumber(c))
        {
            return CharacterClass.Digit | CharacterClass.Word;
        }

        if (char.GetUnicodeCategory(c) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark)
        {
            return CharacterClass.Word;
        }

        return IsProsePunctuation(c) ? CharacterClass.Prose : CharacterClass.Sign;
    }

    private static bool IsProsePunctuation(char c) =>
        c is '.' or ',' or ';' or ':' or '!' or '?' or '\'' or '"' or '(' or ')' or '-' or '/' or '&' or '%' or '[' or ']' or '#' or '*' or '|' or '\u2026' or '\u2014' or '\u2013' or '\u00B7'
        || c is (>= '\u2018' and <= '\u201F') or (>= '\u3000' and <= '\u303F') or (>= '\uFF00' and <= '\uFF0F') or (>= '\uFF1A' and <= '\uFF20') or (>= '\uFE30' and <= '\uFE4F');
}
