using Lauter.Data.Operators.Measures;

namespace Lauter.Data.Operators.Edits;

/// <summary>Edits that leave lines out. Each gives back the same object when nothing changes, and changes nothing when applied again.</summary>
internal static class LineEdits
{
    private const int LongestWord = 1000;

    private static readonly string[] Policies = ["terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies"];

    private static readonly string[] Boilerplate =
    [
        "accept all cookies", "enable javascript", "subscribe to our newsletter", "share this article", "all rights reserved", "click here to", "back to top", "skip to main content",
        "skip to content", "must be logged in", "sign in to", "related articles", "you may also like", "advertisement", "free trial", "next >>", "intended only for the addressee",
        "not the intended recipient", "follow us on", "loading, please wait", "sitemap", "contact us |", "home >", "sign up for",
        "启用浏览器的javascript", "隐私政策", "版权所有", "禁止转载", "分享到", "扫描二维码", "关注我们", "点击这里", "返回顶部", "返回列表", "上一篇", "下一篇", "首页 >", "责任编辑", "相关推荐",
        "登录后才能", "立即注册", "友情链接", "网站地图", "客服热线", "保密信息", "错收了本邮件", "广告位", "正在加载", "免责声明",
    ];

    /// <summary>
    /// The line rules of C4 (Raffel et al. 2020, section 2.2) without the one for terminal punctuation, as FineWeb runs them: lines about JavaScript or
    /// cookie policies, lines of fewer words than <paramref name="words"/>, lines with a word of more than 1,000 characters, citation marks such as [3].
    /// Chinese lines have no blanks between words and are left alone by the word rules.
    /// </summary>
    public static string C4(string text, int words) => Filter(text, line =>
    {
        var visible = line.Trim();
        return !visible.IsEmpty && !visible.Contains("javascript", StringComparison.OrdinalIgnoreCase) && !ContainsAny(visible, Policies) && (HasHan(visible) || HasWords(visible, words));
    });

    /// <summary>Short lines of navigation, sharing, copyright, log-in and confidentiality notices, by their words.</summary>
    public static string WithoutBoilerplate(string text) => Filter(text, line => line.Length > 120 || !ContainsAny(line, Boilerplate));

    /// <summary>Lines of at least <paramref name="shortest"/> characters that stood in the text before.</summary>
    public static string WithoutRepeats(string text, int shortest)
    {
        var seen = new HashSet<ulong>();
        return Filter(text, line => line.Trim() is var visible && (visible.Length < shortest || seen.Add(System.IO.Hashing.XxHash3.HashToUInt64(System.Runtime.InteropServices.MemoryMarshal.AsBytes(visible)))));
    }

    /// <summary>Lines that stand in at least <paramref name="limit"/> texts of the corpus.</summary>
    public static string WithoutFrequent(string text, Rows.LineFrequencies frequencies, double limit) => Filter(text, line => frequencies.Count(line) < limit);

    private delegate bool Keeps(ReadOnlySpan<char> line);

    private static string Filter(string text, Keeps keeps)
    {
        System.Text.StringBuilder? result = null;
        var start = 0;
        while (start <= text.Length)
        {
            var length = text.AsSpan(start).IndexOf('\n');
            var end = length < 0 ? text.Length : start + length;
            var line = text.AsSpan(start, end - start);
            if (line.IsEmpty || keeps(line))
            {
                result?.Append(line);
                if (end < text.Length)
                {
                    result?.Append('\n');
                }
            }
            else
            {
                result ??= new System.Text.StringBuilder(text.Length).Append(text, 0, start);
            }

            start = end + 1;
        }

        return result is null ? text : result.ToString().Trim('\n');
    }

    private static bool ContainsAny(ReadOnlySpan<char> line, string[] phrases)
    {
        foreach (var phrase in phrases)
        {
            if (line.Contains(phrase, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }

    private static bool HasHan(ReadOnlySpan<char> line) => line.IndexOfAnyInRange('\u3400', '\u9FFF') >= 0;

    private static bool HasWords(ReadOnlySpan<char> line, int least)
    {
        var words = 0;
        foreach (var range in line.SplitAny(' ', '\t'))
        {
            var length = range.End.Value - range.Start.Value;
            if (length > LongestWord)
            {
                return false;
            }

            words += length > 0 ? 1 : 0;
        }

        return words >= least;
    }
}
