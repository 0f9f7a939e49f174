using System.Text;

namespace Helpdesk.Generator.Handbook;

/// <summary>Slides: one for each heading, with its text, table and the same footer everywhere.</summary>
internal static class PptxWriter
{
    private const string Namespaces = "xmlns:a=\"http://schemas.openxmlformats.org/drawingml/2006/main\" xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\" xmlns:p=\"http://schemas.openxmlformats.org/presentationml/2006/main\"";
    private const string Root = "<p:nvGrpSpPr><p:cNvPr id=\"1\" name=\"\"/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>";
    private const string Colours = "bg1=\"lt1\" tx1=\"dk1\" bg2=\"lt2\" tx2=\"dk2\" accent1=\"accent1\" accent2=\"accent2\" accent3=\"accent3\" accent4=\"accent4\" accent5=\"accent5\" accent6=\"accent6\" hlink=\"hlink\" folHlink=\"folHlink\"";

    public static byte[] Write(Page page)
    {
        var package = new OfficePackage();
        var slides = Slides(page);
        package.Add("ppt/presentation.xml", "presentationml.presentation.main", $"<p:presentation {Namespaces}><p:sldMasterIdLst><p:sldMasterId id=\"2147483648\" r:id=\"rId1\"/></p:sldMasterIdLst><p:sldIdLst>"
            + string.Concat(slides.Select((_, i) => $"<p:sldId id=\"{256 + i}\" r:id=\"rId{i + 2}\"/>")) + "</p:sldIdLst><p:sldSz cx=\"9144000\" cy=\"6858000\"/><p:notesSz cx=\"6858000\" cy=\"9144000\"/></p:presentation>");
        package.Add("ppt/slideMasters/slideMaster1.xml", "presentationml.slideMaster", $"<p:sldMaster {Namespaces}><p:cSld><p:spTree>{Root}</p:spTree></p:cSld><p:clrMap {Colours}/><p:sldLayoutIdLst><p:sldLayoutId id=\"2147483649\" r:id=\"rId1\"/></p:sldLayoutIdLst></p:sldMaster>");
        package.Add("ppt/slideLayouts/slideLayout1.xml", "presentationml.slideLayout", $"<p:sldLayout {Namespaces}><p:cSld><p:spTree>{Root}</p:spTree></p:cSld></p:sldLayout>");
        package.Add("ppt/theme/theme1.xml", "theme", Theme());
        package.Link("", "rId1", "officeDocument", "ppt/presentation.xml");
        package.Link("ppt/presentation.xml", "rId1", "slideMaster", "slideMasters/slideMaster1.xml");
        package.Link("ppt/slideMasters/slideMaster1.xml", "rId1", "slideLayout", "../slideLayouts/slideLayout1.xml");
        package.Link("ppt/slideMasters/slideMaster1.xml", "rId2", "theme", "../theme/theme1.xml");
        package.Link("ppt/slideLayouts/slideLayout1.xml", "rId1", "slideMaster", "../slideMasters/slideMaster1.xml");
        for (var i = 0; i < slides.Count; i++)
        {
            package.Add($"ppt/slides/slide{i + 1}.xml", "presentationml.slide", slides[i]);
            package.Link("ppt/presentation.xml", $"rId{i + 2}", "slide", $"slides/slide{i + 1}.xml");
            package.Link($"ppt/slides/slide{i + 1}.xml", "rId1", "slideLayout", "../slideLayouts/slideLayout1.xml");
        }

        return package.ToBytes();
    }

    private static List<string> Slides(Page page)
    {
        var slides = new List<string>();
        var footer = page.Language == "zh" ? "苏德港酿造设备 2025" : "Sudhaven Brewing Equipment 2025";
        for (var i = 0; i < page.Blocks.Count;)
        {
            var title = (Heading)page.Blocks[i++];
            var texts = new List<string>();
            var frames = new StringBuilder();
            for (; i < page.Blocks.Count && page.Blocks[i] is not Heading; i++)
            {
                switch (page.Blocks[i])
                {
                    case Paragraph p: texts.Add(p.Text); break;
                    case Entry e: texts.Add(e.Text); break;
                    case Table t: frames.Append(Frame(t)); break;
                }
            }

            slides.Add($"<p:sld {Namespaces}><p:cSld><p:spTree>{Root}{Shape(2, "Title", "<p:ph type=\"title\"/>", [title.Text], 300000)}"
                + (texts.Count > 0 ? Shape(3, "Content", "<p:ph idx=\"1\"/>", texts, 1600000) : "") + frames
                + $"{Shape(5, "Footer", "<p:ph type=\"ftr\" idx=\"11\"/>", [footer], 6300000)}</p:spTree></p:cSld></p:sld>");
        }

        return slides;
    }

    private static string Shape(int id, string name, string placeholder, IEnumerable<string> lines, int top) =>
        $"<p:sp><p:nvSpPr><p:cNvPr id=\"{id}\" name=\"{name}\"/><p:cNvSpPr/><p:nvPr>{placeholder}</p:nvPr></p:nvSpPr><p:spPr><a:xfrm><a:off x=\"500000\" y=\"{top}\"/><a:ext cx=\"8000000\" cy=\"400000\"/></a:xfrm></p:spPr><p:txBody><a:bodyPr/>"
        + string.Concat(lines.Select(l => $"<a:p><a:r><a:t>{OfficePackage.E(l)}</a:t></a:r></a:p>")) + "</p:txBody></p:sp>";

    private static string Frame(Table table) =>
        "<p:graphicFrame><p:nvGraphicFramePr><p:cNvPr id=\"4\" name=\"Table\"/><p:cNvGraphicFramePr/><p:nvPr/></p:nvGraphicFramePr><p:xfrm><a:off x=\"500000\" y=\"2600000\"/><a:ext cx=\"8000000\" cy=\"3000000\"/></p:xfrm>"
        + "<a:graphic><a:graphicData uri=\"http://schemas.openxmlformats.org/drawingml/2006/table\"><a:tbl><a:tblPr firstRow=\"1\"/><a:tblGrid>"
        + string.Concat(table.Rows[0].Select(_ => "<a:gridCol w=\"1600000\"/>")) + "</a:tblGrid>"
        + string.Concat(table.Rows.Select(r => "<a:tr h=\"370000\">" + string.Concat(r.Select(c => $"<a:tc><a:txBody><a:bodyPr/><a:p><a:r><a:t>{OfficePackage.E(c)}</a:t></a:r></a:p></a:txBody><a:tcPr/></a:tc>")) + "</a:tr>"))
        + "</a:tbl></a:graphicData></a:graphic></p:graphicFrame>";

    private static string Theme()
    {
        string[] names = ["dk1", "lt1", "dk2", "lt2", "accent1", "accent2", "accent3", "accent4", "accent5", "accent6", "hlink", "folHlink"];
        string[] values = ["000000", "FFFFFF", "3B2A1A", "F5E9D8", "B5651D", "D9A441", "6B8E23", "8B4513", "4682B4", "A0522D", "0563C1", "954F72"];
        const string Fill = "<a:solidFill><a:schemeClr val=\"phClr\"/></a:solidFill>";
        const string Fonts = "<a:latin typeface=\"Arial\"/><a:ea typeface=\"\"/><a:cs typeface=\"\"/>";
        static string Three(string item) => item + item + item;
        return "<a:theme xmlns:a=\"http://schemas.openxmlformats.org/drawingml/2006/main\" name=\"Sudhaven\"><a:themeElements><a:clrScheme name=\"Sudhaven\">"
            + string.Concat(names.Zip(values).Select(c => $"<a:{c.First}><a:srgbClr val=\"{c.Second}\"/></a:{c.First}>"))
            + $"</a:clrScheme><a:fontScheme name=\"Sudhaven\"><a:majorFont>{Fonts}</a:majorFont><a:minorFont>{Fonts}</a:minorFont></a:fontScheme><a:fmtScheme name=\"Sudhaven\"><a:fillStyleLst>{Three(Fill)}</a:fillStyleLst>"
            + $"<a:lnStyleLst>{Three($"<a:ln>{Fill}</a:ln>")}</a:lnStyleLst><a:effectStyleLst>{Three("<a:effectStyle><a:effectLst/></a:effectStyle>")}</a:effectStyleLst><a:bgFillStyleLst>{Three(Fill)}</a:bgFillStyleLst></a:fmtScheme></a:themeElements></a:theme>";
    }
}
