using System.Text;

namespace Lauter.Data.Text;

/// <summary>
/// Makes text plain without changing what a reader sees: NFC, full-width letters and digits to half width, invisible characters away,
/// one kind of blank and line end. Chinese punctuation keeps its width. Thread-safe.
/// </summary>
public static class Normaliser
{
    /// <summary>The plain form; applying it twice changes nothing.</summary>
    public static string Normalise(string text)
    {
        if (text.Length == 0)
        {
            return text;
        }

        var source = TextFolding.IsAscii(text) ? text : TextFolding.Normalised(text, NormalizationForm.FormC);
        var builder = new StringBuilder(source.Length);
        var newlines = 0;
        for (var i = 0; i < source.Length; i++)
        {
            var c = source[i];
            if (c == '\r')
            {
                if (i + 1 < source.Length && source[i + 1] == '\n')
                {
                    continue;
                }

                c = '\n';
            }

            if (c is '\u0085' or '\u2028' or '\u2029' or '\v' or '\f')
            {
                c = '\n';
            }

            if (TextFolding.IsInvisible(c))
            {
                continue;
            }

            if (c == '\n')
            {
                TrimEnd(builder);
                if (++newlines <= 2)
                {
                    builder.Append('\n');
                }

                continue;
            }

            if (char.IsWhiteSpace(c))
            {
                c = ' ';
                if (newlines == 0 && builder.Length > 0 && builder[^1] == ' ')
                {
                    continue;
                }
            }
            else
            {
                newlines = 0;
            }

            Append(builder, c);
        }

        return builder.ToString().Trim('\n', ' ');
    }

    private static void Append(StringBuilder builder, char c)
    {
        switch (c)
        {
            case (>= '\uFF10' and <= '\uFF19') or (>= '\uFF21' and <= '\uFF3A') or (>= '\uFF41' and <= '\uFF5A') or '\uFF20' or '\uFF0E' or '\uFF3F' or '\uFF0F' or '\uFF0B' or '\uFF05' or '\uFF0D':
                builder.Append((char)(c - 0xFEE0));
                break;
            case >= '\uFB00' and <= '\uFB04':
                builder.Append(c switch { '\uFB00' => "ff", '\uFB01' => "fi", '\uFB02' => "fl", '\uFB03' => "ffi", _ => "ffl" });
                break;
            default:
                builder.Append(c);
                break;
        }
    }

    private static void TrimEnd(StringBuilder builder)
    {
        while (builder.Length > 0 && builder[^1] == ' ')
        {
            builder.Length--;
        }
    }
}
