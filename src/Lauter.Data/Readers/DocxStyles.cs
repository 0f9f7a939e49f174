using System.Xml.Linq;

namespace Lauter.Data.Readers;

/// <summary>What a paragraph style means. WPS Office writes numeric style ids without heading names and only an outline level, so both are looked at.</summary>
internal sealed class DocxStyles
{
    private readonly Dictionary<string, XElement> _styles = new(StringComparer.Ordinal);

    public DocxStyles(XElement? styles)
    {
        foreach (var style in styles?.Children("style") ?? [])
        {
            if (style.Attr("styleId") is { } id)
            {
                _styles.TryAdd(id, style);
            }
        }
    }

    /// <summary>Heading level of a paragraph from 1, or 0: its own outline level, its style's name, its style's outline level.</summary>
    public int HeadingLevel(XElement? properties)
    {
        if (OutlineLevel(properties) is { } own)
        {
            return own;
        }

        foreach (var style in Chain(properties?.ChildVal("pStyle")))
        {
            var name = NameOf(style);
            if (name is "title" or "标题1" or "标题 1")
            {
                return 1;
            }

            if (name.StartsWith("heading ", StringComparison.Ordinal) && int.TryParse(name.AsSpan(8), out var level))
            {
                return Math.Clamp(level, 1, 6);
            }

            if (OutlineLevel(style.Child("pPr")) is { } outline)
            {
                return outline;
            }
        }

        return 0;
    }

    public bool IsCode(XElement? properties) =>
        Chain(properties?.ChildVal("pStyle")).Select(NameOf).Any(n => n.Contains("code", StringComparison.Ordinal) || n.Contains("preformatted", StringComparison.Ordinal) || n.Contains("代码", StringComparison.Ordinal) || n == "macro text");

    /// <summary>List membership: the paragraph's own, else that of its style.</summary>
    public (string NumberId, int Level)? Numbering(XElement? properties)
    {
        var own = properties?.Child("numPr");
        var number = own?.ChildVal("numId");
        var level = XmlNames.Int(own?.ChildVal("ilvl"));
        if (number is null)
        {
            foreach (var style in Chain(properties?.ChildVal("pStyle")))
            {
                if (style.Child("pPr")?.Child("numPr") is { } numbering)
                {
                    number ??= numbering.ChildVal("numId");
                    level ??= XmlNames.Int(numbering.ChildVal("ilvl"));
                }
            }
        }

        return number is null or "0" ? null : (number, Math.Clamp(level ?? 0, 0, 8));
    }

    /// <summary>True when the style says list without numbering properties, as some writers do.</summary>
    public bool IsBullet(XElement? properties) => Chain(properties?.ChildVal("pStyle")).Select(NameOf).Any(n => n.StartsWith("list bullet", StringComparison.Ordinal));

    private static int? OutlineLevel(XElement? properties) => XmlNames.Int(properties?.ChildVal("outlineLvl")) is >= 0 and <= 8 and var level ? Math.Min(level + 1, 6) : null;

    private static string NameOf(XElement style) => (style.ChildVal("name") ?? "").ToLowerInvariant();

    private IEnumerable<XElement> Chain(string? id)
    {
        for (var depth = 0; id is not null && depth < 20 && _styles.TryGetValue(id, out var style); depth++)
        {
            yield return style;
            id = style.ChildVal("basedOn");
        }
    }
}
