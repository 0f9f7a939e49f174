namespace Lauter.Data.Readers;

/// <summary>Kinds of blocks, as they stand in the JSON of a document's blocks.</summary>
public static class BlockKinds
{
    /// <summary>A heading; the text begins with as many <c>#</c> as its level, 1 to 6, and a blank.</summary>
    public const string Heading = "heading";

    /// <summary>Running text.</summary>
    public const string Paragraph = "paragraph";

    /// <summary>A whole list, one item a line, nested by two blanks.</summary>
    public const string List = "list";

    /// <summary>A Markdown table; text of merged cells is repeated in each of them.</summary>
    public const string Table = "table";

    /// <summary>A fenced code block.</summary>
    public const string Code = "code";

    /// <summary>Menus, cookie notices, page headers and footers: kept when reading, left out by <c>remove_navigation</c>.</summary>
    public const string Navigation = "navigation";
}

/// <summary>One block of a document.</summary>
/// <param name="Kind">One of <see cref="BlockKinds"/>.</param>
/// <param name="Level">Level of a heading from 1, otherwise 0.</param>
/// <param name="Text">Its Markdown.</param>
/// <param name="Page">Page, slide or sheet from 1, 0 where the format has none.</param>
/// <param name="SourceStart">Where it starts in the decoded source text (md, txt, html, csv), in the document's main part by paragraph (docx), else 0.</param>
/// <param name="SourceLength">Its length there, 0 when unknown.</param>
public sealed record DocumentBlock(string Kind, int Level, string Text, int Page, int SourceStart, int SourceLength);

/// <summary>One document as read, before cleaning.</summary>
/// <param name="Path">Source; <c>outer.eml!inner.pdf</c> for a part of a container.</param>
/// <param name="Title">Title from metadata, else first heading, else file name.</param>
/// <param name="Format"><c>docx</c>, <c>pdf</c> …</param>
/// <param name="Blocks">In reading order; none is empty.</param>
public sealed record SourceDocument(string Path, string Title, string Format, IReadOnlyList<DocumentBlock> Blocks)
{
    /// <summary>The blocks, separated by blank lines.</summary>
    public string ToMarkdown() => string.Join("\n\n", Blocks.Select(b => b.Text));

    /// <summary>The blocks without Markdown's marks: headings without number signs, table cells between tabs, code without fences.</summary>
    public string ToText() => string.Join("\n\n", Blocks.Select(Plain));

    private static string Plain(DocumentBlock block) => block.Kind switch
    {
        BlockKinds.Heading => block.Text.TrimStart('#').TrimStart(),
        BlockKinds.Table => string.Join('\n', block.Text.Split('\n').Where(l => l.AsSpan().ContainsAnyExcept(" |-:")).Select(l => string.Join('\t', l.Trim().Trim('|').Split('|').Select(c => c.Trim())))),
        BlockKinds.Code => string.Join('\n', block.Text.Split('\n').Where(l => !l.StartsWith("```", StringComparison.Ordinal))),
        _ => block.Text,
    };
}

/// <summary>What came of one source file: documents, and rejects for the file or parts of it. At least one of the two is not empty.</summary>
public sealed record ReadResult(IReadOnlyList<SourceDocument> Documents, IReadOnlyList<Export.RejectRow> Rejects)
{
    /// <summary>All documents as Markdown; with several, each under a comment that names its part.</summary>
    public string ToMarkdown() =>
        Documents.Count == 1 ? Documents[0].ToMarkdown() : string.Join("\n\n", Documents.Select(d => $"<!-- {d.Path} -->\n\n{d.ToMarkdown()}"));
}
