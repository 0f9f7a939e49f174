using System.Buffers;
using System.Text;

namespace Lauter.Data.Text;

/// <summary>
/// Brings texts that a person reads as the same to one form: NFKC, traditional to simplified characters, lower case, no invisible
/// characters, white space collapsed. For comparing and searching only: it is never what a user sees. Thread-safe.
/// </summary>
public static class TextFolding
{
    private static readonly char[] SimplifiedOf = LoadTable();

    /// <summary>The folded form of <paramref name="text"/>; folding twice changes nothing.</summary>
    public static string Fold(string text)
    {
        if (text.Length == 0)
        {
            return text;
        }

        var rented = ArrayPool<char>.Shared.Rent(text.Length + Spare);
        try
        {
            var length = Fold(text, ref rented);
            return length < 0 ? FoldSlowly(text) : rented.AsSpan(0, length).SequenceEqual(text) ? text : new string(rented, 0, length);
        }
        finally
        {
            ArrayPool<char>.Shared.Return(rented);
        }
    }

    /// <summary>Room for the longest expansion, U+FDFA, and a blank.</summary>
    private const int Spare = 20;

    /// <summary>Character by character through <see cref="FoldTable"/>; -1 when a mark or a rare character needs the whole normaliser.</summary>
    private static int Fold(ReadOnlySpan<char> text, ref char[] target)
    {
        var table = FoldTable.All;
        var (at, blank) = (0, false);
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            var entry = table[c];
            var kind = FoldTable.KindOf(entry);
            if (kind == FoldKind.Blank)
            {
                blank = at > 0;
                continue;
            }

            if (kind == FoldKind.Skip)
            {
                continue;
            }

            if (target.Length - at < text.Length - i + Spare)
            {
                var larger = ArrayPool<char>.Shared.Rent((2 * target.Length) + Spare);
                target.AsSpan(0, at).CopyTo(larger);
                ArrayPool<char>.Shared.Return(target);
                target = larger;
            }

            if (blank)
            {
                target[at++] = ' ';
                blank = false;
            }

            if (kind <= FoldKind.Ideograph)
            {
                target[at++] = (char)entry;
            }
            else if (kind == FoldKind.Expand)
            {
                foreach (var part in FoldTable.Expansion(c))
                {
                    var inner = table[part];
                    if (FoldTable.KindOf(inner) > FoldKind.Ideograph)
                    {
                        return -1;
                    }

                    target[at++] = (char)inner;
                }
            }
            else if (kind == FoldKind.Surrogate && i + 1 < text.Length && FoldTable.IsStable(c, text[i + 1]))
            {
                (target[at], target[at + 1]) = (c, text[++i]);
                at += 2;
            }
            else
            {
                return -1;
            }
        }

        return at;
    }

    /// <summary>The definition of folding: the whole text through NFKC, then each character. Tests hold the table to it.</summary>
    internal static string FoldSlowly(string text)
    {
        var source = IsAscii(text) ? text : Normalised(text, NormalizationForm.FormKC);
        var builder = new StringBuilder(source.Length);
        var space = false;
        foreach (var original in source)
        {
            if (char.IsWhiteSpace(original))
            {
                space = builder.Length > 0;
                continue;
            }

            if (IsInvisible(original))
            {
                continue;
            }

            if (space)
            {
                builder.Append(' ');
                space = false;
            }

            builder.Append(original < 128 ? char.ToLowerInvariant(original) : char.ToLowerInvariant(Simplify(original)));
        }

        return builder.ToString();
    }

    /// <summary>The simplified form of a traditional character; every other character unchanged.</summary>
    public static char Simplify(char character) => SimplifiedOf[character];

    /// <summary>The text with traditional characters replaced one by one, everything else unchanged; the same object when there are none.</summary>
    public static string Simplify(string text)
    {
        var table = SimplifiedOf;
        for (var i = 0; i < text.Length; i++)
        {
            if (table[text[i]] != text[i])
            {
                return string.Create(text.Length, text, static (target, source) =>
                {
                    var table = SimplifiedOf;
                    for (var i = 0; i < target.Length; i++)
                    {
                        target[i] = table[source[i]];
                    }
                });
            }
        }

        return text;
    }

    /// <summary>Full-width letters, digits and ASCII signs to half width, one to one, so that offsets stay valid.</summary>
    public static string HalfWidth(string text)
    {
        if (IsAscii(text))
        {
            return text;
        }

        return string.Create(text.Length, text, static (target, source) =>
        {
            for (var i = 0; i < target.Length; i++)
            {
                target[i] = HalfWidth(source[i]);
            }
        });
    }

    internal static char HalfWidth(char c) => c switch
    {
        >= '\uFF01' and <= '\uFF5E' => (char)(c - 0xFEE0),
        '\u3000' => ' ',
        _ => c,
    };

    /// <summary>True for Han characters of the Basic Multilingual Plane.</summary>
    public static bool IsHan(char c) => c is (>= '\u4E00' and <= '\u9FFF') or (>= '\u3400' and <= '\u4DBF') or (>= '\uF900' and <= '\uFAFF') or '\u3007';

    /// <summary>Zero-width and directional marks, soft hyphen, byte order mark, control characters other than tab and line ends.</summary>
    internal static bool IsInvisible(char c) => c switch
    {
        '\t' or '\n' or '\r' => false,
        < ' ' or (>= '\u007F' and <= '\u009F' and not '\u0085') => true,
        '\u00AD' or '\uFEFF' or '\u180E' or '\u2061' or '\u2062' or '\u2063' or '\u2064' or '\u2060' => true,
        (>= '\u200B' and <= '\u200F') or (>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069') => true,
        _ => false,
    };

    internal static bool IsAscii(string text) => Ascii.IsValid(text.AsSpan());

    /// <summary>Normalises; a text with lone surrogates or the noncharacter U+FFFE, which the platform refuses, comes back with them replaced by U+FFFD.</summary>
    internal static string Normalised(string text, NormalizationForm form)
    {
        try
        {
            return text.Normalize(form);
        }
        catch (ArgumentException)
        {
            // From broken sources: re-encoding replaces exactly the lone surrogates.
            return Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)).Replace('\uFFFE', '\uFFFD').Normalize(form);
        }
    }

    private static char[] LoadTable()
    {
        var table = new char[char.MaxValue + 1];
        for (var i = 0; i < table.Length; i++)
        {
            table[i] = (char)i;
        }

        using var reader = new StreamReader(typeof(TextFolding).Assembly.GetManifestResourceStream("Lauter.Data.TraditionalSimplified.txt")!);
        while (reader.ReadLine() is { } traditional)
        {
            if (traditional.StartsWith('#') || traditional.Length == 0)
            {
                continue;
            }

            var simplified = reader.ReadLine()!;
            for (var i = 0; i < traditional.Length; i++)
            {
                table[traditional[i]] = simplified[i];
            }
        }

        return table;
    }
}
