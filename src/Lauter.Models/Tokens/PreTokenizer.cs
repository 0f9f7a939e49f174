using System.Globalization;
using System.Text;

namespace Lauter.Models.Tokens;

/// <summary>
/// Splits text into the runs inside which byte pairs merge. It follows the expression that llama.cpp runs for <c>tokenizer.ggml.pre = "qwen2"</c>:
/// <c>(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+</c>.
/// Each digit stands alone, so that numbers cost the same in both languages and no vocabulary is spent on them.
/// </summary>
internal static class PreTokenizer
{
    /// <summary>Value of <c>tokenizer.ggml.pre</c> with the same split.</summary>
    public const string Name = "qwen2";

    private enum Kind : byte
    {
        Letter,
        Number,
        Space,
        LineEnd,
        Other,
    }

    /// <summary>Calls <paramref name="piece"/> for each run, in order; together the runs are the whole text.</summary>
    public static void Split(string text, Action<string, int, int> piece)
    {
        var position = 0;
        while (position < text.Length)
        {
            var end = Next(text, position);
            piece(text, position, end - position);
            position = end;
        }
    }

    private static int Next(string text, int start)
    {
        if (text[start] == '\'' && Contraction(text, start + 1) is var letters and > 0)
        {
            return start + 1 + letters;
        }

        var kind = At(text, start, out var width);
        var after = start + width;
        if (kind == Kind.Letter)
        {
            return Run(text, after, Kind.Letter);
        }

        var following = after < text.Length ? At(text, after, out _) : Kind.LineEnd;
        if (kind is Kind.Space or Kind.Other && after < text.Length && following == Kind.Letter)
        {
            return Run(text, after, Kind.Letter);
        }

        if (kind == Kind.Number)
        {
            return after;
        }

        if (kind == Kind.Other || (text[start] == ' ' && following == Kind.Other))
        {
            var end = Run(text, after, Kind.Other);
            while (end < text.Length && text[end] is '\r' or '\n')
            {
                end++;
            }

            return end;
        }

        return WhiteSpace(text, start);
    }

    private static int WhiteSpace(string text, int start)
    {
        int end = start, afterLineEnd = -1, last = start;
        while (end < text.Length && At(text, end, out var width) is Kind.Space or Kind.LineEnd)
        {
            last = end;
            end += width;
            if (text[last] is '\r' or '\n')
            {
                afterLineEnd = end;
            }
        }

        if (afterLineEnd > 0)
        {
            return afterLineEnd;
        }

        // A run before a visible character leaves its last space to that character.
        return end < text.Length && last > start ? last : end;
    }

    private static int Run(string text, int start, Kind kind)
    {
        while (start < text.Length && At(text, start, out var width) == kind)
        {
            start += width;
        }

        return start;
    }

    private static int Contraction(string text, int at)
    {
        if (at >= text.Length)
        {
            return 0;
        }

        var first = char.ToLowerInvariant(text[at]);
        if (first is 's' or 't' or 'm' or 'd' && text[at] < 128)
        {
            return 1;
        }

        var second = at + 1 < text.Length && text[at] < 128 && text[at + 1] < 128 ? char.ToLowerInvariant(text[at + 1]) : '\0';
        return (first, second) is ('r', 'e') or ('v', 'e') or ('l', 'l') ? 2 : 0;
    }

    private static Kind At(string text, int index, out int width)
    {
        var rune = Rune.TryGetRuneAt(text, index, out var found) ? found : Rune.ReplacementChar;
        width = rune.Utf16SequenceLength;
        if (rune.Value is '\r' or '\n')
        {
            return Kind.LineEnd;
        }

        if (Rune.IsWhiteSpace(rune))
        {
            return Kind.Space;
        }

        return Rune.GetUnicodeCategory(rune) switch
        {
            UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
                or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => Kind.Letter,
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Kind.Number,
            _ => Kind.Other,
        };
    }
}
