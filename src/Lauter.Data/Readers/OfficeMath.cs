using System.Text;
using System.Xml.Linq;

namespace Lauter.Data.Readers;

/// <summary>Office formulas (OMML) → LaTeX, the usual constructions; what is not known gives its text.</summary>
internal static class OfficeMath
{
    public static string ToLatex(XElement element)
    {
        var text = new StringBuilder();
        Append(text, element, 0);
        return DocumentBuilder.OneLine(text.ToString());
    }

    private static void Append(StringBuilder text, XElement element, int depth)
    {
        if (depth > 100)
        {
            return;
        }

        foreach (var child in element.Elements())
        {
            switch (child.Name.LocalName)
            {
                case "t":
                    text.Append(child.Value);
                    break;
                case "f":
                    text.Append("\\frac{").Append(Part(child, "num", depth)).Append("}{").Append(Part(child, "den", depth)).Append('}');
                    break;
                case "sSup":
                    text.Append(Part(child, "e", depth)).Append("^{").Append(Part(child, "sup", depth)).Append('}');
                    break;
                case "sSub":
                    text.Append(Part(child, "e", depth)).Append("_{").Append(Part(child, "sub", depth)).Append('}');
                    break;
                case "sSubSup":
                    text.Append(Part(child, "e", depth)).Append("_{").Append(Part(child, "sub", depth)).Append("}^{").Append(Part(child, "sup", depth)).Append('}');
                    break;
                case "rad":
                    text.Append("\\sqrt");
                    if (Part(child, "deg", depth) is { Length: > 0 } degree)
                    {
                        text.Append('[').Append(degree).Append(']');
                    }

                    text.Append('{').Append(Part(child, "e", depth)).Append('}');
                    break;
                case "nary":
                    text.Append(Operator(child.Child("naryPr")?.ChildVal("chr"))).Append("_{").Append(Part(child, "sub", depth)).Append("}^{").Append(Part(child, "sup", depth)).Append("}{").Append(Part(child, "e", depth)).Append('}');
                    break;
                case "d":
                    var properties = child.Child("dPr");
                    text.Append(properties?.ChildVal("begChr") ?? "(").AppendJoin(",", child.Children("e").Select(e => Inner(e, depth))).Append(properties?.ChildVal("endChr") ?? ")");
                    break;
                case "func":
                    var name = Part(child, "fName", depth).Trim();
                    text.Append(name.Length > 0 && name.All(char.IsAsciiLetter) ? "\\" + name : name).Append('(').Append(Part(child, "e", depth)).Append(')');
                    break;
                case "limLow":
                    text.Append(Part(child, "e", depth)).Append("_{").Append(Part(child, "lim", depth)).Append('}');
                    break;
                case "m":
                    text.AppendJoin(" \\\\ ", child.Children("mr").Select(r => string.Join(" & ", r.Children("e").Select(e => Inner(e, depth)))));
                    break;
                case var other when other.EndsWith("Pr", StringComparison.Ordinal):
                    break;
                default:
                    Append(text, child, depth + 1);
                    break;
            }
        }
    }

    private static string Part(XElement parent, string name, int depth) => parent.Child(name) is { } part ? Inner(part, depth) : "";

    private static string Inner(XElement element, int depth)
    {
        var text = new StringBuilder();
        Append(text, element, depth + 1);
        return text.ToString().Trim();
    }

    private static string Operator(string? sign) => sign switch { null or "\u222B" => "\\int", "\u2211" => "\\sum", "\u220F" => "\\prod", _ => sign };
}
