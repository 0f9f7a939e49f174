namespace Lauter.Retrieval.Bm25;

/// <summary>The two constants of BM25.</summary>
public sealed record Bm25Parameters
{
    /// <summary>How soon repeated terms stop counting: 0 and more, default 1.2.</summary>
    public double K1 { get; init; } = 1.2;

    /// <summary>How strongly long passages are held back: 0 to 1, default 0.75.</summary>
    public double B { get; init; } = 0.75;
}
