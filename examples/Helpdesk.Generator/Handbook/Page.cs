using Helpdesk.Generator.Text;

namespace Helpdesk.Generator.Handbook;

/// <summary>A piece of a handbook page, independent of the file format it is written in.</summary>
internal abstract record Block;

internal sealed record Heading(int Level, string Text) : Block;

internal sealed record Paragraph(string Text) : Block;

/// <summary>A list entry; <paramref name="Number"/> is null in a list of dots.</summary>
internal sealed record Entry(string Text, int? Number) : Block;

/// <summary>A table; the first row is its header.</summary>
internal sealed record Table(IReadOnlyList<IReadOnlyList<string>> Rows) : Block;

/// <summary>One handbook document: where it goes, its blocks, its dirt (flags) and what was planted in it.</summary>
internal sealed record Page(string Path, string Language, IReadOnlyList<string> Flags, IReadOnlyList<Block> Blocks, IReadOnlyList<Planted> Planted)
{
    public string Title => Blocks.OfType<Heading>().First().Text;

    public string Format => System.IO.Path.GetExtension(Path)[1..];

    public bool Has(string flag) => Flags.Contains(flag, StringComparer.Ordinal);

    /// <summary>The path of the page this one nearly repeats.</summary>
    public string? CopyOf { get; init; }
}
