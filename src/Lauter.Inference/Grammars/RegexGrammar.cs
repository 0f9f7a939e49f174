using System.Text;

namespace Lauter.Inference.Grammars;

/// <summary>
/// Compiles the pattern of a string into a grammar body between the quotes. Subset of ECMA 262: literals, classes, <c>.</c>, <c>\d \w \s</c> and
/// their opposites, groups, alternatives, <c>? * + {m,n}</c>, and <c>^ $</c> at the ends of the pattern; a pattern without anchors may stand
/// anywhere in the text. Characters that JSON escapes are written escaped. Everything else is refused by name.
/// </summary>
internal sealed class RegexGrammar
{
    /// <summary>Characters of one pattern at most.</summary>
    public const int LongestPattern = 512;

    private const int Deepest = 24;
    private const int LargestRepetition = 256;

    private readonly string _pattern;
    private readonly GrammarRules _rules;
    private readonly string _pointer;
    private int _at;

    private RegexGrammar(string pattern, GrammarRules rules, string pointer)
    {
        _pattern = pattern;
        _rules = rules;
        _pointer = pointer;
    }

    /// <summary>The body of the pattern, with the fewest and the most characters of its texts (null = without end).</summary>
    /// <exception cref="RegexGrammarException">The pattern cannot be enforced; the message says which construct and where.</exception>
    public static (string Body, int Least, int? Most) Compile(string pattern, GrammarRules rules, string pointer)
    {
        if (pattern.Length > LongestPattern)
        {
            throw new RegexGrammarException($"the pattern has {pattern.Length} characters; at most {LongestPattern} are allowed");
        }

        var compiler = new RegexGrammar(pattern, rules, pointer);
        var isFromStart = compiler.Take('^');
        var part = compiler.Alternatives(0, isTop: true);
        var isToEnd = compiler.Take('$');
        if (compiler._at < pattern.Length)
        {
            throw compiler.Fault(compiler._pattern[compiler._at] == ')' ? "a ')' without its '('" : "'$' before the end");
        }

        if (part.HasAlternatives && isFromStart != isToEnd)
        {
            throw new RegexGrammarException("'^' or '$' at one end of alternatives belongs to one of them only; put the alternatives in a group");
        }

        if (part.HasAlternatives && isFromStart)
        {
            // ^a|b$ is (^a)|(b$), which is hardly ever meant; a group says what is.
            throw new RegexGrammarException("'^' and '$' belong to the first and last alternative only; put the alternatives in a group");
        }

        var any = $"{rules.Rule(StringGrammar.Character)}*";
        var body = $"{(isFromStart ? "" : any + " ")}{part.Body}{(isToEnd ? "" : " " + any)}";
        return (rules.Rule(body), part.Least, isFromStart && isToEnd ? part.Most : null);
    }

    private Part Alternatives(int depth, bool isTop = false)
    {
        if (depth > Deepest)
        {
            throw Fault($"groups more than {Deepest} deep");
        }

        var parts = new List<Part> { Sequence(depth, isTop) };
        while (Take('|'))
        {
            parts.Add(Sequence(depth, isTop));
        }

        return parts.Count == 1
            ? parts[0]
            : new Part(
                _rules.Rule(string.Join(" | ", parts.Select(part => part.Body))),
                parts.Min(part => part.Least),
                parts.Exists(part => part.Most is null) ? null : parts.Max(part => part.Most),
                true);
    }

    private Part Sequence(int depth, bool isTop)
    {
        var bodies = new List<string>();
        var (least, most) = (0, (int?)0);
        while (_at < _pattern.Length && _pattern[_at] is not ('|' or ')'))
        {
            if (_pattern[_at] == '$')
            {
                if (isTop)
                {
                    break;
                }

                throw Fault("'$' inside a group");
            }

            var part = Repeated(Atom(depth));
            bodies.Add(part.Body);
            least = checked(least + part.Least);
            most += part.Most;
        }

        return new Part(bodies.Count == 0 ? "\"\"" : string.Join(' ', bodies), least, most, false);
    }

    private Part Repeated(Part atom)
    {
        if (_at >= _pattern.Length)
        {
            return atom;
        }

        var (least, most) = (1, (int?)1);
        switch (_pattern[_at])
        {
            case '?':
                (least, most) = (0, 1);
                _at++;
                break;
            case '*':
                (least, most) = (0, null);
                _at++;
                break;
            case '+':
                (least, most) = (1, null);
                _at++;
                break;
            case '{':
                (least, most) = Bounds();
                break;
            default:
                return atom;
        }

        // Lazy or greedy makes no difference to which texts match.
        if (_at < _pattern.Length && _pattern[_at] is '?')
        {
            _at++;
        }

        if (_at < _pattern.Length && _pattern[_at] is '*' or '+' or '{')
        {
            throw Fault("a repetition of a repetition");
        }

        return new Part(
            _rules.Repeat(_pointer, _rules.Rule(atom.Body), least, most),
            atom.Least * least,
            most is { } bound && atom.Most is { } longest ? longest * bound : atom.Most == 0 ? 0 : null,
            false);
    }

    private (int Least, int? Most) Bounds()
    {
        var end = _pattern.IndexOf('}', _at);
        var parts = end < 0 ? [] : _pattern[(_at + 1)..end].Split(',');
        if (parts.Length is 0 or > 2 || !int.TryParse(parts[0], out var least) || least < 0
            || (parts is [_, { Length: > 0 } upper] && (!int.TryParse(upper, out var most) || most < least || most > LargestRepetition)) || least > LargestRepetition)
        {
            throw Fault($"a repetition that is not {{m}}, {{m,}} or {{m,n}} with numbers up to {LargestRepetition}");
        }

        _at = end + 1;
        return (least, parts.Length == 1 ? least : parts[1].Length == 0 ? null : int.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture));
    }

    private Part Atom(int depth)
    {
        var character = _pattern[_at];
        switch (character)
        {
            case '(':
                return Group(depth);
            case '[':
                return One(Class());
            case '.':
                _at++;
                return One(CharacterSet.All.Without(CharacterSet.Of('\n', '\r', '\u2028', '\u2029')));
            case '\\':
                return Escaped();
            case '^':
                throw Fault("'^' behind the beginning");
            case '*' or '+' or '?' or '{':
                throw Fault($"'{character}' with nothing to repeat");
            default:
                return One(CharacterSet.Of(ReadRune()));
        }
    }

    private Part Group(int depth)
    {
        _at++;
        if (_at < _pattern.Length && _pattern[_at] == '?')
        {
            if (_at + 1 >= _pattern.Length || _pattern[_at + 1] != ':')
            {
                throw Fault("look-around and named groups; use (…) or (?:…)");
            }

            _at += 2;
        }

        var part = Alternatives(depth + 1);
        return Take(')') ? part with { Body = _rules.Rule(part.Body), HasAlternatives = false } : throw Fault("a '(' without its ')'");
    }

    private Part Escaped()
    {
        if (_at + 1 >= _pattern.Length)
        {
            throw Fault("a '\\' at the end");
        }

        return One(Escape(inClass: false));
    }

    /// <summary>Reads an escape as the characters that it stands for.</summary>
    private CharacterSet Escape(bool inClass)
    {
        var character = _pattern[_at + 1];
        _at += 2;
        switch (character)
        {
            case 'd':
                return CharacterSet.Digits;
            case 'D':
                return CharacterSet.All.Without(CharacterSet.Digits);
            case 'w':
                return CharacterSet.WordCharacters;
            case 'W':
                return CharacterSet.All.Without(CharacterSet.WordCharacters);
            case 's':
                return CharacterSet.Spaces;
            case 'S':
                return CharacterSet.All.Without(CharacterSet.Spaces);
            case 't':
                return CharacterSet.Of('\t');
            case 'n':
                return CharacterSet.Of('\n');
            case 'r':
                return CharacterSet.Of('\r');
            case 'f':
                return CharacterSet.Of('\f');
            case 'b' when inClass:
                return CharacterSet.Of('\b');
            case 'u' when _at + 4 <= _pattern.Length && ushort.TryParse(_pattern.AsSpan(_at, 4), System.Globalization.NumberStyles.HexNumber, null, out var code) && !char.IsSurrogate((char)code):
                _at += 4;
                return CharacterSet.Of(code);
            case 'x' when _at + 2 <= _pattern.Length && byte.TryParse(_pattern.AsSpan(_at, 2), System.Globalization.NumberStyles.HexNumber, null, out var small):
                _at += 2;
                return CharacterSet.Of(small);
            default:
                if (char.IsAsciiLetterOrDigit(character))
                {
                    _at -= 2;
                    throw Fault($"the escape '\\{character}'");
                }

                return CharacterSet.Of(character);
        }
    }

    private CharacterSet Class()
    {
        _at++;
        var isNegated = Take('^');
        var set = CharacterSet.None;
        while (true)
        {
            if (_at >= _pattern.Length)
            {
                throw Fault("a '[' without its ']'");
            }

            if (Take(']'))
            {
                return isNegated ? CharacterSet.All.Without(set) : set;
            }

            var first = _pattern[_at] == '\\' && _at + 1 < _pattern.Length ? Escape(inClass: true) : CharacterSet.Of(ReadRune());
            if (_at + 1 < _pattern.Length && _pattern[_at] == '-' && _pattern[_at + 1] != ']')
            {
                _at++;
                var last = _pattern[_at] == '\\' && _at + 1 < _pattern.Length ? Escape(inClass: true) : CharacterSet.Of(ReadRune());
                first = first.Single is { } from && last.Single is { } to && from <= to ? CharacterSet.Between(from, to) : throw Fault("a range in a class whose ends are not in order");
            }

            set = set.With(first);
        }
    }

    private Part One(CharacterSet set) => set.ToJsonGrammar() is { } body
        ? new Part(_rules.Rule(body), 1, 1, false)
        : throw Fault("a class that no character of a text satisfies");

    private int ReadRune()
    {
        if (!Rune.TryGetRuneAt(_pattern, _at, out var rune))
        {
            throw Fault("half of a character");
        }

        _at += rune.Utf16SequenceLength;
        return rune.Value;
    }

    private bool Take(char character)
    {
        if (_at < _pattern.Length && _pattern[_at] == character)
        {
            _at++;
            return true;
        }

        return false;
    }

    private RegexGrammarException Fault(string what) => new($"the pattern '{_pattern}' has, at character {_at}, {what}, which is not supported");

    /// <summary>A grammar body and how many characters its texts have.</summary>
    private sealed record Part(string Body, int Least, int? Most, bool HasAlternatives);
}

/// <summary>A pattern cannot be enforced.</summary>
internal sealed class RegexGrammarException(string message) : Exception(message);
