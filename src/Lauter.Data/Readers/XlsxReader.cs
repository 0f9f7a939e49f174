using System.Globalization;
using System.Xml.Linq;

namespace Lauter.Data.Readers;

/// <summary>XLSX → a heading for each visible sheet and a table for each block of rows between empty rows; dates by number format, merged cells repeated.</summary>
internal static class XlsxReader
{
    private const int MaximumColumns = 500;

    public static void Read(ReadContext context, DocumentBuilder builder, OfficePackage package)
    {
        var (main, workbook) = package.Main("xl/workbook.xml");
        var relations = package.Relations(main);
        var shared = PartOf(package, relations, "/sharedStrings")?.Children("si").Select(TextOf).ToList() ?? [];
        var dates = DateStyles(PartOf(package, relations, "/styles"));
        var date1904 = workbook.Child("workbookPr")?.Attr("date1904") is "1" or "true";
        var page = 0;
        foreach (var sheet in workbook.Child("sheets")?.Children("sheet") ?? [])
        {
            context.CheckTime();
            page++;
            if (sheet.Attr("state") is "hidden" or "veryHidden" || sheet.Attr("id") is not { } id || !relations.TryGetValue(id, out var relation) || package.Part(relation.Target) is not { } root)
            {
                continue;
            }

            builder.Page = page;
            builder.Heading(2, sheet.Attr("name") ?? $"Sheet {page}");
            Sheet(context, builder, root, shared, dates, date1904);
            Drawings(builder, package, relation.Target);
        }
    }

    private static XElement? PartOf(OfficePackage package, Dictionary<string, Relation> relations, string kind) =>
        relations.Values.FirstOrDefault(r => r.Type.EndsWith(kind, StringComparison.Ordinal)) is { } relation ? package.Part(relation.Target) : null;

    private static void Sheet(ReadContext context, DocumentBuilder builder, XElement sheet, List<string> shared, HashSet<int> dates, bool date1904)
    {
        var rows = new SortedDictionary<int, SortedDictionary<int, string>>();
        var nextRow = 1;
        foreach (var row in sheet.Child("sheetData")?.Children("row") ?? [])
        {
            context.CheckTime();
            var number = XmlNames.Int(row.Attr("r")) ?? nextRow;
            nextRow = number + 1;
            var cells = new SortedDictionary<int, string>();
            var nextColumn = 0;
            foreach (var cell in row.Children("c"))
            {
                var column = cell.Attr("r") is { } reference ? Position(reference).Column : nextColumn;
                nextColumn = column + 1;
                var value = Value(cell, shared, dates, date1904);
                if (value.Length > 0 && column is >= 0 and < MaximumColumns)
                {
                    context.Count(value.Length);
                    cells[column] = value;
                }
            }

            if (cells.Count > 0)
            {
                rows[number] = cells;
            }
        }

        Merge(sheet, rows);
        var block = new List<(int Row, SortedDictionary<int, string> Cells)>();
        foreach (var (number, cells) in rows)
        {
            if (block.Count > 0 && number > block[^1].Row + 1)
            {
                Emit(builder, block);
                block.Clear();
            }

            block.Add((number, cells));
        }

        Emit(builder, block);
    }

    /// <summary>A block of rows is one table; columns that are empty throughout the block separate tables that stand side by side.</summary>
    private static void Emit(DocumentBuilder builder, List<(int Row, SortedDictionary<int, string> Cells)> block)
    {
        if (block.Count == 0)
        {
            return;
        }

        var columns = new SortedSet<int>(block.SelectMany(r => r.Cells.Keys));
        var group = new List<int>();
        foreach (var column in columns.Append(int.MaxValue))
        {
            if (group.Count > 0 && column > group[^1] + 1)
            {
                var rows = block.Select(r => (IReadOnlyList<string>)[.. group.Select(c => r.Cells.GetValueOrDefault(c, ""))]).Where(r => r.Any(c => c.Length > 0)).ToList();
                if (rows.Count == 1 && group.Count == 1)
                {
                    builder.Paragraph(rows[0][0]);
                }
                else
                {
                    builder.Table(rows);
                }

                group.Clear();
            }

            group.Add(column);
        }
    }

    private static void Merge(XElement sheet, SortedDictionary<int, SortedDictionary<int, string>> rows)
    {
        foreach (var merge in (sheet.Child("mergeCells")?.Children("mergeCell") ?? []).Take(5_000))
        {
            if (merge.Attr("ref")?.Split(':') is not [var from, var to])
            {
                continue;
            }

            var (a, b) = (Position(from), Position(to));
            if (!rows.TryGetValue(a.Row, out var first) || !first.TryGetValue(a.Column, out var text))
            {
                continue;
            }

            for (var r = a.Row; r <= Math.Min(b.Row, a.Row + 1_000); r++)
            {
                if (!rows.TryGetValue(r, out var cells))
                {
                    continue;
                }

                for (var c = a.Column; c <= Math.Min(b.Column, a.Column + 100); c++)
                {
                    cells.TryAdd(c, text);
                }
            }
        }
    }

    private static string Value(XElement cell, List<string> shared, HashSet<int> dates, bool date1904)
    {
        var raw = cell.Child("v")?.Value ?? "";
        switch (cell.Attr("t"))
        {
            case "s":
                return XmlNames.Int(raw) is >= 0 and var index && index < shared.Count ? shared[index].Trim() : "";
            case "inlineStr":
                return cell.Child("is") is { } inline ? TextOf(inline).Trim() : "";
            case "b":
                return raw == "1" ? "TRUE" : "FALSE";
            case "str" or "e" or "d":
                return raw.Trim();
        }

        if (raw.Length == 0 || !double.TryParse(raw, NumberStyles.Float, CultureInfo.InvariantCulture, out var number))
        {
            return raw.Trim();
        }

        if (XmlNames.Int(cell.Attr("s")) is { } style && dates.Contains(style) && number is >= 0 and < 2_958_466)
        {
            var date = DateTime.FromOADate(date1904 ? number + 1462 : number);
            return number < 1 ? date.ToString("HH:mm:ss", CultureInfo.InvariantCulture)
                : date.TimeOfDay == TimeSpan.Zero ? date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)
                : date.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
        }

        // Excel stores 0.1 + 0.2 with 17 digits and shows 15.
        return number.ToString("G15", CultureInfo.InvariantCulture);
    }

    /// <summary>Indices of cell formats that show a date or a time.</summary>
    private static HashSet<int> DateStyles(XElement? styles)
    {
        var custom = (styles?.Child("numFmts")?.Children("numFmt") ?? []).Where(f => IsDateFormat(f.Attr("formatCode") ?? "")).Select(f => XmlNames.Int(f.Attr("numFmtId")) ?? -1).ToHashSet();
        return [.. (styles?.Child("cellXfs")?.Children("xf") ?? []).Select((xf, i) => (Id: XmlNames.Int(xf.Attr("numFmtId")) ?? 0, i)).Where(x => x.Id is (>= 14 and <= 22) or (>= 27 and <= 36) or (>= 45 and <= 47) or (>= 50 and <= 58) || custom.Contains(x.Id)).Select(x => x.i)];
    }

    private static bool IsDateFormat(string code)
    {
        var quoted = false;
        var bracket = false;
        foreach (var c in code)
        {
            quoted ^= c == '"';
            bracket = c == '[' || (bracket && c != ']');
            if (!quoted && !bracket && c is 'y' or 'Y' or 'd' or 'D' or 'h' or 'H' && !quoted && !bracket)
            {
                return true;
            }
        }

        return false;
    }

    private static (int Row, int Column) Position(string reference)
    {
        var column = 0;
        var i = 0;
        while (i < reference.Length && char.IsAsciiLetter(reference[i]) && i < 4)
        {
            column = (column * 26) + (char.ToUpperInvariant(reference[i]) - 'A' + 1);
            i++;
        }

        return (int.TryParse(reference.AsSpan(i), out var row) ? row : 0, column - 1);
    }

    /// <summary>Runs of a string, without phonetic hints.</summary>
    private static string TextOf(XElement item) =>
        string.Concat(item.Elements().Select(e => e.Name.LocalName switch { "t" => e.Value, "r" => e.Child("t")?.Value ?? "", _ => "" }));

    private static void Drawings(DocumentBuilder builder, OfficePackage package, string sheetPart)
    {
        foreach (var drawing in package.Relations(sheetPart).Values.Where(r => r.Type.EndsWith("/drawing", StringComparison.Ordinal)))
        {
            foreach (var chart in package.Relations(drawing.Target).Values.Where(r => r.Type.EndsWith("/chart", StringComparison.Ordinal)))
            {
                OfficeChart.Read(builder, package.Part(chart.Target));
            }
        }
    }
}
