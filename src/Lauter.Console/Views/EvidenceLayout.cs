using System.Globalization;

namespace Lauter.Console.Views;

/// <summary>A node of the picture.</summary>
/// <param name="View">What it shows.</param>
/// <param name="X">Left edge, pixels.</param>
/// <param name="Y">Upper edge, pixels.</param>
internal sealed record EvidenceBox(EvidenceView View, int X, int Y);

/// <summary>
/// The evidence chain as a picture in the direction in which data flows: what rests on nothing stands left, the release right, and each node one column
/// to the right of the last of what it was made from.
/// </summary>
internal sealed class EvidenceLayout
{
    public const int BoxWidth = 148;
    public const int BoxHeight = 46;
    private const int GapX = 44;
    private const int GapY = 14;

    private EvidenceLayout(IReadOnlyList<EvidenceBox> boxes, IReadOnlyList<string> edges)
    {
        Boxes = boxes;
        Edges = edges;
        Width = boxes.Count == 0 ? 0 : boxes.Max(b => b.X) + BoxWidth + 2;
        Height = boxes.Count == 0 ? 0 : boxes.Max(b => b.Y) + BoxHeight + 2;
    }

    public IReadOnlyList<EvidenceBox> Boxes { get; }

    /// <summary>SVG paths from what was used to what was made of it.</summary>
    public IReadOnlyList<string> Edges { get; }

    public int Width { get; }

    public int Height { get; }

    public static EvidenceLayout Of(IReadOnlyList<EvidenceView> evidence)
    {
        var nodes = evidence.DistinctBy(e => e.Sha256, StringComparer.Ordinal).ToDictionary(e => e.Sha256, StringComparer.Ordinal);
        var columns = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var node in nodes.Keys)
        {
            ColumnOf(node);
        }

        // A node stands at the mean height of what it was made from, so that lines cross little.
        var rows = new Dictionary<string, double>(StringComparer.Ordinal);
        var boxes = new List<EvidenceBox>();
        var tallest = columns.Count == 0 ? 0 : columns.GroupBy(c => c.Value).Max(g => g.Count());
        foreach (var column in nodes.Values.GroupBy(n => columns[n.Sha256]).OrderBy(g => g.Key))
        {
            var ordered = column.OrderBy(n => n.From.Where(rows.ContainsKey).Select(f => rows[f]).DefaultIfEmpty(0).Average()).ThenBy(n => n.Kind, StringComparer.Ordinal).ToList();
            for (var i = 0; i < ordered.Count; i++)
            {
                rows[ordered[i].Sha256] = i + ((tallest - ordered.Count) / 2.0);
                boxes.Add(new EvidenceBox(ordered[i], 1 + (column.Key * (BoxWidth + GapX)), 1 + (int)(rows[ordered[i].Sha256] * (BoxHeight + GapY))));
            }
        }

        var places = boxes.ToDictionary(b => b.View.Sha256, StringComparer.Ordinal);
        return new EvidenceLayout(boxes, [.. from box in boxes from source in box.View.From.Distinct(StringComparer.Ordinal) where places.ContainsKey(source) select Edge(places[source], box)]);

        int ColumnOf(string sha256)
        {
            if (!columns.TryGetValue(sha256, out var column))
            {
                // Marked first: a chain of hashes has no circle, a damaged one must not hang the page.
                columns[sha256] = 0;
                column = columns[sha256] = nodes[sha256].From.Where(nodes.ContainsKey).Select(f => ColumnOf(f) + 1).DefaultIfEmpty(0).Max();
            }

            return column;
        }
    }

    private static string Edge(EvidenceBox from, EvidenceBox to)
    {
        int x1 = from.X + BoxWidth, y1 = from.Y + (BoxHeight / 2), x2 = to.X, y2 = to.Y + (BoxHeight / 2);
        return string.Create(CultureInfo.InvariantCulture, $"M{x1} {y1}C{x1 + (GapX / 2)} {y1} {x2 - (GapX / 2)} {y2} {x2} {y2}");
    }
}
