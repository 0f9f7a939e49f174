using System.Runtime.CompilerServices;
using Lauter.Data.Text;

namespace Lauter.Data.Operators.Measures;

/// <summary>Lines as FineWeb (Penedo et al. 2024, arXiv 2406.17557) and sentences as C4 (Raffel et al. 2020, section 2.2) look at them.</summary>
internal sealed class LineMeasure : Measure
{
    private const int ShortLine = 30;

    private readonly NGramTable _table = new();

    public override string Name => "lines";

    public override int Version => 1;

    public override IReadOnlyList<string> Columns { get; } =
        ["line_ends", "short_lines", "duplicate_characters", "newlines", "sentences", "braces", "lorem_ipsum", "average_line", "longest_line"];

    public override void Take(TextView text, Span<double> values)
    {
        int lines = 0, ends = 0, shorts = 0, duplicates = 0, sentences = 0, longest = 0, characters = 0;
        _table.Clear(text.Lines.Length);
        foreach (var part in text.Lines)
        {
            var line = text.Text.AsSpan(part.Start, part.Length);
            if (line.IsWhiteSpace())
            {
                continue;
            }

            lines++;
            characters += part.Length;
            longest = Math.Max(longest, part.Length);
            ends += IsTerminal(line.TrimEnd()[^1]) ? 1 : 0;
            shorts += part.Length <= ShortLine ? 1 : 0;
            duplicates += _table.Add(part.Hash) > 1 ? part.Length : 0;
            sentences += Sentences(line);
        }

        var span = text.Text.AsSpan();
        values[0] = Ratio(ends, lines);
        values[1] = Ratio(shorts, lines);
        values[2] = Ratio(duplicates, span.Length - text.Characters.Newlines);
        values[3] = Ratio(text.Characters.Newlines, text.Tokens.Length);
        values[4] = sentences;
        values[5] = span.Count('{');
        values[6] = span.Contains("lorem ipsum", StringComparison.OrdinalIgnoreCase) ? 1 : 0;
        values[7] = Ratio(characters, lines);
        values[8] = longest;
    }

    /// <summary>Ends of sentences: a mark followed by a blank or the line's end, any East Asian mark; what is left over is one more.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static int Sentences(ReadOnlySpan<char> line)
    {
        var count = 0;
        var open = false;
        for (var i = 0; i < line.Length; i++)
        {
            var c = line[i];
            if (c is '\u3002' or '\uFF01' or '\uFF1F' || (c is '.' or '!' or '?' && (i + 1 == line.Length || line[i + 1] is ' ' or '"' or '\'' or ')' or '\u201D' or '\u2019')))
            {
                count += open ? 1 : 0;
                open = false;
            }
            else if (!open && char.IsLetterOrDigit(c))
            {
                open = true;
            }
        }

        return count + (open ? 1 : 0);
    }

    /// <summary>A mark that may end a sentence, or close a quotation or bracket after one, in English or Chinese.</summary>
    internal static bool IsTerminal(char c) =>
        c is '.' or '!' or '?' or '"' or '\'' or '\u2026' or '\u3002' or '\uFF01' or '\uFF1F' or '\uFF0E' or '\u201D' or '\u2019' or '\u300D' or '\u300F' or ';' or '\uFF1B' or ':' or '\uFF1A' or ')' or '\uFF09';
}
