using System.Xml.Linq;

namespace Lauter.Data.Readers;

/// <summary>The numbers that a chart shows (their cached copies in the chart part) as a table, with the chart's title.</summary>
internal static class OfficeChart
{
    public static void Read(DocumentBuilder builder, XElement? chart)
    {
        if (chart is null)
        {
            return;
        }

        if (chart.Deep("title").FirstOrDefault() is { } title)
        {
            builder.Paragraph(string.Concat(title.Deep("t").Select(t => t.Value)));
        }

        var header = new List<string> { "" };
        var rows = new SortedDictionary<int, List<string>>();
        foreach (var series in chart.Deep("ser").Take(50))
        {
            header.Add(series.Child("tx")?.Deep("v").FirstOrDefault()?.Value ?? $"{header.Count}");
            foreach (var (index, value) in Points(series.Child("cat") ?? series.Child("xVal")))
            {
                Row(rows, index)[0] = value;
            }

            foreach (var (index, value) in Points(series.Child("val") ?? series.Child("yVal")))
            {
                var row = Row(rows, index);
                while (row.Count < header.Count)
                {
                    row.Add("");
                }

                row[header.Count - 1] = value;
            }
        }

        if (rows.Count > 0)
        {
            builder.Table([header, .. rows.Values]);
        }
    }

    private static List<string> Row(SortedDictionary<int, List<string>> rows, int index)
    {
        if (!rows.TryGetValue(index, out var row))
        {
            rows[index] = row = [""];
        }

        return row;
    }

    private static IEnumerable<(int, string)> Points(XElement? data) =>
        (data?.Deep("pt") ?? []).Take(10_000).Select(p => (XmlNames.Int(p.Attr("idx")) ?? 0, p.Child("v")?.Value ?? ""));
}
