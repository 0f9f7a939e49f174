using System.Text.RegularExpressions;

namespace Lauter.Gateway.Guards;

/// <summary>Signs of a text that tries to give the model orders. Each has a weight; a text is suspect from a sum on.</summary>
internal static partial class InjectionSigns
{
    private const int TimeoutMilliseconds = 200;

    private static readonly (string Name, double Weight, Func<Regex> Pattern)[] Signs =
    [
        ("override", 1, Override),
        ("override", 1, OverrideHan),
        ("reveal_prompt", 1, Reveal),
        ("reveal_prompt", 1, RevealHan),
        ("new_role", 0.6, NewRole),
        ("no_limits", 0.8, NoLimits),
        ("template_marker", 1, Marker),
        ("hidden_characters", 0.6, Hidden),
        ("long_encoding", 0.4, Encoded),
    ];

    /// <summary>The signs in a text and the sum of their weights; each kind counts once.</summary>
    public static (double Score, IReadOnlyList<string> Names) Of(string text)
    {
        List<string> names = [];
        var score = 0.0;
        foreach (var (name, weight, pattern) in Signs)
        {
            try
            {
                if (!names.Contains(name, StringComparer.Ordinal) && pattern().IsMatch(text))
                {
                    names.Add(name);
                    score += weight;
                }
            }
            catch (RegexMatchTimeoutException)
            {
                // A text made to be slow is a sign of its own.
                names.Add("slow");
                score += 0.5;
            }
        }

        return (score, names);
    }

    [GeneratedRegex(@"\b(?:ignore|disregard|forget|override|bypass)\b.{0,30}\b(?:previous|prior|above|earlier|all|any|your|system)\b.{0,30}\b(?:instruction|prompt|rule|message|context|direction|guideline)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.Singleline, TimeoutMilliseconds)]
    private static partial Regex Override();

    [GeneratedRegex("(?:忽略|无视|無視|忘记|忘掉|不要理会).{0,12}(?:之前|以上|上面|前面|所有|系统|先前|此前).{0,12}(?:指令|指示|提示|要求|规则|规定|内容|设定)", RegexOptions.CultureInvariant | RegexOptions.Singleline, TimeoutMilliseconds)]
    private static partial Regex OverrideHan();

    [GeneratedRegex(@"\b(?:reveal|show|print|repeat|output|display|tell me|what (?:is|are))\b.{0,40}\b(?:system|hidden|initial|original|secret)\b.{0,20}\b(?:prompt|instruction|message)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.Singleline, TimeoutMilliseconds)]
    private static partial Regex Reveal();

    [GeneratedRegex("(?:显示|输出|打印|重复|告诉我|泄露).{0,12}(?:系统|初始|隐藏|内部).{0,6}(?:提示|指令|设定)", RegexOptions.CultureInvariant | RegexOptions.Singleline, TimeoutMilliseconds)]
    private static partial Regex RevealHan();

    [GeneratedRegex(@"\byou are (?:now|no longer)\b|\bpretend (?:to be|you are|that you)\b|\bact as (?:if|though|an?)\b|你现在(?:是|扮演)|从现在(?:起|开始).{0,6}你", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex NewRole();

    [GeneratedRegex(@"\b(?:developer|debug|god|dan|jailbreak) mode\b|\bdo anything now\b|\bwithout (?:any )?(?:restriction|filter|censorship|limitation)s?\b|越狱|开发者模式|不受(?:任何)?限制", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex NoLimits();

    [GeneratedRegex(@"<\|(?:im_start|im_end|system|assistant|endoftext|eot_id|start_header_id)\|>|\[/?INST\]|<<SYS>>|</?system>|^#{2,3} ?(?:system|assistant) ?:", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.Multiline, TimeoutMilliseconds)]
    private static partial Regex Marker();

    [GeneratedRegex("[\u200B\u2060\u202A-\u202E\u2066-\u2069]{2,}|(?:\uDB40[\uDC00-\uDC7F]){3,}", RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex Hidden();

    [GeneratedRegex("[A-Za-z0-9+/]{240,}={0,2}", RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex Encoded();
}
