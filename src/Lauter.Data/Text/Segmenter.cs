using System.Text;

namespace Lauter.Data.Text;

/// <summary>
/// Cuts text into search terms without a dictionary: Han characters as unigrams and bigrams, other letters as lower-case words
/// (English ones stemmed), digits kept whole. The same terms serve BM25, nearest examples and repetition rules. Thread-safe.
/// </summary>
public static class Segmenter
{
    /// <summary>The terms of <paramref name="text"/> in order; each Han bigram follows its first character.</summary>
    public static IReadOnlyList<string> Terms(string text) => Scan(text, stem: true, bigrams: true);

    /// <summary>
    /// The words in order for counting and for rules: Latin words unstemmed, each Han character for itself. Folded like <see cref="Terms"/>.
    /// </summary>
    public static IReadOnlyList<string> Words(string text) => Scan(text, stem: false, bigrams: false);

    private static List<string> Scan(string text, bool stem, bool bigrams)
    {
        var folded = TextFolding.Fold(text);
        var terms = new List<string>(folded.Length / 3);
        var i = 0;
        while (i < folded.Length)
        {
            var c = folded[i];
            if (IsIdeograph(c))
            {
                terms.Add(Single(c));
                if (bigrams && i + 1 < folded.Length && IsIdeograph(folded[i + 1]))
                {
                    terms.Add(folded.Substring(i, 2));
                }

                i++;
            }
            else if (char.IsLetterOrDigit(c) || char.IsSurrogate(c))
            {
                var start = i;
                while (i < folded.Length && IsWordPart(folded, i))
                {
                    i++;
                }

                var word = folded[start..i];
                terms.Add(stem ? EnglishStemmer.Stem(word) : word);
            }
            else
            {
                i++;
            }
        }

        return terms;
    }

    /// <summary>Han, kana and hangul syllables count as characters of their own: those scripts do not set blanks between words reliably.</summary>
    private static bool IsIdeograph(char c) => TextFolding.IsHan(c) || c is (>= '\u3040' and <= '\u30FF');

    private static bool IsWordPart(string text, int i)
    {
        var c = text[i];
        if (IsIdeograph(c))
        {
            return false;
        }

        if (char.IsLetterOrDigit(c) || char.IsSurrogate(c) || char.GetUnicodeCategory(c) == System.Globalization.UnicodeCategory.NonSpacingMark)
        {
            return true;
        }

        // An apostrophe inside a word, and a point or comma inside a number, belong to the term.
        var inside = i > 0 && i + 1 < text.Length;
        return inside && ((c is '\'' or '\u2019' && char.IsLetter(text[i - 1]) && char.IsLetter(text[i + 1]) && !IsIdeograph(text[i + 1]))
            || (c is '.' or ',' && char.IsDigit(text[i - 1]) && char.IsDigit(text[i + 1])));
    }

    private static readonly string?[] Singles = new string?[char.MaxValue + 1];

    /// <summary>One string object per character instead of one per occurrence.</summary>
    private static string Single(char c) => Singles[c] ??= c.ToString();
}
