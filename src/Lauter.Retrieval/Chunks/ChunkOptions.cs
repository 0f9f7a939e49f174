namespace Lauter.Retrieval.Chunks;

/// <summary>How long a passage may become. Sizes are estimated tokens (<see cref="TokenEstimate"/>), so that one number holds for every script.</summary>
public sealed record ChunkOptions
{
    /// <summary>Most estimated tokens of an English passage, default 200 (about 800 characters): the offline encoder reads 256 with the headings before it.</summary>
    public int EnglishTokens { get; init; } = 200;

    /// <summary>Most estimated tokens of a Chinese passage, default 240 (about 240 characters): Chinese says more in one token.</summary>
    public int ChineseTokens { get; init; } = 240;

    /// <summary>The budget for a language tag; everything but <c>zh</c> has the English one.</summary>
    public int BudgetFor(string language) => string.Equals(language, "zh", StringComparison.Ordinal) ? ChineseTokens : EnglishTokens;
}

/// <summary>Estimates tokens without a tokenizer: a Han character counts one, four other characters count one.</summary>
internal static class TokenEstimate
{
    public static int Of(ReadOnlySpan<char> text)
    {
        var quarters = 0;
        foreach (var c in text)
        {
            quarters += QuartersOf(c);
        }

        return (quarters + 3) / 4;
    }

    /// <summary>Cost of one UTF-16 unit in quarters of a token.</summary>
    public static int QuartersOf(char c) => c is (>= '\u3400' and <= '\u9FFF') or (>= '\uF900' and <= '\uFAFF') or (>= '\u3040' and <= '\u30FF') ? 4 : 1;
}
