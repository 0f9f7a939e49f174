using System.Globalization;
using System.Numerics;
using System.Text;

namespace Lauter.Models.Templates.Jinja;

internal enum TokenKind
{
    Data,
    OutputBegin,
    OutputEnd,
    TagBegin,
    TagEnd,
    Name,
    Text,
    Integer,
    Float,
    Operator,
    End,
}

internal readonly record struct Token(TokenKind Kind, string Value, object? Number, int Line, int Column);

/// <summary>
/// Cuts a template into tokens with the white-space rules of <c>trim_blocks</c> and <c>lstrip_blocks</c>: a newline right after a tag or comment goes, white
/// space between the start of a line and a tag goes; <c>-</c> takes all white space on its side, <c>+</c> keeps it.
/// </summary>
internal sealed class Lexer
{
    private static readonly string[] Operators =
        ["//", "**", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<", ">", "(", ")", "[", "]", "{", "}", ",", ":", ".", "|", "="];

    private readonly string _source;
    private readonly List<int> _lineStarts = [0];
    private readonly List<Token> _tokens = [];
    private int _position;

    private Lexer(string source)
    {
        _source = source.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        if (_source.EndsWith('\n'))
        {
            _source = _source[..^1];
        }

        for (var i = 0; i < _source.Length; i++)
        {
            if (_source[i] == '\n')
            {
                _lineStarts.Add(i + 1);
            }
        }
    }

    public static List<Token> Tokens(string source)
    {
        var lexer = new Lexer(source);
        lexer.Run();
        return lexer._tokens;
    }

    /// <summary>Python's white space: Unicode's, and the four separators U+001C to U+001F.</summary>
    public static bool IsSpace(int code) => code is >= 0x1C and <= 0x1F || (code <= 0xFFFF && char.IsWhiteSpace((char)code));

    private void Run()
    {
        var atLineStart = true;
        while (_position < _source.Length)
        {
            var tag = NextTag();
            if (tag < 0)
            {
                Emit(_source[_position..], _position);
                _position = _source.Length;
                break;
            }

            var kind = _source[tag + 1];
            var sign = tag + 2 < _source.Length ? _source[tag + 2] : '\0';
            Emit(Before(tag, kind, sign, atLineStart), _position);
            _position = tag + 2 + (sign is '-' or '+' && (sign == '-' || kind != '{') ? 1 : 0);
            switch (kind)
            {
                case '#':
                    Comment(tag);
                    break;
                case '%' when Raw(tag):
                    break;
                default:
                    Inside(tag, kind == '{');
                    break;
            }

            atLineStart = _position > 0 && _source[_position - 1] == '\n';
        }

        Add(TokenKind.End, "end of template", _source.Length);
    }

    private int NextTag()
    {
        for (var i = _source.IndexOf('{', _position); i >= 0 && i + 1 < _source.Length; i = _source.IndexOf('{', i + 1))
        {
            if (_source[i + 1] is '{' or '%' or '#')
            {
                return i;
            }
        }

        return -1;
    }

    private string Before(int tag, char kind, char sign, bool atLineStart)
    {
        var text = _source[_position..tag];
        if (sign == '-')
        {
            return TrimEnd(text);
        }

        if (sign != '+' && kind != '{')
        {
            var line = text.LastIndexOf('\n') + 1;
            if ((line > 0 || atLineStart) && text.AsSpan(line).IndexOfAnyExcept(Spaces) < 0)
            {
                return text[..line];
            }
        }

        return text;
    }

    private static readonly System.Buffers.SearchValues<char> Spaces =
        System.Buffers.SearchValues.Create([.. Enumerable.Range(0, 0x10000).Where(IsSpace).Select(code => (char)code)]);

    private static string TrimEnd(string text)
    {
        var last = text.AsSpan().LastIndexOfAnyExcept(Spaces);
        return text[..(last + 1)];
    }

    private void SkipSpaces()
    {
        while (_position < _source.Length && IsSpace(_source[_position]))
        {
            _position++;
        }
    }

    /// <summary>Takes the end of a tag or comment if it is here, with the white space that belongs to it.</summary>
    private bool TakeEnd(string end, bool trimsNewline)
    {
        var rest = _source.AsSpan(_position);
        if (rest.StartsWith("-" + end, StringComparison.Ordinal))
        {
            _position += 1 + end.Length;
            SkipSpaces();
            return true;
        }

        if (trimsNewline && rest.StartsWith("+" + end, StringComparison.Ordinal))
        {
            _position += 1 + end.Length;
            return true;
        }

        if (!rest.StartsWith(end, StringComparison.Ordinal))
        {
            return false;
        }

        _position += end.Length;
        if (trimsNewline && _position < _source.Length && _source[_position] == '\n')
        {
            _position++;
        }

        return true;
    }

    private void Comment(int tag)
    {
        while (_position < _source.Length)
        {
            if (TakeEnd("#}", trimsNewline: true))
            {
                return;
            }

            _position++;
        }

        throw Fault("the comment is not closed with '#}'", tag);
    }

    /// <summary>A raw block: everything up to its end is data.</summary>
    private bool Raw(int tag)
    {
        var start = _position;
        SkipSpaces();
        if (!_source.AsSpan(_position).StartsWith("raw", StringComparison.Ordinal))
        {
            _position = start;
            return false;
        }

        _position += 3;
        SkipSpaces();
        var before = _position;
        if (!TakeEnd("%}", trimsNewline: true))
        {
            _position = start;
            return false;
        }

        // Unlike other tags, the start of a raw block keeps the newline behind it.
        if (_source[before] == '%')
        {
            _position = before + 2;
        }

        var body = _position;
        for (var end = _source.IndexOf("{%", body, StringComparison.Ordinal); end >= 0; end = _source.IndexOf("{%", end + 2, StringComparison.Ordinal))
        {
            var sign = end + 2 < _source.Length ? _source[end + 2] : '\0';
            _position = end + 2 + (sign is '-' or '+' ? 1 : 0);
            SkipSpaces();
            if (!_source.AsSpan(_position).StartsWith("endraw", StringComparison.Ordinal))
            {
                continue;
            }

            _position += 6;
            SkipSpaces();
            if (!TakeEnd("%}", trimsNewline: true))
            {
                continue;
            }

            var after = _position;
            _position = body;
            Emit(Before(end, '%', sign, atLineStart: false), body);
            _position = after;
            return true;
        }

        throw Fault("the raw block is not closed with 'endraw'", tag);
    }

    private void Inside(int tag, bool output)
    {
        Add(output ? TokenKind.OutputBegin : TokenKind.TagBegin, output ? "{{" : "{%", tag);
        var brackets = new Stack<char>();
        while (true)
        {
            SkipSpaces();
            if (_position >= _source.Length)
            {
                throw Fault(output ? "the expression is not closed with '}}'" : "the tag is not closed with '%}'", tag);
            }

            var start = _position;
            if (brackets.Count == 0 && TakeEnd(output ? "}}" : "%}", trimsNewline: !output))
            {
                Add(output ? TokenKind.OutputEnd : TokenKind.TagEnd, output ? "end of print statement" : "end of statement block", start);
                return;
            }

            var first = _source[_position];
            if (first is '\'' or '"')
            {
                Quoted(first);
            }
            else if (char.IsAsciiDigit(first))
            {
                Number(afterDot: _tokens[^1] is { Kind: TokenKind.Operator, Value: "." });
            }
            else if (first == '_' || char.IsLetter(first))
            {
                while (_position < _source.Length && (_source[_position] == '_' || char.IsLetterOrDigit(_source[_position])))
                {
                    _position++;
                }

                Add(TokenKind.Name, _source[start.._position], start);
            }
            else
            {
                var symbol = Operators.FirstOrDefault(symbol => _source.AsSpan(_position).StartsWith(symbol, StringComparison.Ordinal))
                    ?? throw Fault($"unexpected character '{first}'", _position);
                Balance(brackets, symbol, start);
                _position += symbol.Length;
                Add(TokenKind.Operator, symbol, start);
            }
        }
    }

    private void Balance(Stack<char> brackets, string symbol, int at)
    {
        switch (symbol)
        {
            case "(" or "[" or "{":
                brackets.Push(symbol[0] switch { '(' => ')', '[' => ']', _ => '}' });
                break;
            case ")" or "]" or "}" when brackets.Count == 0 || brackets.Pop() != symbol[0]:
                throw Fault($"unexpected '{symbol}'", at);
        }
    }

    private void Number(bool afterDot)
    {
        var start = _position;
        if (_source[start] == '0' && start + 1 < _source.Length && "xXbBoO".Contains(_source[start + 1], StringComparison.Ordinal))
        {
            _position += 2;
            while (_position < _source.Length && (char.IsAsciiHexDigit(_source[_position]) || _source[_position] == '_'))
            {
                _position++;
            }

            var radix = char.ToLowerInvariant(_source[start + 1]) switch { 'x' => 16, 'b' => 2, _ => 8 };
            var value = BigInteger.Zero;
            foreach (var digit in _source[(start + 2).._position].Replace("_", "", StringComparison.Ordinal))
            {
                var number = Convert.ToInt32(digit.ToString(), 16);
                value = number < radix ? (value * radix) + number : throw Fault($"'{digit}' is no digit here", start);
            }

            _tokens.Add(At(new Token(TokenKind.Integer, _source[start.._position], value, 0, 0), start));
            return;
        }

        Digits();
        var isFloat = false;
        if (!afterDot && _position + 1 < _source.Length && _source[_position] == '.' && char.IsAsciiDigit(_source[_position + 1]))
        {
            isFloat = true;
            _position++;
            Digits();
        }

        if (!afterDot && _position < _source.Length && _source[_position] is 'e' or 'E')
        {
            var digits = _position + 1;
            digits += digits < _source.Length && _source[digits] is '+' or '-' ? 1 : 0;
            if (digits < _source.Length && char.IsAsciiDigit(_source[digits]))
            {
                isFloat = true;
                _position = digits;
                Digits();
            }
        }

        var spelling = _source[start.._position];
        if (spelling.Length > 400)
        {
            throw Fault("the number is too long", start);
        }

        var plain = spelling.Replace("_", "", StringComparison.Ordinal);
        _tokens.Add(At(
            isFloat
                ? new Token(TokenKind.Float, spelling, double.Parse(plain, CultureInfo.InvariantCulture), 0, 0)
                : new Token(TokenKind.Integer, spelling, BigInteger.Parse(plain, CultureInfo.InvariantCulture), 0, 0),
            start));
    }

    private void Digits()
    {
        while (_position < _source.Length && (char.IsAsciiDigit(_source[_position])
            || (_source[_position] == '_' && _position + 1 < _source.Length && char.IsAsciiDigit(_source[_position + 1]))))
        {
            _position++;
        }
    }

    private void Quoted(char quote)
    {
        var start = _position++;
        var text = new StringBuilder();
        while (_position < _source.Length && _source[_position] != quote)
        {
            var letter = _source[_position++];
            if (letter != '\\' || _position >= _source.Length)
            {
                text.Append(letter);
                continue;
            }

            Escape(text);
        }

        if (_position >= _source.Length)
        {
            throw Fault("the text is not closed", start);
        }

        _position++;
        Add(TokenKind.Text, text.ToString(), start);
    }

    private void Escape(StringBuilder text)
    {
        var letter = _source[_position++];
        switch (letter)
        {
            case '\n': break;
            case '\\' or '\'' or '"': text.Append(letter); break;
            case 'n': text.Append('\n'); break;
            case 't': text.Append('\t'); break;
            case 'r': text.Append('\r'); break;
            case 'a': text.Append('\a'); break;
            case 'b': text.Append('\b'); break;
            case 'f': text.Append('\f'); break;
            case 'v': text.Append('\v'); break;
            case 'x': Code(text, 2); break;
            case 'u': Code(text, 4); break;
            case 'U': Code(text, 8); break;
            case >= '0' and <= '7':
                var octal = letter - '0';
                for (var i = 0; i < 2 && _position < _source.Length && _source[_position] is >= '0' and <= '7'; i++)
                {
                    octal = (octal * 8) + (_source[_position++] - '0');
                }

                text.Append((char)octal);
                break;
            default: text.Append('\\').Append(letter); break;
        }
    }

    private void Code(StringBuilder text, int digits)
    {
        if (_position + digits > _source.Length
            || !uint.TryParse(_source.AsSpan(_position, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code)
            || code > 0x10FFFF)
        {
            throw Fault("the escape in the text is damaged", _position);
        }

        _position += digits;
        text.Append(code <= 0xFFFF ? ((char)code).ToString() : char.ConvertFromUtf32((int)code));
    }

    private void Emit(string data, int at)
    {
        if (data.Length > 0)
        {
            Add(TokenKind.Data, data, at);
        }
    }

    private void Add(TokenKind kind, string value, int at) => _tokens.Add(At(new Token(kind, value, null, 0, 0), at));

    private Token At(Token token, int at)
    {
        var (line, column) = Place(at);
        return token with { Line = line, Column = column };
    }

    private (int Line, int Column) Place(int at)
    {
        var line = _lineStarts.BinarySearch(at);
        line = line < 0 ? ~line - 1 : line;
        return (line + 1, at - _lineStarts[line] + 1);
    }

    private TemplateException Fault(string message, int at)
    {
        var (line, column) = Place(at);
        return new TemplateException(TemplateFault.Syntax, message, line, column);
    }
}
