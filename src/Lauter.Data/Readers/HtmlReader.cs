using System.Text;
using System.Text.RegularExpressions;
using AngleSharp.Dom;
using AngleSharp.Html.Dom;
using AngleSharp.Html.Parser;

namespace Lauter.Data.Readers;

/// <summary>
/// HTML → blocks. Menus, cookie notices, page headers and footers are recognised by element, role and class names, and marked, not lost.
/// No script runs and nothing is fetched.
/// </summary>
internal static partial class HtmlReader
{
    private static readonly HashSet<string> Skipped = new(StringComparer.Ordinal)
        { "script", "style", "noscript", "template", "head", "svg", "math", "iframe", "object", "canvas", "select", "input", "textarea", "audio", "video", "link", "meta" };

    private static readonly HashSet<string> BlockElements = new(StringComparer.Ordinal)
    {
        "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "dialog", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer",
        "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hgroup", "hr", "html", "li", "main", "nav", "ol", "p", "pre", "section", "summary", "table", "ul", "menu",
    };

    public static void Read(ReadContext context, DocumentBuilder builder, string html)
    {
        context.CheckTime();
        var document = new HtmlParser(new HtmlParserOptions { IsKeepingSourceReferences = true, IsScripting = false }).ParseDocument(html);
        builder.Title = document.Title is { Length: > 0 } title ? title : null;
        if (document.Body is { } body)
        {
            var main = body.QuerySelector("main, [role=main]") ?? (body.QuerySelectorAll("article") is { Length: 1 } articles ? articles[0] : null);
            var walker = new Walker(context, builder, main);
            walker.Block(body, navigation: false, depth: 0);
            walker.Flush(false);
        }
    }

    /// <summary>A piece of HTML inside Markdown or mail.</summary>
    public static void ReadFragment(ReadContext context, DocumentBuilder builder, string html, int start, int length)
    {
        var document = new HtmlParser().ParseDocument(html);
        if (document.Body is { } body)
        {
            var walker = new Walker(context, builder, null) { FixedSpan = (start, length) };
            walker.Block(body, navigation: false, depth: 0);
            walker.Flush(false);
        }
    }

    /// <summary>The charset that the page names wins over guessing, unless the bytes are not valid in it.</summary>
    public static string Decode(ReadOnlyMemory<byte> bytes)
    {
        var head = Encoding.Latin1.GetString(bytes.Span[..Math.Min(2048, bytes.Length)]);
        var guessed = EncodingDetector.Decode(bytes);
        if (guessed.Encoding.StartsWith("utf", StringComparison.Ordinal) || Charset().Match(head) is not { Success: true } match)
        {
            return guessed.Text;
        }

        var name = match.Groups[1].Value.ToLowerInvariant() is "gb2312" or "gbk" ? "gb18030" : match.Groups[1].Value;
        try
        {
            var encoding = CodePagesEncodingProvider.Instance.GetEncoding(name) ?? Encoding.GetEncoding(name);
            return encoding is UTF8Encoding ? guessed.Text : encoding.GetString(bytes.Span);
        }
        catch (ArgumentException)
        {
            // A charset that does not exist: the guess stands.
            return guessed.Text;
        }
    }

    private static bool IsNavigation(IElement element, IElement? main)
    {
        var name = element.LocalName;
        if (name is "nav" or "aside" || element.GetAttribute("role") is "navigation" or "banner" or "contentinfo" or "search" or "complementary" or "dialog" or "alertdialog")
        {
            return true;
        }

        if (name is "footer" or "header")
        {
            // Inside the content they are a section's own head or foot, with a heading worth keeping.
            return element.ParentElement is null or { LocalName: "body" } || (main is null ? name == "footer" && Closest(element, "article") is null : !main.Contains(element));
        }

        if (name is "body" or "html" or "main" or "article" || (main is not null && element.Contains(main)))
        {
            return false;
        }

        var marks = $"{element.Id} {element.ClassName}";
        return marks.Length > 1 && NavigationWords().IsMatch(marks);
    }

    private static IElement? Closest(IElement element, string name)
    {
        for (var e = element.ParentElement; e is not null; e = e.ParentElement)
        {
            if (e.LocalName == name)
            {
                return e;
            }
        }

        return null;
    }

    private static bool IsHidden(IElement element) =>
        element.HasAttribute("hidden") || string.Equals(element.GetAttribute("aria-hidden"), "true", StringComparison.OrdinalIgnoreCase)
        || (element.GetAttribute("style") is { } style && HiddenStyle().IsMatch(style));

    [GeneratedRegex(@"charset\s*=\s*[""']?\s*([A-Za-z0-9_\-]+)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Charset();

    [GeneratedRegex(@"display\s*:\s*none|visibility\s*:\s*hidden", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex HiddenStyle();

    [GeneratedRegex(
        @"(?:^|[\s_\-])(?:cookies?|consent|gdpr|breadcrumbs?|sidebar|side-?nav|nav|navbar|navigation|menu|topbar|top-?nav|masthead|site-?header|page-?header|footer|site-?footer|newsletter|subscribe|share|social|skip-?(?:link|to-?content|nav)|pagination|pager|advert|ads|banner|popup|modal|toc-?nav|related)(?:$|[\s_\-])",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex NavigationWords();

    /// <summary>Walks the tree, collecting inline text until a block element ends it.</summary>
    private sealed class Walker(ReadContext context, DocumentBuilder builder, IElement? main)
    {
        private readonly StringBuilder _inline = new();
        private int _start = -1;

        public (int Start, int Length)? FixedSpan { get; init; }

        public void Block(INode node, bool navigation, int depth)
        {
            if (depth > context.Limits.MaximumElementDepth)
            {
                return;
            }

            foreach (var child in node.ChildNodes)
            {
                switch (child)
                {
                    case IText text:
                        Append(text.Data);
                        break;
                    case IElement element when Skipped.Contains(element.LocalName) || IsHidden(element):
                        break;
                    case IElement element:
                        Element(element, navigation || IsNavigation(element, main), depth);
                        break;
                }
            }
        }

        private void Element(IElement element, bool navigation, int depth)
        {
            var name = element.LocalName;
            switch (name)
            {
                case "br":
                    _inline.Append('\n');
                    return;
                case "img":
                    Append(element.GetAttribute("alt") ?? "");
                    return;
                case "ul" or "ol" or "menu" or "dl":
                    Flush(navigation);
                    Mark(element);
                    List(element, 0, navigation, depth);
                    builder.EndList();
                    return;
                case "table":
                    Flush(navigation);
                    Mark(element);
                    Table(element, navigation, depth);
                    return;
                case "pre":
                    Flush(navigation);
                    Mark(element);
                    builder.Code(element.TextContent, LanguageOf(element), Span(element).Start, Span(element).Length);
                    _start = -1;
                    return;
                case ['h', >= '1' and <= '6']:
                    Flush(navigation);
                    var span = Span(element);
                    builder.Heading(name[1] - '0', Inline(element, depth), span.Start, span.Length, navigation);
                    return;
                case "a" when _inline.Length > 0 && !char.IsWhiteSpace(_inline[^1]) && navigation:
                    _inline.Append(' ');
                    break;
            }

            var isBlock = BlockElements.Contains(name);
            if (isBlock)
            {
                Flush(navigation && depth > 0 && IsInNavigation(element.ParentElement));
                Mark(element);
            }

            Block(element, navigation, depth + 1);
            if (isBlock)
            {
                Flush(navigation);
            }
        }

        public void Flush(bool navigation)
        {
            var text = Collapse(_inline.ToString());
            _inline.Clear();
            if (text.Length > 0)
            {
                var start = FixedSpan?.Start ?? Math.Max(0, _start);
                builder.Paragraph(text, start, FixedSpan?.Length ?? 0, navigation);
            }

            _start = -1;
        }

        private bool IsInNavigation(IElement? element)
        {
            for (var e = element; e is not null; e = e.ParentElement)
            {
                if (IsNavigation(e, main))
                {
                    return true;
                }
            }

            return false;
        }

        private void List(IElement list, int level, bool navigation, int depth)
        {
            if (depth > context.Limits.MaximumElementDepth)
            {
                return;
            }

            var number = int.TryParse(list.GetAttribute("start"), out var first) ? first : 1;
            foreach (var item in list.Children)
            {
                if (item.LocalName is "ul" or "ol")
                {
                    List(item, level + 1, navigation, depth + 1);
                    continue;
                }

                if (Skipped.Contains(item.LocalName) || IsHidden(item))
                {
                    continue;
                }

                var marker = list.LocalName == "ol" ? $"{number++}." : "-";
                var span = Span(item);
                builder.ListItem(level + (item.LocalName == "dd" ? 1 : 0), marker, Inline(item, depth + 1, stopAtLists: true), span.Start, span.Length, navigation);
                Nested(item, level, navigation, depth + 1);
            }
        }

        /// <summary>Lists, tables and code inside an item, wherever they hide.</summary>
        private void Nested(IElement parent, int level, bool navigation, int depth)
        {
            foreach (var child in parent.Children)
            {
                if (child.LocalName is "ul" or "ol" or "dl")
                {
                    List(child, level + 1, navigation, depth + 1);
                }
                else if (child.LocalName == "table")
                {
                    Table(child, navigation, depth + 1);
                }
                else if (child.LocalName == "pre")
                {
                    builder.Code(child.TextContent, LanguageOf(child));
                }
                else if (!Skipped.Contains(child.LocalName))
                {
                    Nested(child, level, navigation, depth + 1);
                }
            }
        }

        private void Table(IElement table, bool navigation, int depth)
        {
            var rows = new List<List<string>>();
            var pending = new Dictionary<(int Row, int Column), string>();
            foreach (var row in RowsOf(table))
            {
                context.CheckTime();
                var cells = new List<string>();
                foreach (var cell in row.Children.Where(c => c.LocalName is "td" or "th"))
                {
                    Fill(cells, pending, rows.Count);
                    var text = Inline(cell, depth + 1);
                    var columns = Math.Clamp(int.TryParse(cell.GetAttribute("colspan"), out var c) ? c : 1, 1, 100);
                    var down = Math.Clamp(int.TryParse(cell.GetAttribute("rowspan"), out var r) ? r : 1, 1, 1000);
                    for (var i = 0; i < columns; i++)
                    {
                        for (var k = 1; k < down; k++)
                        {
                            pending[(rows.Count + k, cells.Count)] = text;
                        }

                        cells.Add(text);
                    }
                }

                Fill(cells, pending, rows.Count);
                rows.Add(cells);
            }

            if (table.Children.FirstOrDefault(c => c.LocalName == "caption") is { } caption)
            {
                builder.Paragraph(Inline(caption, depth + 1), Span(caption).Start, Span(caption).Length, navigation);
            }

            var span = Span(table);
            if (rows.Count > 0 && rows.Max(r => r.Count) == 1)
            {
                // A one-column table is layout, not data.
                foreach (var row in rows.Where(r => r.Count > 0))
                {
                    builder.Paragraph(row[0], span.Start, span.Length, navigation);
                }

                return;
            }

            builder.Table(rows, span.Start, span.Length, navigation);
        }

        private static void Fill(List<string> cells, Dictionary<(int, int), string> pending, int row)
        {
            while (pending.Remove((row, cells.Count), out var text))
            {
                cells.Add(text);
            }
        }

        private static IEnumerable<IElement> RowsOf(IElement table) =>
            table.Children.SelectMany(c => c.LocalName == "tr" ? [c] : c.LocalName is "thead" or "tbody" or "tfoot" ? c.Children.Where(r => r.LocalName == "tr") : (IEnumerable<IElement>)[]);

        private string Inline(IElement element, int depth, bool stopAtLists = false)
        {
            var text = new StringBuilder();
            InlineInto(text, element, depth, stopAtLists);
            return Collapse(text.ToString());
        }

        private void InlineInto(StringBuilder text, INode node, int depth, bool stopAtLists)
        {
            if (depth > context.Limits.MaximumElementDepth)
            {
                return;
            }

            foreach (var child in node.ChildNodes)
            {
                switch (child)
                {
                    case IText t:
                        text.Append(t.Data.Replace('\n', ' ').Replace('\r', ' '));
                        break;
                    case IElement e when Skipped.Contains(e.LocalName) || IsHidden(e) || (stopAtLists && e.LocalName is "ul" or "ol" or "dl" or "table" or "pre"):
                        break;
                    case IElement { LocalName: "br" }:
                        text.Append('\n');
                        break;
                    case IElement { LocalName: "img" } image:
                        text.Append(image.GetAttribute("alt"));
                        break;
                    case IElement e:
                        var block = BlockElements.Contains(e.LocalName) || e.LocalName is "td" or "th" or "tr";
                        if (block)
                        {
                            text.Append('\n');
                        }

                        InlineInto(text, e, depth + 1, stopAtLists);
                        if (block)
                        {
                            text.Append('\n');
                        }

                        break;
                }
            }
        }

        private void Append(string text)
        {
            _inline.Append(text.Replace('\n', ' ').Replace('\r', ' '));
        }

        private void Mark(IElement element) => _start = Span(element).Start;

        private (int Start, int Length) Span(IElement element) =>
            FixedSpan ?? (Math.Max(0, (element.SourceReference?.Position.Position ?? 1) - 1), 0);

        /// <summary>Blanks collapse; a line break stays one; blank lines go.</summary>
        private static string Collapse(string text)
        {
            var lines = text.Split('\n').Select(DocumentBuilder.OneLine).Where(l => l.Length > 0);
            return string.Join('\n', lines);
        }

        private static string LanguageOf(IElement pre) =>
            (pre.ClassName + " " + pre.QuerySelector("code")?.ClassName).Split(' ').FirstOrDefault(c => c.StartsWith("language-", StringComparison.Ordinal))?["language-".Length..] ?? "";
    }
}
