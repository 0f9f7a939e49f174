using System.Globalization;
using System.Numerics;

namespace Lauter.Models.Templates.Jinja;

/// <summary>The two ways Python fills a text with values: <c>'%s' % x</c> and <c>'{}'.format(x)</c>. Literal parts keep their marks.</summary>
internal static class Formatting
{
    private const int MaxWidth = 10_000;

    public static Text Percent(Text format, object? argument)
    {
        IReadOnlyList<object?> values = argument is Sequence { IsTuple: true } tuple ? tuple.Items : [argument];
        var used = 0;
        var builder = new TextBuilder();
        var text = format.Value;
        for (var i = 0; i < text.Length;)
        {
            var percent = text.IndexOf('%', i);
            if (percent < 0)
            {
                builder.Append(format.Slice(i));
                break;
            }

            builder.Append(format.Slice(i, percent - i));
            i = percent + 1;
            var start = i;
            while (i < text.Length && "-+ 0#".Contains(text[i], StringComparison.Ordinal))
            {
                i++;
            }

            var flags = text[start..i];
            var width = Digits(text, ref i);
            int? precision = null;
            if (i < text.Length && text[i] == '.')
            {
                i++;
                precision = Digits(text, ref i);
            }

            if (i >= text.Length)
            {
                throw Operations.Fault("incomplete format");
            }

            var conversion = text[i++];
            if (conversion == '%')
            {
                builder.Append("%");
                continue;
            }

            if (conversion == '(')
            {
                throw Operations.Fault("named values in '%' are not supported; use '~' or format()");
            }

            var value = used < values.Count ? values[used++] : throw Operations.Fault("not enough arguments for format string");
            builder.Append(Padded(Converted(value, conversion, flags, precision), flags, width));
            Operations.CheckLength(builder.Length);
        }

        return used < values.Count && argument is not Mapping ? throw Operations.Fault("not all arguments converted during string formatting") : builder.ToText();
    }

    public static Text Braces(Text format, Arguments arguments)
    {
        var builder = new TextBuilder();
        var text = format.Value;
        var next = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] is '{' or '}' && i + 1 < text.Length && text[i + 1] == text[i])
            {
                builder.Append(format.Slice(i++, 1));
                continue;
            }

            if (text[i] != '{')
            {
                builder.Append(text[i] == '}' ? throw Operations.Fault("Single '}' encountered in format string") : format.Slice(i, 1));
                continue;
            }

            var close = text.IndexOf('}', i);
            if (close < 0)
            {
                throw Operations.Fault("expected '}' before end of string");
            }

            var field = text[(i + 1)..close];
            if (field.IndexOfAny([':', '!', '.', '[', '{']) >= 0)
            {
                throw Operations.Fault($"the replacement field '{{{field}}}' is not supported: only '{{}}', numbers and names are");
            }

            object? value;
            if (field.Length == 0 || char.IsAsciiDigit(field[0]))
            {
                var place = field.Length == 0 ? next++ : int.Parse(field, CultureInfo.InvariantCulture);
                value = place < arguments.Positional.Count ? arguments.Positional[place] : throw Operations.Fault("Replacement index out of range for positional args tuple");
            }
            else if (!arguments.Named.TryGetValue(field, out value))
            {
                throw Operations.Fault($"'{field}'");
            }

            builder.Append(Spelling.Of(value));
            Operations.CheckLength(builder.Length);
            i = close;
        }

        return builder.ToText();
    }

    private static Text Converted(object? value, char conversion, string flags, int? precision)
    {
        switch (conversion)
        {
            case 's' or 'r':
                var text = conversion == 's' ? Spelling.Of(value) : Spelling.Represent(value);
                return precision is { } limit && limit < text.Length ? text.Slice(0, limit) : text;
            case 'd' or 'i' or 'u':
                var whole = Operations.Whole(value) ?? (value is double real ? new BigInteger(Math.Truncate(real))
                    : throw Operations.Fault($"%{conversion} format: a real number is required, not {Spelling.TypeOf(value)}"));
                return new Text(Signed(BigInteger.Abs(whole).ToString(CultureInfo.InvariantCulture).PadLeft(Math.Min(precision ?? 0, MaxWidth), '0'), whole.Sign < 0, flags));
            case 'f' or 'F' or 'e' or 'g':
                if (!Operations.IsNumber(value))
                {
                    throw Operations.Fault($"must be real number, not {Spelling.TypeOf(value)}");
                }

                var number = Operations.Real(value);
                var digits = Math.Min(precision ?? 6, 100);
                var spelled = conversion switch
                {
                    'e' => Math.Abs(number).ToString($"0.{new string('0', digits)}e+00", CultureInfo.InvariantCulture),
                    'g' => Math.Abs(number).ToString($"G{Math.Max(1, digits)}", CultureInfo.InvariantCulture),
                    _ => Fixed(Math.Abs(number), digits),
                };
                return new Text(Signed(spelled, double.IsNegative(number), flags));
            case 'x' or 'X' or 'o':
                var integer = Operations.Whole(value) ?? throw Operations.Fault($"%{conversion} format: an integer is required, not {Spelling.TypeOf(value)}");
                var body = conversion == 'o'
                    ? Convert.ToString((long)BigInteger.Abs(integer), 8)
                    : BigInteger.Abs(integer).ToString(conversion.ToString(), CultureInfo.InvariantCulture).TrimStart('0').PadLeft(1, '0');
                return new Text(Signed(body, integer.Sign < 0, flags));
            default:
                throw Operations.Fault($"unsupported format character '{conversion}'");
        }
    }

    /// <summary>Exact decimal expansion rounded half to even, as C does: the binary value decides, not its short spelling.</summary>
    public static string Fixed(double value, int digits)
    {
        if (double.IsNaN(value) || double.IsInfinity(value))
        {
            return Spelling.Float(value);
        }

        var bits = BitConverter.DoubleToInt64Bits(value);
        var exponent = (int)((bits >> 52) & 0x7FF);
        var mantissa = new BigInteger((bits & 0xFFFFFFFFFFFFF) | (exponent > 0 ? 1L << 52 : 0));
        var shift = Math.Max(exponent, 1) - 1075;
        var scaled = mantissa * BigInteger.Pow(10, digits);
        BigInteger rounded;
        if (shift >= 0)
        {
            rounded = scaled << shift;
        }
        else
        {
            var divisor = BigInteger.One << -shift;
            rounded = BigInteger.DivRem(scaled, divisor, out var remainder);
            var half = (remainder * 2).CompareTo(divisor);
            rounded += half > 0 || (half == 0 && !rounded.IsEven) ? 1 : 0;
        }

        var all = rounded.ToString(CultureInfo.InvariantCulture).PadLeft(digits + 1, '0');
        return digits == 0 ? all : all[..^digits] + "." + all[^digits..];
    }

    private static string Signed(string digits, bool negative, string flags) =>
        (negative ? "-" : flags.Contains('+', StringComparison.Ordinal) ? "+" : flags.Contains(' ', StringComparison.Ordinal) ? " " : "") + digits;

    private static Text Padded(Text text, string flags, int width)
    {
        var missing = width - text.CodePointCount();
        if (missing <= 0)
        {
            return text;
        }

        if (flags.Contains('-', StringComparison.Ordinal))
        {
            return text.Plus(new Text(new string(' ', missing)));
        }

        if (flags.Contains('0', StringComparison.Ordinal) && text.Length > 0 && (char.IsAsciiDigit(text.Value[^1])))
        {
            var sign = text.Value[0] is '-' or '+' or ' ' ? 1 : 0;
            return text.Slice(0, sign).Plus(new Text(new string('0', missing))).Plus(text.Slice(sign));
        }

        return new Text(new string(' ', missing)).Plus(text);
    }

    private static int Digits(string text, ref int at)
    {
        var value = 0;
        while (at < text.Length && char.IsAsciiDigit(text[at]))
        {
            value = Math.Min(MaxWidth, (value * 10) + (text[at++] - '0'));
        }

        return value;
    }
}
