using System.Text;
using Lauter.Data.Text;
using Markdig;
using Markdig.Extensions.Tables;
using Markdig.Extensions.Yaml;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;

namespace Lauter.Data.Readers;

/// <summary>Markdown (CommonMark with tables and front matter) → blocks with source spans; marks of emphasis and links are taken out.</summary>
internal static class MarkdownReader
{
    private static readonly MarkdownPipeline Pipeline = new MarkdownPipelineBuilder().UsePipeTables().UseGridTables().UseYamlFrontMatter().UsePreciseSourceLocation().Build();

    public static void Read(ReadContext context, DocumentBuilder builder, string text)
    {
        foreach (var block in Markdown.Parse(text, Pipeline))
        {
            Walk(context, builder, block, text, depth: 0);
        }
    }

    private static void Walk(ReadContext context, DocumentBuilder builder, Block block, string source, int depth)
    {
        if (depth > context.Limits.MaximumElementDepth)
        {
            return;
        }

        var (start, length) = (Math.Max(0, block.Span.Start), Math.Max(0, block.Span.Length));
        switch (block)
        {
            case YamlFrontMatterBlock front:
                builder.Title = TitleOf(front.Lines.ToString());
                break;
            case HeadingBlock heading:
                builder.Heading(heading.Level, Plain(heading.Inline), start, length);
                break;
            case ListBlock list:
                WalkList(builder, list, level: 0);
                builder.EndList();
                break;
            case Table table:
                builder.Table([.. table.OfType<TableRow>().Select(row => (IReadOnlyList<string>)[.. row.OfType<TableCell>().Select(PlainOf)])], start, length);
                break;
            case FencedCodeBlock code:
                builder.Code(code.Lines.ToString(), code.Info ?? "", start, length);
                break;
            case CodeBlock code:
                builder.Code(code.Lines.ToString(), "", start, length);
                break;
            case HtmlBlock html:
                HtmlReader.ReadFragment(context, builder, html.Lines.ToString(), start, length);
                break;
            case LinkReferenceDefinitionGroup:
                break;
            case LeafBlock leaf:
                builder.Paragraph(Plain(leaf.Inline), start, length);
                break;
            case ContainerBlock container:
                foreach (var child in container)
                {
                    Walk(context, builder, child, source, depth + 1);
                }

                break;
        }
    }

    private static void WalkList(DocumentBuilder builder, ListBlock list, int level)
    {
        var number = int.TryParse(list.OrderedStart, out var first) ? first : 1;
        foreach (var item in list.OfType<ListItemBlock>())
        {
            var own = string.Join('\n', item.Where(b => b is not ListBlock).Select(PlainOf).Where(t => t.Length > 0));
            builder.ListItem(level, list.IsOrdered ? $"{number++}." : "-", own, Math.Max(0, item.Span.Start), Math.Max(0, item.Span.Length));
            foreach (var nested in item.OfType<ListBlock>())
            {
                WalkList(builder, nested, level + 1);
            }
        }
    }

    private static string PlainOf(Block block) => block switch
    {
        CodeBlock code => code.Lines.ToString(),
        LeafBlock leaf => leaf.Inline is null ? leaf.Lines.ToString() : Plain(leaf.Inline),
        ContainerBlock container => string.Join('\n', container.Select(PlainOf).Where(t => t.Length > 0)),
        _ => "",
    };

    private static string Plain(ContainerInline? inline)
    {
        var builder = new StringBuilder();
        Append(builder, inline);
        return builder.ToString().Trim();
    }

    private static void Append(StringBuilder builder, Inline? inline)
    {
        switch (inline)
        {
            case LiteralInline literal:
                builder.Append(literal.Content.AsSpan());
                break;
            case CodeInline code:
                builder.Append(code.Content);
                break;
            case LineBreakInline:
                builder.Append('\n');
                break;
            case HtmlEntityInline entity:
                builder.Append(entity.Transcoded.AsSpan());
                break;
            case AutolinkInline link:
                builder.Append(link.Url);
                break;
            case ContainerInline container:
                foreach (var child in container)
                {
                    Append(builder, child);
                }

                break;
        }
    }

    private static string? TitleOf(string frontMatter) =>
        frontMatter.Split('\n').FirstOrDefault(l => l.StartsWith("title:", StringComparison.OrdinalIgnoreCase))?["title:".Length..].Trim().Trim('"', '\'');
}
