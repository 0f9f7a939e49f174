namespace Lauter.Data.Export;

/// <summary>Names of the parts of a split, as they stand in the column <c>split</c>.</summary>
public static class SplitNames
{
    /// <summary>Rows that training may see.</summary>
    public const string Train = "train";

    /// <summary>Rows that choose the checkpoint.</summary>
    public const string Validation = "validation";

    /// <summary>Rows that only evaluation sees.</summary>
    public const string Test = "test";
}

/// <summary>One row of a dataset of kind <c>documents</c> (Parquet columns are the snake_case names of the members).</summary>
public sealed record DocumentRow
{
    /// <summary>First 16 hexadecimal digits of SHA-256 over path and text: stable from run to run.</summary>
    public required string Id { get; init; }

    /// <summary>Source file relative to the project, forward slashes; a file inside a container reads <c>outer.eml!inner.pdf</c>.</summary>
    public required string Path { get; init; }

    /// <summary>Title from metadata, else the first heading, else the file name.</summary>
    public required string Title { get; init; }

    /// <summary><c>docx</c>, <c>pdf</c>, <c>html</c> …</summary>
    public required string Format { get; init; }

    /// <summary><c>en</c>, <c>zh</c> or <c>und</c>.</summary>
    public required string Language { get; init; }

    /// <summary>The clean text, headings as Markdown <c>#</c> lines, tables as Markdown tables.</summary>
    public required string Text { get; init; }

    /// <summary>JSON array of blocks (<c>kind</c>, <c>level</c>, <c>start</c>, <c>length</c> in <see cref="Text"/>, <c>page</c>, <c>sourceStart</c>, <c>sourceLength</c>).</summary>
    public required string Blocks { get; init; }

    /// <summary>Identifier of the cluster of near-duplicates that this row stands for.</summary>
    public required string Cluster { get; init; }

    /// <summary>How many source documents the cluster holds, this one included.</summary>
    public required int ClusterSize { get; init; }
}

/// <summary>One row of a dataset of kind <c>examples</c>.</summary>
public sealed record ExampleRow
{
    /// <summary>The row's own id when it has one, else derived from source and line.</summary>
    public required string Id { get; init; }

    /// <summary>Source file relative to the project, forward slashes.</summary>
    public required string Source { get; init; }

    /// <summary>Line in the source, from 1.</summary>
    public required int Line { get; init; }

    /// <summary>The main text of the input after cleaning: what near-duplicate search and lexical candidates read.</summary>
    public required string Text { get; init; }

    /// <summary>Canonical JSON object of the input fields, text fields cleaned.</summary>
    public required string Input { get; init; }

    /// <summary>Canonical JSON object of the output fields (the labels).</summary>
    public required string Output { get; init; }

    /// <summary><c>en</c>, <c>zh</c> or <c>und</c>.</summary>
    public required string Language { get; init; }

    /// <summary>Identifier of the near-duplicate cluster; a cluster never spans two splits.</summary>
    public required string Cluster { get; init; }

    /// <summary>How many source rows the cluster holds.</summary>
    public required int ClusterSize { get; init; }

    /// <summary>One of <see cref="SplitNames"/>.</summary>
    public required string Split { get; init; }
}

/// <summary>One dropped source file or row.</summary>
public sealed record RejectRow
{
    /// <summary>Id of the document or example when it had one.</summary>
    public required string Id { get; init; }

    /// <summary>Source file relative to the project.</summary>
    public required string Source { get; init; }

    /// <summary>Line or page in the source, 0 when not applicable.</summary>
    public required int Position { get; init; }

    /// <summary>The operator or reader that dropped it, for example <c>near_duplicate</c>.</summary>
    public required string Stage { get; init; }

    /// <summary>Short stable reason code, for example <c>duplicate_of</c>, <c>too_short</c>, <c>unreadable</c>.</summary>
    public required string Reason { get; init; }

    /// <summary>The detail for a person: the value seen, the limit, the kept twin.</summary>
    public required string Detail { get; init; }

    /// <summary>Up to 2,000 characters of the dropped text, personal data already masked.</summary>
    public required string Text { get; init; }
}
