namespace Lauter.Models.Templates.Jinja;

/// <summary>A node of the syntax tree with its place in the template, from 1.</summary>
internal abstract record Node(int Line, int Column);

internal sealed record Literal(object? Value, int Line, int Column) : Node(Line, Column);

internal sealed record Name(string Id, int Line, int Column) : Node(Line, Column);

internal sealed record ListOf(IReadOnlyList<Node> Items, bool IsTuple, int Line, int Column) : Node(Line, Column);

internal sealed record DictOf(IReadOnlyList<(Node Key, Node Value)> Items, int Line, int Column) : Node(Line, Column);

internal sealed record Attribute(Node Target, string Member, int Line, int Column) : Node(Line, Column);

internal sealed record Subscript(Node Target, Node Index, int Line, int Column) : Node(Line, Column);

internal sealed record SliceOf(Node Target, Node? Start, Node? Stop, Node? Step, int Line, int Column) : Node(Line, Column);

internal sealed record Argument(string? Name, Node Value);

internal sealed record Call(Node Target, IReadOnlyList<Argument> Arguments, int Line, int Column) : Node(Line, Column);

/// <summary><paramref name="Target"/> is null inside a filter block or after <c>set x | filter</c>.</summary>
internal sealed record Filter(Node? Target, string Id, IReadOnlyList<Argument> Arguments, int Line, int Column) : Node(Line, Column);

internal sealed record Test(Node Target, string Id, IReadOnlyList<Argument> Arguments, bool Negated, int Line, int Column) : Node(Line, Column);

internal sealed record Unary(string Operator, Node Operand, int Line, int Column) : Node(Line, Column);

internal sealed record Binary(string Operator, Node Left, Node Right, int Line, int Column) : Node(Line, Column);

internal sealed record Comparison(Node First, IReadOnlyList<(string Operator, Node Right)> Rest, int Line, int Column) : Node(Line, Column);

internal sealed record Conditional(Node Condition, Node Then, Node? Otherwise, int Line, int Column) : Node(Line, Column);

internal sealed record Output(Node Value, int Line, int Column) : Node(Line, Column);

internal sealed record Data(Text Value, int Line, int Column) : Node(Line, Column);

internal sealed record If(IReadOnlyList<(Node Condition, IReadOnlyList<Node> Body)> Branches, IReadOnlyList<Node> Otherwise, int Line, int Column) : Node(Line, Column);

internal sealed record For(Node Target, Node Items, Node? Condition, bool Recursive, IReadOnlyList<Node> Body, IReadOnlyList<Node> Otherwise, int Line, int Column) : Node(Line, Column);

internal sealed record Set(Node Target, Node Value, int Line, int Column) : Node(Line, Column);

internal sealed record SetBlock(Node Target, Node? Filter, IReadOnlyList<Node> Body, int Line, int Column) : Node(Line, Column);

internal sealed record Parameter(string Name, Node? Default);

internal sealed record Macro(string Id, IReadOnlyList<Parameter> Parameters, IReadOnlyList<Node> Body, int Line, int Column) : Node(Line, Column);

internal sealed record CallBlock(Node Call, Macro Caller, int Line, int Column) : Node(Line, Column);

internal sealed record FilterBlock(Node Filter, IReadOnlyList<Node> Body, int Line, int Column) : Node(Line, Column);

internal sealed record Generation(IReadOnlyList<Node> Body, int Line, int Column) : Node(Line, Column);

internal sealed record Break(int Line, int Column) : Node(Line, Column);

internal sealed record Continue(int Line, int Column) : Node(Line, Column);
