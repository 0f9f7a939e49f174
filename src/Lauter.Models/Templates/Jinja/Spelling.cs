using System.Globalization;
using System.Numerics;
using System.Text;

namespace Lauter.Models.Templates.Jinja;

/// <summary>How values print: Python's <c>str()</c> and <c>repr()</c>.</summary>
internal static class Spelling
{
    public static Text Of(object? value) => value switch
    {
        Text text => text,
        Undefined => Text.Empty,
        _ => Represent(value),
    };

    public static string TypeOf(object? value) => value switch
    {
        null => "NoneType",
        bool => "bool",
        BigInteger => "int",
        double => "float",
        Text => "str",
        Sequence { IsTuple: true } => "tuple",
        Sequence => "list",
        Mapping => "dict",
        Generator => "generator",
        Undefined => "Undefined",
        Namespace => "Namespace",
        _ => "function",
    };

    public static string Float(double value)
    {
        if (double.IsNaN(value))
        {
            return "nan";
        }

        if (double.IsInfinity(value))
        {
            return value > 0 ? "inf" : "-inf";
        }

        // The shortest digits that read back are the same in both worlds; only the place of the point differs.
        var parts = value.ToString("R", CultureInfo.InvariantCulture).TrimStart('-').Split('E');
        var digits = parts[0].Replace(".", "", StringComparison.Ordinal).TrimStart('0').TrimEnd('0');
        var sign = double.IsNegative(value) ? "-" : "";
        if (digits.Length == 0)
        {
            return sign + "0.0";
        }

        var point = parts[0].IndexOf('.', StringComparison.Ordinal) is var dot and >= 0 ? dot : parts[0].Length;
        var first = parts[0].AsSpan().IndexOfAnyInRange('1', '9');
        var exponent = (first < point ? point - 1 - first : point - first) + (parts.Length > 1 ? int.Parse(parts[1], CultureInfo.InvariantCulture) : 0);
        if (exponent is < -4 or >= 16)
        {
            var fraction = digits.Length > 1 ? "." + digits[1..] : "";
            return $"{sign}{digits[0]}{fraction}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
        }

        return exponent < 0
            ? sign + "0." + new string('0', -exponent - 1) + digits
            : exponent + 1 >= digits.Length
                ? sign + digits + new string('0', exponent + 1 - digits.Length) + ".0"
                : sign + digits[..(exponent + 1)] + "." + digits[(exponent + 1)..];
    }

    public static Text Represent(object? value)
    {
        var builder = new TextBuilder();
        Represent(builder, value, 0);
        return builder.ToText();
    }

    private static void Represent(TextBuilder builder, object? value, int depth)
    {
        Operations.CheckDepth(depth);
        switch (value)
        {
            case null: builder.Append("None"); break;
            case bool flag: builder.Append(flag ? "True" : "False"); break;
            case BigInteger number: builder.Append(number.ToString(CultureInfo.InvariantCulture)); break;
            case double number: builder.Append(Float(number)); break;
            case Text text: builder.Append(text.Respelled(Quote(text.Value))); break;
            case Undefined: builder.Append("Undefined"); break;
            case Sequence sequence:
                builder.Append(sequence.IsTuple ? "(" : "[");
                for (var i = 0; i < sequence.Items.Count; i++)
                {
                    builder.Append(i > 0 ? ", " : "");
                    Represent(builder, sequence.Items[i], depth + 1);
                }

                builder.Append(sequence.IsTuple ? sequence.Items.Count == 1 ? ",)" : ")" : "]");
                break;
            case Mapping mapping:
                Pairs(builder, mapping.Items, depth);
                break;
            case Namespace space:
                builder.Append("<Namespace ");
                Pairs(builder, [.. space.Order.Select(name => new KeyValuePair<object?, object?>(new Text(name), space.Members[name]))], depth);
                builder.Append(">");
                break;
            default: builder.Append($"<{TypeOf(value)} object>"); break;
        }

        Operations.CheckLength(builder.Length);
    }

    private static void Pairs(TextBuilder builder, IReadOnlyList<KeyValuePair<object?, object?>> pairs, int depth)
    {
        builder.Append("{");
        for (var i = 0; i < pairs.Count; i++)
        {
            builder.Append(i > 0 ? ", " : "");
            Represent(builder, pairs[i].Key, depth + 1);
            builder.Append(": ");
            Represent(builder, pairs[i].Value, depth + 1);
        }

        builder.Append("}");
    }

    private static string Quote(string text)
    {
        var quote = text.Contains('\'', StringComparison.Ordinal) && !text.Contains('"', StringComparison.Ordinal) ? '"' : '\'';
        var quoted = new StringBuilder().Append(quote);
        foreach (var rune in text.EnumerateRunes())
        {
            switch (rune.Value)
            {
                case '\\': quoted.Append("\\\\"); break;
                case '\n': quoted.Append("\\n"); break;
                case '\r': quoted.Append("\\r"); break;
                case '\t': quoted.Append("\\t"); break;
                case var code when code == quote: quoted.Append('\\').Append(quote); break;
                case var code when IsPrintable(rune): quoted.Append(rune.ToString()); break;
                case <= 0xFF: quoted.Append($"\\x{rune.Value:x2}"); break;
                case <= 0xFFFF: quoted.Append($"\\u{rune.Value:x4}"); break;
                default: quoted.Append($"\\U{rune.Value:x8}"); break;
            }
        }

        return quoted.Append(quote).ToString();
    }

    private static bool IsPrintable(Rune rune) => rune.Value == ' ' || Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format
        or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator
        or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);
}
