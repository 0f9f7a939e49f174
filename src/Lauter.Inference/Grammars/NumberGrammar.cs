using System.Numerics;

namespace Lauter.Inference.Grammars;

/// <summary>Grammar bodies for decimal numbers within bounds, without exponents, leading zeros or <c>-0</c>.</summary>
internal static class NumberGrammar
{
    /// <summary>Most digits before the decimal point: every such integer is exact in a double.</summary>
    public const int Digits = 15;

    /// <summary>Most digits after it.</summary>
    public const int Fraction = 15;

    public static readonly BigInteger Largest = BigInteger.Pow(10, Digits) - 1;

    /// <summary>Integers from <paramref name="least"/> to <paramref name="most"/>, both within ±<see cref="Largest"/> and in order.</summary>
    public static string Integer(BigInteger least, BigInteger most)
    {
        var parts = new List<string>();
        if (least < 0)
        {
            var far = -least;
            var near = most < 0 ? -most : BigInteger.One;
            parts.Add($"\"-\" ({string.Join(" | ", Positive(near, far))})");
        }

        if (most >= 0)
        {
            parts.AddRange(Positive(BigInteger.Max(least, 0), most));
        }

        return string.Join(" | ", parts);
    }

    /// <summary>Numbers from <paramref name="least"/> to <paramref name="most"/> with up to <see cref="Fraction"/> digits after the point.</summary>
    public static string Number(BigInteger least, BigInteger most)
    {
        var fraction = $"(\".\" [0-9]{{1,{Fraction}}})?";
        var zeros = $"(\".\" \"0\"{{1,{Fraction}}})?";
        var parts = new List<string>();
        if (least < 0)
        {
            // −x for x in [near, far]: whole part below far takes any fraction, far itself only zeros.
            var far = -least;
            var near = most < 0 ? -most : BigInteger.Zero;
            if (near < far)
            {
                var whole = string.Join(" | ", Positive(BigInteger.Max(near, 1), far - 1));
                if (whole.Length > 0)
                {
                    parts.Add($"\"-\" ({whole}) {fraction}");
                }

                if (near == 0)
                {
                    parts.Add($"\"-0.\" [0-9]{{1,{Fraction}}}");
                }
            }

            parts.Add($"\"-{far}\" {zeros}");
        }

        if (most >= 0)
        {
            var from = BigInteger.Max(least, 0);
            if (from < most)
            {
                parts.Add($"({string.Join(" | ", Positive(from, most - 1))}) {fraction}");
            }

            parts.Add($"\"{most}\" {zeros}");
        }

        return string.Join(" | ", parts);
    }

    /// <summary>Alternatives for the integers of [least, most], both at least 0: one group per number of digits, split at common prefixes.</summary>
    private static IEnumerable<string> Positive(BigInteger least, BigInteger most)
    {
        for (var digits = 1; digits <= most.ToString().Length && least <= most; digits++)
        {
            var low = BigInteger.Max(least, digits == 1 ? 0 : BigInteger.Pow(10, digits - 1));
            var high = BigInteger.Min(most, BigInteger.Pow(10, digits) - 1);
            if (low <= high)
            {
                yield return Range(low.ToString(), high.ToString());
            }
        }
    }

    /// <summary>Digit strings of equal length between two bounds.</summary>
    private static string Range(string low, string high)
    {
        if (low.Length == 0)
        {
            return "\"\"";
        }

        if (low.All(digit => digit == '0') && high.All(digit => digit == '9'))
        {
            return low.Length == 1 ? "[0-9]" : $"[0-9]{{{low.Length}}}";
        }

        var (first, last) = (low[0], high[0]);
        if (low.Length == 1)
        {
            return first == last ? $"\"{first}\"" : $"[{first}-{last}]";
        }

        if (first == last)
        {
            return $"\"{first}\" ({Range(low[1..], high[1..])})";
        }

        var parts = new List<string>();
        var rest = low.Length - 1;
        if (low[1..].Any(digit => digit != '0'))
        {
            parts.Add($"\"{first}\" ({Range(low[1..], new string('9', rest))})");
            first++;
        }

        var lastIsWhole = high[1..].All(digit => digit == '9');
        var end = lastIsWhole ? last : (char)(last - 1);
        if (first <= end)
        {
            parts.Add($"[{first}-{end}] [0-9]{{{rest}}}");
        }

        if (!lastIsWhole)
        {
            parts.Add($"\"{last}\" ({Range(new string('0', rest), high[1..])})");
        }

        return string.Join(" | ", parts);
    }
}
