namespace Lauter.Data.Readers;

/// <summary>
/// Finds tables without ruling lines: short lines that stand side by side on the same baselines, row after row. Text in columns is not taken
/// for a table because its lines are long.
/// </summary>
internal static class PdfTables
{
    private const int LongestCell = 45;
    private const double LongestMeanCell = 24;

    /// <summary>The blocks of one page with those that make up a table replaced by one.</summary>
    public static List<PdfReader.Block> Detect(List<PdfReader.Block> blocks)
    {
        var owners = new List<(PdfReader.Line Line, int Block)>();
        for (var b = 0; b < blocks.Count; b++)
        {
            if (!blocks[b].AtEdge && blocks[b].Lines.TrueForAll(l => l.Text.Length <= LongestCell))
            {
                owners.AddRange(blocks[b].Lines.Select(l => (l, b)));
            }
        }

        var result = new List<PdfReader.Block>(blocks);
        var replaced = new HashSet<int>();
        var tables = new SortedDictionary<int, PdfReader.Block>();
        foreach (var run in Runs(Rows(owners)))
        {
            var members = run.SelectMany(r => r.Select(c => c.Block)).Distinct().ToList();
            var cells = run.Sum(r => r.Count);
            var whole = members.Sum(m => blocks[m].Lines.Count) == cells;
            if (whole && run.Sum(r => r.Sum(c => c.Line.Text.Length)) <= LongestMeanCell * cells)
            {
                replaced.UnionWith(members);
                tables[members.Min()] = new PdfReader.Block([run[0][0].Line], blocks[members[0]].Page, false) { Rows = Cells(run) };
            }
        }

        return replaced.Count == 0 ? result : [.. Enumerable.Range(0, blocks.Count).Where(b => tables.ContainsKey(b) || !replaced.Contains(b)).Select(b => tables.TryGetValue(b, out var table) ? table : blocks[b])];
    }

    private static List<List<(PdfReader.Line Line, int Block)>> Rows(List<(PdfReader.Line Line, int Block)> lines)
    {
        var rows = new List<List<(PdfReader.Line Line, int Block)>>();
        foreach (var line in lines.OrderByDescending(l => l.Line.Baseline))
        {
            if (rows.Count > 0 && rows[^1][0].Line.Baseline - line.Line.Baseline < 0.35 * Math.Max(line.Line.Size, 4))
            {
                rows[^1].Add(line);
            }
            else
            {
                rows.Add([line]);
            }
        }

        return rows;
    }

    /// <summary>At least two successive rows of at least two cells.</summary>
    private static List<List<List<(PdfReader.Line Line, int Block)>>> Runs(List<List<(PdfReader.Line Line, int Block)>> rows)
    {
        var runs = new List<List<List<(PdfReader.Line Line, int Block)>>>();
        var current = new List<List<(PdfReader.Line Line, int Block)>>();
        foreach (var row in rows.Append([]))
        {
            if (row.Count >= 2)
            {
                current.Add(row);
                continue;
            }

            if (current.Count >= 2)
            {
                runs.Add(current);
            }

            current = [];
        }

        return runs;
    }

    private static List<List<string>> Cells(List<List<(PdfReader.Line Line, int Block)>> run)
    {
        var columns = run.MaxBy(r => r.Count)!.Select(c => c.Line.Left).Order().ToList();
        var rows = new List<List<string>>();
        foreach (var row in run)
        {
            var cells = Enumerable.Repeat("", columns.Count).ToList();
            foreach (var (line, _) in row.OrderBy(c => c.Line.Left))
            {
                var nearest = Enumerable.Range(0, columns.Count).MinBy(c => Math.Abs(columns[c] - line.Left));
                cells[nearest] = cells[nearest].Length == 0 ? line.Text : $"{cells[nearest]} {line.Text}";
            }

            rows.Add(cells);
        }

        return rows;
    }
}
