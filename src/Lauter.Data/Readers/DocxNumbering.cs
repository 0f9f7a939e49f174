using System.Text;
using System.Xml.Linq;

namespace Lauter.Data.Readers;

/// <summary>Counts numbered paragraphs as Word does and gives the marker of each.</summary>
internal sealed class DocxNumbering
{
    private readonly Dictionary<string, XElement> _abstract = new(StringComparer.Ordinal);
    private readonly Dictionary<string, XElement> _numbers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int?[]> _counters = new(StringComparer.Ordinal);

    public DocxNumbering(XElement? numbering)
    {
        foreach (var item in numbering?.Children("abstractNum") ?? [])
        {
            _abstract.TryAdd(item.Attr("abstractNumId") ?? "", item);
        }

        foreach (var item in numbering?.Children("num") ?? [])
        {
            _numbers.TryAdd(item.Attr("numId") ?? "", item);
        }
    }

    /// <summary>The marker of the next paragraph of this list: <c>-</c> for bullets, otherwise the number with its text, such as <c>1.2</c>; empty for none.</summary>
    public string Next(string numberId, int level)
    {
        if (!_numbers.TryGetValue(numberId, out var number))
        {
            return "-";
        }

        var abstractId = number.ChildVal("abstractNumId") ?? "";
        var format = Level(number, abstractId, level)?.ChildVal("numFmt") ?? "decimal";
        var counters = _counters.TryGetValue(numberId, out var known) ? known : _counters[numberId] = new int?[10];
        counters[level] = counters[level] is { } last ? last + 1 : Start(number, abstractId, level);
        Array.Fill(counters, null, level + 1, counters.Length - level - 1);
        if (format == "bullet")
        {
            return "-";
        }

        if (format == "none")
        {
            return "";
        }

        var pattern = Level(number, abstractId, level)?.ChildVal("lvlText") ?? $"%{level + 1}.";
        var text = new StringBuilder();
        for (var i = 0; i < pattern.Length; i++)
        {
            if (pattern[i] == '%' && i + 1 < pattern.Length && pattern[i + 1] is >= '1' and <= '9')
            {
                var at = pattern[++i] - '1';
                text.Append(Format(counters[at] ?? Start(number, abstractId, at), Level(number, abstractId, at)?.ChildVal("numFmt") ?? "decimal"));
            }
            else
            {
                text.Append(pattern[i]);
            }
        }

        return text.ToString().Trim();
    }

    private int Start(XElement number, string abstractId, int level) =>
        XmlNames.Int(number.Children("lvlOverride").FirstOrDefault(o => o.Attr("ilvl") == level.ToString())?.ChildVal("startOverride"))
        ?? XmlNames.Int(Level(number, abstractId, level)?.ChildVal("start")) ?? 1;

    private XElement? Level(XElement number, string abstractId, int level) =>
        number.Children("lvlOverride").FirstOrDefault(o => o.Attr("ilvl") == level.ToString())?.Child("lvl")
        ?? (_abstract.TryGetValue(abstractId, out var item) ? item.Children("lvl").FirstOrDefault(l => l.Attr("ilvl") == level.ToString()) : null);

    private static string Format(int value, string format) => format switch
    {
        "lowerLetter" => Letters(value, 'a'),
        "upperLetter" => Letters(value, 'A'),
        "lowerRoman" => Roman(value).ToLowerInvariant(),
        "upperRoman" => Roman(value),
        "chineseCounting" or "chineseCountingThousand" or "taiwaneseCountingThousand" or "japaneseCounting" => Chinese(value),
        _ => value.ToString(),
    };

    private static string Letters(int value, char first) => value is < 1 or > 780 ? value.ToString() : new string((char)(first + ((value - 1) % 26)), ((value - 1) / 26) + 1);

    private static string Roman(int value)
    {
        if (value is < 1 or > 3999)
        {
            return value.ToString();
        }

        var text = new StringBuilder();
        foreach (var (amount, sign) in (ReadOnlySpan<(int, string)>)[(1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")])
        {
            while (value >= amount)
            {
                text.Append(sign);
                value -= amount;
            }
        }

        return text.ToString();
    }

    private static string Chinese(int value)
    {
        const string Digits = "零一二三四五六七八九";
        return value switch
        {
            >= 1 and <= 9 => Digits[value].ToString(),
            10 => "十",
            > 10 and < 20 => "十" + Digits[value - 10],
            >= 20 and < 100 => $"{Digits[value / 10]}十{(value % 10 == 0 ? "" : Digits[value % 10].ToString())}",
            _ => value.ToString(),
        };
    }
}
