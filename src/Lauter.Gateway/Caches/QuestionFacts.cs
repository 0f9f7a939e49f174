using System.Text;
using System.Text.RegularExpressions;

namespace Lauter.Gateway.Caches;

/// <summary>
/// What two questions must agree in before the answer to one may be given to the other, however similar they look: numbers, dates, negations, names, and
/// words that turn a meaning round. English and Chinese. A difference that is none costs a hit; one that is missed costs a wrong answer,
/// so everything in doubt counts as a difference.
/// </summary>
internal static partial class QuestionFacts
{
    private static readonly HashSet<string> Words = new(
        """
        zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety
        hundred thousand million billion half quarter third first second fourth fifth last next previous dozen double twice once
        january february march april may june july august september october november december monday tuesday wednesday thursday friday saturday sunday
        today tomorrow yesterday tonight morning afternoon evening noon midnight weekend week month year
        not no never none nothing nobody neither nor without cannot except unless only
        before after above below more less fewer most least minimum maximum highest lowest first start stop begin end open close on off enable disable enabled disabled allow forbid
        add remove increase decrease raise lower buy sell send receive lend borrow cancel book arrive depart from to in out up down cheapest dearest longest shortest
        """.Split([' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries), StringComparer.Ordinal);

    private static readonly string[] Han =
    [
        "不", "没", "無", "无", "未", "别", "非", "勿", "莫", "除了", "今天", "明天", "昨天", "后天", "前天", "今年", "明年", "去年", "本月", "上月", "下月", "上周", "下周", "本周", "早上", "下午", "晚上", "中午", "周末",
        "以前", "以后", "之前", "之后", "以上", "以下", "最多", "最少", "最高", "最低", "开启", "关闭", "打开", "启用", "禁用", "停用", "增加", "减少", "添加", "删除", "取消", "预订", "买", "卖", "开始", "结束", "发送", "接收", "到达", "出发", "借", "还",
    ];

    /// <summary>The facts of a text in a canonical order; equal exactly when no veto stands between two texts.</summary>
    public static string Of(string text)
    {
        List<string> facts = [];
        text = text.Normalize(NormalizationForm.FormKC);
        foreach (Match match in Token().Matches(text))
        {
            var token = match.Value;
            var lower = token.ToLowerInvariant();
            if (token.Any(char.IsDigit))
            {
                facts.Add("#" + lower); // numbers, dates in digits, codes
            }
            else if (lower.EndsWith("n't", StringComparison.Ordinal))
            {
                facts.Add("not");
            }
            else if (Words.Contains(lower))
            {
                facts.Add(lower);
            }
            else if (IsName(text, match.Index, token))
            {
                facts.Add("@" + lower);
            }
        }

        foreach (Match match in Numeral().Matches(text))
        {
            facts.Add("#" + match.Value);
        }

        foreach (Match match in Quoted().Matches(text))
        {
            facts.Add("\"" + match.Groups["inside"].Value.ToLowerInvariant());
        }

        foreach (var word in Han)
        {
            for (var at = text.IndexOf(word, StringComparison.Ordinal); at >= 0; at = text.IndexOf(word, at + word.Length, StringComparison.Ordinal))
            {
                facts.Add(word);
            }
        }

        facts.Sort(StringComparer.Ordinal);
        return string.Join('\n', facts);
    }

    /// <summary>A capital inside a sentence, several capitals, an address, or Latin letters in Chinese text.</summary>
    private static bool IsName(string text, int at, string token)
    {
        if (token.Count(char.IsUpper) > 1 || token.Contains('@') || token.Contains('/') || token.AsSpan(1).Contains('.'))
        {
            return token.Length > 1;
        }

        var before = text.AsSpan(0, at).TrimEnd();
        var inHan = (at > 0 && IsHan(text[at - 1])) || (at + token.Length < text.Length && IsHan(text[at + token.Length]));
        return inHan || (char.IsUpper(token[0]) && token.Length > 1 && before.Length > 0 && before[^1] is not ('.' or '!' or '?' or ':' or '\n' or '。' or '！' or '？'));
    }

    private static bool IsHan(char c) => c is >= '\u4e00' and <= '\u9fff';

    [GeneratedRegex(@"[A-Za-z0-9\u00c0-\u024f](?:[A-Za-z0-9\u00c0-\u024f'’._@/:+-]*[A-Za-z0-9\u00c0-\u024f])?", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Token();

    [GeneratedRegex("[〇零一二两三四五六七八九十百千万亿]+", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Numeral();

    [GeneratedRegex("[\"“「『《](?<inside>[^\"”」』》]{1,200})[\"”」』》]", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Quoted();
}
