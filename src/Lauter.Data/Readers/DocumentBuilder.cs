using System.Text;

namespace Lauter.Data.Readers;

/// <summary>Collects blocks in reading order. Empty ones are left out; neighbouring list items and code lines become one block.</summary>
internal sealed class DocumentBuilder(ReadContext context)
{
    private readonly List<DocumentBlock> _blocks = [];
    private readonly List<string> _items = [];
    private int _itemStart;
    private int _itemEnd;
    private bool _itemNavigation;

    /// <summary>Title from metadata.</summary>
    public string? Title { get; set; }

    /// <summary>Page, slide or sheet of what is added next.</summary>
    public int Page
    {
        get;
        set
        {
            EndList();
            field = value;
        }
    }

    public bool IsEmpty => _blocks.Count == 0 && _items.Count == 0;

    public void Heading(int level, string text, int start = 0, int length = 0, bool navigation = false)
    {
        var line = OneLine(text);
        if (line.Length == 0)
        {
            return;
        }

        level = Math.Clamp(level, 1, 6);
        Add(navigation ? BlockKinds.Navigation : BlockKinds.Heading, level, $"{new string('#', level)} {line}", start, length);
    }

    public void Paragraph(string text, int start = 0, int length = 0, bool navigation = false) =>
        Add(navigation ? BlockKinds.Navigation : BlockKinds.Paragraph, 0, Trim(text), start, length);

    /// <param name="level">Nesting from 0.</param>
    /// <param name="marker"><c>-</c>, <c>1.</c> …</param>
    /// <param name="text">The item.</param>
    /// <param name="start">Position in the source.</param>
    /// <param name="length">Length in the source.</param>
    /// <param name="navigation">Part of a menu.</param>
    public void ListItem(int level, string marker, string text, int start = 0, int length = 0, bool navigation = false)
    {
        if (text.AsSpan().IsWhiteSpace())
        {
            return;
        }

        if (_items.Count > 0 && _itemNavigation != navigation)
        {
            EndList();
        }

        if (_items.Count == 0)
        {
            (_itemStart, _itemNavigation) = (start, navigation);
        }

        var indent = new string(' ', Math.Min(level, 8) * 2);
        _items.Add($"{indent}{marker} {Trim(text).Replace("\n", "\n" + indent + "  ", StringComparison.Ordinal)}");
        _itemEnd = start + length;
    }

    public void Code(string text, string language = "", int start = 0, int length = 0)
    {
        var code = text.Trim('\r', '\n').TrimEnd();
        if (code.Length > 0)
        {
            Add(BlockKinds.Code, 0, $"```{language}\n{code}\n```", start, length);
        }
    }

    public void Table(IReadOnlyList<IReadOnlyList<string>> rows, int start = 0, int length = 0, bool navigation = false)
    {
        var text = MarkdownTable.Render(rows);
        Add(navigation ? BlockKinds.Navigation : BlockKinds.Table, 0, text, start, length);
    }

    public SourceDocument? Build(string path, string format)
    {
        EndList();
        if (_blocks.Count == 0)
        {
            return null;
        }

        var heading = _blocks.FirstOrDefault(b => b.Kind == BlockKinds.Heading)?.Text.TrimStart('#', ' ');
        var title = !string.IsNullOrWhiteSpace(Title) ? OneLine(Title) : heading ?? System.IO.Path.GetFileNameWithoutExtension(path[(path.LastIndexOf('!') + 1)..]);
        return new SourceDocument(path, title, format, [.. _blocks]);
    }

    /// <summary>Ends a list, so that the next item starts a new one.</summary>
    public void EndList()
    {
        if (_items.Count == 0)
        {
            return;
        }

        var text = string.Join('\n', _items);
        _items.Clear();
        Add(_itemNavigation ? BlockKinds.Navigation : BlockKinds.List, 0, text, _itemStart, Math.Max(0, _itemEnd - _itemStart));
    }

    internal static string OneLine(string text)
    {
        var builder = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            if (!IsBlank(c))
            {
                builder.Append(c);
            }
            else if (builder.Length > 0 && builder[^1] != ' ')
            {
                builder.Append(' ');
            }
        }

        return builder.ToString().TrimEnd(' ');
    }

    /// <summary>
    /// White space, but not U+0085 and U+00A0: in text of a wrongly chosen encoding they stand for bytes, and the repair that comes later needs them.
    /// </summary>
    private static bool IsBlank(char c) => char.IsWhiteSpace(c) && c is not ('\u0085' or '\u00A0');

    private static string Trim(string text)
    {
        var (start, end) = (0, text.Length);
        while (start < end && IsBlank(text[start]))
        {
            start++;
        }

        while (end > start && IsBlank(text[end - 1]))
        {
            end--;
        }

        return text[start..end];
    }

    private void Add(string kind, int level, string text, int start, int length)
    {
        EndList();
        if (text.AsSpan().IsWhiteSpace())
        {
            return;
        }

        context.CheckTime();
        context.Count(text.Length);
        _blocks.Add(new DocumentBlock(kind, level, text, Page, start, length));
    }
}
