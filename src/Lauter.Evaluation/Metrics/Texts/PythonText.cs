using System.Globalization;
using System.Text;

namespace Lauter.Evaluation.Metrics.Texts;

/// <summary>Text as the reference implementations see it: code points, their white space, their lower case, their word characters.</summary>
internal static class PythonText
{
    public const string AsciiPunctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

    /// <summary>U+001C to U+001F separate words there, and do not in <see cref="char.IsWhiteSpace(char)"/>.</summary>
    public static bool IsSpace(char c) => char.IsWhiteSpace(c) || c is >= '\u001c' and <= '\u001f';

    /// <summary>Runs of anything but white space.</summary>
    public static List<string> Split(string text)
    {
        var words = new List<string>(text.Length / 5 + 1);
        var start = -1;
        for (var i = 0; i <= text.Length; i++)
        {
            if (i == text.Length || IsSpace(text[i]))
            {
                if (start >= 0)
                {
                    words.Add(text[start..i]);
                    start = -1;
                }
            }
            else if (start < 0)
            {
                start = i;
            }
        }

        return words;
    }

    public static string TrimEnd(string text)
    {
        var end = text.Length;
        while (end > 0 && IsSpace(text[end - 1]))
        {
            end--;
        }

        return text[..end];
    }

    public static string Trim(string text)
    {
        var start = 0;
        while (start < text.Length && IsSpace(text[start]))
        {
            start++;
        }

        return TrimEnd(text[start..]);
    }

    /// <summary>Lower case by the full Unicode rules: U+0130 becomes two code points, a sigma at the end of a word its final form.</summary>
    public static string Lower(string text)
    {
        var lower = text.ToLowerInvariant();
        if (!text.AsSpan().ContainsAny('\u0130', '\u03a3'))
        {
            return lower;
        }

        var result = new StringBuilder(lower.Length + 4);
        for (var i = 0; i < text.Length; i++)
        {
            _ = text[i] switch
            {
                '\u0130' => result.Append("i\u0307"),
                '\u03a3' => result.Append(IsCasedBefore(text, i) && !IsCasedAfter(text, i) ? '\u03c2' : '\u03c3'),
                _ => result.Append(lower[i]),
            };
        }

        return result.ToString();
    }

    /// <summary>A letter, a digit or another number, or the underscore.</summary>
    public static bool IsWordCharacter(Rune rune) =>
        rune.Value == '_' || Rune.IsLetter(rune)
        || Rune.GetUnicodeCategory(rune) is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber;

    private static bool IsCasedBefore(string text, int index)
    {
        var i = index - 1;
        while (i >= 0 && IsCaseIgnorable(text[i]))
        {
            i--;
        }

        return i >= 0 && IsCased(text[i]);
    }

    private static bool IsCasedAfter(string text, int index)
    {
        var i = index + 1;
        while (i < text.Length && IsCaseIgnorable(text[i]))
        {
            i++;
        }

        return i < text.Length && IsCased(text[i]);
    }

    private static bool IsCased(char c) => char.IsUpper(c) || char.IsLower(c);

    private static bool IsCaseIgnorable(char c) => c is '\'' or '.' or ':' or '^' or '`' or '\u00ad' or '\u00b7' or '\u2019'
        || char.GetUnicodeCategory(c) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format
            or UnicodeCategory.ModifierLetter or UnicodeCategory.ModifierSymbol;
}
