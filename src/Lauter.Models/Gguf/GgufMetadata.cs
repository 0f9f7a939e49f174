using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace Lauter.Models.Gguf;

/// <summary>
/// The typed key-value part of a file, in file order. Values are bool, sbyte, byte, short, ushort, int, uint, long, ulong, float, double, string
/// or an array of one of these. The typed getters widen integers and answer null when the key is missing or of another kind.
/// </summary>
#pragma warning disable CA1710 // The word of the format is metadata; that it can be enumerated is a convenience.
public sealed class GgufMetadata : IReadOnlyDictionary<string, object>
#pragma warning restore CA1710
{
    private readonly Dictionary<string, object> _values = new(StringComparer.Ordinal);
    private readonly List<string> _order = [];

    internal GgufMetadata()
    {
    }

    /// <summary>Number of keys.</summary>
    public int Count => _order.Count;

    /// <summary>Keys in file order.</summary>
    public IEnumerable<string> Keys => _order;

    /// <summary>Values in file order.</summary>
    public IEnumerable<object> Values => _order.Select(key => _values[key]);

    /// <summary>The value of a key that is there.</summary>
    /// <exception cref="KeyNotFoundException">There is no such key.</exception>
    public object this[string key] => _values[key];

    /// <summary>A text, or null.</summary>
    public string? Text(string key) => _values.GetValueOrDefault(key) as string;

    /// <summary>An integer of any width that fits 64 signed bits, or null.</summary>
    public long? Integer(string key) => _values.GetValueOrDefault(key) switch
    {
        sbyte value => value,
        byte value => value,
        short value => value,
        ushort value => value,
        int value => value,
        uint value => value,
        long value => value,
        ulong value when value <= long.MaxValue => (long)value,
        _ => null,
    };

    /// <summary>A number, integers included, or null.</summary>
    public double? Number(string key) => _values.GetValueOrDefault(key) switch
    {
        float value => value,
        double value => value,
        _ => Integer(key),
    };

    /// <summary>A truth value, or null.</summary>
    public bool? Flag(string key) => _values.GetValueOrDefault(key) as bool?;

    /// <summary>A list of texts, or null.</summary>
    public IReadOnlyList<string>? Texts(string key) => _values.GetValueOrDefault(key) as string[];

    /// <summary>A list of 32-bit integers (signed or not), or null.</summary>
    public IReadOnlyList<int>? Integers(string key) => _values.GetValueOrDefault(key) switch
    {
        // CLR arrays of int and uint convert into each other silently, so the exact type is compared.
        Array array when array.GetType() == typeof(int[]) => (int[])array,
        Array array when array.GetType() == typeof(uint[]) => Array.ConvertAll((uint[])array, value => unchecked((int)value)),
        _ => null,
    };

    /// <inheritdoc/>
    public bool ContainsKey(string key) => _values.ContainsKey(key);

    /// <inheritdoc/>
    public bool TryGetValue(string key, [MaybeNullWhen(false)] out object value) => _values.TryGetValue(key, out value);

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, object>> GetEnumerator() =>
        _order.Select(key => new KeyValuePair<string, object>(key, _values[key])).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal bool TryAdd(string key, object value)
    {
        if (!_values.TryAdd(key, value))
        {
            return false;
        }

        _order.Add(key);
        return true;
    }
}
