using System.Text;
using Lauter.Evaluation.Metrics.Texts;

namespace Lauter.Evaluation.Metrics;

/// <summary>What an answer without a token on one side is worth.</summary>
public enum EmptyAnswers
{
    /// <summary>SQuAD v1: F1 0, also when both sides are empty.</summary>
    Zero,

    /// <summary>SQuAD v2 (with questions that have no answer): F1 1 when both sides are empty, else 0.</summary>
    Match,
}

/// <summary>
/// Exact match and token F1 of short answers: the SQuAD form for English, the character form for Chinese. Each takes the best of
/// several references. English signature <c>answer_f1|norm:squad|tok:space</c>, Chinese <c>answer_f1|norm:zh|tok:char</c>: the two never
/// compare.
/// </summary>
public static class AnswerScores
{
    private static readonly HashSet<char> Punctuation =
    [
        .. PythonText.AsciiPunctuation, .. "–—‘’‛“”„‟…‧、。〃》「」『』【】〔〕〖〗〘〙〚〛〜〝〞〟〰〾〿﹏",
        .. "！＂＃＄％＆＇（）＊＋，－／：；＜＝＞？＠［＼］＾＿｀｛｜｝～｟｠｡｢｣､",
    ];

    /// <summary>Lower case, no ASCII punctuation, no words a/an/the, single spaces.</summary>
    public static string NormaliseEnglish(string text)
    {
        var kept = new StringBuilder(text.Length);
        foreach (var c in PythonText.Lower(text))
        {
            if (!PythonText.AsciiPunctuation.Contains(c))
            {
                kept.Append(c);
            }
        }

        return string.Join(' ', PythonText.Split(WithoutArticles(kept.ToString())));
    }

    /// <summary>Lower case, no white space, no ASCII or Chinese punctuation.</summary>
    public static string NormaliseChinese(string text) =>
        string.Concat(PythonText.Lower(text).Where(c => !PythonText.IsSpace(c) && !Punctuation.Contains(c)));

    /// <summary>1 when the normalised prediction equals a normalised reference.</summary>
    public static double Exact(string prediction, IEnumerable<string> references, bool chinese)
    {
        Func<string, string> normalise = chinese ? NormaliseChinese : NormaliseEnglish;
        var said = normalise(prediction);
        return references.Any(r => normalise(r) == said) ? 1 : 0;
    }

    /// <summary>Best F1 of shared tokens over the references.</summary>
    public static double F1(string prediction, IEnumerable<string> references, bool chinese, EmptyAnswers empty = EmptyAnswers.Zero)
    {
        var said = Tokens(prediction, chinese);
        return references.Max(r => F1(said, Tokens(r, chinese), empty));
    }

    /// <summary>F1 of two token bags: for tokens cut elsewhere, for example by a Chinese word segmenter.</summary>
    public static double F1(IReadOnlyCollection<string> prediction, IReadOnlyCollection<string> reference, EmptyAnswers empty = EmptyAnswers.Zero)
    {
        if (prediction.Count == 0 || reference.Count == 0)
        {
            return empty == EmptyAnswers.Match && prediction.Count == reference.Count ? 1 : 0;
        }

        var left = reference.CountBy(t => t, StringComparer.Ordinal).ToDictionary(StringComparer.Ordinal);
        var shared = 0;
        foreach (var token in prediction)
        {
            if (left.TryGetValue(token, out var count) && count > 0)
            {
                left[token] = count - 1;
                shared++;
            }
        }

        return shared == 0 ? 0 : 2.0 * shared / (prediction.Count + reference.Count);
    }

    /// <summary>
    /// CMRC 2018's F1: of the longest run of segments that both share, not of a bag. 0 without a common segment.
    /// </summary>
    public static double LongestRunF1(IReadOnlyList<string> prediction, IReadOnlyList<string> reference)
    {
        var longest = 0;
        var above = new int[reference.Count + 1];
        foreach (var segment in prediction)
        {
            for (var j = reference.Count; j >= 1; j--)
            {
                above[j] = reference[j - 1] == segment ? above[j - 1] + 1 : 0;
                longest = Math.Max(longest, above[j]);
            }
        }

        return longest == 0 ? 0 : 2.0 * longest / (prediction.Count + reference.Count);
    }

    private static List<string> Tokens(string text, bool chinese) => chinese
        ? [.. NormaliseChinese(text).EnumerateRunes().Select(r => r.ToString())]
        : PythonText.Split(NormaliseEnglish(text));

    /// <summary>Words end where a character that is no letter, digit or underscore stands, so the <c>a</c> of <c>a–b</c> is an article too.</summary>
    private static string WithoutArticles(string text)
    {
        var output = new StringBuilder(text.Length);
        var word = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
        {
            if (PythonText.IsWordCharacter(rune))
            {
                word.Append(rune.ToString());
                continue;
            }

            Flush();
            output.Append(rune.ToString());
        }

        Flush();
        return output.ToString();

        void Flush()
        {
            var read = word.ToString();
            output.Append(read is "a" or "an" or "the" ? " " : read);
            word.Clear();
        }
    }
}
