using System.Runtime.CompilerServices;
using Lauter.Data.Text;

namespace Lauter.Data.Operators.Measures;

/// <summary>
/// Repetition as in Gopher (Rae et al. 2021, arXiv 2112.11446, table A1), counted as datatrove counts it: lines and paragraphs seen before, the most
/// frequent 2-, 3- and 4-gram of tokens, and all 5- to 10-grams seen before, each as a share of the text's characters. A text without a repeated
/// 5-gram has no repeated longer one, so most texts need four passes instead of nine.
/// </summary>
internal sealed class RepetitionMeasure : Measure
{
    private const ulong Base = 0x9E3779B97F4A7C15UL | 1;
    private const int Run = 5;

    private readonly NGramTable _table = new();
    private ulong[] _prefix = new ulong[1024];
    private int[] _ends = new int[1024];
    private readonly ulong[] _powers = new ulong[11];

    public RepetitionMeasure()
    {
        _powers[0] = 1;
        for (var i = 1; i < _powers.Length; i++)
        {
            _powers[i] = _powers[i - 1] * Base;
        }
    }

    public override string Name => "repetition";

    public override int Version => 2;

    public override IReadOnlyList<string> Columns { get; } =
    [
        "duplicate_lines", "duplicate_paragraphs", "duplicate_line_characters", "duplicate_paragraph_characters", "top_2_gram", "top_3_gram", "top_4_gram",
        "duplicate_5_gram", "duplicate_6_gram", "duplicate_7_gram", "duplicate_8_gram", "duplicate_9_gram", "duplicate_10_gram", "repetition",
    ];

    public override void Take(TextView text, Span<double> values)
    {
        var length = (double)text.Characters.All;
        var (lines, lineCharacters) = Duplicates(text.Lines);
        var (paragraphs, paragraphCharacters) = Duplicates(text.Paragraphs);
        values[0] = Ratio(lines, text.Lines.Length);
        values[1] = Ratio(paragraphs, text.Paragraphs.Length);
        values[2] = Ratio(lineCharacters, length);
        values[3] = Ratio(paragraphCharacters, length);
        Prepare(text.Tokens);
        var tokens = text.Tokens.Length;
        for (var n = 2; n <= 4; n++)
        {
            values[n + 2] = Ratio(Top(tokens, n), length);
        }

        values[7..14].Clear();
        for (var n = 5; n <= 10; n++)
        {
            var repeated = Repeated(tokens, n);
            values[n + 2] = Ratio(repeated, length);
            if (n == 5)
            {
                if (repeated == 0)
                {
                    return;
                }

                values[13] = Covered(text);
            }
        }
    }

    private (int Parts, int Characters) Duplicates(ReadOnlySpan<TextPart> parts)
    {
        if (parts.Length < 2)
        {
            return (0, 0);
        }

        _table.Clear(parts.Length);
        int count = 0, characters = 0;
        foreach (var part in parts)
        {
            if (_table.Add(part.Hash) > 1)
            {
                count++;
                characters += part.Length;
            }
        }

        return (count, characters);
    }

    /// <summary>Prefix sums of token hashes (a polynomial modulo 2^64) and of token lengths: any n-gram's key and length in two operations.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Prepare(ReadOnlySpan<TextPart> tokens)
    {
        if (_prefix.Length <= tokens.Length)
        {
            _prefix = new ulong[tokens.Length * 2];
            _ends = new int[tokens.Length * 2];
        }

        for (var i = 0; i < tokens.Length; i++)
        {
            _prefix[i + 1] = (_prefix[i] * Base) + tokens[i].Hash;
            _ends[i + 1] = _ends[i] + tokens[i].Length;
        }
    }

    private ulong Key(int i, int n)
    {
        var key = _prefix[i + n] - (_prefix[i] * _powers[n]);
        return key ^ (key >> 29);
    }

    /// <summary>Characters of the most frequent n-gram, its blanks counted, times how often it occurs; the earliest of equally frequent ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private double Top(int tokens, int n)
    {
        var grams = tokens - n + 1;
        if (grams <= 0)
        {
            return 0;
        }

        _table.Clear(grams);
        var most = 1;
        for (var i = 0; i < grams; i++)
        {
            most = Math.Max(most, _table.Add(Key(i, n)));
        }

        var at = 0;
        while (most > 1 && _table.Count(Key(at, n)) != most)
        {
            at++;
        }

        return (double)(_ends[at + n] - _ends[at] + n - 1) * most;
    }

    /// <summary>Characters inside n-grams seen before, without overlaps.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Repeated(int tokens, int n)
    {
        _table.Clear(tokens);
        var characters = 0;
        var i = 0;
        while (i + n <= tokens)
        {
            if (_table.Add(Key(i, n)) > 1)
            {
                characters += _ends[i + n] - _ends[i];
                i += n;
            }
            else
            {
                i++;
            }
        }

        return characters;
    }

    /// <summary>Share of tokens inside a run of five that was seen before, overlaps included.</summary>
    private double Covered(TextView text)
    {
        var tokens = text.Tokens.Length;
        _table.Clear(tokens);
        int covered = 0, until = 0;
        for (var i = 0; i + Run <= tokens; i++)
        {
            if (_table.Add(Key(i, Run)) > 1)
            {
                covered += i + Run - Math.Max(until, i);
                until = i + Run;
            }
        }

        return Ratio(covered, tokens);
    }
}
