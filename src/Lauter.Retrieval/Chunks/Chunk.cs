namespace Lauter.Retrieval.Chunks;

/// <summary>One passage of a document, small enough to embed and to quote, with the place it was taken from.</summary>
public sealed record Chunk
{
    /// <summary>Document id, <c>#</c>, and the chunk's number in the document from 0.</summary>
    public required string Id { get; init; }

    /// <summary>Id of the document row.</summary>
    public required string DocumentId { get; init; }

    /// <summary>Source file relative to the project.</summary>
    public required string Path { get; init; }

    /// <summary>Title of the document.</summary>
    public required string Title { get; init; }

    /// <summary>The headings above the passage, outermost first, joined by <c> › </c>; empty above the first heading.</summary>
    public required string HeadingPath { get; init; }

    /// <summary>The passage. Equal to the document's text at <see cref="Start"/>, except that a later part of a table repeats the table's header.</summary>
    public required string Text { get; init; }

    /// <summary>First UTF-16 unit of the passage in the document's text.</summary>
    public required int Start { get; init; }

    /// <summary>Length of the passage in the document's text, in UTF-16 units; a repeated table header is not counted.</summary>
    public required int Length { get; init; }

    /// <summary>Page in the source from 1; 0 when the format has no pages.</summary>
    public required int Page { get; init; }

    /// <summary><c>en</c>, <c>zh</c> or <c>und</c>: the language of the document.</summary>
    public required string Language { get; init; }

    /// <summary>What is searched: title and headings before the passage, so that a passage found alone still says what it is about.</summary>
    public string SearchText()
    {
        var lead = HeadingPath.Length == 0 ? Title
            : HeadingPath.StartsWith(Title, StringComparison.Ordinal) ? HeadingPath
            : Title + " › " + HeadingPath;
        return lead + "\n" + Text;
    }
}
