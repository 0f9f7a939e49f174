using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;

namespace Lauter.Models.Templates.Jinja;

/// <summary>Values from JSON, with numbers as spelled, and JSON from values as Python's <c>json.dumps</c> writes it.</summary>
internal static class JsonText
{
    /// <summary>Reads a JSON value; texts take the given mark.</summary>
    public static object? Read(JsonElement element, Mark mark) => element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.String => Text.From(element.GetString()!, mark),
        JsonValueKind.Number => Number(element.GetRawText()),
        JsonValueKind.Array => new Sequence([.. element.EnumerateArray().Select(item => Read(item, mark))]),
        JsonValueKind.Object => new Mapping(element.EnumerateObject().Select(member => new KeyValuePair<object?, object?>(Text.From(member.Name, mark), Read(member.Value, mark)))),
        _ => null,
    };

    /// <summary>Writes a value.</summary>
    /// <param name="value">None, truth value, number, text, list, tuple or mapping.</param>
    /// <param name="escapesNonAscii">Whether letters beyond ASCII become \uXXXX.</param>
    /// <param name="indent">Text of one level of indentation, or null for one line.</param>
    /// <param name="separators">Between items and after keys; null = the usual ones.</param>
    /// <param name="sortsKeys">Whether keys are ordered.</param>
    public static Text Write(object? value, bool escapesNonAscii = false, string? indent = null, (string Item, string Key)? separators = null, bool sortsKeys = false)
    {
        var writer = new Writer(escapesNonAscii, indent, separators ?? (indent is null ? ", " : ",", ": "), sortsKeys);
        writer.Write(value, 0);
        return Text.From(writer.Json.ToString(), writer.Marks);
    }

    private static object Number(string spelling)
    {
        if (spelling.Length > 4000)
        {
            throw Operations.Fault("a number of the input has more than 4000 digits");
        }

        return spelling.AsSpan().IndexOfAny('.', 'e', 'E') >= 0
            ? double.Parse(spelling, CultureInfo.InvariantCulture)
            : BigInteger.Parse(spelling, CultureInfo.InvariantCulture);
    }

    private sealed class Writer(bool escapesNonAscii, string? indent, (string Item, string Key) separators, bool sortsKeys)
    {
        public StringBuilder Json { get; } = new();

        public Mark Marks { get; private set; }

        public void Write(object? value, int depth)
        {
            Operations.CheckDepth(depth);
            Operations.CheckLength(Json.Length);
            switch (value)
            {
                case null: Json.Append("null"); break;
                case bool flag: Json.Append(flag ? "true" : "false"); break;
                case BigInteger number: Json.Append(number.ToString(CultureInfo.InvariantCulture)); break;
                case double number: Json.Append(double.IsNaN(number) ? "NaN" : double.IsInfinity(number) ? number > 0 ? "Infinity" : "-Infinity" : Spelling.Float(number)); break;
                case Text text:
                    Marks |= text.Any();
                    Quote(text.Value);
                    break;
                case Sequence sequence:
                    Group('[', ']', sequence.Items, depth, item => Write(item, depth + 1));
                    break;
                case Mapping mapping:
                    var items = mapping.Items;
                    if (sortsKeys)
                    {
                        items = [.. items.OrderBy(item => item.Key, Comparer<object?>.Create((a, b) => Operations.Compare(a, b, "<")))];
                    }

                    Group('{', '}', items, depth, item =>
                    {
                        Quote(Key(item.Key));
                        Json.Append(separators.Key);
                        Write(item.Value, depth + 1);
                    });
                    break;
                case Undefined { Fault: not TemplateFault.Render } missing:
                    throw new TemplateException(missing.Fault, missing.Message);
                default:
                    throw Operations.Fault($"Object of type {Spelling.TypeOf(value)} is not JSON serializable");
            }
        }

        private void Group<T>(char open, char close, IReadOnlyList<T> items, int depth, Action<T> one)
        {
            Json.Append(open);
            for (var i = 0; i < items.Count; i++)
            {
                Json.Append(i > 0 ? separators.Item : "");
                Line(depth + 1);
                one(items[i]);
            }

            if (items.Count > 0)
            {
                Line(depth);
            }

            Json.Append(close);
        }

        private void Line(int depth)
        {
            if (indent is not null)
            {
                Json.Append('\n').Insert(Json.Length, indent, depth);
            }
        }

        private string Key(object? key)
        {
            Marks |= (key as Text)?.Any() ?? Mark.Template;
            return key switch
            {
                Text text => text.Value,
                null => "null",
                bool flag => flag ? "true" : "false",
                BigInteger number => number.ToString(CultureInfo.InvariantCulture),
                double number => Spelling.Float(number),
                _ => throw Operations.Fault($"keys must be str, int, float, bool or None, not {Spelling.TypeOf(key)}"),
            };
        }

        private void Quote(string text)
        {
            Json.Append('"');
            foreach (var letter in text)
            {
                switch (letter)
                {
                    case '"': Json.Append("\\\""); break;
                    case '\\': Json.Append("\\\\"); break;
                    case '\b': Json.Append("\\b"); break;
                    case '\f': Json.Append("\\f"); break;
                    case '\n': Json.Append("\\n"); break;
                    case '\r': Json.Append("\\r"); break;
                    case '\t': Json.Append("\\t"); break;
                    case < ' ': Json.Append($"\\u{(int)letter:x4}"); break;
                    case > '~' when escapesNonAscii && letter != '\x7f': Json.Append($"\\u{(int)letter:x4}"); break;
                    default: Json.Append(letter); break;
                }
            }

            Json.Append('"');
        }
    }
}
