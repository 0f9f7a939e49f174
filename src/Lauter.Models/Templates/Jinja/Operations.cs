using System.Numerics;

namespace Lauter.Models.Templates.Jinja;

/// <summary>Python's operators on template values. Results are bounded: no operator makes a text, list or number beyond the limits.</summary>
internal static class Operations
{
    /// <summary>Longest text, in UTF-16 units, and longest list.</summary>
    public const int MaxLength = 16 << 20;

    private const int MaxValueDepth = 200;
    private const int MaxIntegerBits = 65_536;

    public static TemplateException Fault(string message) => new(TemplateFault.Render, message);

    public static void CheckLength(long length)
    {
        if (length > MaxLength)
        {
            throw new TemplateException(TemplateFault.Limit, $"a value or the output grows beyond {MaxLength} characters or items");
        }
    }

    public static void CheckDepth(int depth)
    {
        if (depth > MaxValueDepth)
        {
            throw new TemplateException(TemplateFault.Limit, $"a value is nested deeper than {MaxValueDepth} levels");
        }
    }

    public static bool IsTrue(object? value) => value switch
    {
        null or Undefined => false,
        bool flag => flag,
        BigInteger number => !number.IsZero,
        double number => number != 0,
        Text text => text.Length > 0,
        Sequence sequence => sequence.Items.Count > 0,
        Mapping mapping => mapping.Items.Count > 0,
        _ => true,
    };

    public static bool AreEqual(object? left, object? right, int depth = 0)
    {
        CheckDepth(depth);
        return (left, right) switch
        {
            (null, null) => true,
            (Text a, Text b) => a.Equals(b),
            (Sequence a, Sequence b) => a.IsTuple == b.IsTuple && a.Items.Count == b.Items.Count && a.Items.Zip(b.Items).All(pair => AreEqual(pair.First, pair.Second, depth + 1)),
            (Mapping a, Mapping b) => a.Items.Count == b.Items.Count && a.Items.All(item => b.TryGet(item.Key, out var other) && AreEqual(item.Value, other, depth + 1)),
            (Undefined, Undefined) => true,
            _ when IsNumber(left) && IsNumber(right) => Compare(left, right, "==") == 0,
            _ => ReferenceEquals(left, right),
        };
    }

    public static bool IsNumber(object? value) => value is bool or BigInteger or double;

    /// <summary>An integer or truth value as integer, or null.</summary>
    public static BigInteger? Whole(object? value) => value switch
    {
        bool flag => flag ? BigInteger.One : BigInteger.Zero,
        BigInteger number => number,
        _ => null,
    };

    public static double Real(object? value) => value is double number ? number : (double)Whole(value)!.Value;

    public static int Int32(object? value, string what) => Whole(value) is { } number
        ? (int)BigInteger.Max(int.MinValue, BigInteger.Min(int.MaxValue, number))
        : throw Fault($"{what} must be an integer, not {Spelling.TypeOf(value)}");

    /// <summary>Order of two values; 2 when a NaN is in play.</summary>
    public static int Compare(object? left, object? right, string symbol)
    {
        switch (left, right)
        {
            case (Text a, Text b):
                return CompareTexts(a.Value, b.Value);
            case (Sequence a, Sequence b) when a.IsTuple == b.IsTuple:
                for (var i = 0; i < Math.Min(a.Items.Count, b.Items.Count); i++)
                {
                    if (!AreEqual(a.Items[i], b.Items[i]))
                    {
                        return Compare(a.Items[i], b.Items[i], symbol);
                    }
                }

                return a.Items.Count.CompareTo(b.Items.Count);
            case (Undefined missing, _):
                throw new TemplateException(missing.Fault, missing.Message);
            case (_, Undefined missing):
                throw new TemplateException(missing.Fault, missing.Message);
            case var _ when IsNumber(left) && IsNumber(right):
                if (Whole(left) is { } first && Whole(right) is { } second)
                {
                    return first.CompareTo(second);
                }

                double x = Real(left), y = Real(right);
                return double.IsNaN(x) || double.IsNaN(y) ? 2 : x.CompareTo(y);
            default:
                throw Fault($"'{symbol}' not supported between instances of '{Spelling.TypeOf(left)}' and '{Spelling.TypeOf(right)}'");
        }
    }

    public static bool Contains(object? container, object? item) => (container, item) switch
    {
        (Text text, Text part) => text.Value.Contains(part.Value, StringComparison.Ordinal),
        (Text, _) => throw Fault($"'in <string>' requires string as left operand, not {Spelling.TypeOf(item)}"),
        (Mapping mapping, _) => mapping.TryGet(item, out _),
        (null or bool or BigInteger or double, _) => throw Fault($"argument of type '{Spelling.TypeOf(container)}' is not iterable"),
        _ => Iterate(container).Any(one => AreEqual(one, item)),
    };

    public static IEnumerable<object?> Iterate(object? value) => value switch
    {
        Undefined { Fault: TemplateFault.Render } => [],
        Undefined missing => throw new TemplateException(missing.Fault, missing.Message),
        Sequence sequence => sequence.Items,
        Generator generator => generator.Items,
        Mapping mapping => mapping.Items.Select(item => item.Key),
        Text text => text.CodePoints(),
        _ => throw Fault($"'{Spelling.TypeOf(value)}' object is not iterable"),
    };

    public static object? Apply(string symbol, object? left, object? right)
    {
        foreach (var operand in new[] { left, right })
        {
            if (operand is Undefined missing)
            {
                throw new TemplateException(missing.Fault, missing.Message);
            }
        }

        switch (symbol, left, right)
        {
            case ("+", Text a, Text b):
                CheckLength((long)a.Length + b.Length);
                return a.Plus(b);
            case ("+", Text, _):
                throw Fault($"can only concatenate str (not \"{Spelling.TypeOf(right)}\") to str");
            case ("+", Sequence a, Sequence b) when a.IsTuple == b.IsTuple:
                CheckLength((long)a.Items.Count + b.Items.Count);
                return new Sequence([.. a.Items, .. b.Items], a.IsTuple);
            case ("*", Text or Sequence, _) when Whole(right) is { } times:
                return Repeat(left, times);
            case ("*", _, Text or Sequence) when Whole(left) is { } times:
                return Repeat(right, times);
            case ("%", Text format, _):
                return Formatting.Percent(format, right);
        }

        if (!IsNumber(left) || !IsNumber(right))
        {
            throw Fault($"unsupported operand type(s) for {symbol}: '{Spelling.TypeOf(left)}' and '{Spelling.TypeOf(right)}'");
        }

        return Whole(left) is { } x && Whole(right) is { } y ? Integers(symbol, x, y) : Reals(symbol, Real(left), Real(right));
    }

    private static object Integers(string symbol, BigInteger x, BigInteger y)
    {
        if (y.IsZero && symbol is "/" or "//" or "%" && y.IsZero)
        {
            throw Fault(symbol == "/" ? "division by zero" : "integer division or modulo by zero");
        }

        if (symbol is "*" && x.GetBitLength() + y.GetBitLength() > MaxIntegerBits)
        {
            throw new TemplateException(TemplateFault.Limit, $"an integer grows beyond {MaxIntegerBits} bits");
        }

        switch (symbol)
        {
            case "+": return x + y;
            case "-": return x - y;
            case "*": return x * y;
            case "/": return (double)x / (double)y;
            case "//": return FloorDivide(x, y);
            case "%": return x - (FloorDivide(x, y) * y);
            default:
                if (y.Sign < 0)
                {
                    return Math.Pow((double)x, (double)y);
                }

                if (y > MaxIntegerBits || x.GetBitLength() * (long)y > MaxIntegerBits)
                {
                    throw new TemplateException(TemplateFault.Limit, $"an integer grows beyond {MaxIntegerBits} bits");
                }

                return BigInteger.Pow(x, (int)y);
        }
    }

    private static BigInteger FloorDivide(BigInteger x, BigInteger y)
    {
        var quotient = BigInteger.DivRem(x, y, out var remainder);
        return remainder.IsZero || (remainder.Sign < 0) == (y.Sign < 0) ? quotient : quotient - 1;
    }

    private static object Reals(string symbol, double x, double y) => symbol switch
    {
        "+" => x + y,
        "-" => x - y,
        "*" => x * y,
        _ when y == 0 && symbol != "**" => throw Fault("float division by zero"),
        "/" => x / y,
        "//" => Math.Floor(x / y),
        "%" => x - (Math.Floor(x / y) * y),
        _ => Math.Pow(x, y),
    };

    private static object Repeat(object? value, BigInteger times)
    {
        var length = value is Text text ? text.Length : ((Sequence)value!).Items.Count;
        if (times.Sign <= 0 || length == 0)
        {
            return value is Text ? Text.Empty : new Sequence([], ((Sequence)value!).IsTuple);
        }

        CheckLength((long)BigInteger.Min(times * length, long.MaxValue));
        if (value is Text repeated)
        {
            var builder = new TextBuilder();
            for (var i = 0; i < (int)times; i++)
            {
                builder.Append(repeated);
            }

            return builder.ToText();
        }

        var sequence = (Sequence)value!;
        return new Sequence([.. Enumerable.Repeat(sequence.Items, (int)times).SelectMany(items => items)], sequence.IsTuple);
    }

    private static int CompareTexts(string left, string right)
    {
        // By code point: surrogates sort above the rest of the basic plane.
        for (var i = 0; i < Math.Min(left.Length, right.Length); i++)
        {
            if (left[i] != right[i])
            {
                var (a, b) = (char.IsSurrogate(left[i]), char.IsSurrogate(right[i]));
                return a == b ? left[i].CompareTo(right[i]) : a ? 1 : -1;
            }
        }

        return left.Length.CompareTo(right.Length);
    }
}
