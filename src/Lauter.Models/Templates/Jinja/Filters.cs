using System.Globalization;
using System.Net;
using System.Numerics;

namespace Lauter.Models.Templates.Jinja;

/// <summary>What may follow <c>|</c>. Signatures and results are those of Jinja, except <c>tojson</c>, which is Python's <c>json.dumps</c> as chat templates expect.</summary>
internal static class Filters
{
    private static readonly Dictionary<string, Func<object?, Arguments, object?>> All = new(StringComparer.Ordinal)
    {
        ["tojson"] = ToJson,
        ["length"] = (value, _) => Length(value),
        ["count"] = (value, _) => Length(value),
        ["string"] = (value, _) => Spelling.Of(value),
        ["safe"] = (value, _) => value is Undefined ? value : Spelling.Of(value),
        ["trim"] = (value, arguments) => Spelling.Of(value).StripStart(Methods.Set(arguments.Get(0, "chars"))).StripEnd(Methods.Set(arguments.Get(0, "chars"))),
        ["upper"] = (value, _) => Spelling.Of(value) is var text ? text.Respelled(Methods.Upper(text.Value)) : null,
        ["lower"] = (value, _) => Spelling.Of(value) is var text ? text.Respelled(text.Value.ToLowerInvariant()) : null,
        ["capitalize"] = (value, _) => Methods.Capitalize(Spelling.Of(value)),
        ["title"] = (value, _) => Title(Spelling.Of(value)),
        ["replace"] = (value, arguments) => Methods.Replace(Spelling.Of(value), Spelling.Of(arguments.Get(0, "old")), Spelling.Of(arguments.Get(1, "new")), arguments.Get(2, "count") is { } limit ? Operations.Int32(limit, "the count") : int.MaxValue),
        ["format"] = (value, arguments) => Formatting.Percent(Spelling.Of(value), arguments.Positional.Count == 1 ? arguments.Positional[0] : new Sequence(arguments.Positional, isTuple: true)),
        ["indent"] = Indent,
        ["e"] = Escape,
        ["escape"] = Escape,
        ["forceescape"] = Escape,
        ["urlencode"] = (value, _) => Spelling.Of(value) is var text ? text.Respelled(Uri.EscapeDataString(text.Value).Replace("%2F", "/", StringComparison.Ordinal)) : null,
        ["wordcount"] = (value, _) => (BigInteger)Methods.Split(Spelling.Of(value), null, -1).Items.Count,
        ["default"] = Default,
        ["d"] = Default,
        ["items"] = (value, _) => value switch
        {
            Undefined => new Generator([]),
            Mapping mapping => new Generator(mapping.Items.Select(item => new Sequence([item.Key, item.Value], isTuple: true))),
            _ => throw Operations.Fault("Can only get item pairs from a mapping."),
        },
        ["dictsort"] = DictSort,
        ["list"] = (value, _) => new Sequence([.. Operations.Iterate(value)]),
        ["join"] = Join,
        ["first"] = (value, _) => Operations.Iterate(value).DefaultIfEmpty(new Undefined("No first item, sequence was empty.")).First(),
        ["last"] = (value, _) => Operations.Iterate(value).DefaultIfEmpty(new Undefined("No last item, sequence was empty.")).Last(),
        ["reverse"] = (value, _) => value is Text text ? Concat(text.CodePoints().Reverse()) : new Generator(Operations.Iterate(value).Reverse()),
        ["sort"] = (value, arguments) => Sort(value, arguments),
        ["unique"] = (value, arguments) => new Generator(Operations.Iterate(value).DistinctBy(item => new Folded(Member(item, arguments.Get(1, "attribute")), arguments.Get(0, "case_sensitive")))),
        ["sum"] = (value, arguments) => Operations.Iterate(value).Aggregate(arguments.Get(1, "start", BigInteger.Zero), (sum, item) => Operations.Apply("+", sum, Member(item, arguments.Get(0, "attribute")))),
        ["min"] = (value, arguments) => Extreme(value, arguments, "<"),
        ["max"] = (value, arguments) => Extreme(value, arguments, ">"),
        ["abs"] = (value, _) => value is double real ? Math.Abs(real) : BigInteger.Abs(Operations.Whole(value) ?? throw Operations.Fault($"bad operand type for abs(): '{Spelling.TypeOf(value)}'")),
        ["int"] = ToInteger,
        ["float"] = (value, arguments) => Operations.IsNumber(value) ? Operations.Real(value)
            : value is Text text && double.TryParse(text.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : arguments.Get(0, "default", 0.0),
        ["round"] = Round,
        ["attr"] = (value, arguments) => arguments.Get(0, "name") is Text name ? Methods.Find(value, name.Value) ?? new Undefined($"no attribute '{name}'") : new Undefined("no name"),
        ["map"] = Map,
        ["select"] = (value, arguments) => Selected(value, arguments, 0, wanted: true),
        ["reject"] = (value, arguments) => Selected(value, arguments, 0, wanted: false),
        ["selectattr"] = (value, arguments) => Selected(value, arguments, 1, wanted: true),
        ["rejectattr"] = (value, arguments) => Selected(value, arguments, 1, wanted: false),
        ["batch"] = (value, arguments) => new Generator(Operations.Iterate(value).Chunk(Math.Max(1, Operations.Int32(arguments.Get(0, "linecount"), "the size"))).Select(part => new Sequence(part))),
    };

    public static bool Exists(string name) => All.ContainsKey(name);

    public static object? Apply(string name, object? value, Arguments arguments)
    {
        if (!All.TryGetValue(name, out var filter))
        {
            throw Operations.Fault($"there is no filter named '{name}'");
        }

        return value is Undefined { Fault: not TemplateFault.Render } missing && name is not ("default" or "d")
            ? throw new TemplateException(missing.Fault, missing.Message)
            : filter(value, arguments);
    }

    private static object Length(object? value) => (BigInteger)(value switch
    {
        Undefined => 0,
        Text text => text.CodePointCount(),
        Sequence sequence => sequence.Items.Count,
        Mapping mapping => mapping.Items.Count,
        _ => throw Operations.Fault($"object of type '{Spelling.TypeOf(value)}' has no len()"),
    });

    private static Text ToJson(object? value, Arguments arguments)
    {
        var indent = arguments.Get(1, "indent") switch
        {
            null => null,
            Text text => text.Value,
            var width => new string(' ', Math.Clamp(Operations.Int32(width, "indent"), 0, 100)),
        };
        (string, string)? separators = arguments.Get(2, "separators") is Sequence { Items: [Text item, Text key] } ? (item.Value, key.Value) : null;
        return JsonText.Write(value, Operations.IsTrue(arguments.Get(0, "ensure_ascii", false)), indent, separators, Operations.IsTrue(arguments.Get(3, "sort_keys", false)));
    }

    private static object? Default(object? value, Arguments arguments) =>
        value is Undefined || (Operations.IsTrue(arguments.Get(1, "boolean", false)) && !Operations.IsTrue(value)) ? arguments.Get(0, "default_value", Text.Empty) : value;

    private static Text Title(Text text)
    {
        var letters = text.Value.ToLowerInvariant().ToCharArray();
        for (var i = 0; i < letters.Length; i++)
        {
            if (i == 0 || Lexer.IsSpace(letters[i - 1]) || letters[i - 1] is '-' or '(' or '[' or '{' or '<')
            {
                letters[i] = char.ToUpperInvariant(letters[i]);
            }
        }

        return text.Respelled(new string(letters));
    }

    private static Text Indent(object? value, Arguments arguments)
    {
        var pad = arguments.Get(0, "width") switch
        {
            null => "    ",
            Text text => text.Value,
            var width => new string(' ', Math.Clamp(Operations.Int32(width, "the width"), 0, 1000)),
        };
        var lines = Methods.Split(Spelling.Of(value), new Text("\n"), -1).Items;
        var builder = new TextBuilder();
        for (var i = 0; i < lines.Count; i++)
        {
            var line = (Text)lines[i]!;
            var indents = i == 0 ? Operations.IsTrue(arguments.Get(1, "first", false)) : line.Length > 0 || Operations.IsTrue(arguments.Get(2, "blank", false));
            builder.Append(i > 0 ? "\n" : "").Append(indents ? pad : "").Append(line);
            Operations.CheckLength(builder.Length);
        }

        return builder.ToText();
    }

    private static Text Escape(object? value, Arguments arguments)
    {
        var text = Spelling.Of(value);
        return text.Respelled(text.Value.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal)
            .Replace(">", "&gt;", StringComparison.Ordinal).Replace("\"", "&#34;", StringComparison.Ordinal).Replace("'", "&#39;", StringComparison.Ordinal));
    }

    private static Text Concat(IEnumerable<Text> parts)
    {
        var builder = new TextBuilder();
        foreach (var part in parts)
        {
            builder.Append(part);
        }

        return builder.ToText();
    }

    private static Text Join(object? value, Arguments arguments)
    {
        var separator = Spelling.Of(arguments.Get(0, "d", Text.Empty));
        var builder = new TextBuilder();
        var first = true;
        foreach (var item in Operations.Iterate(value))
        {
            builder.Append(first ? Text.Empty : separator).Append(Spelling.Of(Member(item, arguments.Get(1, "attribute"))));
            Operations.CheckLength(builder.Length);
            first = false;
        }

        return builder.ToText();
    }

    private static Sequence DictSort(object? value, Arguments arguments)
    {
        var mapping = value as Mapping ?? throw Operations.Fault("dictsort needs a mapping");
        var byValue = arguments.Get(1, "by") is Text { Value: "value" };
        var sorted = mapping.Items.OrderBy(item => byValue ? item.Value : item.Key, Order(Operations.IsTrue(arguments.Get(0, "case_sensitive", false)), Operations.IsTrue(arguments.Get(2, "reverse", false))));
        return new Sequence([.. sorted.Select(item => new Sequence([item.Key, item.Value], isTuple: true))]);
    }

    private static Sequence Sort(object? value, Arguments arguments)
    {
        var order = Order(Operations.IsTrue(arguments.Get(1, "case_sensitive", false)), Operations.IsTrue(arguments.Get(0, "reverse", false)));
        return new Sequence([.. Operations.Iterate(value).OrderBy(item => Member(item, arguments.Get(2, "attribute")), order)]);
    }

    private static Comparer<object?> Order(bool caseSensitive, bool reverse) => Comparer<object?>.Create((a, b) =>
    {
        var order = Operations.Compare(Folded.Of(a, caseSensitive), Folded.Of(b, caseSensitive), "<");
        return reverse ? -order : order;
    });

    private static object? Extreme(object? value, Arguments arguments, string symbol)
    {
        var caseSensitive = Operations.IsTrue(arguments.Get(0, "case_sensitive", false));
        object? best = new Undefined("the sequence is empty");
        foreach (var item in Operations.Iterate(value))
        {
            object? Key(object? of) => Folded.Of(Member(of, arguments.Get(1, "attribute")), caseSensitive);
            best = best is Undefined || Operations.Compare(Key(item), Key(best), symbol) == (symbol == "<" ? -1 : 1) ? item : best;
        }

        return best;
    }

    private static object? ToInteger(object? value, Arguments arguments)
    {
        var otherwise = arguments.Get(0, "default", BigInteger.Zero);
        return value switch
        {
            double real when double.IsFinite(real) => new BigInteger(Math.Truncate(real)),
            bool or BigInteger => Operations.Whole(value)!.Value,
            Text { Length: < 4000 } text when BigInteger.TryParse(text.Value, NumberStyles.Integer, CultureInfo.InvariantCulture, out var whole) => whole,
            Text { Length: < 4000 } text when double.TryParse(text.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var real) && double.IsFinite(real) => new BigInteger(Math.Truncate(real)),
            _ => otherwise,
        };
    }

    private static object Round(object? value, Arguments arguments)
    {
        var number = Operations.IsNumber(value) ? Operations.Real(value) : throw Operations.Fault($"type {Spelling.TypeOf(value)} cannot be rounded");
        var digits = Math.Clamp(Operations.Int32(arguments.Get(0, "precision", BigInteger.Zero), "the precision"), 0, 15);
        var scale = Math.Pow(10, digits);
        return arguments.Get(1, "method") switch
        {
            Text { Value: "ceil" } => Math.Ceiling(number * scale) / scale,
            Text { Value: "floor" } => Math.Floor(number * scale) / scale,
            _ => double.IsFinite(number) ? double.Parse((number < 0 ? "-" : "") + Formatting.Fixed(Math.Abs(number), digits), CultureInfo.InvariantCulture) : number,
        };
    }

    private static Generator Map(object? value, Arguments arguments)
    {
        if (arguments.Named.TryGetValue("attribute", out var attribute))
        {
            return new Generator(Operations.Iterate(value).Select(item => Member(item, attribute) is Undefined && arguments.Named.TryGetValue("default", out var otherwise) ? otherwise : Member(item, attribute)));
        }

        var name = arguments.Get(0, "filter") as Text ?? throw Operations.Fault("map needs the name of a filter or attribute=…");
        var rest = new Arguments([.. arguments.Positional.Skip(1)], arguments.Named);
        return new Generator(Operations.Iterate(value).Select(item => Apply(name.Value, item, rest)));
    }

    /// <summary>Keeps items for which a test holds, of the item itself or (<paramref name="skip"/> = 1) of one of its members.</summary>
    private static Generator Selected(object? value, Arguments arguments, int skip, bool wanted)
    {
        var attribute = skip == 1 ? arguments.Get(0, "attribute") ?? throw Operations.Fault("the name of the attribute is missing") : null;
        var test = arguments.Get(skip, "test") as Text;
        var rest = new Arguments([.. arguments.Positional.Skip(skip + 1)], arguments.Named);
        return new Generator(Operations.Iterate(value).Where(item =>
        {
            var tested = attribute is null ? item : Member(item, attribute);
            return (test is null ? Operations.IsTrue(tested) : Tests.Holds(test.Value, tested, rest)) == wanted;
        }));
    }

    private static object? Member(object? item, object? path)
    {
        if (path is null)
        {
            return item;
        }

        foreach (var part in Spelling.Of(path).Value.Split('.'))
        {
            item = Access.Item(item, int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var place) ? (BigInteger)place : new Text(part));
        }

        return item;
    }

    /// <summary>A sort key without case.</summary>
    private readonly struct Folded(object? value, object? caseSensitive) : IEquatable<Folded>
    {
        private readonly object? _value = Of(value, Operations.IsTrue(caseSensitive));

        public static object? Of(object? value, bool caseSensitive) => value is Text text && !caseSensitive ? new Text(text.Value.ToLowerInvariant()) : value;

        public bool Equals(Folded other) => Operations.AreEqual(_value, other._value);

        public override bool Equals(object? obj) => obj is Folded other && Equals(other);

        public override int GetHashCode() => _value is Text text ? text.GetHashCode() : 0;
    }
}
