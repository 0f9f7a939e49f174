using Lauter.Data.Text;

namespace Lauter.Data.Operators;

/// <summary>What is measured of a text once; recipes compare these numbers with thresholds without reading the text again.</summary>
/// <param name="Language"><c>en</c>, <c>zh</c> or <c>und</c>.</param>
/// <param name="Words">Words; a Han character counts as one.</param>
/// <param name="Letters">Letters and digits among all characters that are neither blanks nor prose punctuation, 0 to 1.</param>
/// <param name="Repetition">Words inside a run of words seen before in the text, 0 to 1.</param>
/// <param name="Garbled">U+FFFD, private-use and typical mis-decoded characters among all, 0 to 1.</param>
public sealed record Scores(string Language, int Words, double Letters, double Repetition, double Garbled)
{
    /// <summary>Raised when a measure changes its meaning.</summary>
    internal const int Version = 1;

    /// <summary>Measures a text. Markdown marks count as punctuation.</summary>
    public static Scores Of(string text)
    {
        var words = Segmenter.Words(text);
        var language = LanguageDetector.Detect(text);
        int visible = 0, letters = 0, garbled = 0, all = 0;
        foreach (var c in text)
        {
            if (char.IsWhiteSpace(c))
            {
                continue;
            }

            all++;
            if (c is '\uFFFD' or (>= '\uE000' and <= '\uF8FF') || TextFolding.IsInvisible(c))
            {
                garbled++;
            }

            if (char.IsLetterOrDigit(c) || char.IsSurrogate(c))
            {
                letters++;
                visible++;
            }
            else if (!IsProsePunctuation(c))
            {
                visible++;
            }
        }

        garbled += Mojibake.SuspiciousPairs(text) * 2;
        return new Scores(language, words.Count, visible == 0 ? 0 : (double)letters / visible, Repeated(words, language), all == 0 ? 0 : Math.Min(1, (double)garbled / all));
    }

    private static double Repeated(IReadOnlyList<string> words, string language)
    {
        var run = language == LanguageDetector.Chinese ? 8 : 5;
        if (words.Count < run * 2)
        {
            return 0;
        }

        var seen = new HashSet<ulong>();
        var hashes = words.Select(w => Dedup.ShingleSet.HashOf(w)).ToArray();
        var covered = new bool[words.Count];
        for (var i = 0; i + run <= words.Count; i++)
        {
            var hash = 0UL;
            for (var k = 0; k < run; k++)
            {
                hash = Dedup.ShingleSet.Mix(hash ^ hashes[i + k]);
            }

            if (!seen.Add(hash))
            {
                Array.Fill(covered, true, i, run);
            }
        }

        return (double)covered.Count(c => c) / words.Count;
    }

    private static bool IsProsePunctuation(char c) =>
        c is '.' or ',' or ';' or ':' or '!' or '?' or '\'' or '"' or '(' or ')' or '-' or '/' or '&' or '%' or '[' or ']' or '#' or '*' or '|' or '\u2026' or '\u2014' or '\u2013'
        || c is (>= '\u2018' and <= '\u201F') or (>= '\u3000' and <= '\u303F') or (>= '\uFF00' and <= '\uFF0F') or (>= '\uFF1A' and <= '\uFF20');
}
