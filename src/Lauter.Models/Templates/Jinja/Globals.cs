using System.Globalization;
using System.Numerics;
using System.Text;

namespace Lauter.Models.Templates.Jinja;

/// <summary>Functions that every template sees.</summary>
internal static class Globals
{
    private const int MaxRange = 100_000;

    public static Dictionary<string, object?> Create(TimeProvider time) => new(StringComparer.Ordinal)
    {
        ["raise_exception"] = new Callable("raise_exception", arguments => throw new TemplateException(TemplateFault.Raised, Spelling.Of(arguments.Get(0, "message")).Value)),
        ["strftime_now"] = new Callable("strftime_now", arguments => new Text(Format(Spelling.Of(arguments.Get(0, "format")).Value, time.GetLocalNow()))),
        ["namespace"] = new Callable("namespace", CreateNamespace),
        ["dict"] = new Callable("dict", arguments => new Mapping(
            [.. arguments.Get(0, "mapping") is Mapping mapping ? mapping.Items : [], .. arguments.Named.Select(pair => new KeyValuePair<object?, object?>(new Text(pair.Key), pair.Value))])),
        ["range"] = new Callable("range", Range),
        ["joiner"] = new Callable("joiner", arguments =>
        {
            var separator = Spelling.Of(arguments.Get(0, "sep", new Text(", ")));
            var used = false;
            return new Callable("joiner", _ =>
            {
                var before = used ? separator : Text.Empty;
                used = true;
                return before;
            });
        }),
        ["cycler"] = new Callable("cycler", arguments => arguments.Positional.Count > 0 ? new Cycler(arguments.Positional) : throw Operations.Fault("at least one item has to be provided")),
    };

    private static Namespace CreateNamespace(Arguments arguments)
    {
        var space = new Namespace();
        foreach (var (key, value) in arguments.Get(0, "mapping") is Mapping mapping ? mapping.Items : [])
        {
            Set(space, Spelling.Of(key).Value, value);
        }

        foreach (var (key, value) in arguments.Named)
        {
            Set(space, key, value);
        }

        return space;
    }

    public static void Set(Namespace space, string name, object? value)
    {
        if (name.StartsWith('_'))
        {
            throw new TemplateException(TemplateFault.Forbidden, $"a namespace cannot hold '{name}': names that begin with an underscore are refused");
        }

        space.Set(name, value);
    }

    private static Sequence Range(Arguments arguments)
    {
        var numbers = arguments.Positional.Select(value => Operations.Whole(value) ?? throw Operations.Fault($"'{Spelling.TypeOf(value)}' object cannot be interpreted as an integer")).ToList();
        var (start, stop, step) = numbers.Count switch
        {
            1 => (BigInteger.Zero, numbers[0], BigInteger.One),
            2 => (numbers[0], numbers[1], BigInteger.One),
            3 => (numbers[0], numbers[1], numbers[2]),
            _ => throw Operations.Fault($"range expected 1 to 3 arguments, got {numbers.Count}"),
        };
        if (step.IsZero)
        {
            throw Operations.Fault("range() arg 3 must not be zero");
        }

        var count = BigInteger.Max(0, step.Sign > 0 ? (stop - start + step - 1) / step : (start - stop - step - 1) / -step);
        if (count > MaxRange)
        {
            throw new TemplateException(TemplateFault.Limit, $"a range of {count} numbers is too big; the limit is {MaxRange}");
        }

        var items = new object?[(int)count];
        for (var i = 0; i < items.Length; i++)
        {
            items[i] = start + (i * step);
        }

        return new Sequence(items);
    }

    private static string Format(string format, DateTimeOffset now)
    {
        var text = new StringBuilder();
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 >= format.Length)
            {
                text.Append(format[i]);
                continue;
            }

            var plain = format[i + 1] == '-' && i + 2 < format.Length;
            i += plain ? 2 : 1;
            string? part = format[i] switch
            {
                'Y' => now.ToString("yyyy", CultureInfo.InvariantCulture),
                'y' => now.ToString("yy", CultureInfo.InvariantCulture),
                'm' => now.ToString("MM", CultureInfo.InvariantCulture),
                'd' => now.ToString("dd", CultureInfo.InvariantCulture),
                'e' => now.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2),
                'j' => now.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
                'H' => now.ToString("HH", CultureInfo.InvariantCulture),
                'I' => now.ToString("hh", CultureInfo.InvariantCulture),
                'M' => now.ToString("mm", CultureInfo.InvariantCulture),
                'S' => now.ToString("ss", CultureInfo.InvariantCulture),
                'f' => now.ToString("ffffff", CultureInfo.InvariantCulture),
                'p' => now.ToString("tt", CultureInfo.InvariantCulture),
                'A' => now.ToString("dddd", CultureInfo.InvariantCulture),
                'a' => now.ToString("ddd", CultureInfo.InvariantCulture),
                'B' => now.ToString("MMMM", CultureInfo.InvariantCulture),
                'b' or 'h' => now.ToString("MMM", CultureInfo.InvariantCulture),
                'w' => ((int)now.DayOfWeek).ToString(CultureInfo.InvariantCulture),
                'F' => now.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
                'T' => now.ToString("HH:mm:ss", CultureInfo.InvariantCulture),
                'z' => now.ToString("zzz", CultureInfo.InvariantCulture).Replace(":", "", StringComparison.Ordinal),
                '%' => "%",
                _ => null,
            };
            text.Append(part is null ? "%" + format[i] : plain ? part.TrimStart('0').PadLeft(1, '0') : part);
        }

        return text.ToString();
    }
}
