using System.Globalization;
using System.Text;

namespace Lauter.Inference.Grammars;

/// <summary>A set of Unicode characters as ordered, separate ranges. Immutable.</summary>
internal sealed class CharacterSet
{
    private const int Last = 0x10FFFF;

    private readonly List<(int From, int To)> _ranges;

    private CharacterSet(IEnumerable<(int From, int To)> ranges)
    {
        _ranges = [];
        foreach (var (from, to) in ranges.Order())
        {
            if (_ranges.Count > 0 && from <= _ranges[^1].To + 1)
            {
                _ranges[^1] = (_ranges[^1].From, Math.Max(to, _ranges[^1].To));
            }
            else
            {
                _ranges.Add((from, to));
            }
        }
    }

    public static CharacterSet None { get; } = new([]);

    /// <summary>Every character; surrogates are none.</summary>
    public static CharacterSet All { get; } = new([(0, 0xD7FF), (0xE000, Last)]);

    public static CharacterSet Digits { get; } = Between('0', '9');

    public static CharacterSet WordCharacters { get; } = new([('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]);

    /// <summary>What ECMA 262 counts as white space and line ends.</summary>
    public static CharacterSet Spaces { get; } = new([(9, 13), (32, 32), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF)]);

    /// <summary>The only character of the set, or null.</summary>
    public int? Single => _ranges is [var (from, to)] && from == to ? from : null;

    public static CharacterSet Of(params IEnumerable<int> characters) => new(characters.Select(character => (character, character)));

    public static CharacterSet Between(int from, int to) => new([(from, to)]);

    public CharacterSet With(CharacterSet other) => new(_ranges.Concat(other._ranges));

    public CharacterSet Without(CharacterSet other)
    {
        var left = new List<(int From, int To)>();
        foreach (var (start, to) in _ranges)
        {
            var from = start;
            foreach (var (otherFrom, otherTo) in other._ranges.Where(range => range.To >= start && range.From <= to))
            {
                if (otherFrom > from)
                {
                    left.Add((from, otherFrom - 1));
                }

                from = Math.Max(from, otherTo + 1);
            }

            if (from <= to)
            {
                left.Add((from, to));
            }
        }

        return new CharacterSet(left);
    }

    /// <summary>
    /// A grammar body for one of these characters inside a JSON string: as it is, or by its short escape. Control characters without a short
    /// escape are left out, as <see cref="StringGrammar.Character"/> leaves them out. Null when nothing remains.
    /// </summary>
    public string? ToJsonGrammar()
    {
        var parts = new List<string>();
        var plain = Without(Of('"', '\\', 0x7F)).Without(Between(0, 0x1F));
        if (plain._ranges.Count > 0)
        {
            var text = new StringBuilder("[");
            foreach (var (from, to) in plain._ranges)
            {
                text.Append(Written(from)).Append(from == to ? "" : $"-{Written(to)}");
            }

            parts.Add(text.Append(']').ToString());
        }

        var escapes = string.Concat(new[] { ('"', "\\\""), ('\\', "\\\\"), ('\b', "b"), ('\f', "f"), ('\n', "n"), ('\r', "r"), ('\t', "t") }
            .Where(pair => _ranges.Exists(range => range.From <= pair.Item1 && pair.Item1 <= range.To)).Select(pair => pair.Item2));
        if (escapes.Length > 0)
        {
            parts.Add($"\"\\\\\" [{escapes}]");
        }

        return parts.Count == 0 ? null : string.Join(" | ", parts);
    }

    private static string Written(int character) => character switch
    {
        <= 0xFF => $"\\x{character.ToString("X2", CultureInfo.InvariantCulture)}",
        <= 0xFFFF => $"\\u{character.ToString("X4", CultureInfo.InvariantCulture)}",
        _ => $"\\U{character.ToString("X8", CultureInfo.InvariantCulture)}",
    };
}
