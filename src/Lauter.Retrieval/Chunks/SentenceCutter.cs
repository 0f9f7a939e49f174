namespace Lauter.Retrieval.Chunks;

/// <summary>Finds where to cut a text that is longer than the budget.</summary>
internal static class SentenceCutter
{
    /// <summary>
    /// How many leading UTF-16 units of <paramref name="text"/> to take: all when they fit, else up to the last sentence end, line end or
    /// blank inside the budget (in that order), else as many as fit. At least one character, never half a surrogate pair.
    /// </summary>
    public static int Fit(ReadOnlySpan<char> text, int budget)
    {
        var quarters = 0;
        int sentence = 0, blank = 0, i = 0;
        for (; i < text.Length; i++)
        {
            quarters += TokenEstimate.QuartersOf(text[i]);
            if (quarters > budget * 4)
            {
                break;
            }

            if (IsSentenceEnd(text, i))
            {
                sentence = i + 1;
            }
            else if (char.IsWhiteSpace(text[i]))
            {
                blank = i + 1;
            }
        }

        if (i == text.Length)
        {
            return text.Length;
        }

        // A sentence end in the first third would leave a crumb: a blank further on is the better cut.
        var cut = sentence > i / 3 ? sentence : blank > i / 3 ? blank : i;
        if (cut > 1 && char.IsHighSurrogate(text[cut - 1]))
        {
            cut--;
        }

        return Math.Max(cut, char.IsHighSurrogate(text[0]) && text.Length > 1 ? 2 : 1);
    }

    private static bool IsSentenceEnd(ReadOnlySpan<char> text, int i) => text[i] switch
    {
        '\n' or '。' or '！' or '？' or '；' or '!' or '?' => true,
        '.' => i + 1 == text.Length || char.IsWhiteSpace(text[i + 1]),
        _ => false,
    };
}
