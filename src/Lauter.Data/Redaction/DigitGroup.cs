using Lauter.Data.Text;

namespace Lauter.Data.Redaction;

/// <summary>
/// Digits that a reader takes as one number: joined by letters, and by single blanks, hyphens, points and brackets between digits. Width makes no
/// difference.
/// </summary>
/// <param name="Start">First character, a plus or bracket before the digits included.</param>
/// <param name="End">First character after the group.</param>
/// <param name="Digits">Digits in it.</param>
/// <param name="Points">Points in it.</param>
/// <param name="Letters">True when letters are in it.</param>
/// <param name="Colon">True when a colon stands before or after it.</param>
internal readonly record struct DigitGroup(int Start, int End, int Digits, int Points, bool Letters, bool Colon)
{
    /// <param name="text">The text.</param>
    /// <param name="digit">Where a digit stands.</param>
    /// <param name="least">The group begins here or later.</param>
    /// <param name="longest">Most characters.</param>
    public static DigitGroup At(string text, int digit, int least, int longest)
    {
        // 1. To the left: letters of the same word, then a sign that belongs to a number.
        var start = digit;
        while (start > least && digit - start < 40 && char.IsAsciiLetterOrDigit(TextFolding.HalfWidth(text[start - 1])))
        {
            start--;
        }

        var letters = start < digit;
        var word = start;
        while (start > least && word - start < 3 && TextFolding.HalfWidth(text[start - 1]) is '+' or '(')
        {
            start--;
        }

        // 2. To the right: digits and letters; signs only when a digit follows within two characters.
        var (at, digits, points) = (digit, 0, 0);
        var limit = Math.Min(text.Length, digit + longest);
        while (at < limit)
        {
            var c = TextFolding.HalfWidth(text[at]);
            if (char.IsAsciiDigit(c))
            {
                digits++;
            }
            else if (char.IsAsciiLetter(c))
            {
                letters = true;
            }
            else if (IsSign(c) && (c == '-' || !char.IsAsciiLetter(TextFolding.HalfWidth(text[at - 1]))) && (IsDigit(text, at + 1) || (IsSign(text, at + 1) && IsDigit(text, at + 2))))
            {
                points += c == '.' ? 1 : 0;
            }
            else
            {
                break;
            }

            at++;
        }

        var colon = (start > 0 && text[start - 1] is ':' or '：') || (at < text.Length && text[at] is ':' or '：');
        return new DigitGroup(start, at, digits, points, letters, colon);
    }

    /// <summary>True when the group begins like an IBAN, two capitals and two digits: its blocks may go on with letters.</summary>
    public bool IsIbanHead(string text)
    {
        return End - Start >= 4 && IsCapital(text[Start]) && IsCapital(text[Start + 1]) && IsDigit(text, Start + 2) && IsDigit(text, Start + 3);

        static bool IsCapital(char c) => char.IsAsciiLetterUpper(TextFolding.HalfWidth(c));
    }

    /// <summary>Where a number plate would begin: the Han character before the letter, a point between letter and digits allowed; -1 when there is none.</summary>
    public int PlateStart(string text)
    {
        var at = Start >= 2 && text[Start - 1] is '·' or '•' or ' ' ? Start - 2 : Start;
        return at > 0 && TextFolding.IsHan(text[at - 1]) && char.IsAsciiLetterUpper(TextFolding.HalfWidth(text[at])) ? at - 1 : -1;
    }

    /// <summary>The run of hexadecimal digits, colons and points around a place.</summary>
    public static (int Start, int End) Hexadecimal(string text, int at)
    {
        var (start, end) = (at, at);
        while (start > 0 && at - start < 48 && IsPart(text[start - 1]))
        {
            start--;
        }

        while (end < text.Length && end - at < 48 && IsPart(text[end]))
        {
            end++;
        }

        return (start, end);

        static bool IsPart(char c) => char.IsAsciiHexDigit(TextFolding.HalfWidth(c)) || TextFolding.HalfWidth(c) is ':' or '.';
    }

    private static bool IsSign(char c) => c is ' ' or '-' or '.' or '(' or ')';

    private static bool IsSign(string text, int at) => at < text.Length && IsSign(TextFolding.HalfWidth(text[at]));

    private static bool IsDigit(string text, int at) => at < text.Length && char.IsAsciiDigit(TextFolding.HalfWidth(text[at]));
}
