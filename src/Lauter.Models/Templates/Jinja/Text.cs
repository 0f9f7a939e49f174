using System.Text;

namespace Lauter.Models.Templates.Jinja;

/// <summary>Where characters come from and what they are for.</summary>
[Flags]
internal enum Mark : byte
{
    /// <summary>Written by the template's author.</summary>
    Template = 0,

    /// <summary>Came in with a value: never to be parsed for special tokens.</summary>
    Data = 1,

    /// <summary>Came in as the content of an assistant's message.</summary>
    Assistant = 2,

    /// <summary>Put out inside a <c>generation</c> block.</summary>
    Generation = 4,
}

/// <summary>A text whose every UTF-16 unit knows where it came from. Equality looks at the characters only.</summary>
internal sealed class Text(string value, Mark[]? marks = null) : IEquatable<Text>
{
    public static readonly Text Empty = new("");

    public string Value { get; } = value;

    /// <summary>One mark for each unit, or null when the whole text is the template's.</summary>
    public Mark[]? Marks { get; } = marks;

    public int Length => Value.Length;

    public static Text From(string value, Mark mark)
    {
        if (mark == Mark.Template || value.Length == 0)
        {
            return new Text(value);
        }

        var marks = new Mark[value.Length];
        Array.Fill(marks, mark);
        return new Text(value, marks);
    }

    /// <summary>All marks that occur, joined.</summary>
    public Mark Any()
    {
        var any = Mark.Template;
        foreach (var mark in Marks ?? [])
        {
            any |= mark;
        }

        return any;
    }

    public Text Slice(int start, int length) => length <= 0 ? Empty
        : length == Length ? this
        : new Text(Value.Substring(start, length), Marks?[start..(start + length)]);

    public Text Slice(int start) => Slice(start, Length - start);

    public Text Plus(Text other)
    {
        if (Length == 0 || other.Length == 0)
        {
            return Length == 0 ? other : this;
        }

        return new TextBuilder().Append(this).Append(other).ToText();
    }

    /// <summary>A changed spelling: marks stay in place when the length does, else the result takes all marks that occurred.</summary>
    public Text Respelled(string changed) => Marks is null ? new Text(changed)
        : changed.Length == Length ? new Text(changed, Marks)
        : From(changed, Any());

    public Text StripStart(Func<int, bool> strips)
    {
        var start = 0;
        while (start < Length && strips(CodeAt(start)))
        {
            start += char.IsHighSurrogate(Value[start]) && start + 1 < Length ? 2 : 1;
        }

        return Slice(start);
    }

    public Text StripEnd(Func<int, bool> strips)
    {
        var end = Length;
        while (end > 0)
        {
            var at = end > 1 && char.IsLowSurrogate(Value[end - 1]) && char.IsHighSurrogate(Value[end - 2]) ? end - 2 : end - 1;
            if (!strips(CodeAt(at)))
            {
                break;
            }

            end = at;
        }

        return Slice(0, end);
    }

    /// <summary>The text cut into its code points.</summary>
    public IEnumerable<Text> CodePoints()
    {
        for (var i = 0; i < Length;)
        {
            var width = char.IsHighSurrogate(Value[i]) && i + 1 < Length && char.IsLowSurrogate(Value[i + 1]) ? 2 : 1;
            yield return Slice(i, width);
            i += width;
        }
    }

    public int CodePointCount()
    {
        var count = Length;
        for (var i = 1; i < Length; i++)
        {
            count -= char.IsLowSurrogate(Value[i]) && char.IsHighSurrogate(Value[i - 1]) ? 1 : 0;
        }

        return count;
    }

    public bool Equals(Text? other) => other is not null && string.Equals(Value, other.Value, StringComparison.Ordinal);

    public override bool Equals(object? obj) => Equals(obj as Text);

    public override int GetHashCode() => StringComparer.Ordinal.GetHashCode(Value);

    public override string ToString() => Value;

    private int CodeAt(int at) => char.IsHighSurrogate(Value[at]) && at + 1 < Length && char.IsLowSurrogate(Value[at + 1])
        ? char.ConvertToUtf32(Value[at], Value[at + 1])
        : Value[at];
}

/// <summary>Collects texts with their marks.</summary>
internal sealed class TextBuilder
{
    private readonly StringBuilder _text = new();
    private List<Mark>? _marks;

    public int Length => _text.Length;

    public TextBuilder Append(Text text, Mark added = Mark.Template)
    {
        if (text.Marks is null && added == Mark.Template)
        {
            return Append(text.Value);
        }

        StartMarks();
        _text.Append(text.Value);
        for (var i = 0; i < text.Length; i++)
        {
            _marks!.Add((text.Marks?[i] ?? Mark.Template) | added);
        }

        return this;
    }

    public TextBuilder Append(string text)
    {
        _text.Append(text);
        Pad();
        return this;
    }

    public Text ToText() => new(_text.ToString(), _marks?.ToArray());

    private void StartMarks()
    {
        if (_marks is null)
        {
            _marks = [];
            Pad();
        }
    }

    private void Pad()
    {
        if (_marks is not null)
        {
            while (_marks.Count < _text.Length)
            {
                _marks.Add(Mark.Template);
            }
        }
    }
}
