using System.Runtime.CompilerServices;

namespace Lauter.Models.Templates.Jinja;

/// <summary>
/// Parses expressions. From weak to strong: <c>if else</c>, <c>or</c>, <c>and</c>, <c>not</c>, comparison, <c>+ -</c>, <c>~</c>, <c>* / // %</c>, <c>**</c>,
/// sign, then attributes, subscripts, calls, and last filters and tests, which bind to the signed value.
/// </summary>
internal class ExpressionParser(List<Token> tokens)
{
    private const int MaxDepth = 200;

    private int _position;
    private int _depth;

    /// <summary>Inside any condition an unknown filter or test is an error only when it is reached.</summary>
    protected int Conditions { get; set; }

    protected Token Current => tokens[_position];

    protected static TemplateException Fault(Token at, string message) => new(TemplateFault.Syntax, message, at.Line, at.Column);

    protected Token Take()
    {
        var token = tokens[_position];
        _position += token.Kind == TokenKind.End ? 0 : 1;
        return token;
    }

    protected bool Is(TokenKind kind, string value) => Current.Kind == kind && Current.Value == value;

    protected bool IsOperator(string symbol) => Is(TokenKind.Operator, symbol);

    protected bool IsName(string name) => Is(TokenKind.Name, name);

    protected bool TryTake(TokenKind kind, string value)
    {
        if (!Is(kind, value))
        {
            return false;
        }

        _position++;
        return true;
    }

    protected Token Expect(TokenKind kind, string what) => Current.Kind == kind ? Take() : throw Fault(Current, $"expected {what}, got '{Current.Value}'");

    protected void ExpectOperator(string symbol)
    {
        if (!TryTake(TokenKind.Operator, symbol))
        {
            throw Fault(Current, $"expected '{symbol}', got '{Current.Value}'");
        }
    }

    /// <summary>One expression, or several with commas between: a tuple.</summary>
    protected Node Tuple(Func<Node>? one = null, Func<bool>? ends = null)
    {
        one ??= Expression;
        var start = Current;
        var items = new List<Node>();
        var isTuple = false;
        while (true)
        {
            if (items.Count > 0 && !TryTake(TokenKind.Operator, ","))
            {
                break;
            }

            isTuple |= items.Count > 0;
            if (Current.Kind is TokenKind.OutputEnd or TokenKind.TagEnd or TokenKind.End || IsOperator(")") || (ends?.Invoke() ?? false))
            {
                break;
            }

            items.Add(one());
        }

        if (items.Count == 0)
        {
            throw Fault(start, $"expected an expression, got '{start.Value}'");
        }

        return isTuple ? new ListOf(items, IsTuple: true, start.Line, start.Column) : items[0];
    }

    protected Node Expression()
    {
        if (++_depth > MaxDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw Fault(Current, $"the expression is nested deeper than {MaxDepth} levels");
        }

        var value = Or();
        while (IsName("if"))
        {
            var at = Take();
            Conditions++;
            var condition = Or();
            var otherwise = TryTake(TokenKind.Name, "else") ? Expression() : null;
            Conditions--;
            value = new Conditional(condition, value, otherwise, at.Line, at.Column);
        }

        _depth--;
        return value;
    }

    protected Node Or()
    {
        var left = And();
        while (IsName("or"))
        {
            var at = Take();
            left = new Binary("or", left, And(), at.Line, at.Column);
        }

        return left;
    }

    private Node And()
    {
        var left = Not();
        while (IsName("and"))
        {
            var at = Take();
            left = new Binary("and", left, Not(), at.Line, at.Column);
        }

        return left;
    }

    private Node Not()
    {
        if (!IsName("not"))
        {
            return Compare();
        }

        var at = Take();
        if (++_depth > MaxDepth)
        {
            throw Fault(at, $"the expression is nested deeper than {MaxDepth} levels");
        }

        var operand = Not();
        _depth--;
        return new Unary("not", operand, at.Line, at.Column);
    }

    private Node Compare()
    {
        var start = Current;
        var first = Sum();
        var rest = new List<(string, Node)>();
        while (true)
        {
            if (Current.Kind == TokenKind.Operator && Current.Value is "==" or "!=" or "<" or ">" or "<=" or ">=")
            {
                rest.Add((Take().Value, Sum()));
            }
            else if (TryTake(TokenKind.Name, "in"))
            {
                rest.Add(("in", Sum()));
            }
            else if (IsName("not") && tokens[_position + 1] is { Kind: TokenKind.Name, Value: "in" })
            {
                _position += 2;
                rest.Add(("not in", Sum()));
            }
            else
            {
                return rest.Count == 0 ? first : new Comparison(first, rest, start.Line, start.Column);
            }
        }
    }

    private Node Sum() => Chain(Join, "+", "-");

    private Node Join() => Chain(Product, "~");

    private Node Product() => Chain(Power, "*", "/", "//", "%");

    private Node Power() => Chain(() => Signed(withFilters: true), "**");

    private Node Chain(Func<Node> next, params ReadOnlySpan<string> symbols)
    {
        var left = next();
        while (Current.Kind == TokenKind.Operator && symbols.Contains(Current.Value))
        {
            var at = Take();
            left = new Binary(at.Value, left, next(), at.Line, at.Column);
        }

        return left;
    }

    private Node Signed(bool withFilters)
    {
        Node value;
        var at = Current;
        if (IsOperator("-") || IsOperator("+"))
        {
            if (++_depth > MaxDepth)
            {
                throw Fault(at, $"the expression is nested deeper than {MaxDepth} levels");
            }

            Take();
            value = new Unary(at.Value, Signed(withFilters: false), at.Line, at.Column);
            _depth--;
        }
        else
        {
            value = Primary();
        }

        value = Postfix(value);
        return withFilters ? Filters(value) : value;
    }

    private Node Primary()
    {
        var token = Take();
        switch (token.Kind)
        {
            case TokenKind.Name:
                return token.Value switch
                {
                    "true" or "True" => new Literal(true, token.Line, token.Column),
                    "false" or "False" => new Literal(false, token.Line, token.Column),
                    "none" or "None" => new Literal(null, token.Line, token.Column),
                    _ => new Name(token.Value, token.Line, token.Column),
                };
            case TokenKind.Text:
                var text = token.Value;
                while (Current.Kind == TokenKind.Text)
                {
                    text += Take().Value;
                }

                return new Literal(new Text(text), token.Line, token.Column);
            case TokenKind.Integer or TokenKind.Float:
                return new Literal(token.Number, token.Line, token.Column);
            case TokenKind.Operator when token.Value == "(":
                if (TryTake(TokenKind.Operator, ")"))
                {
                    return new ListOf([], IsTuple: true, token.Line, token.Column);
                }

                var inner = Tuple();
                ExpectOperator(")");
                return inner;
            case TokenKind.Operator when token.Value == "[":
                return new ListOf(Items("]", Expression), IsTuple: false, token.Line, token.Column);
            case TokenKind.Operator when token.Value == "{":
                return new DictOf(
                    Items("}", () =>
                    {
                        var key = Expression();
                        ExpectOperator(":");
                        return (key, Expression());
                    }),
                    token.Line,
                    token.Column);
            default:
                throw Fault(token, $"expected an expression, got '{token.Value}'");
        }
    }

    private List<T> Items<T>(string close, Func<T> one)
    {
        var items = new List<T>();
        while (!TryTake(TokenKind.Operator, close))
        {
            if (items.Count > 0)
            {
                ExpectOperator(",");
                if (TryTake(TokenKind.Operator, close))
                {
                    break;
                }
            }

            items.Add(one());
        }

        return items;
    }

    private Node Postfix(Node value)
    {
        while (Current.Kind == TokenKind.Operator)
        {
            var at = Current;
            if (TryTake(TokenKind.Operator, "."))
            {
                var member = Take();
                value = member.Kind switch
                {
                    TokenKind.Name => new Attribute(value, member.Value, member.Line, member.Column),
                    TokenKind.Integer => new Subscript(value, new Literal(member.Number, member.Line, member.Column), member.Line, member.Column),
                    _ => throw Fault(member, $"expected a name or number after '.', got '{member.Value}'"),
                };
            }
            else if (TryTake(TokenKind.Operator, "["))
            {
                value = Index(value, at);
            }
            else if (IsOperator("("))
            {
                value = new Call(value, Arguments(), at.Line, at.Column);
            }
            else
            {
                break;
            }
        }

        return value;
    }

    private Node Index(Node value, Token at)
    {
        Node? Part() => IsOperator(":") || IsOperator("]") ? null : Expression();
        var start = Part();
        if (TryTake(TokenKind.Operator, ":"))
        {
            var stop = Part();
            var step = TryTake(TokenKind.Operator, ":") ? Part() : null;
            ExpectOperator("]");
            return new SliceOf(value, start, stop, step, at.Line, at.Column);
        }

        ExpectOperator("]");
        return new Subscript(value, start ?? throw Fault(at, "the subscript is empty"), at.Line, at.Column);
    }

    protected List<Argument> Arguments()
    {
        ExpectOperator("(");
        var sawNamed = false;
        return Items(")", () =>
        {
            if (IsOperator("*") || IsOperator("**"))
            {
                throw Fault(Current, "unpacking arguments with '*' is not supported");
            }

            if (Current.Kind == TokenKind.Name && tokens[_position + 1] is { Kind: TokenKind.Operator, Value: "=" })
            {
                sawNamed = true;
                var name = Take().Value;
                Take();
                return new Argument(name, Expression());
            }

            return sawNamed ? throw Fault(Current, "a plain argument cannot follow a named one") : new Argument(null, Expression());
        });
    }

    protected Node Filters(Node? value)
    {
        while (true)
        {
            var at = Current;
            if (TryTake(TokenKind.Operator, "|"))
            {
                value = OneFilter(value);
            }
            else if (value is not null && TryTake(TokenKind.Name, "is"))
            {
                value = OneTest(value, at);
            }
            else if (value is not null && IsOperator("("))
            {
                value = new Call(value, Arguments(), at.Line, at.Column);
            }
            else
            {
                return value!;
            }
        }
    }

    protected Node OneFilter(Node? value)
    {
        var name = Expect(TokenKind.Name, "the name of a filter");
        if (Conditions == 0 && !Jinja.Filters.Exists(name.Value))
        {
            throw Fault(name, $"there is no filter named '{name.Value}'");
        }

        return new Filter(value, name.Value, IsOperator("(") ? Arguments() : [], name.Line, name.Column);
    }

    private Node OneTest(Node value, Token at)
    {
        var negated = TryTake(TokenKind.Name, "not");
        var name = Expect(TokenKind.Name, "the name of a test");
        if (Conditions == 0 && !Tests.Exists(name.Value))
        {
            throw Fault(name, $"there is no test named '{name.Value}'");
        }

        List<Argument> arguments = [];
        if (IsOperator("("))
        {
            arguments = Arguments();
        }
        else if (Current.Kind is TokenKind.Text or TokenKind.Integer or TokenKind.Float || IsOperator("[") || IsOperator("{")
            || (Current.Kind == TokenKind.Name && Current.Value is not ("else" or "or" or "and" or "if" or "is" or "in" or "not" or "recursive")))
        {
            arguments.Add(new Argument(null, Postfix(Primary())));
        }

        return new Test(value, name.Value, arguments, negated, at.Line, at.Column);
    }
}
