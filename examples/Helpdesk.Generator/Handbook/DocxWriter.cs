using System.Text;

namespace Helpdesk.Generator.Handbook;

/// <summary>
/// Word documents with heading styles and a footer on every page. With the flag "wps" the headings have no style,
/// only an outline level and larger letters, as WPS Writer leaves them when people format by hand.
/// </summary>
internal static class DocxWriter
{
    private const string Namespaces = "xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\" xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"";

    public static byte[] Write(Page page)
    {
        var package = new OfficePackage();
        package.Add("word/document.xml", "wordprocessingml.document.main", Document(page));
        package.Add("word/styles.xml", "wordprocessingml.styles", Styles());
        package.Add("word/footer1.xml", "wordprocessingml.footer", $"<w:ftr {Namespaces}><w:p>{Run(page.Language == "zh" ? "苏德港酿造设备 · 手册2025版 · 内部资料" : "Sudhaven Brewing Equipment · Handbook 2025 · For customers and partners")}</w:p></w:ftr>");
        package.Link("", "rId1", "officeDocument", "word/document.xml");
        package.Link("word/document.xml", "rId1", "styles", "styles.xml");
        package.Link("word/document.xml", "rId2", "footer", "footer1.xml");
        return package.ToBytes();
    }

    private static string Document(Page page)
    {
        var body = new StringBuilder($"<w:document {Namespaces}><w:body>");
        foreach (var block in page.Blocks)
        {
            body.Append(block switch
            {
                Heading h when page.Has("wps") => $"<w:p><w:pPr><w:outlineLvl w:val=\"{h.Level - 1}\"/></w:pPr>{Run(h.Text, $"<w:rPr><w:b/><w:sz w:val=\"{36 - (4 * h.Level)}\"/></w:rPr>")}</w:p>",
                Heading h => $"<w:p><w:pPr><w:pStyle w:val=\"Heading{h.Level}\"/></w:pPr>{Run(h.Text)}</w:p>",
                Paragraph p => $"<w:p>{Run(p.Text)}</w:p>",
                Entry e => $"<w:p><w:pPr><w:pStyle w:val=\"ListParagraph\"/></w:pPr>{Run((e.Number is { } n ? $"{n}. " : "• ") + e.Text)}</w:p>",
                Table t => Rows(t),
                _ => "",
            });
        }

        return body.Append("<w:sectPr><w:footerReference w:type=\"default\" r:id=\"rId2\"/><w:pgSz w:w=\"11906\" w:h=\"16838\"/></w:sectPr></w:body></w:document>").ToString();
    }

    private static string Rows(Table table)
    {
        var rows = new StringBuilder("<w:tbl><w:tblPr><w:tblW w:w=\"0\" w:type=\"auto\"/></w:tblPr><w:tblGrid>")
            .Append(string.Concat(table.Rows[0].Select(_ => "<w:gridCol w:w=\"2400\"/>"))).Append("</w:tblGrid>");
        foreach (var row in table.Rows)
        {
            rows.Append("<w:tr>").AppendJoin("", row.Select(c => $"<w:tc><w:p>{Run(c)}</w:p></w:tc>")).Append("</w:tr>");
        }

        return rows.Append("</w:tbl>").ToString();
    }

    private static string Styles() => $"<w:styles {Namespaces}><w:style w:type=\"paragraph\" w:default=\"1\" w:styleId=\"Normal\"><w:name w:val=\"Normal\"/></w:style>"
        + string.Concat(Enumerable.Range(1, 3).Select(i => $"<w:style w:type=\"paragraph\" w:styleId=\"Heading{i}\"><w:name w:val=\"heading {i}\"/><w:basedOn w:val=\"Normal\"/><w:pPr><w:outlineLvl w:val=\"{i - 1}\"/></w:pPr><w:rPr><w:b/><w:sz w:val=\"{36 - (4 * i)}\"/></w:rPr></w:style>"))
        + "<w:style w:type=\"paragraph\" w:styleId=\"ListParagraph\"><w:name w:val=\"List Paragraph\"/><w:basedOn w:val=\"Normal\"/><w:pPr><w:ind w:left=\"720\"/></w:pPr></w:style></w:styles>";

    private static string Run(string text, string properties = "") => $"<w:r>{properties}<w:t xml:space=\"preserve\">{OfficePackage.E(text)}</w:t></w:r>";
}
