using System.Globalization;
using System.Text;
using Helpdesk.Generator.Text;

namespace Helpdesk.Generator.Handbook;

/// <summary>Reads the embedded handbook files (their first lines explain the layout) and adds the near-copies they ask for.</summary>
internal static class PageReader
{
    private const string CopyFlag = "copy=";

    public static IEnumerable<Page> Read(string resource, string language, PersonalData people)
    {
        using var stream = typeof(PageReader).Assembly.GetManifestResourceStream(resource)
            ?? throw new InvalidOperationException($"The embedded handbook {resource} is missing.");
        using var reader = new StreamReader(stream, Encoding.UTF8);
        foreach (var part in reader.ReadToEnd().Split("\n=== ").Skip(1))
        {
            var lines = part.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            var head = lines[0].Split(';', StringSplitOptions.TrimEntries);
            var planted = new List<Planted>();
            var blocks = Blocks([.. lines.Skip(1).Select(l => people.Fill(l, language, planted))]);
            var page = new Page(head[0], language, [.. head.Skip(1).Where(f => !f.StartsWith(CopyFlag, StringComparison.Ordinal))], blocks, planted);
            yield return page;
            foreach (var copy in head.Where(f => f.StartsWith(CopyFlag, StringComparison.Ordinal)))
            {
                yield return NearCopy(page, copy[CopyFlag.Length..]);
            }
        }
    }

    /// <summary>The same page as it stands somewhere else: another title and one more line.</summary>
    private static Page NearCopy(Page page, string path)
    {
        var (title, note) = page.Language == "zh"
            ? ("（旧版）", "本页由旧版手册转存，内容以现行版本为准。")
            : (" (older edition)", "Copied from an older edition of the handbook; the current page counts.");
        return page with
        {
            Path = path,
            CopyOf = page.Path,
            Blocks = [new Heading(1, page.Title + title), .. page.Blocks.Skip(1), new Paragraph(note)],
        };
    }

    private static List<Block> Blocks(IReadOnlyList<string> lines)
    {
        var blocks = new List<Block>();
        var rows = new List<IReadOnlyList<string>>();
        foreach (var line in lines)
        {
            if (line[0] == '|')
            {
                rows.Add([.. line.Trim('|').Split('|').Select(c => c.Trim())]);
                continue;
            }

            EndTable(blocks, rows);
            var dot = line.IndexOf(". ", StringComparison.Ordinal);
            if (line[0] == '#')
            {
                var level = line.IndexOf(' ', StringComparison.Ordinal);
                blocks.Add(new Heading(level, line[(level + 1)..]));
            }
            else if (line.StartsWith("- ", StringComparison.Ordinal))
            {
                blocks.Add(new Entry(line[2..], null));
            }
            else if (dot is 1 or 2 && int.TryParse(line[..dot], CultureInfo.InvariantCulture, out var number))
            {
                blocks.Add(new Entry(line[(dot + 2)..], number));
            }
            else
            {
                blocks.Add(new Paragraph(line));
            }
        }

        EndTable(blocks, rows);

        // A page that is only a table still has a title, though its format may not show it.
        return blocks.OfType<Heading>().Any() ? blocks : [new Heading(1, ""), .. blocks];
    }

    private static void EndTable(List<Block> blocks, List<IReadOnlyList<string>> rows)
    {
        if (rows.Count > 0)
        {
            blocks.Add(new Table([.. rows]));
            rows.Clear();
        }
    }
}
