using Lauter.Retrieval.Bm25;
using Lauter.Retrieval.Chunks;
using Lauter.Retrieval.Fusion;

namespace Lauter.Retrieval;

/// <summary>Everything that decides the content of an index; part of its step key.</summary>
public sealed record IndexOptions
{
    /// <summary>Sizes of passages.</summary>
    public ChunkOptions Chunks { get; init; } = new();

    /// <summary>Constants of BM25.</summary>
    public Bm25Parameters Bm25 { get; init; } = new();

    /// <summary>Weights of the two rankings.</summary>
    public FusionOptions Fusion { get; init; } = new();
}

/// <summary>Progress of building an index.</summary>
/// <param name="Stage"><c>chunks</c>, <c>terms</c> or <c>vectors</c>.</param>
/// <param name="Done">Documents or chunks done.</param>
/// <param name="Total">How many there are; 0 while unknown.</param>
public sealed record IndexProgress(string Stage, int Done, int Total);

/// <summary>What an index holds.</summary>
public sealed record IndexReport
{
    /// <summary>Documents read.</summary>
    public required int Documents { get; init; }

    /// <summary>Documents without any text to index.</summary>
    public required int EmptyDocuments { get; init; }

    /// <summary>Passages indexed.</summary>
    public required int Chunks { get; init; }

    /// <summary>Passages by language tag, in order of the tag.</summary>
    public required IReadOnlyDictionary<string, int> ChunksByLanguage { get; init; }

    /// <summary>Different terms.</summary>
    public required int Terms { get; init; }

    /// <summary>Pairs of term and passage.</summary>
    public required long Postings { get; init; }

    /// <summary>Name of the embedder.</summary>
    public required string Embedder { get; init; }

    /// <summary>Numbers in one vector.</summary>
    public required int Dimensions { get; init; }

    /// <summary>Size of all files together.</summary>
    public required long Bytes { get; init; }
}

/// <summary>Which rankings a search uses.</summary>
public enum SearchLegs
{
    /// <summary>Both, fused.</summary>
    Fused,

    /// <summary>BM25 only.</summary>
    Lexical,

    /// <summary>Vectors only.</summary>
    Vectors,
}

/// <summary>One passage found.</summary>
/// <param name="ChunkId">Id of the passage.</param>
/// <param name="DocumentId">Id of the document row.</param>
/// <param name="Path">Source file relative to the project.</param>
/// <param name="Title">Title of the document.</param>
/// <param name="HeadingPath">Headings above the passage, outermost first.</param>
/// <param name="Text">The passage.</param>
/// <param name="Start">Its first UTF-16 unit in the document's text.</param>
/// <param name="Length">Its length there.</param>
/// <param name="Page">Page from 1; 0 without pages.</param>
/// <param name="Score">The fused score, or the score of the only ranking used: comparable within one search only.</param>
/// <param name="Bm25Rank">Rank by BM25 from 1; null when not among its candidates.</param>
/// <param name="VectorRank">Rank by vectors from 1; null when not among its candidates or vectors were not used.</param>
public sealed record Hit(
    string ChunkId, string DocumentId, string Path, string Title, string HeadingPath, string Text, int Start, int Length, int Page,
    double Score, int? Bm25Rank, int? VectorRank);
