namespace Lauter.Models.Templates.Jinja;

/// <summary>Parses a whole template into statements. What is not supported is an error here, with line and column.</summary>
internal sealed class Parser : ExpressionParser
{
    private const int MaxNesting = 100;

    private int _loops;
    private int _nesting;

    private Parser(List<Token> tokens)
        : base(tokens)
    {
    }

    /// <summary>Whether any <c>generation</c> block was seen.</summary>
    public bool HasGeneration { get; private set; }

    public static (IReadOnlyList<Node> Body, bool HasGeneration) Parse(string source)
    {
        var parser = new Parser(Lexer.Tokens(source));
        var body = parser.Body();
        return parser.Current.Kind == TokenKind.End
            ? (body, parser.HasGeneration)
            : throw Fault(parser.Current, $"the tag '{parser.Current.Value}' closes nothing here");
    }

    /// <summary>Statements up to a tag with one of these names (whose name token is then current), or up to the end.</summary>
    private List<Node> Body(params string[] until)
    {
        if (++_nesting > MaxNesting)
        {
            throw Fault(Current, $"blocks are nested deeper than {MaxNesting} levels");
        }

        var opened = Current;
        var body = new List<Node>();
        while (true)
        {
            var token = Take();
            switch (token.Kind)
            {
                case TokenKind.End when until.Length > 0:
                    throw Fault(token, $"the template ends before '{string.Join("' or '", until)}'; the block was opened near line {opened.Line}");
                case TokenKind.End:
                    _nesting--;
                    return body;
                case TokenKind.Data:
                    body.Add(new Data(new Text(token.Value), token.Line, token.Column));
                    break;
                case TokenKind.OutputBegin:
                    body.Add(new Output(Tuple(), token.Line, token.Column));
                    Expect(TokenKind.OutputEnd, "'}}'");
                    break;
                default:
                    var name = Expect(TokenKind.Name, "the name of a statement");
                    if (until.Contains(name.Value))
                    {
                        _nesting--;
                        _closing = name;
                        return body;
                    }

                    body.Add(Statement(name));
                    break;
            }
        }
    }

    private Token _closing;

    private void EndTag() => Expect(TokenKind.TagEnd, "end of statement block");

    private Node Statement(Token at)
    {
        switch (at.Value)
        {
            case "if": return IfStatement(at);
            case "for": return ForStatement(at);
            case "set": return SetStatement(at);
            case "macro": return MacroStatement(at);
            case "call":
                var parameters = IsOperator("(") ? Parameters() : [];
                var call = Expression() as Call ?? throw Fault(at, "'call' needs a call");
                EndTag();
                var body = Closed(0, "endcall");
                return new CallBlock(call, new Macro("caller", parameters, body, at.Line, at.Column), at.Line, at.Column);
            case "filter":
                var filter = Filters(OneFilter(null));
                EndTag();
                return new FilterBlock(filter, Closed(_loops, "endfilter"), at.Line, at.Column);
            case "generation":
                EndTag();
                HasGeneration = true;
                return new Generation(Closed(0, "endgeneration"), at.Line, at.Column);
            case "break" or "continue" when _loops > 0:
                EndTag();
                return at.Value == "break" ? new Break(at.Line, at.Column) : new Continue(at.Line, at.Column);
            case "break" or "continue":
                throw Fault(at, $"'{at.Value}' stands outside of a loop");
            case "include" or "import" or "from" or "extends" or "block" or "with" or "do" or "autoescape" or "trans":
                throw Fault(at, $"the statement '{at.Value}' is not supported in chat and prompt templates");
            default:
                throw Fault(at, $"there is no statement '{at.Value}' here");
        }
    }

    /// <summary>A body up to its closing tag; loops outside are not reachable by break when <paramref name="loops"/> is 0.</summary>
    private List<Node> Closed(int loops, string end)
    {
        var outer = _loops;
        _loops = loops;
        var body = Body(end);
        _loops = outer;
        EndTag();
        return body;
    }

    private If IfStatement(Token at)
    {
        var branches = new List<(Node, IReadOnlyList<Node>)>();
        List<Node> otherwise = [];
        Conditions++;
        var condition = Tuple();
        EndTag();
        while (true)
        {
            branches.Add((condition, Body("elif", "else", "endif")));
            var closing = _closing.Value;
            if (closing == "elif")
            {
                condition = Tuple();
                EndTag();
                continue;
            }

            if (closing == "else")
            {
                EndTag();
                otherwise = Body("endif");
            }

            EndTag();
            Conditions--;
            return new If(branches, otherwise, at.Line, at.Column);
        }
    }

    private For ForStatement(Token at)
    {
        var target = Tuple(Target, () => IsName("in"));
        if (!TryTake(TokenKind.Name, "in"))
        {
            throw Fault(Current, $"expected 'in', got '{Current.Value}'");
        }

        var items = Tuple(Or, () => IsName("if") || IsName("recursive"));
        var condition = TryTake(TokenKind.Name, "if") ? Expression() : null;
        var recursive = TryTake(TokenKind.Name, "recursive");
        EndTag();
        _loops++;
        var body = Body("endfor", "else");
        _loops--;
        List<Node> otherwise = [];
        if (_closing.Value == "else")
        {
            EndTag();
            otherwise = Body("endfor");
        }

        EndTag();
        return new For(target, items, condition, recursive, body, otherwise, at.Line, at.Column);
    }

    private Node SetStatement(Token at)
    {
        var target = Tuple(Target, () => IsOperator("="));
        if (TryTake(TokenKind.Operator, "="))
        {
            var value = Tuple();
            EndTag();
            return new Set(target, value, at.Line, at.Column);
        }

        var filter = IsOperator("|") ? Filters(null) : null;
        EndTag();
        return new SetBlock(target, filter, Closed(_loops, "endset"), at.Line, at.Column);
    }

    private Node Target()
    {
        if (TryTake(TokenKind.Operator, "("))
        {
            var inner = Tuple(Target);
            ExpectOperator(")");
            return inner;
        }

        var name = Expect(TokenKind.Name, "a name to assign to");
        if (name.Value is "true" or "false" or "none" or "True" or "False" or "None")
        {
            throw Fault(name, $"'{name.Value}' cannot be assigned to");
        }

        var target = new Name(name.Value, name.Line, name.Column);
        if (!TryTake(TokenKind.Operator, "."))
        {
            return target;
        }

        var member = Expect(TokenKind.Name, "a member to assign to");
        return new Attribute(target, member.Value, member.Line, member.Column);
    }

    private Macro MacroStatement(Token at)
    {
        var name = Expect(TokenKind.Name, "the name of the macro");
        var parameters = Parameters();
        EndTag();
        return new Macro(name.Value, parameters, Closed(0, "endmacro"), at.Line, at.Column);
    }

    private List<Parameter> Parameters()
    {
        ExpectOperator("(");
        var parameters = new List<Parameter>();
        while (!TryTake(TokenKind.Operator, ")"))
        {
            if (parameters.Count > 0)
            {
                ExpectOperator(",");
                if (TryTake(TokenKind.Operator, ")"))
                {
                    break;
                }
            }

            var name = Expect(TokenKind.Name, "the name of a parameter");
            parameters.Add(new Parameter(name.Value, TryTake(TokenKind.Operator, "=") ? Expression() : null));
        }

        return parameters;
    }
}
