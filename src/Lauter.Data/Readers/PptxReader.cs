using System.Text;
using System.Xml.Linq;

namespace Lauter.Data.Readers;

/// <summary>PPTX → a heading for each slide title, then its text, lists, tables, charts, speaker notes and review comments, slide by slide.</summary>
internal sealed class PptxReader
{
    private readonly ReadContext _context;
    private readonly DocumentBuilder _builder;
    private readonly OfficePackage _package;
    private Dictionary<string, Relation> _relations = [];

    private PptxReader(ReadContext context, DocumentBuilder builder, OfficePackage package) => (_context, _builder, _package) = (context, builder, package);

    public static void Read(ReadContext context, DocumentBuilder builder, OfficePackage package)
    {
        var (main, presentation) = package.Main("ppt/presentation.xml");
        var relations = package.Relations(main);
        var slides = (presentation.Child("sldIdLst")?.Children("sldId") ?? [])
            .Select(s => s.Attributes().FirstOrDefault(a => a.Name.LocalName == "id" && a.Name.NamespaceName.Length > 0)?.Value)
            .Where(id => id is not null && relations.ContainsKey(id)).Select(id => relations[id!].Target).ToList();
        var reader = new PptxReader(context, builder, package);
        for (var i = 0; i < slides.Count; i++)
        {
            builder.Page = i + 1;
            reader.Slide(slides[i]);
        }
    }

    private void Slide(string part)
    {
        _context.CheckTime();
        if (_package.Part(part) is not { } slide || slide.Attr("show") == "0")
        {
            return;
        }

        _relations = _package.Relations(part);
        if (slide.Child("cSld")?.Child("spTree") is { } tree)
        {
            // The title is read first wherever it stands in the tree.
            foreach (var title in tree.Deep("sp").Where(IsTitle))
            {
                _builder.Heading(1, string.Join(' ', Paragraphs(title).Select(p => p.Text)));
            }

            Shapes(tree, 0);
        }

        foreach (var notes in _relations.Values.Where(r => r.Type.EndsWith("/notesSlide", StringComparison.Ordinal)).Select(r => _package.Part(r.Target)))
        {
            var body = notes?.Deep("sp").Where(s => Placeholder(s) is "body");
            _builder.Paragraph(string.Join('\n', (body ?? []).SelectMany(Paragraphs).Select(p => p.Text)));
        }

        foreach (var comments in _relations.Values.Where(r => r.Type.EndsWith("/comments", StringComparison.Ordinal)).Select(r => _package.Part(r.Target)))
        {
            Comments(comments);
        }
    }

    private void Comments(XElement? comments)
    {
        foreach (var comment in comments?.Elements().Where(e => e.Name.LocalName is "cm") ?? [])
        {
            var text = comment.Child("text")?.Value ?? string.Join('\n', (comment.Child("txBody")?.Deep("p") ?? []).Select(ParagraphText));
            _builder.Paragraph(text);
            foreach (var reply in comment.Deep("reply"))
            {
                _builder.Paragraph(string.Join('\n', reply.Deep("p").Select(ParagraphText)));
            }
        }
    }

    private void Shapes(XElement tree, int depth)
    {
        if (depth > 50)
        {
            return;
        }

        foreach (var shape in tree.Elements())
        {
            switch (shape.Name.LocalName)
            {
                case "sp" when !IsTitle(shape):
                    Text(shape);
                    break;
                case "grpSp":
                    Shapes(shape, depth + 1);
                    break;
                case "AlternateContent":
                    Shapes(shape.Child("Choice") ?? shape, depth + 1);
                    break;
                case "graphicFrame":
                    Frame(shape);
                    break;
            }
        }

        _builder.EndList();
    }

    private void Text(XElement shape)
    {
        if (Placeholder(shape) is "sldNum" or "dt" or "ftr" or "hdr")
        {
            return;
        }

        var paragraphs = Paragraphs(shape).ToList();
        var isList = paragraphs.Exists(p => p.Marker is not null) || (Placeholder(shape) is "body" or "obj" or "" && paragraphs.Count > 1);
        _builder.EndList();
        foreach (var (text, level, marker) in paragraphs)
        {
            if (isList && marker != "none")
            {
                _builder.ListItem(level, marker ?? "-", text);
            }
            else
            {
                _builder.Paragraph(text);
            }
        }

        _builder.EndList();
    }

    private void Frame(XElement frame)
    {
        if (frame.Deep("tbl").FirstOrDefault() is { } table)
        {
            var rows = new List<List<string>>();
            foreach (var row in table.Children("tr"))
            {
                var cells = new List<string>();
                foreach (var cell in row.Children("tc"))
                {
                    cells.Add(cell.Attr("hMerge") is "1" or "true" && cells.Count > 0 ? cells[^1]
                        : cell.Attr("vMerge") is "1" or "true" && rows.Count > 0 && cells.Count < rows[^1].Count ? rows[^1][cells.Count]
                        : string.Join(' ', cell.Deep("p").Select(ParagraphText).Where(t => t.Length > 0)));
                }

                rows.Add(cells);
            }

            _builder.Table(rows);
        }

        foreach (var chart in frame.Deep("chart"))
        {
            if (chart.Attr("id") is { } id && _relations.TryGetValue(id, out var relation))
            {
                OfficeChart.Read(_builder, _package.Part(relation.Target));
            }
        }

        foreach (var data in _relations.Values.Where(r => r.Type.EndsWith("/diagramData", StringComparison.Ordinal) && frame.Deep("relIds").Any()))
        {
            foreach (var text in (_package.Part(data.Target)?.Deep("p") ?? []).Select(ParagraphText).Where(t => t.Length > 0))
            {
                _builder.ListItem(0, "-", text);
            }
        }
    }

    private static bool IsTitle(XElement shape) => Placeholder(shape) is "title" or "ctrTitle";

    /// <summary>Type of the placeholder, empty for a body without type, null for a free text box.</summary>
    private static string? Placeholder(XElement shape) =>
        shape.Elements().FirstOrDefault(e => e.Name.LocalName == "nvSpPr")?.Child("nvPr")?.Child("ph") is { } placeholder ? placeholder.Attr("type") ?? "" : null;

    /// <summary>Non-empty paragraphs with level and marker: null when the layout decides, <c>none</c> when switched off.</summary>
    private static IEnumerable<(string Text, int Level, string? Marker)> Paragraphs(XElement shape)
    {
        var number = 0;
        foreach (var paragraph in shape.Child("txBody")?.Children("p") ?? [])
        {
            var text = ParagraphText(paragraph);
            if (text.Length == 0)
            {
                continue;
            }

            var properties = paragraph.Child("pPr");
            number = properties?.Child("buAutoNum") is null ? 0 : number + 1;
            var marker = properties?.Child("buNone") is not null ? "none" : properties?.Child("buChar") is not null ? "-" : number > 0 ? $"{number}." : null;
            yield return (text, XmlNames.Int(properties?.Attr("lvl")) ?? 0, marker);
        }
    }

    private static string ParagraphText(XElement paragraph)
    {
        var text = new StringBuilder();
        foreach (var child in paragraph.Elements())
        {
            switch (child.Name.LocalName)
            {
                case "r" or "fld":
                    text.Append(child.Child("t")?.Value);
                    break;
                case "br":
                    text.Append('\n');
                    break;
                case "m" or "AlternateContent":
                    text.Append(OfficeMath.ToLatex(child.Child("Choice") ?? child));
                    break;
            }
        }

        return text.ToString().Trim();
    }
}
