using System.Buffers;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Lauter.Data.Text;

namespace Lauter.Data.Operators.Edits;

/// <summary>Edits inside lines. Each gives back the same object when nothing changes; patterns match in linear time, so no input can stall them.</summary>
internal static partial class InlineEdits
{
    private static readonly SearchValues<char> Markup = SearchValues.Create("<&");

    /// <summary>Scripts, styles, comments and tags out, entities decoded. A "less than" that opens no tag stays.</summary>
    public static string WithoutHtml(string text)
    {
        if (text.AsSpan().IndexOfAny(Markup) < 0)
        {
            return text;
        }

        var plain = text.Contains('<', StringComparison.Ordinal) ? Tags().Replace(Blocks().Replace(text, ""), m => Breaks().IsMatch(m.ValueSpan) ? "\n" : "") : text;
        if (plain.Contains('&', StringComparison.Ordinal))
        {
            plain = Entities().Replace(plain, m => WebUtility.HtmlDecode(m.Value).Replace('\u00A0', ' '));
        }

        return string.Equals(plain, text, StringComparison.Ordinal) ? text : plain;
    }

    /// <summary>Addresses of web pages out.</summary>
    public static string WithoutLinks(string text) => text.Contains("://", StringComparison.Ordinal) || text.Contains("www.", StringComparison.OrdinalIgnoreCase) ? Links().Replace(text, "") : text;

    /// <summary>Citation marks such as [3] or [citation needed] out.</summary>
    public static string WithoutCitations(string text) => text.Contains('[', StringComparison.Ordinal) ? Citations().Replace(text, "") : text;

    /// <summary>Traditional characters to simplified ones, one to one.</summary>
    public static string Simplified(string text)
    {
        var at = 0;
        while (at < text.Length && TextFolding.Simplify(text[at]) == text[at])
        {
            at++;
        }

        return at == text.Length ? text : TextFolding.Simplify(text);
    }

    /// <summary>Emoji, their joiners, skin tones and variation selectors out.</summary>
    public static string WithoutEmoji(string text)
    {
        if (text.AsSpan().IndexOfAnyInRange('\u2300', '\u2BFF') < 0 && text.AsSpan().IndexOfAnyInRange('\uD83C', '\uD83E') < 0 && text.AsSpan().IndexOfAny('\u200D', '\uFE0F') < 0)
        {
            return text;
        }

        var result = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (!IsEmoji(rune.Value))
            {
                result.Append(rune);
            }
        }

        return result.Length == text.Length ? text : result.ToString();
    }

    /// <summary>Copyright and licence comments at the start of a text out.</summary>
    public static string WithoutCopyrightHeader(string text)
    {
        var match = Header().Match(text);
        return match.Success && match.Value.Contains("copyright", StringComparison.OrdinalIgnoreCase) ? text[match.Length..].TrimStart('\n', '\r', ' ') : text;
    }

    /// <summary>Words longer than <paramref name="longest"/> out; Han, kana and hangul have no blanks and stay.</summary>
    public static string WithoutLongWords(string text, int longest)
    {
        StringBuilder? result = null;
        var start = 0;
        while (start < text.Length)
        {
            var end = start;
            while (end < text.Length && !char.IsWhiteSpace(text[end]) && text[end] < '\u2E80')
            {
                end++;
            }

            if (end - start > longest)
            {
                result ??= new StringBuilder(text.Length).Append(text, 0, start);
            }
            else
            {
                result?.Append(text, start, end - start);
            }

            if (end < text.Length)
            {
                result?.Append(text[end]);
            }

            start = end + 1;
        }

        return result?.ToString() ?? text;
    }

    private static bool IsEmoji(int c) =>
        c is (>= 0x1F000 and <= 0x1FAFF) or (>= 0x2600 and <= 0x27BF) or (>= 0x2B00 and <= 0x2BFF) or (>= 0x2300 and <= 0x23FF) or 0x200D or 0xFE0F or (>= 0xE0020 and <= 0xE007F);

    [GeneratedRegex(@"<!--(?s:.*?)-->|<(?:script|style)\b[^>]*>(?s:.*?)</(?:script|style)\s*>", RegexOptions.IgnoreCase | RegexOptions.NonBacktracking)]
    private static partial Regex Blocks();

    [GeneratedRegex(@"</?[a-z][a-z0-9]{0,10}(?:\s[^<>]{0,500})?/?>", RegexOptions.IgnoreCase | RegexOptions.NonBacktracking)]
    private static partial Regex Tags();

    [GeneratedRegex(@"^<(?:br|/p|/div|/tr|/li|/h[1-6])\b", RegexOptions.IgnoreCase | RegexOptions.NonBacktracking)]
    private static partial Regex Breaks();

    [GeneratedRegex(@"&(?:#[0-9]{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,30});", RegexOptions.IgnoreCase | RegexOptions.NonBacktracking)]
    private static partial Regex Entities();

    [GeneratedRegex(@"(?:[a-z][a-z0-9+.-]{1,10}://|www\.)[a-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+", RegexOptions.IgnoreCase | RegexOptions.NonBacktracking)]
    private static partial Regex Links();

    [GeneratedRegex(@"\[(?:[0-9]{1,3}|edit|citation needed)\]", RegexOptions.IgnoreCase | RegexOptions.NonBacktracking)]
    private static partial Regex Citations();

    [GeneratedRegex(@"\A\s*(?:/\*(?s:.*?)\*/|(?:(?://|#|--)[^\n]*\n)+)", RegexOptions.NonBacktracking)]
    private static partial Regex Header();
}
