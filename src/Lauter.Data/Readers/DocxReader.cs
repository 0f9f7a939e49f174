using System.Text;
using System.Xml.Linq;

namespace Lauter.Data.Readers;

/// <summary>
/// DOCX → blocks: headings by style, outline level or both, numbered lists as counted, tables with merged cells, text boxes, formulas, notes and
/// charts. Deleted and moved-away text is left out.
/// </summary>
internal sealed class DocxReader
{
    private readonly ReadContext _context;
    private readonly DocumentBuilder _builder;
    private readonly OfficePackage _package;
    private readonly DocxStyles _styles;
    private readonly DocxNumbering _numbering;
    private readonly Dictionary<string, Relation> _relations;
    private readonly StringBuilder _code = new();
    private int _position;

    private DocxReader(ReadContext context, DocumentBuilder builder, OfficePackage package, string mainPart)
    {
        (_context, _builder, _package) = (context, builder, package);
        _relations = package.Relations(mainPart);
        _styles = new DocxStyles(PartOf("/styles"));
        _numbering = new DocxNumbering(PartOf("/numbering"));
    }

    public static void Read(ReadContext context, DocumentBuilder builder, OfficePackage package)
    {
        var (name, root) = package.Main("word/document.xml");
        var reader = new DocxReader(context, builder, package, name);
        reader.Blocks(root.Child("body") ?? root, depth: 0);
        reader.FlushCode();
        builder.EndList();
        foreach (var kind in (ReadOnlySpan<string>)["/footnotes", "/endnotes"])
        {
            reader.Notes(reader.PartOf(kind));
        }
    }

    private XElement? PartOf(string kind) =>
        _relations.Values.FirstOrDefault(r => r.Type.EndsWith(kind, StringComparison.Ordinal)) is { } relation ? _package.Part(relation.Target) : null;

    private void Notes(XElement? notes)
    {
        foreach (var note in notes?.Elements() ?? [])
        {
            if (note.Attr("type") is null)
            {
                _builder.Paragraph(string.Join('\n', note.Deep("p").Select(p => TextOf(p).Trim())));
            }
        }
    }

    private void Blocks(XElement parent, int depth)
    {
        foreach (var element in parent.Elements())
        {
            _context.CheckTime();
            switch (element.Name.LocalName)
            {
                case "p":
                    Paragraph(element, depth);
                    break;
                case "tbl":
                    FlushCode();
                    Table(element, depth);
                    break;
                case "sdt":
                    Blocks(element.Child("sdtContent") ?? element, depth + 1);
                    break;
                case "ins" or "moveTo" or "smartTag" or "customXml" or "sdtContent":
                    Blocks(element, depth + 1);
                    break;
                case "oMathPara" or "oMath":
                    FlushCode();
                    _builder.Paragraph($"$${OfficeMath.ToLatex(element)}$$");
                    break;
                case "AlternateContent":
                    Blocks(element.Child("Choice") ?? element, depth + 1);
                    break;
            }
        }
    }

    private void Paragraph(XElement paragraph, int depth)
    {
        var start = _position;
        var text = TextOf(paragraph).Trim('\n', ' ', '\t', '\u00A0');
        _position += text.Length + 1;
        var properties = paragraph.Child("pPr");
        if (_styles.IsCode(properties))
        {
            _code.Append(TextOf(paragraph).TrimEnd()).Append('\n');
        }
        else
        {
            FlushCode();
            var level = _styles.HeadingLevel(properties);
            var list = _styles.Numbering(properties);
            if (text.Length > 0 && level > 0)
            {
                var marker = list is var (headingList, headingLevel) ? _numbering.Next(headingList, headingLevel) : "";
                _builder.Heading(level, marker is "" or "-" ? text : $"{marker} {text}", start, text.Length);
            }
            else if (text.Length > 0 && list is var (numberId, listLevel))
            {
                var marker = _numbering.Next(numberId, listLevel);
                _builder.ListItem(listLevel, marker.Length == 0 ? "-" : marker, text, start, text.Length);
            }
            else if (text.Length > 0 && _styles.IsBullet(properties))
            {
                _builder.ListItem(0, "-", text, start, text.Length);
            }
            else
            {
                _builder.Paragraph(text, start, text.Length);
            }
        }

        Floating(paragraph, depth);
    }

    /// <summary>Text boxes and charts anchored in a paragraph come after it.</summary>
    private void Floating(XElement paragraph, int depth)
    {
        if (depth > 20)
        {
            return;
        }

        foreach (var box in Outermost(paragraph, "txbxContent"))
        {
            Blocks(box, depth + 1);
        }

        foreach (var chart in Outermost(paragraph, "chart"))
        {
            if (chart.Attr("id") is { } id && _relations.TryGetValue(id, out var relation))
            {
                OfficeChart.Read(_builder, _package.Part(relation.Target));
            }
        }
    }

    /// <summary>Descendants of that name, not looking into fallbacks (they repeat the choice) nor into found ones.</summary>
    private static IEnumerable<XElement> Outermost(XElement element, string name)
    {
        foreach (var child in element.Elements())
        {
            var local = child.Name.LocalName;
            if (local == name)
            {
                yield return child;
            }
            else if (local != "Fallback")
            {
                foreach (var deeper in Outermost(child, name))
                {
                    yield return deeper;
                }
            }
        }
    }

    private void FlushCode()
    {
        if (_code.Length > 0)
        {
            _builder.Code(_code.ToString());
            _code.Clear();
        }
    }

    private void Table(XElement table, int depth)
    {
        if (depth > 20)
        {
            return;
        }

        var rows = new List<List<string>>();
        foreach (var row in Rows(table))
        {
            _context.CheckTime();
            var cells = new List<string>();
            for (var i = XmlNames.Int(row.Child("trPr")?.ChildVal("gridBefore")) ?? 0; i > 0 && i < 100; i--)
            {
                cells.Add("");
            }

            foreach (var cell in Cells(row))
            {
                var properties = cell.Child("tcPr");
                var merge = properties?.Child("vMerge");
                var text = merge is not null && merge.Attr("val") is null or "continue" && rows.Count > 0 && cells.Count < rows[^1].Count && merge is not null
                    ? rows[^1][cells.Count]
                    : CellText(cell, depth);
                for (var i = Math.Clamp(XmlNames.Int(properties?.ChildVal("gridSpan")) ?? 1, 1, 100); i > 0; i--)
                {
                    cells.Add(text);
                }
            }

            rows.Add(cells);
        }

        if (rows.Count == 1 && rows[0].Count == 1)
        {
            // A frame drawn as a table of one cell.
            foreach (var cell in Rows(table).SelectMany(Cells))
            {
                Blocks(cell, depth + 1);
            }

            return;
        }

        _builder.Table(rows, _position, 0);
        _position += rows.Sum(r => r.Sum(c => c.Length + 1));
    }

    private static IEnumerable<XElement> Rows(XElement table) =>
        table.Elements().SelectMany(e => e.Name.LocalName == "tr" ? [e] : e.Name.LocalName is "sdt" or "ins" or "customXml" or "sdtContent" ? Rows(e) : []);

    private static IEnumerable<XElement> Cells(XElement row) =>
        row.Elements().SelectMany(e => e.Name.LocalName == "tc" ? [e] : e.Name.LocalName is "sdt" or "ins" or "customXml" or "sdtContent" ? Cells(e) : []);

    private string CellText(XElement cell, int depth)
    {
        var parts = new List<string>();
        foreach (var element in cell.Elements())
        {
            switch (element.Name.LocalName)
            {
                case "p":
                    var list = _styles.Numbering(element.Child("pPr"));
                    var marker = list is var (id, level) ? _numbering.Next(id, level) + " " : "";
                    var text = TextOf(element).Trim();
                    parts.Add(text.Length == 0 ? "" : marker + text);
                    break;
                case "tbl" when depth < 20:
                    parts.AddRange(Rows(element).Select(r => string.Join(" ; ", Cells(r).Select(c => CellText(c, depth + 1)))));
                    break;
                case "sdt" when depth < 20:
                    parts.Add(CellText(element.Child("sdtContent") ?? element, depth + 1));
                    break;
            }
        }

        return string.Join(' ', parts.Where(p => p.Length > 0));
    }

    private static string TextOf(XElement paragraph)
    {
        var text = new StringBuilder();
        Append(text, paragraph, 0);
        return text.ToString();
    }

    private static void Append(StringBuilder text, XElement element, int depth)
    {
        if (depth > 200)
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
                case "tab" or "ptab":
                    text.Append(element.Name.LocalName == "tabs" ? "" : "\t");
                    break;
                case "br" or "cr":
                    text.Append('\n');
                    break;
                case "noBreakHyphen":
                    text.Append('-');
                    break;
                case "oMath":
                    text.Append('$').Append(OfficeMath.ToLatex(child)).Append('$');
                    break;
                case "oMathPara":
                    text.Append("$$").Append(OfficeMath.ToLatex(child)).Append("$$");
                    break;
                case "pPr" or "rPr" or "del" or "moveFrom" or "instrText" or "delText" or "fldData" or "Fallback" or "txbxContent" or "sdtPr" or "rt":
                    break;
                default:
                    Append(text, child, depth + 1);
                    break;
            }
        }
    }
}
