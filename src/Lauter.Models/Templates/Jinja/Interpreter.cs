using System.Runtime.CompilerServices;

namespace Lauter.Models.Templates.Jinja;

/// <summary>How far a rendering may go.</summary>
internal sealed record RenderLimits(int MaxSteps = 1_000_000, int MaxMacroDepth = 250);

/// <summary>
/// Walks the syntax tree of one rendering. Values are plain data: no host object can be reached. Steps, depth, lengths are bounded, so that a hostile template
/// ends as an error of this rendering. In strict mode a missing name or member is an error wherever it would be used.
/// </summary>
internal sealed class Interpreter(RenderLimits limits, bool strict)
{
    private TextBuilder _output = new();
    private Mark _generation;
    private int _steps;
    private int _macros;

    private enum Flow
    {
        Next,
        Break,
        Continue,
    }

    public Text Render(IReadOnlyList<Node> body, Scope scope)
    {
        Run(body, scope);
        return _output.ToText();
    }

    private Flow Run(IReadOnlyList<Node> body, Scope scope)
    {
        foreach (var node in body)
        {
            var flow = Run(node, scope);
            if (flow != Flow.Next)
            {
                return flow;
            }
        }

        return Flow.Next;
    }

    private Flow Run(Node node, Scope scope)
    {
        Step(node);
        switch (node)
        {
            case Data data:
                Write(data.Value);
                return Flow.Next;
            case Output output:
                var value = Evaluate(output.Value, scope);
                if (value is Undefined { Fault: TemplateFault.Render } missing && strict)
                {
                    throw new TemplateException(TemplateFault.Render, missing.Message, output.Line, output.Column);
                }

                Write(Spelling.Of(value));
                return Flow.Next;
            case If branch:
                foreach (var (condition, body) in branch.Branches)
                {
                    if (IsTrue(condition, scope))
                    {
                        return Run(body, scope);
                    }
                }

                return Run(branch.Otherwise, scope);
            case For loop:
                ForLoop(loop, scope, Evaluate(loop.Items, scope), 0);
                return Flow.Next;
            case Set set:
                Assign(set.Target, Evaluate(set.Value, scope), scope);
                return Flow.Next;
            case SetBlock set:
                object? text = Captured(set.Body, new Scope(scope));
                Assign(set.Target, set.Filter is null ? text : Filtered(set.Filter, text, scope), scope);
                return Flow.Next;
            case Macro macro:
                scope[macro.Id] = Define(macro, scope);
                return Flow.Next;
            case CallBlock block:
                var called = (Call)block.Call;
                var caller = Define(block.Caller, scope);
                Write(Spelling.Of(CallWith(called, scope, caller)));
                return Flow.Next;
            case FilterBlock block:
                Write(Spelling.Of(Filtered(block.Filter, Captured(block.Body, new Scope(scope)), scope)));
                return Flow.Next;
            case Generation generation:
                var before = _generation;
                _generation = Mark.Generation;
                Run(generation.Body, new Scope(scope));
                _generation = before;
                return Flow.Next;
            case Break:
                return Flow.Break;
            default:
                return Flow.Continue;
        }
    }

    private void ForLoop(For node, Scope scope, object? source, int depth)
    {
        var items = new List<object?>();
        foreach (var item in Guard(node, () => Operations.Iterate(Used(source, node.Items))))
        {
            Step(node);
            if (node.Condition is not null)
            {
                var inner = new Scope(scope);
                inner["loop"] = new Undefined("'loop' is undefined");
                Assign(node.Target, item, inner);
                if (!IsTrue(node.Condition, inner))
                {
                    continue;
                }
            }

            items.Add(item);
        }

        var loop = new Loop(items, depth, node.Recursive
            ? value => Captured(() => ForLoop(node, scope, value, depth + 1))
            : null);
        for (var i = 0; i < items.Count; i++)
        {
            loop.Index = i;
            var inner = new Scope(scope);
            inner["loop"] = loop;
            Assign(node.Target, items[i], inner);
            if (Run(node.Body, inner) == Flow.Break)
            {
                break;
            }
        }

        if (items.Count == 0)
        {
            Run(node.Otherwise, new Scope(scope));
        }
    }

    private void Assign(Node target, object? value, Scope scope)
    {
        switch (target)
        {
            case Name name:
                scope[name.Id] = value;
                return;
            case Attribute { Target: Name owner } member:
                if (!scope.TryGet(owner.Id, out var space) || space is not Namespace members)
                {
                    throw new TemplateException(TemplateFault.Render, "cannot assign attribute on non-namespace object", target.Line, target.Column);
                }

                Guard<object?>(target, () =>
                {
                    Globals.Set(members, member.Member, value);
                    return null;
                });
                return;
            default:
                var targets = ((ListOf)target).Items;
                var values = Guard(target, () => Operations.Iterate(value)).ToList();
                if (values.Count != targets.Count)
                {
                    throw new TemplateException(TemplateFault.Render, $"{values.Count} values cannot be unpacked into {targets.Count} names", target.Line, target.Column);
                }

                for (var i = 0; i < targets.Count; i++)
                {
                    Assign(targets[i], values[i], scope);
                }

                return;
        }
    }

    private Callable Define(Macro macro, Scope scope) => new(macro.Id, arguments => Invoke(macro, scope, arguments));

    private Text Invoke(Macro macro, Scope scope, Arguments arguments)
    {
        if (_macros >= limits.MaxMacroDepth)
        {
            throw new TemplateException(TemplateFault.Limit, $"macros call each other deeper than {limits.MaxMacroDepth} levels", macro.Line, macro.Column);
        }

        if (arguments.Positional.Count > macro.Parameters.Count)
        {
            throw Operations.Fault($"macro '{macro.Id}' takes not more than {macro.Parameters.Count} argument(s)");
        }

        var inner = new Scope(scope);
        inner["loop"] = new Undefined("'loop' is undefined");
        foreach (var name in arguments.Named.Keys)
        {
            if (name == "caller")
            {
                inner["caller"] = arguments.Named[name];
            }
            else if (!macro.Parameters.Any(parameter => parameter.Name == name))
            {
                throw Operations.Fault($"macro '{macro.Id}' takes no keyword argument '{name}'");
            }
        }

        for (var i = 0; i < macro.Parameters.Count; i++)
        {
            var parameter = macro.Parameters[i];
            inner[parameter.Name] = arguments.Has(i, parameter.Name)
                ? arguments.Get(i, parameter.Name)
                : parameter.Default is null ? new Undefined($"parameter '{parameter.Name}' was not provided") : Evaluate(parameter.Default, inner);
        }

        _macros++;
        var text = Captured(macro.Body, inner);
        _macros--;
        return text;
    }

    private Text Captured(IReadOnlyList<Node> body, Scope scope) => Captured(() => Run(body, scope));

    private Text Captured(Action run)
    {
        var outer = _output;
        var generation = _generation;
        _output = new TextBuilder();
        _generation = Mark.Template;
        run();
        var text = _output.ToText();
        _output = outer;
        _generation = generation;
        return text;
    }

    private void Write(Text text)
    {
        Operations.CheckLength((long)_output.Length + text.Length);
        _output.Append(text, _generation);
    }

    private bool IsTrue(Node node, Scope scope) => Operations.IsTrue(Used(Evaluate(node, scope), node));

    /// <summary>In strict mode a missing value may not be used.</summary>
    private object? Used(object? value, Node node) => strict && value is Undefined missing
        ? throw new TemplateException(TemplateFault.Render, missing.Message, node.Line, node.Column)
        : value;

    private object? Evaluate(Node node, Scope scope)
    {
        Step(node);
        switch (node)
        {
            case Literal literal:
                return literal.Value;
            case Name name:
                return scope.TryGet(name.Id, out var found) ? found : new Undefined(Missing(name.Id, scope));
            case ListOf list:
                return new Sequence([.. list.Items.Select(item => Evaluate(item, scope))], list.IsTuple);
            case DictOf dict:
                return new Mapping(dict.Items.Select(item => new KeyValuePair<object?, object?>(Evaluate(item.Key, scope), Evaluate(item.Value, scope))));
            case Attribute attribute:
                var owner = Evaluate(attribute.Target, scope);
                return Guard(node, () => Access.Attribute(owner, attribute.Member));
            case Subscript subscript:
                var target = Evaluate(subscript.Target, scope);
                var key = Evaluate(subscript.Index, scope);
                return Guard(node, () => Access.Item(target, key));
            case SliceOf slice:
                var sliced = Evaluate(slice.Target, scope);
                object? Bound(Node? bound) => bound is null ? null : Evaluate(bound, scope);
                var (start, stop, step) = (Bound(slice.Start), Bound(slice.Stop), Bound(slice.Step));
                return Guard(node, () => Access.Slice(sliced, start, stop, step));
            case Call call:
                return CallWith(call, scope, caller: null);
            case Filter filter:
                return Filtered(filter, null, scope);
            case Test test:
                var tested = Evaluate(test.Target, scope);
                tested = test.Id is "defined" or "undefined" ? tested : Used(tested, test.Target);
                var arguments = Evaluate(test.Arguments, scope);
                return Guard(node, () => Tests.Holds(test.Id, tested, arguments)) != test.Negated;
            case Unary unary:
                return Apply(unary, scope);
            case Binary binary:
                return Apply(binary, scope);
            case Comparison comparison:
                return Compare(comparison, scope);
            default:
                var conditional = (Conditional)node;
                return IsTrue(conditional.Condition, scope) ? Evaluate(conditional.Then, scope)
                    : conditional.Otherwise is { } otherwise ? Evaluate(otherwise, scope)
                    : strict ? Text.Empty
                    : new Undefined("the inline if-expression evaluated to false and no else section was defined.");
        }
    }

    private object? Apply(Unary unary, Scope scope)
    {
        if (unary.Operator == "not")
        {
            return !IsTrue(unary.Operand, scope);
        }

        var operand = Evaluate(unary.Operand, scope);
        return Guard(unary, () => operand is double real && unary.Operator == "-" ? -real
            : unary.Operator == "-" ? Operations.Apply("*", System.Numerics.BigInteger.MinusOne, operand is Text or Sequence ? throw Operations.Fault($"bad operand type for unary -: '{Spelling.TypeOf(operand)}'") : operand)
            : Operations.Apply("+", System.Numerics.BigInteger.Zero, operand));
    }

    private object? Apply(Binary binary, Scope scope)
    {
        var left = Evaluate(binary.Left, scope);
        switch (binary.Operator)
        {
            case "and":
                return Operations.IsTrue(Used(left, binary.Left)) ? Evaluate(binary.Right, scope) : left;
            case "or":
                return Operations.IsTrue(Used(left, binary.Left)) ? left : Evaluate(binary.Right, scope);
        }

        var right = Evaluate(binary.Right, scope);
        Charge(binary, left);
        Charge(binary, right);
        return Guard(binary, () =>
        {
            if (binary.Operator != "~")
            {
                return Operations.Apply(binary.Operator, left, right);
            }

            var (first, second) = (Spelling.Of(Used(left, binary.Left)), Spelling.Of(Used(right, binary.Right)));
            Operations.CheckLength((long)first.Length + second.Length);
            return first.Plus(second);
        });
    }

    private object Compare(Comparison node, Scope scope)
    {
        var left = Used(Evaluate(node.First, scope), node.First);
        foreach (var (symbol, rightNode) in node.Rest)
        {
            var right = Used(Evaluate(rightNode, scope), rightNode);
            var holds = Guard(node, () => symbol switch
            {
                "==" => Operations.AreEqual(left, right),
                "!=" => !Operations.AreEqual(left, right),
                "in" => Operations.Contains(right, left),
                "not in" => !Operations.Contains(right, left),
                "<" => Operations.Compare(left, right, symbol) < 0,
                ">" => Operations.Compare(left, right, symbol) == 1,
                "<=" => Operations.Compare(left, right, symbol) <= 0,
                _ => Operations.Compare(left, right, symbol) is 0 or 1,
            });
            if (!holds)
            {
                return false;
            }

            left = right;
        }

        return true;
    }

    private object? CallWith(Call call, Scope scope, Callable? caller)
    {
        var target = Evaluate(call.Target, scope);
        var arguments = Evaluate(call.Arguments, scope);
        if (caller is not null)
        {
            arguments = arguments with { Named = new Dictionary<string, object?>(arguments.Named) { ["caller"] = caller } };
        }

        return Guard(call, () => target switch
        {
            Callable callable => callable.Call(arguments),
            Loop loop => loop.Recurse(arguments.Get(0, "iterable")),
            Undefined missing => throw new TemplateException(missing.Fault, missing.Message),
            _ => throw Operations.Fault($"'{Spelling.TypeOf(target)}' object is not callable"),
        });
    }

    private object? Filtered(Node node, object? input, Scope scope)
    {
        var filter = (Filter)node;
        var value = filter.Target is null ? input : filter.Target is Filter inner ? Filtered(inner, input, scope) : Evaluate(filter.Target, scope);
        value = filter.Id is "default" or "d" ? value : Used(value, filter);
        var arguments = Evaluate(filter.Arguments, scope);
        Charge(filter, value);
        return Guard(filter, () =>
        {
            var result = Filters.Apply(filter.Id, value, arguments);

            // A lazy result is walked here, so that its faults carry this place and its length is bounded.
            return result is Generator lazy ? new Generator([.. lazy.Items]) : result;
        });
    }

    private Arguments Evaluate(IReadOnlyList<Argument> arguments, Scope scope)
    {
        if (arguments.Count == 0)
        {
            return Arguments.None;
        }

        var positional = new List<object?>();
        var named = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (var argument in arguments)
        {
            var value = Evaluate(argument.Value, scope);
            if (argument.Name is null)
            {
                positional.Add(value);
            }
            else
            {
                named[argument.Name] = value;
            }
        }

        return new Arguments(positional, named);
    }

    private void Step(Node node)
    {
        if (++_steps > limits.MaxSteps)
        {
            throw new TemplateException(TemplateFault.Limit, $"the rendering takes more than {limits.MaxSteps} steps", node.Line, node.Column);
        }

        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw new TemplateException(TemplateFault.Limit, "the rendering is nested too deeply", node.Line, node.Column);
        }
    }

    /// <summary>Work on long values counts as more than one step.</summary>
    private void Charge(Node node, object? value)
    {
        _steps += value switch { Text text => text.Length >> 8, Sequence sequence => sequence.Items.Count >> 4, _ => 0 };
        Step(node);
    }

    private string Missing(string name, Scope scope)
    {
        if (!strict)
        {
            return $"'{name}' is undefined";
        }

        var nearest = scope.Names().Distinct().OrderBy(known => Distance(known, name)).ThenBy(known => known, StringComparer.Ordinal).FirstOrDefault();
        return nearest is not null && Distance(nearest, name) <= Math.Max(2, name.Length / 3)
            ? $"there is no field '{name}'; did you mean '{nearest}'?"
            : $"there is no field '{name}'";
    }

    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)));
            }
        }

        return row[^1];
    }

    private static T Guard<T>(Node node, Func<T> run)
    {
        try
        {
            return run();
        }
        catch (TemplateException exception) when (exception.Line == 0 && exception.Fault != TemplateFault.Raised)
        {
            throw new TemplateException(exception.Fault, exception.Message, node.Line, node.Column);
        }
    }
}
