using System.Numerics;
using System.Text;

namespace Lauter.Models.Templates.Jinja;

/// <summary>Methods of texts, lists and mappings. What would change a value is refused; what is not listed does not exist, so no host object is ever reached.</summary>
internal static class Methods
{
    private static readonly HashSet<string> ChangingLists = ["append", "insert", "extend", "remove", "sort", "reverse", "clear", "pop"];
    private static readonly HashSet<string> ChangingMappings = ["update", "setdefault", "popitem", "clear", "pop"];

    /// <summary>The method of that name, or null.</summary>
    public static object? Find(object? value, string name)
    {
        if ((value is Sequence { IsTuple: false } && ChangingLists.Contains(name)) || (value is Mapping && ChangingMappings.Contains(name)))
        {
            return new Undefined($"access to attribute '{name}' of '{Spelling.TypeOf(value)}' object is unsafe.", TemplateFault.Forbidden);
        }

        return value switch
        {
            Text text => OfText(text, name) is { } method ? new Callable(name, method) : null,
            Mapping mapping => OfMapping(mapping, name) is { } method ? new Callable(name, method) : null,
            Sequence sequence when name == "index" => new Callable(name, arguments =>
            {
                for (var i = 0; i < sequence.Items.Count; i++)
                {
                    if (Operations.AreEqual(sequence.Items[i], arguments.Get(0, "value")))
                    {
                        return (BigInteger)i;
                    }
                }

                throw Operations.Fault("the value is not in the list");
            }),
            Sequence sequence when name == "count" => new Callable(name, arguments => (BigInteger)sequence.Items.Count(item => Operations.AreEqual(item, arguments.Get(0, "value")))),
            _ => null,
        };
    }

    public static Sequence Split(Text text, Text? separator, int limit)
    {
        var parts = new List<object?>();
        if (separator is null)
        {
            var rest = text.StripStart(Lexer.IsSpace);
            while (rest.Length > 0)
            {
                var end = 0;
                while (end < rest.Length && !Lexer.IsSpace(rest.Value[end]))
                {
                    end++;
                }

                if (parts.Count == limit)
                {
                    parts.Add(rest.StripEnd(Lexer.IsSpace));
                    break;
                }

                parts.Add(rest.Slice(0, end));
                rest = rest.Slice(end).StripStart(Lexer.IsSpace);
            }

            return new Sequence(parts);
        }

        if (separator.Length == 0)
        {
            throw Operations.Fault("empty separator");
        }

        var start = 0;
        for (var at = text.Value.IndexOf(separator.Value, StringComparison.Ordinal); at >= 0 && parts.Count != limit; at = text.Value.IndexOf(separator.Value, start, StringComparison.Ordinal))
        {
            parts.Add(text.Slice(start, at - start));
            start = at + separator.Length;
        }

        parts.Add(text.Slice(start));
        return new Sequence(parts);
    }

    public static Text Replace(Text text, Text old, Text by, int limit)
    {
        var builder = new TextBuilder();
        var done = 0;
        if (old.Length == 0)
        {
            foreach (var point in text.CodePoints().Append(Text.Empty))
            {
                builder.Append(done++ < limit ? by : Text.Empty).Append(point);
            }

            return builder.ToText();
        }

        var start = 0;
        for (var at = text.Value.IndexOf(old.Value, StringComparison.Ordinal); at >= 0 && done < limit; at = text.Value.IndexOf(old.Value, start, StringComparison.Ordinal))
        {
            builder.Append(text.Slice(start, at - start)).Append(by);
            Operations.CheckLength(builder.Length);
            start = at + old.Length;
            done++;
        }

        return builder.Append(text.Slice(start)).ToText();
    }

    public static string Upper(string text)
    {
        // Full case mapping where one letter becomes several: the ones that occur in practice.
        var upper = new StringBuilder(text.Length);
        foreach (var letter in text)
        {
            upper.Append(letter switch
            {
                'ß' => "SS", 'ﬁ' => "FI", 'ﬂ' => "FL", 'ﬀ' => "FF", 'ﬃ' => "FFI", 'ﬄ' => "FFL", 'ﬅ' or 'ﬆ' => "ST", 'ŉ' => "ʼN",
                _ => letter.ToString(),
            });
        }

        return upper.ToString().ToUpperInvariant();
    }

    /// <summary>Upper case after anything that is no letter, as Python's <c>str.title</c>.</summary>
    public static string Title(string text)
    {
        var title = new StringBuilder(text.Length);
        var inWord = false;
        foreach (var letter in text)
        {
            title.Append(inWord ? char.ToLowerInvariant(letter) : char.ToUpperInvariant(letter));
            inWord = char.IsLetter(letter);
        }

        return title.ToString();
    }

    public static Text Capitalize(Text text) => text.Length == 0 ? text : text.Respelled(Upper(text.Value[..1]) + text.Value[1..].ToLowerInvariant());

    public static Func<int, bool> Set(object? characters) => characters is Text text
        ? text.Value.EnumerateRunes().Select(rune => rune.Value).ToHashSet().Contains
        : Lexer.IsSpace;

    private static Func<Arguments, object?>? OfText(Text text, string name)
    {
        var value = text.Value;
        switch (name)
        {
            case "upper": return _ => text.Respelled(Upper(value));
            case "lower": return _ => text.Respelled(value.ToLowerInvariant());
            case "title": return _ => text.Respelled(Title(value));
            case "capitalize": return _ => Capitalize(text);
            case "strip": return arguments => text.StripStart(Set(arguments.Get(0, "chars"))).StripEnd(Set(arguments.Get(0, "chars")));
            case "lstrip": return arguments => text.StripStart(Set(arguments.Get(0, "chars")));
            case "rstrip": return arguments => text.StripEnd(Set(arguments.Get(0, "chars")));
            case "split": return arguments => Split(text, Optional(arguments.Get(0, "sep")), Limit(arguments.Get(1, "maxsplit")));
            case "rsplit": return arguments => SplitEnd(text, Optional(arguments.Get(0, "sep")), Limit(arguments.Get(1, "maxsplit")));
            case "splitlines": return _ => Lines(text);
            case "startswith": return arguments => Any(arguments, part => value.StartsWith(part, StringComparison.Ordinal));
            case "endswith": return arguments => Any(arguments, part => value.EndsWith(part, StringComparison.Ordinal));
            case "replace": return arguments => Replace(text, Needed(arguments, 0, "old"), Needed(arguments, 1, "new"), Limit(arguments.Get(2, "count")) is var limit and >= 0 ? limit : int.MaxValue);
            case "join": return arguments => Join(text, arguments.Get(0, "iterable"));
            case "format": return arguments => Formatting.Braces(text, arguments);
            case "find": return arguments => (BigInteger)Position(value, value.IndexOf(Needed(arguments, 0, "sub").Value, StringComparison.Ordinal));
            case "rfind": return arguments => (BigInteger)Position(value, value.LastIndexOf(Needed(arguments, 0, "sub").Value, StringComparison.Ordinal));
            case "index":
                return arguments => Position(value, value.IndexOf(Needed(arguments, 0, "sub").Value, StringComparison.Ordinal)) is var at and >= 0
                    ? (BigInteger)at
                    : throw Operations.Fault("substring not found");
            case "count":
                return arguments => Needed(arguments, 0, "sub") is { Length: > 0 } part
                    ? (BigInteger)(Split(text, part, -1).Items.Count - 1)
                    : (BigInteger)(text.CodePointCount() + 1);
            case "removeprefix": return arguments => Needed(arguments, 0, "prefix") is var prefix && value.StartsWith(prefix.Value, StringComparison.Ordinal) ? text.Slice(prefix.Length) : text;
            case "removesuffix": return arguments => Needed(arguments, 0, "suffix") is var suffix && value.EndsWith(suffix.Value, StringComparison.Ordinal) ? text.Slice(0, text.Length - suffix.Length) : text;
            case "partition": return arguments => Partition(text, Needed(arguments, 0, "sep"), last: false);
            case "rpartition": return arguments => Partition(text, Needed(arguments, 0, "sep"), last: true);
            case "isdigit": return _ => All(value, Rune.IsDigit);
            case "isalpha": return _ => All(value, Rune.IsLetter);
            case "isalnum": return _ => All(value, Rune.IsLetterOrDigit);
            case "isspace": return _ => All(value, rune => Lexer.IsSpace(rune.Value));
            case "isupper": return _ => value.Any(char.IsUpper) && !value.Any(char.IsLower);
            case "islower": return _ => value.Any(char.IsLower) && !value.Any(char.IsUpper);
            case "zfill": return arguments => text.Respelled(value.StartsWith('-') ? "-" + value[1..].PadLeft(Math.Max(0, Width(arguments) - 1), '0') : value.PadLeft(Width(arguments), '0'));
            case "ljust": return arguments => text.Plus(new Text(new string(' ', Math.Max(0, Width(arguments) - text.CodePointCount()))));
            case "rjust": return arguments => new Text(new string(' ', Math.Max(0, Width(arguments) - text.CodePointCount()))).Plus(text);
            default: return null;
        }
    }

    private static Func<Arguments, object?>? OfMapping(Mapping mapping, string name) => name switch
    {
        "items" => _ => new Sequence([.. mapping.Items.Select(item => new Sequence([item.Key, item.Value], isTuple: true))]),
        "keys" => _ => new Sequence([.. mapping.Items.Select(item => item.Key)]),
        "values" => _ => new Sequence([.. mapping.Items.Select(item => item.Value)]),
        "get" => arguments => arguments.Count == 0
            ? throw Operations.Fault("get expected at least 1 argument, got 0")
            : mapping.TryGet(arguments.Get(0, "key"), out var value) ? value : arguments.Get(1, "default"),
        "copy" => _ => mapping,
        _ => null,
    };

    private static int Width(Arguments arguments)
    {
        var width = Operations.Int32(arguments.Get(0, "width"), "the width");
        Operations.CheckLength(width);
        return Math.Max(0, width);
    }

    private static int Limit(object? value) => value is null ? -1 : Operations.Int32(value, "the limit");

    private static Text? Optional(object? value) => value is null ? null : value as Text ?? throw Operations.Fault($"must be str or None, not {Spelling.TypeOf(value)}");

    private static Text Needed(Arguments arguments, int place, string name) => arguments.Get(place, name) switch
    {
        Text text => text,
        Undefined missing => throw new TemplateException(missing.Fault, missing.Message),
        var other => throw Operations.Fault($"argument {place + 1} must be str, not {Spelling.TypeOf(other)}"),
    };

    private static bool Any(Arguments arguments, Func<string, bool> holds) => arguments.Get(0, "prefix") switch
    {
        Text text => holds(text.Value),
        Sequence { IsTuple: true } tuple => tuple.Items.Any(item => item is Text text && holds(text.Value)),
        Undefined missing => throw new TemplateException(missing.Fault, missing.Message),
        var other => throw Operations.Fault($"first arg must be str or a tuple of str, not {Spelling.TypeOf(other)}"),
    };

    private static Text Join(Text separator, object? items)
    {
        var builder = new TextBuilder();
        var index = 0;
        foreach (var item in Operations.Iterate(items))
        {
            builder.Append(index > 0 ? separator : Text.Empty).Append(item as Text ?? throw Operations.Fault($"sequence item {index}: expected str instance, {Spelling.TypeOf(item)} found"));
            Operations.CheckLength(builder.Length);
            index++;
        }

        return builder.ToText();
    }

    private static Sequence SplitEnd(Text text, Text? separator, int limit)
    {
        var all = Split(text, separator, -1);
        if (limit < 0 || all.Items.Count <= limit + 1)
        {
            return all;
        }

        var kept = all.Items.Skip(all.Items.Count - limit).ToList();
        var tail = kept.Sum(part => ((Text)part!).Length) + ((separator?.Length ?? 1) * limit);
        return new Sequence([text.Slice(0, text.Length - tail), .. kept]);
    }

    private static Sequence Lines(Text text)
    {
        var lines = new List<object?>();
        var start = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text.Value[i] is not ('\n' or '\r' or '\v' or '\f' or '\u001c' or '\u001d' or '\u001e' or '\u0085' or '\u2028' or '\u2029'))
            {
                continue;
            }

            lines.Add(text.Slice(start, i - start));
            i += text.Value[i] == '\r' && i + 1 < text.Length && text.Value[i + 1] == '\n' ? 1 : 0;
            start = i + 1;
        }

        if (start < text.Length)
        {
            lines.Add(text.Slice(start));
        }

        return new Sequence(lines);
    }

    private static Sequence Partition(Text text, Text separator, bool last)
    {
        var at = last ? text.Value.LastIndexOf(separator.Value, StringComparison.Ordinal) : text.Value.IndexOf(separator.Value, StringComparison.Ordinal);
        return new Sequence(
            at >= 0 ? [text.Slice(0, at), separator, text.Slice(at + separator.Length)] : last ? [Text.Empty, Text.Empty, text] : [text, Text.Empty, Text.Empty],
            isTuple: true);
    }

    private static int Position(string text, int at) => at < 0 ? -1 : new Text(text[..at]).CodePointCount();

    private static bool All(string text, Func<Rune, bool> holds) => text.Length > 0 && text.EnumerateRunes().All(holds);
}
