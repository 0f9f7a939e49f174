using System.Globalization;
using System.Text;

namespace Helpdesk.Generator.Handbook;

/// <summary>Workbooks with one sheet; texts in the shared string table, numbers as numbers.</summary>
internal static class XlsxWriter
{
    private const string Main = "xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"";

    public static byte[] Write(Page page)
    {
        var table = page.Blocks.OfType<Table>().Single();
        var texts = new List<string>();
        var sheet = new StringBuilder($"<worksheet {Main}><sheetData>");
        for (var r = 0; r < table.Rows.Count; r++)
        {
            sheet.Append($"<row r=\"{r + 1}\">");
            for (var c = 0; c < table.Rows[r].Count; c++)
            {
                sheet.Append(Cell($"{(char)('A' + c)}{r + 1}", table.Rows[r][c], texts));
            }

            sheet.Append("</row>");
        }

        sheet.Append("</sheetData></worksheet>");
        var package = new OfficePackage();
        package.Add("xl/workbook.xml", "spreadsheetml.sheet.main", $"<workbook {Main} xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"><sheets><sheet name=\"{OfficePackage.E(page.Title)}\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>");
        package.Add("xl/worksheets/sheet1.xml", "spreadsheetml.worksheet", sheet.ToString());
        package.Add("xl/sharedStrings.xml", "spreadsheetml.sharedStrings", $"<sst {Main}>{string.Concat(texts.Select(t => $"<si><t xml:space=\"preserve\">{OfficePackage.E(t)}</t></si>"))}</sst>");
        package.Link("", "rId1", "officeDocument", "xl/workbook.xml");
        package.Link("xl/workbook.xml", "rId1", "worksheet", "worksheets/sheet1.xml");
        package.Link("xl/workbook.xml", "rId2", "sharedStrings", "sharedStrings.xml");
        return package.ToBytes();
    }

    private static string Cell(string at, string value, List<string> texts)
    {
        if (double.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out _))
        {
            return $"<c r=\"{at}\"><v>{value}</v></c>";
        }

        var index = texts.IndexOf(value);
        if (index < 0)
        {
            index = texts.Count;
            texts.Add(value);
        }

        return $"<c r=\"{at}\" t=\"s\"><v>{index}</v></c>";
    }
}
