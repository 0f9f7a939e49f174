using System.Diagnostics.CodeAnalysis;
using System.Numerics;

namespace Lauter.Models.Templates.Jinja;

// A value is null (none), bool, BigInteger, double, Text, or one of the classes below.

/// <summary>A missing value: empty where it is printed, an error where it is used.</summary>
internal sealed class Undefined(string message, TemplateFault fault = TemplateFault.Render)
{
    public string Message { get; } = message;

    public TemplateFault Fault { get; } = fault;
}

/// <summary>A list or tuple; never changed after it was made.</summary>
internal sealed class Sequence(IReadOnlyList<object?> items, bool isTuple = false)
{
    public IReadOnlyList<object?> Items { get; } = items;

    public bool IsTuple { get; } = isTuple;
}

/// <summary>What a lazy filter gives: iterable and always true, without length.</summary>
internal sealed class Generator(IEnumerable<object?> items)
{
    public IEnumerable<object?> Items { get; } = items;
}

/// <summary>A mapping in the order of its keys; never changed after it was made.</summary>
internal sealed class Mapping
{
    private readonly Dictionary<Key, int> _places = [];
    private readonly List<KeyValuePair<object?, object?>> _items = [];

    public Mapping(IEnumerable<KeyValuePair<object?, object?>> items)
    {
        foreach (var (key, value) in items)
        {
            if (_places.TryAdd(new Key(key), _items.Count))
            {
                _items.Add(new(key, value));
            }
            else
            {
                var place = _places[new Key(key)];
                _items[place] = new(_items[place].Key, value);
            }
        }
    }

    public IReadOnlyList<KeyValuePair<object?, object?>> Items => _items;

    public bool TryGet(object? key, out object? value)
    {
        var found = _places.TryGetValue(new Key(key), out var place);
        value = found ? _items[place].Value : null;
        return found;
    }

    /// <summary>Python's equality of keys: 1, 1.0 and true are the same key.</summary>
    [SuppressMessage("Design", "MA0077", Justification = "A private key of one dictionary.")]
    private readonly struct Key(object? value) : IEquatable<Key>
    {
        private readonly object? _value = value switch
        {
            bool flag => flag ? BigInteger.One : BigInteger.Zero,
            double number when number == Math.Floor(number) && !double.IsInfinity(number) => new BigInteger(number),
            _ => value,
        };

        public bool Equals(Key other) => _value is Sequence ? ReferenceEquals(_value, other._value) || Operations.AreEqual(_value, other._value) : object.Equals(_value, other._value);

        public override bool Equals(object? obj) => obj is Key other && Equals(other);

        public override int GetHashCode() => _value is Sequence sequence ? sequence.Items.Count : _value?.GetHashCode() ?? 0;
    }
}

/// <summary>The one kind of value whose members a template may set.</summary>
internal sealed class Namespace
{
    public Dictionary<string, object?> Members { get; } = new(StringComparer.Ordinal);

    public List<string> Order { get; } = [];

    public void Set(string name, object? value)
    {
        if (!Members.ContainsKey(name))
        {
            Order.Add(name);
        }

        Members[name] = value;
    }
}

/// <summary>Arguments of a call.</summary>
internal sealed record Arguments(IReadOnlyList<object?> Positional, IReadOnlyDictionary<string, object?> Named)
{
    public static readonly Arguments None = new([], new Dictionary<string, object?>());

    public int Count => Positional.Count + Named.Count;

    /// <summary>The argument at a place or by name, or <paramref name="otherwise"/>.</summary>
    public object? Get(int place, string name, object? otherwise = null) =>
        place < Positional.Count ? Positional[place] : Named.TryGetValue(name, out var value) ? value : otherwise;

    public bool Has(int place, string name) => place < Positional.Count || Named.ContainsKey(name);
}

/// <summary>Something that can be called.</summary>
internal sealed class Callable(string name, Func<Arguments, object?> call)
{
    public string Name { get; } = name;

    public object? Call(Arguments arguments) => call(arguments);
}

/// <summary>The variable <c>loop</c>.</summary>
internal sealed class Loop(IReadOnlyList<object?> items, int depth, Func<object?, object?>? recurse)
{
    private object? _lastChanged = new Undefined("never");

    public int Index { get; set; }

    public object? Recurse(object? value) => recurse is null
        ? throw new TemplateException(TemplateFault.Render, "The loop must have the 'recursive' marker to be called.")
        : recurse(value);

    public object? Member(string name) => name switch
    {
        "index" => (BigInteger)(Index + 1),
        "index0" => (BigInteger)Index,
        "revindex" => (BigInteger)(items.Count - Index),
        "revindex0" => (BigInteger)(items.Count - Index - 1),
        "first" => Index == 0,
        "last" => Index == items.Count - 1,
        "length" => (BigInteger)items.Count,
        "depth" => (BigInteger)(depth + 1),
        "depth0" => (BigInteger)depth,
        "previtem" => Index > 0 ? items[Index - 1] : new Undefined("there is no previous item"),
        "nextitem" => Index + 1 < items.Count ? items[Index + 1] : new Undefined("there is no next item"),
        "cycle" => new Callable("cycle", arguments => arguments.Positional.Count == 0
            ? throw new TemplateException(TemplateFault.Render, "no items for cycling given")
            : arguments.Positional[Index % arguments.Positional.Count]),
        "changed" => new Callable("changed", arguments =>
        {
            var now = new Sequence(arguments.Positional, isTuple: true);
            var changed = !Operations.AreEqual(_lastChanged, now);
            _lastChanged = now;
            return changed;
        }),
        _ => new Undefined($"'loop' has no attribute '{name}'"),
    };
}
