using System.Buffers;
using Lauter.Data.Export;

namespace Lauter.Retrieval.Chunks;

/// <summary>
/// Cuts documents into passages. The rules, in order of strength:
/// 1. a passage never crosses a heading, so that its heading path is true for all of it;
/// 2. a passage never exceeds the budget of its language; a paragraph that does is cut at sentence ends, then at blanks, then anywhere;
/// 3. a table is cut between rows only, and every part carries the header row;
/// 4. within these, paragraphs are put together up to the budget.
/// Deterministic and thread-safe.
/// </summary>
public sealed class Chunker(ChunkOptions options)
{
    private const string Separator = " › ";
    private static readonly SearchValues<char> DelimiterCharacters = SearchValues.Create("|-: \t\r");

    /// <summary>The passages of one document in order; none for a document without text.</summary>
    public IReadOnlyList<Chunk> Cut(DocumentRow document)
    {
        var budget = Math.Max(16, options.BudgetFor(document.Language));
        var units = TextUnit.Read(document);
        var output = new Output(document, budget);
        var headings = new List<(int Level, string Text)>();
        foreach (var unit in units)
        {
            var text = document.Text.AsSpan(unit.Start, unit.Length);
            switch (unit.Kind)
            {
                case UnitKind.Heading:
                    output.Flush();
                    headings.RemoveAll(above => above.Level >= unit.Level);
                    headings.Add((unit.Level, text.TrimStart('#').Trim().ToString()));
                    output.HeadingPath = string.Join(Separator, headings.Select(heading => heading.Text));
                    break;
                case UnitKind.Table when TokenEstimate.Of(text) > budget:
                    output.Flush();
                    CutTable(output, document.Text, unit, budget);
                    break;
                default:
                    CutParagraph(output, document.Text, unit, budget);
                    break;
            }
        }

        output.Flush();
        if (output.Chunks.Count == 0)
        {
            // Only headings: they are all there is to find.
            foreach (var unit in units)
            {
                CutParagraph(output, document.Text, unit, budget);
            }

            output.Flush();
        }

        return output.Chunks;
    }

    private static void CutParagraph(Output output, string text, TextUnit unit, int budget)
    {
        var position = unit.Start;
        var end = unit.Start + unit.Length;
        while (position < end)
        {
            var length = SentenceCutter.Fit(text.AsSpan(position, end - position), budget);
            output.Add(position, length, unit.Page);
            position += length;
        }
    }

    private static void CutTable(Output output, string text, TextUnit unit, int budget)
    {
        var lines = Lines(text, unit);
        var headerLines = lines.Count > 1 && IsDelimiterRow(text.AsSpan(lines[1].Start, lines[1].Length)) ? 2 : 1;
        var headerEnd = lines[headerLines - 1].Start + lines[headerLines - 1].Length;
        var header = text[unit.Start..headerEnd];
        if (lines.Count <= headerLines || TokenEstimate.Of(header) > budget / 2)
        {
            // A header that fills the passage, or a table of one row: cut it like text.
            CutParagraph(output, text, unit, budget);
            output.Flush();
            return;
        }

        var first = headerLines;
        while (first < lines.Count)
        {
            var last = first;
            var cost = TokenEstimate.Of(header) + TokenEstimate.Of(text.AsSpan(lines[first].Start, lines[first].Length));
            while (last + 1 < lines.Count && cost + TokenEstimate.Of(text.AsSpan(lines[last + 1].Start, lines[last + 1].Length)) + 1 <= budget)
            {
                last++;
                cost += TokenEstimate.Of(text.AsSpan(lines[last].Start, lines[last].Length)) + 1;
            }

            var end = lines[last].Start + lines[last].Length;
            if (cost > budget)
            {
                CutParagraph(output, text, unit with { Start = lines[first].Start, Length = end - lines[first].Start }, budget);
                output.Flush();
            }
            else
            {
                var start = first == headerLines ? unit.Start : lines[first].Start;
                var rows = text[lines[first].Start..end];
                output.Emit(header + "\n" + rows, start, end - start, unit.Page);
            }

            first = last + 1;
        }
    }

    private static List<(int Start, int Length)> Lines(string text, TextUnit unit)
    {
        var lines = new List<(int, int)>();
        var end = unit.Start + unit.Length;
        for (var start = unit.Start; start < end;)
        {
            var newline = text.IndexOf('\n', start, end - start);
            var stop = newline < 0 ? end : newline;
            if (!text.AsSpan(start, stop - start).IsWhiteSpace())
            {
                lines.Add((start, stop - start));
            }

            start = stop + 1;
        }

        return lines.Count == 0 ? [(unit.Start, unit.Length)] : lines;
    }

    private static bool IsDelimiterRow(ReadOnlySpan<char> line) => line.Contains('-') && !line.ContainsAnyExcept(DelimiterCharacters);

    /// <summary>Collects stretches until the next one would not fit.</summary>
    private sealed class Output(DocumentRow document, int budget)
    {
        private int _start = -1;
        private int _end;
        private int _page;

        public List<Chunk> Chunks { get; } = [];

        public string HeadingPath { get; set; } = "";

        public void Add(int start, int length, int page)
        {
            if (_start >= 0 && TokenEstimate.Of(document.Text.AsSpan(_start, start + length - _start)) > budget)
            {
                Flush();
            }

            if (_start < 0)
            {
                _start = start;
                _page = page;
            }

            _end = start + length;
        }

        public void Flush()
        {
            if (_start >= 0)
            {
                var span = document.Text.AsSpan(_start, _end - _start);
                var lead = span.Length - span.TrimStart().Length;
                var body = span.Trim();
                if (body.Length > 0)
                {
                    Emit(body.ToString(), _start + lead, body.Length, _page);
                }

                _start = -1;
            }
        }

        public void Emit(string text, int start, int length, int page) => Chunks.Add(new Chunk
        {
            Id = document.Id + "#" + Chunks.Count,
            DocumentId = document.Id,
            Path = document.Path,
            Title = document.Title,
            HeadingPath = HeadingPath,
            Text = text,
            Start = start,
            Length = length,
            Page = page,
            Language = document.Language,
        });
    }
}
