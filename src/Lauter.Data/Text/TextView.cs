using System.Runtime.CompilerServices;

namespace Lauter.Data.Text;

/// <summary>What a token of a <see cref="TextView"/> is.</summary>
[Flags]
internal enum TokenFlags : byte
{
    None = 0,

    /// <summary>Holds a letter.</summary>
    Letter = 1,

    /// <summary>Punctuation or a sign and nothing else.</summary>
    Punctuation = 2,

    /// <summary>Made of Han characters.</summary>
    Han = 4,
}

/// <summary>A piece of the text.</summary>
/// <param name="Start">First character.</param>
/// <param name="Length">Characters.</param>
/// <param name="Hash">Equal for equal characters, case included.</param>
internal readonly record struct TextPart(int Start, int Length, ulong Hash);

/// <summary>
/// One text, cut once into tokens, lines and paragraphs that all measures share: (1) a pass over the characters counts classes and cuts tokens;
/// Latin words at blanks and signs, a repeated sign as one token, Han runs by dictionary; (2) lines and paragraphs by line feeds. Buffers are
/// reused, no strings are made. Not thread-safe: one for each worker.
/// </summary>
internal sealed class TextView
{
    private const int LongestRun = 1024;

    private readonly byte[] _lengths = new byte[LongestRun];
    private readonly float[] _costs = new float[LongestRun + 1];
    private TextPart[] _tokens = new TextPart[1024];
    private TokenFlags[] _flags = new TokenFlags[1024];
    private TextPart[] _lines = new TextPart[64];
    private TextPart[] _paragraphs = new TextPart[64];
    private int _tokenCount, _lineCount, _paragraphCount;

    /// <summary>The text.</summary>
    public string Text { get; private set; } = "";

    /// <summary><c>en</c>, <c>zh</c> or <c>und</c>.</summary>
    public string Language { get; set; } = LanguageDetector.Undetermined;

    /// <summary>How sure the language is, 0 to 1.</summary>
    public double LanguageScore { get; private set; }

    /// <summary>Words, and punctuation as tokens of its own.</summary>
    public ReadOnlySpan<TextPart> Tokens => _tokens.AsSpan(0, _tokenCount);

    /// <summary>For each token.</summary>
    public ReadOnlySpan<TokenFlags> Flags => _flags.AsSpan(0, _tokenCount);

    /// <summary>Between runs of line feeds, empty first and last ones included, as the reference implementations split.</summary>
    public ReadOnlySpan<TextPart> Lines => _lines.AsSpan(0, _lineCount);

    /// <summary>Between runs of two and more line feeds.</summary>
    public ReadOnlySpan<TextPart> Paragraphs => _paragraphs.AsSpan(0, _paragraphCount);

    /// <summary>Tokens that are not punctuation.</summary>
    public int Words { get; private set; }

    /// <summary>Characters by kind.</summary>
    public CharacterCounts Characters { get; private set; }

    /// <summary>Cuts <paramref name="text"/> and finds its language.</summary>
    public void Load(string text)
    {
        Text = text;
        (_tokenCount, _lineCount, _paragraphCount) = (0, 0, 0);
        (Language, LanguageScore) = LanguageDetector.Score(text);
        CutTokens(text);
        CutLines(text);
        CutParagraphs(text);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void CutTokens(ReadOnlySpan<char> text)
    {
        var classes = CharacterClasses.All;
        int letters = 0, digits = 0, white = 0, han = 0, prose = 0, signs = 0, garbled = 0, words = 0, newlines = 0, wide = 0;
        var i = 0;
        while (i < text.Length)
        {
            var c = text[i];
            var kind = classes[c];
            if (kind.HasFlag(CharacterClass.White))
            {
                white++;
                newlines += c == '\n' ? 1 : 0;
                i++;
                continue;
            }

            var start = i;
            if (kind.HasFlag(CharacterClass.Han))
            {
                while (i < text.Length && i - start < LongestRun && classes[text[i]].HasFlag(CharacterClass.Han))
                {
                    i++;
                }

                (letters, han) = (letters + i - start, han + i - start);
                words += AddHan(text[start..i], start);
                continue;
            }

            if (kind.HasFlag(CharacterClass.Word))
            {
                var flags = TokenFlags.None;
                var hash = HashSeed;
                while (i < text.Length)
                {
                    c = text[i];
                    kind = classes[c];
                    if ((kind & (CharacterClass.Word | CharacterClass.Han)) != CharacterClass.Word)
                    {
                        // An apostrophe between letters stays inside the word.
                        if (!(c is '\'' or '\u2019' && i > start && i + 1 < text.Length && IsPlainLetter(classes[text[i - 1]]) && IsPlainLetter(classes[text[i + 1]])))
                        {
                            break;
                        }

                        prose++;
                    }
                    else if (kind.HasFlag(CharacterClass.Letter))
                    {
                        flags = TokenFlags.Letter;
                        letters++;
                        wide += c is >= '\u3040' and <= '\u30FF' ? 1 : 0;
                    }
                    else
                    {
                        digits += kind.HasFlag(CharacterClass.Digit) ? 1 : 0;
                    }

                    hash = Step(hash, c);
                    i++;
                }

                words++;
                Add(new TextPart(start, i - start, Finish(hash)), flags);
                continue;
            }

            while (i < text.Length && text[i] == c)
            {
                i++;
            }

            var length = i - start;
            prose += kind.HasFlag(CharacterClass.Prose) ? length : 0;
            signs += kind.HasFlag(CharacterClass.Sign) ? length : 0;
            garbled += kind.HasFlag(CharacterClass.Garbled) ? length : 0;
            Add(new TextPart(start, length, Finish(Step(HashSeed, c) + (ulong)length)), TokenFlags.Punctuation);
        }

        Words = words;
        Characters = new CharacterCounts(text.Length, letters, digits, white, han, prose, signs, garbled, newlines, wide);
    }

    private int AddHan(ReadOnlySpan<char> run, int start)
    {
        var count = HanWords.Cut(run, _lengths, _costs);
        var at = 0;
        for (var w = 0; w < count; w++)
        {
            var length = _lengths[w];
            var hash = HashSeed;
            for (var k = 0; k < length; k++)
            {
                hash = Step(hash, run[at + k]);
            }

            Add(new TextPart(start + at, length, Finish(hash)), TokenFlags.Letter | TokenFlags.Han);
            at += length;
        }

        return count;
    }

    private void CutLines(ReadOnlySpan<char> text)
    {
        var start = 0;
        while (true)
        {
            var length = text[start..].IndexOf('\n');
            var end = length < 0 ? text.Length : start + length;
            Append(ref _lines, ref _lineCount, Part(text, start, end));
            if (length < 0)
            {
                return;
            }

            start = end;
            while (start < text.Length && text[start] == '\n')
            {
                start++;
            }
        }
    }

    private void CutParagraphs(ReadOnlySpan<char> text)
    {
        int start = 0, end = text.Length;
        while (start < end && char.IsWhiteSpace(text[start]))
        {
            start++;
        }

        while (end > start && char.IsWhiteSpace(text[end - 1]))
        {
            end--;
        }

        while (true)
        {
            var length = text[start..end].IndexOf("\n\n");
            Append(ref _paragraphs, ref _paragraphCount, Part(text, start, length < 0 ? end : start + length));
            if (length < 0)
            {
                return;
            }

            start += length;
            while (start < end && text[start] == '\n')
            {
                start++;
            }
        }
    }

    private static bool IsPlainLetter(CharacterClass kind) => (kind & (CharacterClass.Letter | CharacterClass.Han)) == CharacterClass.Letter;

    private static TextPart Part(ReadOnlySpan<char> text, int start, int end) =>
        new(start, end - start, System.IO.Hashing.XxHash3.HashToUInt64(System.Runtime.InteropServices.MemoryMarshal.AsBytes(text[start..end])));

    private static void Append(ref TextPart[] parts, ref int count, TextPart part)
    {
        if (count == parts.Length)
        {
            Array.Resize(ref parts, count * 2);
        }

        parts[count++] = part;
    }

    private void Add(TextPart token, TokenFlags flags)
    {
        if (_tokenCount == _tokens.Length)
        {
            Array.Resize(ref _tokens, _tokenCount * 2);
            Array.Resize(ref _flags, _tokenCount * 2);
        }

        _tokens[_tokenCount] = token;
        _flags[_tokenCount++] = flags;
    }

    private const ulong HashSeed = 0xCBF29CE484222325UL;

    private static ulong Step(ulong hash, char c) => (hash ^ c) * 0x9E3779B97F4A7C15UL;

    private static ulong Finish(ulong hash) => hash ^ (hash >> 32);

    /// <summary>The hash that a token with these characters has.</summary>
    public static ulong HashOf(ReadOnlySpan<char> word)
    {
        var hash = HashSeed;
        foreach (var c in word)
        {
            hash = Step(hash, c);
        }

        return Finish(hash);
    }
}

/// <summary>Characters of a text by kind.</summary>
/// <param name="All">UTF-16 units.</param>
/// <param name="Letters">Letters, Han included.</param>
/// <param name="Digits">Digits and other numbers.</param>
/// <param name="White">Blanks and line ends.</param>
/// <param name="Han">Han characters.</param>
/// <param name="Prose">Punctuation of prose.</param>
/// <param name="Signs">Other punctuation and symbols.</param>
/// <param name="Garbled">Unreadable.</param>
/// <param name="Newlines">Line feeds.</param>
/// <param name="Kana">Hiragana and katakana.</param>
internal readonly record struct CharacterCounts(int All, int Letters, int Digits, int White, int Han, int Prose, int Signs, int Garbled, int Newlines, int Kana);
