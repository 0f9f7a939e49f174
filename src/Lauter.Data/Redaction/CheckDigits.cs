using System.Globalization;

namespace Lauter.Data.Redaction;

/// <summary>The check-digit rules. All take trimmed ASCII text; lower-case letters count as upper-case. Pure.</summary>
public static class CheckDigits
{
    private const string CreditCodeAlphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    private static readonly int[] CreditCodeWeights = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];

    private static readonly Dictionary<string, int> IbanLengths = new(StringComparer.Ordinal)
    {
        ["AD"] = 24, ["AE"] = 23, ["AL"] = 28, ["AT"] = 20, ["AZ"] = 28, ["BA"] = 20, ["BE"] = 16, ["BG"] = 22, ["BH"] = 22, ["BR"] = 29, ["BY"] = 28,
        ["CH"] = 21, ["CR"] = 22, ["CY"] = 28, ["CZ"] = 24, ["DE"] = 22, ["DK"] = 18, ["DO"] = 28, ["EE"] = 20, ["EG"] = 29, ["ES"] = 24, ["FI"] = 18,
        ["FO"] = 18, ["FR"] = 27, ["GB"] = 22, ["GE"] = 22, ["GI"] = 23, ["GL"] = 18, ["GR"] = 27, ["GT"] = 28, ["HR"] = 21, ["HU"] = 28, ["IE"] = 22,
        ["IL"] = 23, ["IQ"] = 23, ["IS"] = 26, ["IT"] = 27, ["JO"] = 30, ["KW"] = 30, ["KZ"] = 20, ["LB"] = 28, ["LC"] = 32, ["LI"] = 21, ["LT"] = 20,
        ["LU"] = 20, ["LV"] = 21, ["LY"] = 25, ["MC"] = 27, ["MD"] = 24, ["ME"] = 22, ["MK"] = 19, ["MR"] = 27, ["MT"] = 31, ["MU"] = 30, ["NL"] = 18,
        ["NO"] = 15, ["PK"] = 24, ["PL"] = 28, ["PS"] = 29, ["PT"] = 25, ["QA"] = 29, ["RO"] = 24, ["RS"] = 22, ["SA"] = 24, ["SC"] = 31, ["SD"] = 18,
        ["SE"] = 24, ["SI"] = 19, ["SK"] = 24, ["SM"] = 27, ["ST"] = 25, ["SV"] = 28, ["TL"] = 23, ["TN"] = 24, ["TR"] = 26, ["UA"] = 29, ["VA"] = 22,
        ["VG"] = 24, ["XK"] = 20,
    };

    /// <summary>GB 11643-1999, 18 digits, or 15 digits of the old form: calendar date, and ISO 7064 MOD 11-2 for 18. The region is not looked up.</summary>
    public static bool IsResidentId(ReadOnlySpan<char> text)
    {
        if (text.Length == 15)
        {
            return !text.ContainsAnyExceptInRange('0', '9') && IsDate([.. "19", .. text.Slice(6, 6)]);
        }

        if (text.Length != 18 || text[..17].ContainsAnyExceptInRange('0', '9') || !IsDate(text.Slice(6, 8)))
        {
            return false;
        }

        ReadOnlySpan<int> weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
        var sum = 0;
        for (var i = 0; i < 17; i++)
        {
            sum += (text[i] - '0') * weights[i];
        }

        return char.ToUpperInvariant(text[17]) == "10X98765432"[sum % 11];
    }

    /// <summary>GB/T 2260, first two digits: the province of a resident number.</summary>
    public static bool HasProvince(ReadOnlySpan<char> text) => text.Length >= 2 && ((text[0] - '0') * 10) + text[1] - '0' is
        (>= 11 and <= 15) or (>= 21 and <= 23) or (>= 31 and <= 37) or (>= 41 and <= 46) or (>= 50 and <= 54) or (>= 61 and <= 65) or 71 or (>= 81 and <= 83);

    /// <summary>GB 32100-2015: 18 characters without I, O, S, V, Z; first 1–9, A, N or Y; region digits; weighted sum mod 31.</summary>
    public static bool IsCreditCode(ReadOnlySpan<char> text)
    {
        if (text.Length != 18 || !(char.ToUpperInvariant(text[0]) is (>= '1' and <= '9') or 'A' or 'N' or 'Y'))
        {
            return false;
        }

        var sum = 0;
        for (var i = 0; i < 17; i++)
        {
            var value = CreditCodeAlphabet.IndexOf(char.ToUpperInvariant(text[i]), StringComparison.Ordinal);
            if (value < 0 || (i is >= 2 and <= 7 && value > 9))
            {
                return false;
            }

            sum += value * CreditCodeWeights[i];
        }

        return CreditCodeAlphabet[(31 - (sum % 31)) % 31] == char.ToUpperInvariant(text[17]);
    }

    /// <summary>GB 11714-1997: 8 digits or letters and a check character mod 11, with or without a hyphen before it.</summary>
    public static bool IsOrganisationCode(ReadOnlySpan<char> text)
    {
        if (text.Length is not (9 or 10) || (text.Length == 10 && text[8] != '-'))
        {
            return false;
        }

        ReadOnlySpan<int> weights = [3, 7, 9, 10, 5, 8, 4, 2];
        var sum = 0;
        for (var i = 0; i < 8; i++)
        {
            var c = char.ToUpperInvariant(text[i]);
            var value = char.IsAsciiDigit(c) ? c - '0' : char.IsAsciiLetterUpper(c) ? c - 'A' + 10 : -1;
            if (value < 0)
            {
                return false;
            }

            sum += value * weights[i];
        }

        return char.ToUpperInvariant(text[^1]) == "0X987654321"[sum % 11];
    }

    /// <summary>16 to 19 digits whose Luhn sum (ISO/IEC 7812) ends in 0; blanks and hyphens are skipped.</summary>
    public static bool IsCard(ReadOnlySpan<char> text) => HasLuhn(text, out var digits) && digits is >= 16 and <= 19;

    /// <summary>American Express: 15 digits that begin with 34 or 37, Luhn.</summary>
    public static bool IsAmericanExpress(ReadOnlySpan<char> text) => text is ['3', '4' or '7', ..] && HasLuhn(text, out var digits) && digits == 15;

    /// <summary>ISO 13616: known country, its length, mod 97 = 1; blanks are skipped.</summary>
    public static bool IsIban(ReadOnlySpan<char> text)
    {
        Span<char> code = stackalloc char[34];
        var length = 0;
        foreach (var c in text)
        {
            if (c == ' ')
            {
                continue;
            }

            if (length == code.Length)
            {
                return false;
            }

            code[length++] = char.ToUpperInvariant(c);
        }

        code = code[..length];
        if (length < 15 || !IbanLengths.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(code[..2], out var wanted) || length != wanted)
        {
            return false;
        }

        var remainder = 0;
        for (var i = 0; i < length; i++)
        {
            var c = code[(i + 4) % length];
            if (char.IsAsciiDigit(c))
            {
                remainder = ((remainder * 10) + (c - '0')) % 97;
            }
            else if (char.IsAsciiLetterUpper(c))
            {
                remainder = ((remainder * 100) + (c - 'A' + 10)) % 97;
            }
            else
            {
                return false;
            }
        }

        return remainder == 1;
    }

    /// <summary>United States social security number, with or without hyphens: no area 000, 666 or 9xx, no group 00, no serial 0000. Has no check digit.</summary>
    public static bool IsSocialSecurity(ReadOnlySpan<char> text)
    {
        Span<char> digits = stackalloc char[9];
        var count = 0;
        foreach (var c in text)
        {
            if (char.IsAsciiDigit(c))
            {
                if (count == 9)
                {
                    return false;
                }

                digits[count++] = c;
            }
        }

        return count == 9 && digits[0] != '9' && !digits.StartsWith("000") && !digits.StartsWith("666") && !digits.Slice(3, 2).SequenceEqual("00") && !digits.EndsWith("0000");
    }

    /// <summary>18 digits with a birth date where a resident number has it: with a wrong check digit it is a typing error, not a card.</summary>
    internal static bool HasResidentIdForm(ReadOnlySpan<char> text) =>
        text.Length == 18 && !text.ContainsAnyExceptInRange('0', '9') && text.Slice(6, 2) is "19" or "20" && IsDate(text.Slice(6, 8));

    private static bool HasLuhn(ReadOnlySpan<char> text, out int digits)
    {
        var sum = 0;
        digits = 0;
        for (var i = text.Length - 1; i >= 0; i--)
        {
            if (text[i] is ' ' or '-')
            {
                continue;
            }

            if (!char.IsAsciiDigit(text[i]))
            {
                return false;
            }

            var digit = text[i] - '0';
            if (digits++ % 2 == 1)
            {
                digit = digit > 4 ? (2 * digit) - 9 : 2 * digit;
            }

            sum += digit;
        }

        return sum % 10 == 0;
    }

    private static bool IsDate(ReadOnlySpan<char> yyyymmdd) =>
        int.TryParse(yyyymmdd[..4], NumberStyles.None, CultureInfo.InvariantCulture, out var year) && int.TryParse(yyyymmdd[4..6], NumberStyles.None, CultureInfo.InvariantCulture, out var month)
        && int.TryParse(yyyymmdd[6..], NumberStyles.None, CultureInfo.InvariantCulture, out var day)
        && year > 0 && month is >= 1 and <= 12 && day >= 1 && day <= DateTime.DaysInMonth(year, month);
}
