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
    public static bool IsResidentId(string text)
    {
        if (text.Length == 15)
        {
            return text.All(char.IsAsciiDigit) && IsDate(string.Concat("19", text.AsSpan(6, 6)));
        }

        if (text.Length != 18 || !text.AsSpan(0, 17).ToArray().All(char.IsAsciiDigit) || !IsDate(text.Substring(6, 8)))
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

    /// <summary>GB 32100-2015: 18 characters without I, O, S, V, Z; first 1–9, A, N or Y; region digits; weighted sum mod 31.</summary>
    public static bool IsCreditCode(string text)
    {
        var code = text.ToUpperInvariant();
        if (code.Length != 18 || !(code[0] is (>= '1' and <= '9') or 'A' or 'N' or 'Y'))
        {
            return false;
        }

        var sum = 0;
        for (var i = 0; i < 17; i++)
        {
            var value = CreditCodeAlphabet.IndexOf(code[i], StringComparison.Ordinal);
            if (value < 0 || (i is >= 2 and <= 7 && value > 9))
            {
                return false;
            }

            sum += value * CreditCodeWeights[i];
        }

        return CreditCodeAlphabet[(31 - (sum % 31)) % 31] == code[17];
    }

    /// <summary>16 to 19 digits whose Luhn sum (ISO/IEC 7812) ends in 0; blanks and hyphens are skipped.</summary>
    public static bool IsCard(string text)
    {
        int sum = 0, digits = 0;
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

        return digits is >= 16 and <= 19 && sum % 10 == 0;
    }

    /// <summary>ISO 13616: known country, its length, mod 97 = 1; blanks are skipped.</summary>
    public static bool IsIban(string text)
    {
        var code = text.Replace(" ", "", StringComparison.Ordinal).ToUpperInvariant();
        if (code.Length < 15 || !IbanLengths.TryGetValue(code[..2], out var length) || code.Length != length)
        {
            return false;
        }

        var remainder = 0;
        foreach (var c in string.Concat(code.AsSpan(4), code.AsSpan(0, 4)))
        {
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

    /// <summary>18 digits with a birth date where a resident number has it: with a wrong check digit it is a typing error, not a card.</summary>
    internal static bool HasResidentIdForm(string text) => text.Length == 18 && text.All(char.IsAsciiDigit) && IsDate(text.Substring(6, 8));

    private static bool IsDate(string yyyymmdd) =>
        DateTime.TryParseExact(yyyymmdd, "yyyyMMdd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _);
}
