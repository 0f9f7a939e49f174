using System.Globalization;
using System.Text;

namespace Lauter.Traces.Search;

/// <summary>
/// Folds texts and queries alike, for the full-text index: compatibility forms, lower case, and a space around every character of scripts that are
/// written without spaces. So a Chinese query matches any run of its characters, a Latin one whole words.
/// </summary>
internal static class SearchText
{
    /// <summary>The folded text.</summary>
    public static string Fold(string text)
    {
        var folded = new StringBuilder(text.Length + 16);
        foreach (var rune in Clean(text).Normalize(NormalizationForm.FormKC).EnumerateRunes())
        {
            if (IsSpaceless(rune))
            {
                folded.Append(' ').Append(rune).Append(' ');
            }
            else
            {
                folded.Append(Rune.ToLowerInvariant(rune));
            }
        }

        return folded.ToString();
    }

    /// <summary>
    /// A query in FTS5's language: every word must occur, words in double quotes in that order. Nothing of the text is taken as an operator. Null when it has no
    /// word.
    /// </summary>
    public static string? ToQuery(string text)
    {
        List<string> phrases = [];
        var parts = text.Split('"');
        for (var i = 0; i < parts.Length; i++)
        {
            foreach (var part in i % 2 == 1 ? [parts[i]] : parts[i].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
            {
                var words = Words(Fold(part));
                if (words.Length > 0)
                {
                    phrases.Add($"\"{words}\"");
                }
            }
        }

        return phrases.Count == 0 ? null : string.Join(" AND ", phrases);
    }

    private static string Words(string folded) => string.Join(
        ' ', new string([.. folded.Select(c => char.IsLetterOrDigit(c) || char.IsSurrogate(c) || CharUnicodeInfo.GetUnicodeCategory(c) == UnicodeCategory.NonSpacingMark ? c : ' ')])
            .Split(' ', StringSplitOptions.RemoveEmptyEntries));

    private static bool IsSpaceless(Rune rune) => rune.Value is (>= 0x3040 and <= 0x30FF) or (>= 0x3400 and <= 0x4DBF) or (>= 0x4E00 and <= 0x9FFF) or (>= 0xF900 and <= 0xFAFF)
        or (>= 0x20000 and <= 0x3FFFF);

    /// <summary>Half a surrogate pair (a cut text) cannot be normalised.</summary>
    private static string Clean(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsSurrogate(text[i]) && (i + 1 == text.Length || !char.IsSurrogatePair(text[i], text[i + 1])))
            {
                return Encoding.Unicode.GetString(Encoding.Unicode.GetBytes(text));
            }

            i += char.IsSurrogate(text[i]) ? 1 : 0;
        }

        return text;
    }
}
