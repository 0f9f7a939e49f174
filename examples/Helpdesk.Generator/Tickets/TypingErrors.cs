using System.Text;
using Helpdesk.Generator.Text;

namespace Helpdesk.Generator.Tickets;

/// <summary>Slips of the finger in English words, and wrong characters of the same sound or shape in Chinese.</summary>
internal static class TypingErrors
{
    private static readonly (string Right, string Wrong)[] ChineseSlips =
    [
        ("订单", "定单"), ("账号", "帐号"), ("登录", "登陆"), ("安装", "按装"), ("的", "地"), ("的", "得"), ("在", "再"), ("已经", "以经"),
        ("做", "作"), ("密码", "蜜码"), ("温度", "温渡"), ("退款", "退欵"), ("发票", "发漂"), ("机器", "机气"), ("问题", "问提"), ("阀门", "阀们"),
        ("加热", "加热热"), ("传感器", "传赶器"), ("配件", "配见"), ("清洗", "请洗"), ("固件", "故件"), ("地址", "地止"), ("培训", "陪训"), ("保修", "报修"),
        ("声音", "生音"), ("发酵", "发孝"), ("请", "清"), ("收到", "收道"), ("一直", "一只"), ("怎么", "咋么"), ("配方", "配放"), ("客服", "克服"),
    ];

    /// <summary>Words that must stay readable, since a label hangs on them alone.</summary>
    private static bool Protected(string word) => word.Any(char.IsDigit) || word.Any(char.IsUpper) || word.Contains('@') || word.Length < 4;

    public static string English(string text, int count, Dice dice)
    {
        var words = text.Split(' ');
        for (var i = 0; i < count; i++)
        {
            var at = dice.Below(words.Length);
            if (!Protected(words[at]) && words[at].All(c => char.IsAsciiLetterLower(c) || c is ',' or '.'))
            {
                words[at] = Slip(words[at], dice);
            }
        }

        return string.Join(' ', words);
    }

    public static string Chinese(string text, int count, Dice dice)
    {
        for (var i = 0; i < count; i++)
        {
            var (right, wrong) = dice.Pick(ChineseSlips);
            var at = text.IndexOf(right, StringComparison.Ordinal);
            if (at >= 0)
            {
                text = string.Concat(text.AsSpan(0, at), wrong, text.AsSpan(at + right.Length));
            }
            else if (dice.Chance(0.4))
            {
                text = DropHan(text, dice);
            }
        }

        return text;
    }

    private static string Slip(string word, Dice dice)
    {
        var at = 1 + dice.Below(word.Length - 2);
        return dice.Below(3) switch
        {
            0 => new StringBuilder(word).Remove(at, 2).Insert(at, [word[at + 1], word[at]]).ToString(),
            1 => word.Remove(at, 1),
            _ => word.Insert(at, word[at].ToString()),
        };
    }

    private static string DropHan(string text, Dice dice)
    {
        var at = dice.Below(text.Length);
        return text[at] is >= '一' and <= '鿿' ? text.Remove(at, 1) : text;
    }
}
