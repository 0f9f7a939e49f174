namespace Helpdesk.Generator.Text;

/// <summary>The check digits of the planted personal data.</summary>
internal static class CheckDigits
{
    private static readonly int[] IdentityWeights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];

    /// <summary>The 18th character of a Chinese identity number (GB 11643, ISO 7064 MOD 11-2).</summary>
    public static char Identity(string first17) => "10X98765432"[first17.Select((c, i) => (c - '0') * IdentityWeights[i]).Sum() % 11];

    /// <summary>The last digit that makes a card number pass the Luhn test.</summary>
    public static char Luhn(string digits)
    {
        var sum = 0;
        for (var i = 0; i < digits.Length; i++)
        {
            var digit = digits[digits.Length - 1 - i] - '0';
            var twice = digit * 2;
            sum += i % 2 == 0 ? (twice > 9 ? twice - 9 : twice) : digit;
        }

        return (char)('0' + ((10 - (sum % 10)) % 10));
    }
}
