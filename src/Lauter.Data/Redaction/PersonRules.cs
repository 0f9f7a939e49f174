using System.Buffers;
using System.Text.RegularExpressions;
using Lauter.Data.Text;

namespace Lauter.Data.Redaction;

/// <summary>
/// Names of persons without a model: a word that announces a name (姓名：, 联系人, "Mr.", "Dear"), a title after a Chinese surname, or a common English first
/// name before a capitalised word. What has no such sign is not found.
/// </summary>
internal static partial class PersonRules
{
    private const int TimeoutMilliseconds = 500;
    private const int Longest = 48;

    /// <summary>Words after which a name is looked for. Matched as they stand, so a capital letter counts.</summary>
    private static readonly string[] Before =
    [
        "姓名", "联系人", "收件人", "收货人", "寄件人", "负责人", "经办人", "申请人", "持卡人", "投保人", "患者", "客户", "我叫", "法定代表人", "法人", "户名", "本人",
        "Mr", "Mrs", "Ms", "Miss", "Dr", "Prof", "Dear ", "name", "Name", "Contact", "contact", "Attn", "Recipient", "Patient", "Sincerely", "Regards", "regards",
    ];

    /// <summary>Titles before which a Chinese surname or name stands.</summary>
    private static readonly string[] After = ["先生", "女士", "小姐", "同志", "经理", "主任", "医生", "律师", "老师", "工程师"];

    private static readonly SearchValues<string> Signs = SearchValues.Create([.. Before, .. After], StringComparison.Ordinal);

    private const string Surnames =
        "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫雷龙黎史陶贺毛段郝顾龚邵覃武钱戴严莫孔向常汤康易乔赖樊殷施庄章鲁倪邢翁伍傅俞葛洪";

    private static readonly string[] CompoundSurnames = ["欧阳", "司马", "上官", "诸葛", "东方", "皇甫", "尉迟", "公孙", "慕容", "令狐", "司徒", "夏侯"];

    private static readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> FirstNames = new HashSet<string>(
        ("James John Robert Michael William David Richard Joseph Thomas Christopher Daniel Matthew Anthony Steven Andrew Kenneth Joshua Kevin Brian Timothy Ronald Jason Jeffrey Ryan Jacob Nicholas Eric "
        + "Jonathan Stephen Larry Justin Scott Brandon Benjamin Samuel Gregory Alexander Patrick Dennis Jerry Mary Patricia Jennifer Linda Elizabeth Barbara Susan Jessica Sarah Karen Lisa Nancy Betty Sandra Margaret "
        + "Ashley Kimberly Emily Donna Michelle Carol Amanda Melissa Deborah Stephanie Rebecca Laura Cynthia Kathleen Amy Angela Emma Olivia Sophia Hannah Julia Alice Oliver Harry Jack Charlie Lucy Ella Peter Paul").Split(' '),
        StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>Capitalised words that follow "Dear" or a label and are no names.</summary>
    private static readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> NotNames = new HashSet<string>(
        "Customer Customers Sir Sirs Madam Team All Colleague Colleagues Client Clients User Users Friend Friends Support Sales Service Services The This Your Our Please Us Number Date Address Email Phone Information Details Person Inc Ltd Company Department Street Island River University College School County Park".Split(' '),
        StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();

    public static void Find(string text, List<PersonalDataSpan> found)
    {
        for (var at = 0; at < text.Length;)
        {
            var next = text.AsSpan(at).IndexOfAny(Signs);
            if (next < 0)
            {
                break;
            }

            at += next;
            if (TextFolding.IsHan(text[at]))
            {
                Chinese(text, ref at, found);
            }
            else
            {
                English(text, ref at, found);
            }
        }

        FirstNamesOf(text, found);
    }

    private static void Chinese(string text, ref int at, List<PersonalDataSpan> found)
    {
        foreach (var title in After)
        {
            if (string.CompareOrdinal(text, at, title, 0, title.Length) == 0)
            {
                BeforeTitle(text, at, found);
                at += title.Length;
                return;
            }
        }

        // A label: 姓名：王小明, 联系人为李雷, 我叫韩梅梅.
        var place = at;
        var sign = Before.First(b => string.CompareOrdinal(text, place, b, 0, b.Length) == 0);
        at += sign.Length;
        var start = at;
        while (start < text.Length && start - at < 3 && text[start] is '：' or ':' or ' ' or '为' or '是' or '\u3000')
        {
            start++;
        }

        if (start == at && sign is not ("我叫" or "患者" or "客户" or "本人" or "联系人" or "收件人" or "申请人"))
        {
            return;
        }

        var surname = SurnameLength(text, start);
        if (surname == 0)
        {
            return;
        }

        // Given names have one or two characters; the second one must not begin the next word.
        var end = start + surname;
        while (end < text.Length && end - start - surname < 2 && TextFolding.IsHan(text[end]) && !IsFollower(text, end))
        {
            end++;
        }

        if (end > start + surname && (start > at || end == text.Length || !TextFolding.IsHan(text[end]) || IsFollower(text, end)))
        {
            PersonalData.TryAdd(found, new PersonalDataSpan(PersonalDataKind.Person, start, end - start));
            at = end;
        }

    }

    private static void BeforeTitle(string text, int title, List<PersonalDataSpan> found)
    {
        // The longest of 欧阳小明, 王小明, 王明, 欧阳, 王 that ends here and begins where no word goes on before it.
        for (var length = Math.Min(4, title); length >= 1; length--)
        {
            var start = title - length;
            var surname = SurnameLength(text, start);
            if (surname > 0 && length - surname is >= 0 and <= 2 && AllHan(text, start, length) && (start == 0 || !TextFolding.IsHan(text[start - 1]) || IsLeader(text[start - 1])))
            {
                PersonalData.TryAdd(found, new PersonalDataSpan(PersonalDataKind.Person, start, length));
                return;
            }
        }
    }

    private static int SurnameLength(string text, int at)
    {
        if (at >= text.Length)
        {
            return 0;
        }

        return Array.Exists(CompoundSurnames, s => string.CompareOrdinal(text, at, s, 0, 2) == 0) ? 2 : Surnames.Contains(text[at], StringComparison.Ordinal) ? 1 : 0;
    }

    private static bool AllHan(string text, int start, int length)
    {
        for (var i = start; i < start + length; i++)
        {
            if (!TextFolding.IsHan(text[i]))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Characters that rarely stand in a given name and often follow one.</summary>
    private static bool IsFollower(string text, int at) => text[at] is '的' or '在' or '于' or '已' or '将' or '与' or '和' or '及' or '是' or '为' or '来' or '去' or '请' or '您' or '你' or '电' or '手' or '身' or '住' or '向' or '对' or '说' or '先' or '女' or '称' or '因' or '被' or '把' or '要' or '提' or '申' or '联' or '号' or '收' or '表' or '反' or '咨' or '今' or '昨' or '就' or '从' or '有' or '至';

    private static bool IsLeader(char c) => c is '的' or '给' or '向' or '请' or '找' or '由' or '与' or '和' or '对' or '是' or '为' or '致' or '叫' or '让' or '被' or '帮' or '替' or '经' or '户' or '人' or '问' or '有' or '了' or '约';

    private static void English(string text, ref int at, List<PersonalDataSpan> found)
    {
        var boundary = at == 0 || !char.IsAsciiLetter(text[at - 1]);
        var start = at;
        at += 2;
        if (!boundary)
        {
            return;
        }

        var name = Announced().Match(text.Substring(start, Math.Min(Longest + 24, text.Length - start))).Groups["name"];
        if (name.Success && !NotNames.Contains(name.ValueSpan.IndexOf(' ') is > 0 and var blank ? name.ValueSpan[..blank] : name.ValueSpan))
        {
            PersonalData.TryAdd(found, new PersonalDataSpan(PersonalDataKind.Person, start + name.Index, name.Length));
        }
    }

    private static void FirstNamesOf(string text, List<PersonalDataSpan> found)
    {
        for (var at = 0; ;)
        {
            var next = text.AsSpan(at).IndexOfAnyInRange('A', 'Z');
            if (next < 0)
            {
                return;
            }

            at += next;
            var end = at + 1;
            while (end < text.Length && char.IsAsciiLetterLower(text[end]))
            {
                end++;
            }

            if (end - at is >= 3 and <= 11 && end + 2 < text.Length && text[end] == ' ' && char.IsAsciiLetterUpper(text[end + 1]) && (at == 0 || !char.IsAsciiLetter(text[at - 1])) && FirstNames.Contains(text.AsSpan(at, end - at)))
            {
                foreach (var match in FullName().EnumerateMatches(text.AsSpan(at, Math.Min(Longest, text.Length - at))))
                {
                    var last = text.AsSpan(at, match.Length);
                    if (!NotNames.Contains(last[(last.LastIndexOf(' ') + 1)..]))
                    {
                        PersonalData.TryAdd(found, new PersonalDataSpan(PersonalDataKind.Person, at, match.Length));
                    }

                    end = at + match.Length;
                    break;
                }
            }

            at = end;
        }
    }

    private const string Title = "(?:Mr|Mrs|Ms|Miss|Dr|Prof)\\.? ";

    private const string OneName = "[A-Z](?:[a-z]+|['’][A-Z][a-z]+|c[A-Z][a-z]+)(?:-[A-Z][a-z]+)?";

    [GeneratedRegex("^(?:" + Title + "|Dear (?:" + Title + ")?|(?:[Nn]ame|[Cc]ontact(?: person)?|Attn|Recipient|Patient)(?: is|:| :) ?(?:" + Title + ")?|(?:Sincerely|[Rr]egards),?\\n)(?!" + Title + ")(?<name>" + OneName + "(?: (?:[A-Z]\\.|" + OneName + ")){0,2})(?![A-Za-z])", RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex Announced();

    [GeneratedRegex("^" + OneName + "(?: [A-Z]\\.)?(?: " + OneName + "){1,2}", RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex FullName();
}
