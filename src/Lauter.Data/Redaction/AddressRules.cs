using System.Buffers;
using System.Text.RegularExpressions;
using Lauter.Data.Text;

namespace Lauter.Data.Redaction;

/// <summary>Street addresses around a group of digits: the house number is the anchor, words and regions decide how far the address reaches.</summary>
internal static partial class AddressRules
{
    private const int TimeoutMilliseconds = 500;

    /// <summary>Longest way from a house number back to the province.</summary>
    private const int LongestHan = 40;

    private const int LongestEnglish = 120;

    private static readonly SearchValues<char> Leaders = SearchValues.Create("在到至于往是址寄住位");

    private static readonly string[] Regions =
    [
        "北京", "天津", "上海", "重庆", "河北", "山西", "辽宁", "吉林", "黑龙江", "江苏", "浙江", "安徽", "福建", "江西", "山东", "河南", "湖北", "湖南", "广东", "海南", "四川", "贵州",
        "云南", "陕西", "甘肃", "青海", "台湾", "内蒙古", "广西", "西藏", "宁夏", "新疆", "香港", "澳门", "广州", "深圳", "杭州", "南京", "武汉", "成都", "西安", "苏州", "郑州", "长沙",
        "青岛", "沈阳", "宁波", "东莞", "无锡", "佛山", "合肥", "大连", "福州", "厦门", "哈尔滨", "济南", "温州", "南宁", "长春", "泉州", "石家庄", "贵阳", "南昌", "金华", "常州", "南通",
        "嘉兴", "太原", "徐州", "惠州", "珠海", "中山", "台州", "烟台", "兰州", "绍兴", "海口", "扬州", "昆明", "乌鲁木齐", "呼和浩特", "拉萨", "银川", "西宁",
    ];

    /// <summary>Looks for an address that holds the group.</summary>
    public static void Try(string text, DigitGroup group, List<PersonalDataSpan> found)
    {
        if (group.Digits > 6)
        {
            return;
        }

        var next = group.End < text.Length ? text[group.End] : '\0';
        if (next is '号' or '弄' or '號' && group.Start > 1 && TextFolding.IsHan(text[group.Start - 1]))
        {
            Han(text, group, found);
        }
        else if (next == ' ' && group.Digits <= 5 && group.End + 1 < text.Length && char.IsAsciiLetterUpper(text[group.End + 1]))
        {
            English(text, group, found);
        }
    }

    private static void Han(string text, DigitGroup group, List<PersonalDataSpan> found)
    {
        // 1. The street must end right before the number, or a street and a lane.
        var least = group.Start;
        while (least > 0 && group.Start - least < LongestHan && (TextFolding.IsHan(text[least - 1]) || char.IsAsciiDigit(text[least - 1])))
        {
            least--;
        }

        var before = text.AsSpan(least, group.Start - least);
        if (!Street().IsMatch(before))
        {
            return;
        }

        // 2. It begins at the first region that is known, else after the last word that leads to a place.
        var start = int.MaxValue;
        foreach (var region in Regions)
        {
            var at = before.IndexOf(region, StringComparison.Ordinal);
            start = at >= 0 ? Math.Min(start, at) : start;
        }

        if (start == int.MaxValue)
        {
            start = before.LastIndexOfAny(Leaders) + 1;
        }

        if (before.Length - start < 2)
        {
            return;
        }

        // 3. It goes on with building, unit, floor and room.
        var end = group.End + 1;
        foreach (var tail in Tail().EnumerateMatches(text.AsSpan(end, Math.Min(40, text.Length - end))))
        {
            end += tail.Length;
            break;
        }

        PersonalData.TryAdd(found, new PersonalDataSpan(PersonalDataKind.Address, least + start, end - least - start));
    }

    private static void English(string text, DigitGroup group, List<PersonalDataSpan> found)
    {
        foreach (var match in EnglishStreet().EnumerateMatches(text.AsSpan(group.Start, Math.Min(LongestEnglish, text.Length - group.Start))))
        {
            PersonalData.TryAdd(found, new PersonalDataSpan(PersonalDataKind.Address, group.Start, match.Length));
            break;
        }
    }

    [GeneratedRegex("[\u4E00-\u9FFF](?:路|街|大道|大街|道|巷|弄|胡同|里|村|段)(?:[0-9]{1,5}(?:弄|巷))?$", RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex Street();

    [GeneratedRegex("^(?:院|楼)?(?:[\u4E00-\u9FFF]{2,8}(?=[0-9A-Za-z一二三四五六七八九十]{1,5}(?:号|栋|幢|座|楼|单元|室)))?(?:[0-9A-Za-z一二三四五六七八九十]{1,5}(?:号楼|号|栋|幢|座|楼|单元|门|层|室|房)){0,4}", RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex Tail();

    [GeneratedRegex(@"^[0-9]{1,5}[A-Za-z]? (?:(?:N|S|E|W|North|South|East|West)\.? )?(?:[A-Z][A-Za-z'’]+ ){1,3}(?:(?:Street|Avenue|Road|Boulevard|Lane|Drive|Court|Place|Square|Way|Terrace|Close|Crescent|Parkway)(?![A-Za-z])|(?:St|Ave|Rd|Blvd|Ln|Dr|Ct|Pl|Sq|Pkwy)(?![A-Za-z])\.?)(?:,? (?:Apt|Suite|Ste|Unit|Flat|Floor|#)\.? ?[0-9A-Za-z]{1,5})?(?:, [A-Z][A-Za-z.]+(?: [A-Z][A-Za-z.]+){0,2})?(?:,? [A-Z]{2} [0-9]{5}(?:-[0-9]{4})?|,? [A-Z]{1,2}[0-9][0-9A-Z]? [0-9][A-Z]{2})?", RegexOptions.CultureInvariant, TimeoutMilliseconds)]
    private static partial Regex EnglishStreet();
}
