using System.Numerics;

namespace Lauter.Models.Templates.Jinja;

/// <summary>Attributes, subscripts and slices.</summary>
internal static class Access
{
    /// <summary><c>x.name</c>: a method first, then the key.</summary>
    public static object? Attribute(object? target, string name)
    {
        switch (target)
        {
            case Undefined missing:
                throw new TemplateException(missing.Fault, missing.Message);
            case Namespace space when !name.StartsWith('_'):
                return space.Members.TryGetValue(name, out var member) ? member : new Undefined($"the namespace has no attribute '{name}'");
            case Loop loop:
                return loop.Member(name);
            case Cycler cycler:
                return cycler.Member(name);
        }

        if (name.StartsWith('_') && !(target is Mapping keyed && keyed.TryGet(new Text(name), out _)))
        {
            return new Undefined($"access to attribute '{name}' of '{Spelling.TypeOf(target)}' object is unsafe.", TemplateFault.Forbidden);
        }

        return Methods.Find(target, name) ?? Key(target, new Text(name))
            ?? (Found(target, new Text(name)) ? null : Missing(target, name));
    }

    /// <summary><c>x[key]</c>: the key first, then a method.</summary>
    public static object? Item(object? target, object? key)
    {
        switch (target)
        {
            case Undefined missing:
                throw new TemplateException(missing.Fault, missing.Message);
            case Mapping mapping when mapping.TryGet(key, out var value):
                return value;
            case Sequence sequence when Operations.Whole(key) is { } index:
                return At(sequence.Items.Count, index) is { } at ? sequence.Items[at] : new Undefined($"list object has no element {index}");
            case Text text when Operations.Whole(key) is { } index:
                return CodePointAt(text, index);
            case not null when key is Text name:
                return target is Namespace or Loop or Cycler || !name.Value.StartsWith('_')
                    ? target is Namespace or Loop or Cycler ? Attribute(target, name.Value) : Methods.Find(target, name.Value) ?? Missing(target, name.Value)
                    : new Undefined($"access to attribute '{name}' of '{Spelling.TypeOf(target)}' object is unsafe.", TemplateFault.Forbidden);
            default:
                return Missing(target, Spelling.Of(key).Value);
        }
    }

    public static object? Slice(object? target, object? start, object? stop, object? step)
    {
        if (target is Undefined missing)
        {
            throw new TemplateException(missing.Fault, missing.Message);
        }

        var by = step is null ? 1 : Operations.Int32(step, "the step of a slice");
        if (by == 0)
        {
            throw Operations.Fault("slice step cannot be zero");
        }

        if (target is Text text && by == 1 && !text.Value.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF'))
        {
            var (from, to) = Range(text.Length, start, stop, by);
            return text.Slice(from, to - from);
        }

        IReadOnlyList<object?> items = target switch
        {
            Text points => [.. points.CodePoints()],
            Sequence sequence => sequence.Items,
            _ => throw Operations.Fault($"'{Spelling.TypeOf(target)}' object cannot be sliced"),
        };
        var kept = new List<object?>();
        var (first, end) = Range(items.Count, start, stop, by);
        for (long i = first; by > 0 ? i < end : i > end; i += by)
        {
            kept.Add(items[(int)i]);
        }

        if (target is not Text)
        {
            return new Sequence(kept, ((Sequence)target).IsTuple);
        }

        var builder = new TextBuilder();
        kept.ForEach(point => builder.Append((Text)point!));
        return builder.ToText();
    }

    private static (int Start, int Stop) Range(int length, object? start, object? stop, int step)
    {
        int Bound(object? value, int otherwise)
        {
            if (value is null)
            {
                return otherwise;
            }

            var bound = Operations.Whole(value) ?? throw Operations.Fault("slice indices must be integers or None");
            bound = bound.Sign < 0 ? bound + length : bound;
            var (least, most) = step > 0 ? (0, length) : (-1, length - 1);
            return (int)BigInteger.Max(least, BigInteger.Min(most, bound));
        }

        return step > 0 ? (Bound(start, 0), Bound(stop, length)) : (Bound(start, length - 1), Bound(stop, -1));
    }

    private static int? At(int count, BigInteger index)
    {
        index = index.Sign < 0 ? index + count : index;
        return index.Sign >= 0 && index < count ? (int)index : null;
    }

    private static object CodePointAt(Text text, BigInteger index) => At(text.CodePointCount(), index) is { } at
        ? text.CodePoints().ElementAt(at)
        : new Undefined($"str object has no element {index}");

    private static object? Key(object? target, Text name) => target is Mapping mapping && mapping.TryGet(name, out var value) ? value : null;

    private static bool Found(object? target, Text name) => target is Mapping mapping && mapping.TryGet(name, out _);

    private static Undefined Missing(object? target, string name) =>
        new(target is null ? $"'None' has no attribute '{name}'" : $"'{Spelling.TypeOf(target)} object' has no attribute '{name}'");
}

/// <summary>What <c>cycler(…)</c> makes.</summary>
internal sealed class Cycler(IReadOnlyList<object?> items)
{
    private int _position;

    public object? Member(string name) => name switch
    {
        "current" => items[_position],
        "next" => new Callable(name, _ =>
        {
            var item = items[_position];
            _position = (_position + 1) % items.Count;
            return item;
        }),
        "reset" => new Callable(name, _ =>
        {
            _position = 0;
            return null;
        }),
        _ => new Undefined($"'cycler' has no attribute '{name}'"),
    };
}
