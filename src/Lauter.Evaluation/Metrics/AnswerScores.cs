using System.Text;

namespace Lauter.Evaluation.Metrics;

/// <summary>
/// Exact match and token F1 of short answers: the SQuAD form for English, the character form for Chinese. Each takes the best of
/// several references. English signature <c>answer_f1|norm:squad|tok:space</c>, Chinese <c>answer_f1|norm:zh|tok:char</c>: the two never
/// compare.
/// </summary>
public static class AnswerScores
{
    private const string AsciiPunctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

    private static readonly HashSet<char> Punctuation =
    [
        .. AsciiPunctuation, .. "–—‘’‛“”„‟…‧、。〃》「」『』【】〔〕〖〗〘〙〚〛〜〝〞〟〰〾〿﹏",
        .. "！＂＃＄％＆＇（）＊＋，－／：；＜＝＞？＠［＼］＾＿｀｛｜｝～｟｠｢｣､",
    ];

    /// <summary>Lower case, no ASCII punctuation, no words a/an/the, single spaces.</summary>
    public static string NormaliseEnglish(string text)
    {
        var kept = new StringBuilder(text.Length);
        foreach (var c in text.ToLowerInvariant())
        {
            if (!AsciiPunctuation.Contains(c))
            {
                kept.Append(c);
            }
        }

        return string.Join(' ', kept.ToString().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Where(w => w is not ("a" or "an" or "the")));
    }

    /// <summary>Lower case, no white space, no ASCII or Chinese punctuation.</summary>
    public static string NormaliseChinese(string text) =>
        string.Concat(text.ToLowerInvariant().Where(c => !char.IsWhiteSpace(c) && !Punctuation.Contains(c)));

    /// <summary>1 when the normalised prediction equals a normalised reference.</summary>
    public static double Exact(string prediction, IEnumerable<string> references, bool chinese)
    {
        Func<string, string> normalise = chinese ? NormaliseChinese : NormaliseEnglish;
        return references.Any(r => normalise(r) == normalise(prediction)) ? 1 : 0;
    }

    /// <summary>Best F1 of shared tokens over the references; an answer without tokens on either side scores 0.</summary>
    public static double F1(string prediction, IEnumerable<string> references, bool chinese)
    {
        var said = Tokens(prediction, chinese);
        return references.Max(r => F1(said, Tokens(r, chinese)));
    }

    private static List<string> Tokens(string text, bool chinese) => chinese
        ? [.. NormaliseChinese(text).EnumerateRunes().Select(r => r.ToString())]
        : [.. NormaliseEnglish(text).Split(' ', StringSplitOptions.RemoveEmptyEntries)];

    private static double F1(List<string> prediction, List<string> reference)
    {
        var left = reference.GroupBy(t => t, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.Count(), StringComparer.Ordinal);
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
}
