using System.Globalization;
using System.Text;

namespace Lauter.Evaluation.Metrics.Texts;

/// <summary>How BLEU cuts a line into tokens; the outputs equal those of sacrebleu 2.6.0.</summary>
public static class BleuTokenizers
{
    /// <summary>The names: 13a (mteval v13a), intl (mteval v14), zh (each Chinese character a token), char, none.</summary>
    public static IReadOnlyList<string> Names { get; } = ["13a", "intl", "zh", "char", "none"];

    /// <summary>Ranges that zh takes for Chinese; U+2001 to U+2A6D and U+2F81 to U+2FA1 are in, as in the reference, whose five-digit escapes read so.</summary>
    private static readonly (int Low, int High)[] Chinese =
    [
        (0x3400, 0x4db5), (0x4e00, 0x9fbb), (0xf900, 0xfa2d), (0xfa30, 0xfa6a), (0xfa70, 0xfad9), (0x2001, 0x2a6d), (0x2f81, 0x2fa1),
        (0xff00, 0xffef), (0x2e80, 0x2eff), (0x3000, 0x303f), (0x31c0, 0x31ef), (0x2f00, 0x2fdf), (0x2ff0, 0x2fff), (0x3100, 0x312f),
        (0x31a0, 0x31bf), (0xfe10, 0xfe1f), (0xfe30, 0xfe4f), (0x2600, 0x26ff), (0x2700, 0x27bf), (0x3200, 0x33ff),
    ];

    /// <summary>The tokens of <paramref name="line"/>; white space at its end is nothing.</summary>
    /// <exception cref="ArgumentException">The name is not one of <see cref="Names"/>.</exception>
    public static IReadOnlyList<string> Tokenize(string tokenizer, string line) => PythonText.Split(Line(tokenizer, line));

    /// <summary>The tokenised line, tokens parted by blanks (<c>none</c> gives the line as it is).</summary>
    internal static string Line(string tokenizer, string line)
    {
        var text = PythonText.TrimEnd(line);
        return tokenizer switch
        {
            "13a" => Joined(Western(" " + Unescape(text) + " ")),
            "intl" => Joined(International(text)),
            "zh" => Joined(Western(SpaceChinese(PythonText.Trim(text)))),
            "char" => string.Join(' ', text.EnumerateRunes()),
            "none" => text,
            _ => throw new ArgumentException($"'{tokenizer}' is not a tokenizer; expected {string.Join(", ", Names)}.", nameof(tokenizer)),
        };
    }

    private static string Joined(string text) => string.Join(' ', PythonText.Split(text));

    private static string Unescape(string text)
    {
        text = text.Replace("<skipped>", "").Replace("-\n", "").Replace('\n', ' ');
        return text.Contains('&', StringComparison.Ordinal)
            ? text.Replace("&quot;", "\"").Replace("&amp;", "&").Replace("&lt;", "<").Replace("&gt;", ">")
            : text;
    }

    /// <summary>
    /// Blanks around ASCII symbols; around a period or comma unless a digit stands before (then after); after a dash that follows a digit.
    /// Each rule is one pass over non-overlapping matches, so their order matters.
    /// </summary>
    internal static string Western(string text)
    {
        var spaced = new StringBuilder(text.Length * 2);
        foreach (var c in text)
        {
            _ = c is >= '{' and <= '~' or >= '[' and <= '`' or >= ' ' and <= '&' or >= '(' and <= '+' or >= ':' and <= '@' or '/'
                ? spaced.Append(' ').Append(c).Append(' ')
                : spaced.Append(c);
        }

        return PeriodsAndDashes(spaced.ToString());
    }

    internal static string PeriodsAndDashes(string text)
    {
        text = Pairs(text, (a, b) => !char.IsAsciiDigit(a) && (b is '.' or ','), (o, a, b) => o.Append(a).Append(' ').Append(b).Append(' '));
        text = Pairs(text, (a, b) => (a is '.' or ',') && !char.IsAsciiDigit(b), (o, a, b) => o.Append(' ').Append(a).Append(' ').Append(b));
        return Pairs(text, (a, b) => char.IsAsciiDigit(a) && b == '-', (o, a, b) => o.Append(a).Append(' ').Append(b).Append(' '));
    }

    /// <summary>Rewrites each matching pair of neighbours, left to right, without overlap.</summary>
    private static string Pairs(string text, Func<char, char, bool> matches, Action<StringBuilder, char, char> write)
    {
        var output = new StringBuilder(text.Length + 16);
        var i = 0;
        while (i < text.Length)
        {
            if (i + 1 < text.Length && matches(text[i], text[i + 1]))
            {
                // The second of the pair may be the first half of a surrogate pair; its other half follows as it stands.
                write(output, text[i], text[i + 1]);
                i += 2;
            }
            else
            {
                output.Append(text[i++]);
            }
        }

        return output.ToString();
    }

    private static string International(string text)
    {
        var runes = text.EnumerateRunes().ToList();
        runes = Pairs(runes, (a, b) => !IsNumber(a) && IsPunctuation(b), (o, a, b) => o.AddRange([a, Blank, b, Blank]));
        runes = Pairs(runes, (a, b) => IsPunctuation(a) && !IsNumber(b), (o, a, b) => o.AddRange([Blank, a, Blank, b]));
        var output = new StringBuilder(text.Length * 2);
        foreach (var rune in runes)
        {
            _ = IsSymbol(rune) ? output.Append(' ').Append(rune.ToString()).Append(' ') : output.Append(rune.ToString());
        }

        return output.ToString();
    }

    private static readonly Rune Blank = new(' ');

    private static List<Rune> Pairs(List<Rune> runes, Func<Rune, Rune, bool> matches, Action<List<Rune>, Rune, Rune> write)
    {
        var output = new List<Rune>(runes.Count * 2);
        var i = 0;
        while (i < runes.Count)
        {
            if (i + 1 < runes.Count && matches(runes[i], runes[i + 1]))
            {
                write(output, runes[i], runes[i + 1]);
                i += 2;
            }
            else
            {
                output.Add(runes[i++]);
            }
        }

        return output;
    }

    private static bool IsNumber(Rune rune) => Rune.GetUnicodeCategory(rune) is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber;

    private static bool IsPunctuation(Rune rune) => Rune.IsPunctuation(rune);

    private static bool IsSymbol(Rune rune) => Rune.IsSymbol(rune);

    private static string SpaceChinese(string text)
    {
        var output = new StringBuilder(text.Length * 2);
        foreach (var rune in text.EnumerateRunes())
        {
            _ = Chinese.Any(r => rune.Value >= r.Low && rune.Value <= r.High)
                ? output.Append(' ').Append(rune.ToString()).Append(' ')
                : output.Append(rune.ToString());
        }

        return output.ToString();
    }
}
