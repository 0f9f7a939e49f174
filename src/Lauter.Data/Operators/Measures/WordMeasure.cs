using System.Runtime.CompilerServices;
using Lauter.Data.Text;

namespace Lauter.Data.Operators.Measures;

/// <summary>
/// Words as in Gopher (arXiv 2112.11446, table A1). Two shares of words with a letter are given: among words, as the paper says, and among all
/// tokens, as datatrove counts, where punctuation counts as words without a letter and a third of clean Chinese prose is lost.
/// </summary>
internal sealed class WordMeasure : Measure
{
    private static readonly WordFlags English = new("the", "be", "to", "of", "and", "that", "have", "with");

    /// <summary>The stop words of FineWeb-2 for Mandarin.</summary>
    private static readonly WordFlags Chinese = new("的", "年", "在", "月", "是", "和", "日", "了", "於", "·", "為", "有", "被", "人", "中", "为", "他", "與", "後", "也", "而", "由");

    public override string Name => "words";

    public override int Version => 1;

    public override IReadOnlyList<string> Columns { get; } =
        ["words", "word_length", "hash_signs", "ellipses", "bullet_lines", "ellipsis_lines", "letter_words", "letter_tokens", "stop_words", "longest_word"];

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Take(TextView text, Span<double> values)
    {
        var list = text.Language == LanguageDetector.Chinese ? Chinese : English;
        int words = 0, characters = 0, withLetter = 0, hashes = 0, ellipses = 0, longest = 0;
        ulong stop = 0;
        var tokens = text.Tokens;
        var flags = text.Flags;
        for (var i = 0; i < tokens.Length; i++)
        {
            var token = tokens[i];
            if (!flags[i].HasFlag(TokenFlags.Punctuation))
            {
                words++;
                characters += token.Length;
                longest = Math.Max(longest, token.Length);
                withLetter += flags[i].HasFlag(TokenFlags.Letter) ? 1 : 0;
            }
            else
            {
                switch (text.Text[token.Start])
                {
                    case '#':
                        hashes += token.Length;
                        break;
                    case '\u2026':
                        ellipses += token.Length;
                        break;
                    case '.':
                        ellipses += token.Length / 3;
                        break;
                }
            }

            if (token.Length <= WordFlags.Longest)
            {
                stop |= list.Find(token.Hash);
            }
        }

        var (bullets, ellipsisLines, lines) = Lines(text);
        values[0] = words;
        values[1] = Ratio(characters, words);
        values[2] = Ratio(hashes, tokens.Length);
        values[3] = Ratio(ellipses, tokens.Length);
        values[4] = Ratio(bullets, lines);
        values[5] = Ratio(ellipsisLines, lines);
        values[6] = Ratio(withLetter, words);
        values[7] = Ratio(withLetter, tokens.Length);
        values[8] = System.Numerics.BitOperations.PopCount(stop);
        values[9] = longest;
    }

    private static (int Bullets, int Ellipses, int Lines) Lines(TextView text)
    {
        int bullets = 0, ellipses = 0, lines = 0;
        foreach (var part in text.Lines)
        {
            var line = text.Text.AsSpan(part.Start, part.Length);
            lines++;
            if (line.TrimStart() is [var first, ..] && first is '\u2022' or '-' or '*' or '\u25CF' or '\u25A0' or '\u00B7')
            {
                bullets++;
            }

            line = line.TrimEnd();
            if (line.EndsWith("...") || line is [.., '\u2026'])
            {
                ellipses++;
            }
        }

        return (bullets, ellipses, lines);
    }
}

/// <summary>Up to 64 words, each with a bit, found by the hash of a token.</summary>
internal sealed class WordFlags
{
    /// <summary>Characters of the longest word in any list here.</summary>
    public const int Longest = 4;

    private readonly ulong[] _keys = new ulong[256];
    private readonly ulong[] _bits = new ulong[256];

    public WordFlags(params ReadOnlySpan<string> words)
    {
        for (var i = 0; i < words.Length; i++)
        {
            // A single sign is a token of repeated signs, hashed with its length.
            var hash = words[i].Length == 1 && !char.IsLetter(words[i][0]) ? TextViewHash(words[i]) : TextView.HashOf(words[i]);
            var slot = (int)(hash & 255);
            while (_keys[slot] != 0)
            {
                slot = (slot + 1) & 255;
            }

            (_keys[slot], _bits[slot]) = (hash, 1UL << i);
        }
    }

    /// <summary>The word's bit, 0 for any other token.</summary>
    public ulong Find(ulong hash)
    {
        var slot = (int)(hash & 255);
        while (_keys[slot] != 0)
        {
            if (_keys[slot] == hash)
            {
                return _bits[slot];
            }

            slot = (slot + 1) & 255;
        }

        return 0;
    }

    private static ulong TextViewHash(string sign)
    {
        var view = new TextView();
        view.Load(sign);
        return view.Tokens[0].Hash;
    }
}
